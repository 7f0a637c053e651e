"""An independent writer of WebSocket frames: what the tests feed to the parser.

It shares no code with the package, so that both being wrong in the same way is unlikely. It
writes what it is told, also what the RFC forbids: any length form, any reserved bit, a length
that does not fit the payload. `read_frames` is its counterpart for streams that a test wants to
look at or to mask; it reads complete frames and judges nothing.

Follows RFC 6455 section 5.2 (the frame) and RFC 7692 section 7.2.1 (compression), the latter
through Python's zlib.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

LengthForm = Literal[7, 16, 64]

KEY = bytes.fromhex("37fa213d")
"""The masking key of RFC 6455's own example (section 5.7)."""

FLUSH_TAIL = bytes.fromhex("0000ffff")
"""The four bytes that the sender takes off and the receiver puts back (RFC 7692 section 7.2.1)."""


def mask(payload: bytes, key: bytes) -> bytes:
    """Exclusive-or `payload` with the repeated four-byte `key` (RFC 6455 section 5.3)."""
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return mixed.to_bytes(size, "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv1: bool = False,
    rsv2: bool = False,
    rsv3: bool = False,
    key: bytes | None = None,
    form: LengthForm | None = None,
    announced: int | None = None,
) -> bytes:
    """Write one frame.

    Args:
        opcode: 0 to 15.
        payload: the payload as the receiver should see it; it is masked if there is a `key`.
        fin: the FIN bit; `rsv1` to `rsv3` likewise.
        key: four bytes of masking key, or None for a frame without a mask.
        form: the length form in bits; None chooses the shortest.
        announced: the length to write, where it shall differ from the payload's.
    """
    length = len(payload) if announced is None else announced
    if form is None:
        form = 7 if length < 126 else 16 if length < 1 << 16 else 64
    masked = 0 if key is None else 0x80
    first = fin << 7 | rsv1 << 6 | rsv2 << 5 | rsv3 << 4 | opcode
    if form == 7:
        header = bytes([first, masked | length])
    elif form == 16:
        header = bytes([first, masked | 126]) + length.to_bytes(2, "big")
    else:
        header = bytes([first, masked | 127]) + length.to_bytes(8, "big")
    return header + payload if key is None else header + key + mask(payload, key)


def close_frame(code: int, reason: bytes = b"", *, key: bytes | None = None) -> bytes:
    """Write a Close frame with a status code (RFC 6455 section 5.5.1)."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason, key=key)


def cut(data: bytes, points: Sequence[int]) -> list[bytes]:
    """Cut `data` at the given offsets, in any order; doubled ones give empty pieces."""
    edges = [0, *sorted(points), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Cut `data` into chunks of `size` bytes, the last one shorter."""
    return (data[start : start + size] for start in range(0, len(data), size))


def fragments(
    opcode: int,
    payloads: Sequence[bytes],
    *,
    rsv1: bool = False,
    key: bytes | None = None,
    between: Sequence[bytes] = (),
) -> list[bytes]:
    """Write one message as frames, one for each payload.

    Args:
        rsv1: the bit of a compressed message, on its first frame only.
        between: whole frames; the n-th of them follows the n-th fragment.
    """
    last = len(payloads) - 1
    frames: list[bytes] = []
    for index, payload in enumerate(payloads):
        frames.append(
            frame(
                opcode if index == 0 else CONTINUATION,
                payload,
                fin=index == last,
                rsv1=rsv1 and index == 0,
                key=key,
            )
        )
        if index < last and index < len(between):
            frames.append(between[index])
    return frames


