"""The two peers of a relayed direction, written without the package: one speaks, one listens.

A `Sender` writes the valid frames of one side and compresses them as was agreed on its leg. A
`Receiver` is the side at the other end: it takes what a relay sends it, in any pieces, and reads
it with websockets' permessage-deflate; each compressed message is also inflated with a window of
exactly the agreed size. It accepts nothing that RFC 6455 forbids a sender: masks against the
direction, frames out of order, anything after a Close, text that is not UTF-8.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from wire_case import Seen
from wire_writer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FLUSH_TAIL,
    KEY,
    PING,
    PONG,
    TEXT,
    Deflater,
    RawFrame,
    close_frame,
    frame,
    inflate_exactly,
    read_frame,
)
from wsdefrag import DeflateParams

# Inflating a byte at a time takes a while for more.
_EXACTLY_AT_MOST = 1 << 15

_NAMES = {TEXT: "text", BINARY: "binary", PING: "ping", PONG: "pong"}


def rules_of(from_client: bool, deflate: DeflateParams) -> tuple[bool, int]:
    """Whether a side starts each message with an empty window, and that window's bits."""
    if from_client:
        return deflate.client_no_context_takeover, deflate.client_max_window_bits
    return deflate.server_no_context_takeover, deflate.server_max_window_bits


class Sender:
    """One side of a leg, and what it says.

    `key` is the masking key of a client's frames.
    """

    def __init__(
        self, from_client: bool, deflate: DeflateParams | None = None, key: bytes = KEY
    ) -> None:
        self.from_client = from_client
        self.deflate = deflate
        self.key = key if from_client else None
        self._deflater = None
        if deflate is not None:
            alone, bits = rules_of(from_client, deflate)
            self._deflater = Deflater(bits, takeover=not alone)

    def text(self, *parts: str, compress: bool = False) -> bytes:
        """A text in a frame for each part."""
        return b"".join(self.frames(TEXT, [part.encode() for part in parts], compress=compress))

    def binary(self, *parts: bytes, compress: bool = False) -> bytes:
        """A binary message in a frame for each part."""
        return b"".join(self.frames(BINARY, parts, compress=compress))

    def frames(self, opcode: int, parts: Sequence[bytes], *, compress: bool = False) -> list[bytes]:
        """The frames of a message; parts are parts of its content, compressed or not."""
        payloads = list(parts)
        if compress:
            assert self._deflater is not None
            payloads = self._deflater.compress_parts(payloads)
        return self._written(opcode, payloads, compress)

    def cut_anywhere(self, opcode: int, content: bytes, points: Sequence[int]) -> list[bytes]:
        """The frames of a compressed message whose payload is cut, not its content."""
        assert self._deflater is not None
        payload = self._deflater.compress(content)
        edges = sorted({point % (len(payload) + 1) for point in points})
        starts, ends = [0, *edges], [*edges, len(payload)]
        pieces = [payload[start:end] for start, end in zip(starts, ends, strict=True)]
        return self._written(opcode, pieces, True)

    def _written(self, opcode: int, payloads: list[bytes], compressed: bool) -> list[bytes]:
        last = len(payloads) - 1
        return [
            frame(
                CONTINUATION if index else opcode,
                payload,
                fin=index == last,
                rsv1=compressed and index == 0,
                key=self.key,
            )
            for index, payload in enumerate(payloads)
        ]

    def ping(self, payload: bytes = b"") -> bytes:
        return frame(PING, payload, key=self.key)

    def pong(self, payload: bytes = b"") -> bytes:
        return frame(PONG, payload, key=self.key)

    def close(self, code: int | None = None, reason: str = "") -> bytes:
        if code is None:
            return frame(CLOSE, key=self.key)
        return close_frame(code, reason.encode(), key=self.key)


@dataclass
class Heard:
    """A message as it came: the content of each of its frames, and whether it was compressed."""

    opcode: int
    compressed: bool
    parts: list[bytes] = field(default_factory=list)

    @property
    def content(self) -> bytes:
        return b"".join(self.parts)

    @property
    def sizes(self) -> list[int]:
        return [len(part) for part in self.parts]


class Receiver:
    """The side at the end of a leg.

    `from_client` says who speaks; `events` are whole messages and control frames in the order in
    which they ended, `messages` the messages alone, `frames` all frames.
    """

    def __init__(self, from_client: bool, deflate: DeflateParams | None = None) -> None:
        self.from_client = from_client
        self.wire = bytearray()
        self.frames: list[RawFrame] = []
        self.events: list[Seen] = []
        self.messages: list[Heard] = []
        self.closed = False
        self._read = 0
        self._open: Heard | None = None
        self._payload = b""
        self._deflate = deflate
        if deflate is not None:
            self._alone, self._bits = rules_of(from_client, deflate)
            self._extension = PerMessageDeflate(self._alone, False, self._bits, 15)
            self._exact = zlib.decompressobj(-self._bits)

    def take(self, wire: bytes) -> list[Seen]:
        """Take the next bytes and give the events that they complete."""
        assert isinstance(wire, bytes)
        assert not (wire and self.closed), "bytes after a Close"
        self.wire += wire
        before = len(self.events)
        while (one := read_frame(bytes(self.wire[self._read :]), 0)) is not None:
            assert not self.closed, "a frame after a Close"
            self._read += one.end
            self.frames.append(one)
            self._frame(one)
        return self.events[before:]

    @property
    def inside_message(self) -> bool:
        """Whether a message was begun and not ended, be it by half of its first frame."""
        return self._open is not None or bool(self.rest)

    @property
    def rest(self) -> bytes:
        """What came of a frame that is not whole."""
        return bytes(self.wire[self._read :])

    def _frame(self, one: RawFrame) -> None:
        assert (one.key is not None) == self.from_client, "masked against the direction"
        assert not one.first & 0x30
        if one.opcode >= CLOSE:
            self._control(one)
            return
        assert (one.opcode == CONTINUATION) == (self._open is not None), "frames out of order"
        if self._open is None:
            self._open = Heard(one.opcode, one.rsv1)
            self._payload = b""
        else:
            assert not one.rsv1
        self._payload += one.payload
        self._open.parts.append(self._inflated(one))
        if one.fin:
            self._end(self._open)
            self._open = None

    def _control(self, one: RawFrame) -> None:
        assert one.fin
        assert not one.rsv1
        assert len(one.payload) <= 125
        if one.opcode == CLOSE:
            self.closed = True
            code = int.from_bytes(one.payload[:2], "big") if one.payload else 1005
            self.events.append(("close", code, one.payload[2:].decode()))
        else:
            self.events.append((_NAMES[one.opcode], one.payload))

    def _inflated(self, one: RawFrame) -> bytes:
        if self._deflate is None:
            assert not one.rsv1, "compressed, which was not agreed on"
            return one.payload
        frame = Frame(Opcode(one.opcode), one.payload, one.fin, one.rsv1)
        return bytes(self._extension.decode(frame).data)

    def _end(self, message: Heard) -> None:
        content = message.content
        if message.compressed and len(content) <= _EXACTLY_AT_MOST:
            if self._alone:
                self._exact = zlib.decompressobj(-self._bits)
            assert inflate_exactly(self._payload + FLUSH_TAIL, self._exact) == content
        elif message.compressed:
            assert self._exact.decompress(self._payload + FLUSH_TAIL) == content
        if message.opcode == TEXT:
            content.decode()
        self.messages.append(message)
        self.events.append((_NAMES[message.opcode], content))
