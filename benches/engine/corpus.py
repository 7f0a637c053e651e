"""The bytes every reader gets: eight workloads, made from one seed.

A workload is a stream of equal messages of one direction, written as frames (RFC 6455 section 5.2)
and cut into chunks of 64 KiB wherever the cut happens to fall. Client streams are masked with a
new key per frame, server streams are not. Compressed messages share one window (RFC 7692 section
7.1.1, context takeover).

Invariants:
    b"".join(chunks) == every message's frames in order
    len(contents) == len(payloads) == message_count
    a prefix of a workload is the same stream, cut after a complete message
"""

import itertools
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

KIB = 1 << 10
MIB = 1 << 20

CHUNK_SIZE = 64 * KIB
"""Bytes a reader is given at once."""

SEED = 6455
FRAGMENTS = 8
DEFLATE_TAIL = b"\x00\x00\xff\xff"
"""What a sender leaves out at the end of a compressed message (RFC 7692 section 7.2.1)."""

TEXT = 1
BINARY = 2
PING = 9

Content = tuple[bool, bytes]
"""A message as the corpus and the checks compare it: whether it is text, and its bytes."""


@dataclass(frozen=True)
class Workload:
    """A stream of messages of one direction.

    Attributes:
        name: what the tables call it.
        from_client: whether the frames are masked.
        compressed: whether the messages went through permessage-deflate.
        is_text: whether the messages are text.
        contents: the messages, whole and decoded.
        payloads: the messages as they stand in the frames, without a mask, still compressed.
        frames: the wire bytes of each message, pings included.
    """

    name: str
    from_client: bool
    compressed: bool
    is_text: bool
    contents: list[bytes]
    payloads: list[bytes]
    frames: list[bytes]

    @property
    def message_count(self) -> int:
        """How many messages the stream has."""
        return len(self.contents)

    @property
    def payload_bytes(self) -> int:
        """Decoded bytes of all messages together."""
        return sum(map(len, self.contents))

    @property
    def expected(self) -> list[Content]:
        """What a reader must yield."""
        return [(self.is_text, content) for content in self.contents]

    @cached_property
    def chunks(self) -> list[bytes]:
        """The stream in pieces of `CHUNK_SIZE` bytes, the last one shorter."""
        wire = b"".join(self.frames)
        return [wire[start : start + CHUNK_SIZE] for start in range(0, len(wire), CHUNK_SIZE)]

    @property
    def batches(self) -> list[list[int]]:
        """The numbers of the messages that end in each chunk; chunks that end none are left out."""
        ends = itertools.accumulate(map(len, self.frames))
        by_chunk = itertools.groupby(enumerate(ends), lambda item: (item[1] - 1) // CHUNK_SIZE)
        return [[number for number, _ in group] for _, group in by_chunk]

    def prefix(self, share: float) -> "Workload":
        """The first messages of the stream: `share` of them, 0 to 1, and at least one."""
        count = max(1, round(self.message_count * share))
        return replace(
            self,
            contents=self.contents[:count],
            payloads=self.payloads[:count],
            frames=self.frames[:count],
        )


def encode_frame(
    opcode: int, payload: bytes, *, fin: bool = True, rsv1: bool = False, key: bytes | None = None
) -> bytes:
    """One frame (RFC 6455 section 5.2), masked if there is a `key` of four bytes."""
    first = fin << 7 | rsv1 << 6 | opcode
    mask_bit = (key is not None) << 7
    if len(payload) < 126:
        header = struct.pack("!BB", first, mask_bit | len(payload))
    elif len(payload) < 1 << 16:
        header = struct.pack("!BBH", first, mask_bit | 126, len(payload))
    else:
        header = struct.pack("!BBQ", first, mask_bit | 127, len(payload))
    if key is None:
        return header + payload
    return header + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    """XOR with the repeated `key` (RFC 6455 section 5.3), as one long integer."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    xored = int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")
    return xored.to_bytes(size, "little")


@dataclass(frozen=True)
class Recipe:
    """How a workload is made; `make` gives one message of exactly `size` bytes."""

    size: int
    is_text: bool
    from_client: bool
    make: Callable[[random.Random, int], bytes]
    wire_bytes: int = 8 * MIB
    fragments: int = 1
    compressed: bool = False


def ascii_text(rng: random.Random, size: int) -> bytes:
    """Words of lower-case letters."""
    return bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz     ", k=size))


SCRIPTS = (
    "aaeeiinorstlumdäöüßéèçñåø     ",
    "ооееааиинтсрвлкмдпуяы     ",
    "αααεεοοιτσνρκπλμηυ     ",
    "の日本語文字漢字に記録東京大学会社時間、。",
)
"""Letters of German, Russian, Greek and Japanese, the common ones more than once."""


def utf8_text(rng: random.Random, size: int) -> bytes:
    """Text in one script of `SCRIPTS`, one to three bytes a character, filled up with ASCII."""
    text = "".join(rng.choices(rng.choice(SCRIPTS), k=size)).encode()
    cut = text[:size].decode(errors="ignore").encode()
    return cut.ljust(size, b".")


def json_text(rng: random.Random, size: int) -> bytes:
    """A JSON object like those of a market feed; the last field fills it up to `size` bytes."""
    record: dict[str, object] = {
        "type": rng.choice(["trade", "quote", "book"]),
        "symbol": rng.choice(["ALPHA-USD", "BETA-USD", "GAMMA-EUR", "DELTA-EUR"]),
        "sequence": rng.randrange(10**8, 10**9),
        "time": round(1.7e9 + rng.random() * 1e6, 3),
    }
    levels: list[dict[str, object]] = []
    record.update(levels=levels, note="")
    room = size - len(json.dumps(record)) - 8
    while True:
        level = {
            "side": rng.choice(["buy", "sell"]),
            "price": round(rng.gauss(640, 2), 2),
            "amount": rng.randrange(1, 100),
        }
        room -= len(json.dumps(level)) + 2
        if room < 0:
            break
        levels.append(level)
    record["note"] = ascii_text(rng, size - len(json.dumps(record))).decode()
    return json.dumps(record).encode()


def random_bytes(rng: random.Random, size: int) -> bytes:
    """Noise."""
    return rng.randbytes(size)


RECIPES = {
    "32 B text": Recipe(32, True, True, ascii_text),
    "300 B JSON": Recipe(300, True, False, json_text),
    "1 KiB binary": Recipe(KIB, False, True, random_bytes),
    "4 KiB UTF-8": Recipe(4 * KIB, True, True, utf8_text),
    "64 KiB binary": Recipe(64 * KIB, False, True, random_bytes, 16 * MIB),
    "1 MiB binary": Recipe(MIB, False, True, random_bytes, 16 * MIB),
    "16 KiB in 8 fragments": Recipe(16 * KIB, False, True, random_bytes, fragments=FRAGMENTS),
    "1 KiB JSON, deflate": Recipe(KIB, True, False, json_text, 2 * MIB, compressed=True),
}
"""The workloads in the order of the tables; `wire_bytes` is about the length of the stream."""


@lru_cache(maxsize=1)
def build(name: str, *, scale: float = 1.0) -> Workload:
    """Makes a workload; the same arguments give the same bytes. Only the last one is kept.

    Args:
        name: a key of `RECIPES`.
        scale: the length of the stream as a part of the full one, 0 to 1.
    """
    recipe = RECIPES[name]
    rng = random.Random(f"{SEED} {name}")
    compressor = zlib.compressobj(wbits=-15)
    contents: list[bytes] = []
    payloads: list[bytes] = []
    frames: list[bytes] = []
    room = recipe.wire_bytes * scale
    while room > 0:
        content = recipe.make(rng, recipe.size)
        payload = content
        if recipe.compressed:
            payload = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
            payload = payload.removesuffix(DEFLATE_TAIL)
        contents.append(content)
        payloads.append(payload)
        frames.append(b"".join(encode_message(recipe, payload, rng)))
        room -= len(frames[-1])
    return Workload(
        name, recipe.from_client, recipe.compressed, recipe.is_text, contents, payloads, frames
    )


def encode_message(recipe: Recipe, payload: bytes, rng: random.Random) -> Iterator[bytes]:
    """The frames of one message; a fragmented one has a ping in its middle."""
    opcode = TEXT if recipe.is_text else BINARY
    step = -(-len(payload) // recipe.fragments)
    for number in range(recipe.fragments):
        if number and number == recipe.fragments // 2:
            yield encode_frame(PING, b"still there?", key=new_key(recipe, rng))
        yield encode_frame(
            0 if number else opcode,
            payload[number * step : (number + 1) * step],
            fin=number == recipe.fragments - 1,
            rsv1=recipe.compressed and number == 0,
            key=new_key(recipe, rng),
        )


def new_key(recipe: Recipe, rng: random.Random) -> bytes | None:
    """A masking key for the next frame, where frames of that direction are masked."""
    return rng.randbytes(4) if recipe.from_client else None
