"""Header compression of HTTP/2, compared with the `hpack` package: same blocks, same fields.

Each block is the request of a WebSocket in a capture, so its fields are those of a row. Blocks are
written by the package's encoder and by a writer of random representations; what the package's
decoder refuses is not sent.

Follows RFC 7541.
"""

from __future__ import annotations

import copy
import os
import random

import pytest
from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from capture_conversation import Conversation, capture_of
from capture_seen import read
from http2_craft import END_HEADERS, HEADERS, PREFACE, frame, settings

BLOCKS = int(os.environ.get("WSDEFRAG_HPACK_BLOCKS", "4000"))
"""Blocks of each kind."""

SALT = os.environ.get("WSDEFRAG_SALT", "")
REFUSED = b"\x8d"
"""A block with the status 404, which is in the static table."""

AT_A_TIME = 100
"""Requests in a segment."""

Field = tuple[bytes, bytes]

BEGINNING: list[Field] = [(b":method", b"CONNECT"), (b":protocol", b"websocket")]
BEGINNING_BLOCK = b"".join(
    bytes([0, len(name)]) + name + bytes([len(value)]) + value for name, value in BEGINNING
)
"""These fields, as literals that are not indexed."""

NAMES = [b"cookie", b"accept", b"x-a", b"x-long-name-" + b"n" * 100, b":path", b":authority", b"te"]


def check(blocks: list[tuple[bytes, list[Field]]]) -> None:
    """Read blocks as requests of one connection, and compare their fields with those expected."""
    tcp = Conversation().open()
    tcp.says(True, PREFACE + settings(), acked=False)
    tcp.says(False, settings((1, 65_536), (8, 1)), acked=False)
    for start in range(0, len(blocks), AT_A_TIME):
        numbers = range(start, min(start + AT_A_TIME, len(blocks)))
        for from_client in (True, False):
            sent = b"".join(
                frame(
                    HEADERS,
                    blocks[number][0] if from_client else REFUSED,
                    flags=END_HEADERS,
                    stream=2 * number + 1,
                )
                for number in numbers
            )
            tcp.say(from_client, sent, size=60_000, acked=False)
    seen = read(capture_of(tcp.end().segments))
    assert [row.stream_id for row in seen.connections] == list(range(1, 2 * len(blocks), 2))
    for row, (block, expected) in zip(seen.connections, blocks, strict=True):
        assert row.request is not None
        assert not row.problems
        found = [(name.encode(), value) for name, value in row.request.fields]
        assert found == expected, (row.stream_id, block.hex())


def random_field(choose: random.Random) -> Field:
    name = choose.choice(NAMES)
    length = choose.choice([0, 1, 2, 5, 20, 126, 127, 128, 300])
    letters = choose.choice([b"ab", bytes(range(32, 127)), bytes(range(256))])
    return name, bytes(choose.choices(letters, k=length))


@pytest.mark.random
def test_blocks_of_the_encoder_of_hpack_are_decoded() -> None:
    choose = random.Random(f"encoder{SALT}")
    encoder = Encoder()
    pool = [random_field(choose) for _ in range(40)]
    blocks = []
    for _ in range(BLOCKS):
        if choose.random() < 0.02:
            encoder.header_table_size = choose.choice([0, 100, 1000, 4096, 65_536])
        fields = [*BEGINNING, *(choose.choice(pool) for _ in range(choose.randrange(4)))]
        if choose.random() < 0.3:
            pool[choose.randrange(len(pool))] = random_field(choose)
        sensitive = choose.random() < 0.2
        tuples = [NeverIndexedHeaderTuple(*one) if sensitive else one for one in fields]
        blocks.append((encoder.encode(tuples, huffman=choose.random() < 0.5), fields))
    check(blocks)


@pytest.mark.random
def test_random_representations_are_decoded_as_hpack_does() -> None:
    choose = random.Random(f"representations{SALT}")
    decoder = Decoder()
    decoder.max_allowed_table_size = 65_536
    blocks: list[tuple[bytes, list[Field]]] = []
    refused = 0
    while len(blocks) < BLOCKS:
        block = BEGINNING_BLOCK + b"".join(
            representation(choose) for _ in range(choose.randrange(5))
        )
        if choose.random() < 0.05:
            # It has to stand first (section 4.2).
            block = integer(choose.choice([0, 50, 1000, 4096, 65_536]), 5, 0x20) + block
        # A decoder is of no use after an error.
        trial = copy.deepcopy(decoder)
        try:
            fields = trial.decode(block, raw=True)
        except HPACKError:
            refused += 1
            continue
        decoder = trial
        blocks.append((block, [(bytes(name), bytes(value)) for name, value in fields]))
    assert refused < 3 * BLOCKS
    check(blocks)


def integer(value: int, bits: int, first: int) -> bytes:
    """Write an integer (RFC 7541 section 5.1)."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    value -= limit
    written = [first | limit]
    while value >= 128:
        written.append(value % 128 | 128)
        value //= 128
    return bytes([*written, value])


def string(choose: random.Random, value: bytes) -> bytes:
    """Write a string, with the Huffman code or without (RFC 7541 section 5.2)."""
    if choose.random() < 0.5:
        return integer(len(value), 7, 0) + value
    bits = "".join(f"{REQUEST_CODES[byte]:0{REQUEST_CODES_LENGTH[byte]}b}" for byte in value)
    bits += "1" * (-len(bits) % 8)
    encoded = int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""
    return integer(len(encoded), 7, 0x80) + encoded


def representation(choose: random.Random) -> bytes:
    """Write a random field (RFC 7541 section 6)."""
    kind = choose.choice(["indexed", "inserted", "inserted", "literal", "never"])
    # 2 and 3 are methods, and there is one already.
    index = choose.choice([1, choose.randrange(4, 62), choose.randrange(62, 80)])
    if kind == "indexed":
        return integer(index, 7, 0x80)
    bits, first = {"inserted": (6, 0x40), "literal": (4, 0), "never": (4, 0x10)}[kind]
    name, value = random_field(choose)
    if choose.random() < 0.5:
        return integer(index, bits, first) + string(choose, value)
    return bytes([first]) + string(choose, name) + string(choose, value)