class Deflater:
    """Compresses the messages of one direction (RFC 7692 section 7.2.1).

    zlib refuses to write raw deflate for a window of 8 bits. What such a sender may write is a
    stream whose distances stay below 256; run-length matching has none above 1, so it serves.
    """

    def __init__(self, window_bits: int = 15, *, takeover: bool = True, level: int = 6) -> None:
        self._window_bits = window_bits
        self._takeover = takeover
        self._level = level
        self._compressor = self._fresh()

    def _fresh(self) -> zlib._Compress:
        strategy = zlib.Z_RLE if self._window_bits == 8 else zlib.Z_DEFAULT_STRATEGY
        bits = max(self._window_bits, 9)
        return zlib.compressobj(self._level, zlib.DEFLATED, -bits, 8, strategy)

    def compress(self, content: bytes) -> bytes:
        """The payload of one compressed message."""
        (payload,) = self.compress_parts([content])
        return payload

    def compress_parts(self, parts: Sequence[bytes]) -> list[bytes]:
        """The payloads of one compressed message's fragments, each with all of its content."""
        if not self._takeover:
            self._compressor = self._fresh()
        payloads = [
            self._compressor.compress(part) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
            for part in parts
        ]
        assert payloads[-1].endswith(FLUSH_TAIL)
        return [*payloads[:-1], payloads[-1][:-4]]


def deflate(content: bytes) -> bytes:
    """The payload of a compressed message that refers to nothing before it."""
    return Deflater().compress(content)


def deflate_final(content: bytes) -> bytes:
    """Deflate ending in a block with BFINAL set (RFC 7692 section 7.2.3.4)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(content) + compressor.flush()


def inflate_exactly(payload: bytes, reader: zlib._Decompress) -> bytes:
    """Inflate a byte at a time, so that nothing but the reader's window can be referred to."""
    inflated = bytearray()
    waiting = payload
    while True:
        produced = reader.decompress(waiting, 1)
        inflated += produced
        waiting = reader.unconsumed_tail
        if not produced and not waiting:
            return bytes(inflated)


def deflated_zeros(mebibytes: int) -> list[bytes]:
    """Payload pieces of one compressed message, each of which inflates to 1 MiB of zeros.

    The window holds nothing but zeros after the first piece, so the second can be repeated.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    first = compressor.compress(zeros) + compressor.flush(zlib.Z_SYNC_FLUSH)
    again = compressor.compress(zeros) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return [first] + [again] * (mebibytes - 2) + [again[:-4]]


@dataclass(frozen=True)
class RawFrame:
    """One complete frame; `payload` is unmasked."""

    offset: int
    first: int
    form: LengthForm
    key: bytes | None
    payload: bytes
    end: int

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    @property
    def fin(self) -> bool:
        return bool(self.first & 0x80)

    @property
    def rsv1(self) -> bool:
        return bool(self.first & 0x40)


def read_frame(wire: bytes, offset: int) -> RawFrame | None:
    """Read the frame at `offset`; None if it is incomplete."""
    if len(wire) < offset + 2:
        return None
    first, second = wire[offset], wire[offset + 1]
    start = offset + 2
    length = second & 0x7F
    form: LengthForm = 7
    if length >= 126:
        form = 16 if length == 126 else 64
        start += form // 8
        if len(wire) < start:
            return None
        length = int.from_bytes(wire[offset + 2 : start], "big")
    key = None
    if second & 0x80:
        key = wire[start : start + 4]
        start += 4
    end = start + length
    if len(wire) < end:
        return None
    payload = wire[start:end]
    return RawFrame(offset, first, form, key, mask(payload, key) if key else payload, end)


def read_frames(wire: bytes) -> tuple[list[RawFrame], bytes]:
    """Read complete frames from the start, and return what is left over."""
    found: list[RawFrame] = []
    offset = 0
    while (one := read_frame(wire, offset)) is not None:
        found.append(one)
        offset = one.end
    return found, wire[offset:]


def masked_twin(wire: bytes, key: bytes = KEY) -> tuple[bytes, dict[int, int]] | None:
    """The same frames as a client would send them, and where each of them went.

    Returns:
        The masked stream and the new offset of each frame by its old one; None if `wire` is not
        made of complete frames without masks.
    """
    found, rest = read_frames(wire)
    if rest or any(one.key is not None for one in found):
        return None
    twin = bytearray()
    moved: dict[int, int] = {}
    for one in found:
        moved[one.offset] = len(twin)
        written = frame(one.opcode, one.payload, key=key, form=one.form)
        twin += bytes([one.first]) + written[1:]
    return bytes(twin), moved
