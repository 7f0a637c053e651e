"""Our decoder and three others decode the bytes of `FrameEncoder` to the original messages.

The others are wsproto, websockets and aiohttp. Compressed payloads are also inflated with a window
of exactly the agreed size, which zlib keeps to only if it gives out a byte at a time.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsdefrag
from properties import examples
from wire_aiohttp import read_aiohttp
from wire_case import Seen, as_seen
from wire_peers import Direction, Reading, read_websockets, read_wsproto
from wire_streams import CLOSE_CODES, deflates
from wire_writer import FLUSH_TAIL, cut, inflate_exactly, read_frames
from wsdefrag import DeflateParams, FrameEncoder, Opcode

_texts = st.text("ab é€\N{GRINNING FACE}", max_size=40).flatmap(
    lambda text: st.integers(1, 40).map(lambda times: (text * times).encode())
)
_binaries = st.binary(max_size=60) | st.sampled_from([125, 126, 65_535, 65_536, 70_000]).map(bytes)


@dataclass(frozen=True)
class Sent:
    """A direction that was encoded, and what there is to be read in it."""

    direction: Direction
    events: tuple[Seen, ...]


@st.composite
def sent(draw: st.DrawFn, deflate: st.SearchStrategy[DeflateParams | None] | None = None) -> Sent:
    """A direction with any parameters: messages whole, fragmented and as they come."""
    agreed = draw(st.none() | deflates() if deflate is None else deflate)
    from_client = draw(st.booleans())
    encoder = FrameEncoder(
        from_client=from_client,
        deflate=agreed,
        compress_from=draw(st.integers(0, 100)),
        compression_level=draw(st.integers(0, 9)),
    )
    wire = bytearray()
    events: list[Seen] = []

    def control() -> None:
        for payload in draw(st.lists(st.binary(max_size=125), max_size=1)):
            name = draw(st.sampled_from(["ping", "pong"]))
            wire.extend(encoder.ping(payload) if name == "ping" else encoder.pong(payload))
            events.append((name, payload))

    for _ in range(draw(st.integers(0, 5))):
        control()
        opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
        content = draw(_texts if opcode == Opcode.TEXT else _binaries)
        points = [at % (len(content) + 1) for at in draw(st.lists(st.integers(0), max_size=4))]
        parts = cut(content, points)
        compress = draw(st.sampled_from([None, False, *([True] if agreed else [])]))
        key = draw(st.none() | st.binary(min_size=4, max_size=4)) if from_client else None
        if draw(st.booleans()):
            sizes = [len(part) for part in parts]
            wire += encoder.message(
                opcode, content, fragments=sizes, compress=compress, masking_key=key
            )
        else:
            for index, part in enumerate(parts):
                wire += encoder.fragment(
                    Opcode.CONTINUATION if index else opcode,
                    part,
                    fin=index == len(parts) - 1,
                    compress=None if index else compress,
                    masking_key=key,
                )
                if index < len(parts) - 1:
                    control()
        events.append((opcode.name.lower(), content))
    if draw(st.booleans()):
        code, reason = draw(st.sampled_from(CLOSE_CODES)), draw(st.text(max_size=30))
        wire += encoder.close(code, reason)
        events.append(("close", code, reason))
    return Sent(Direction(bytes(wire), from_client, agreed), tuple(events))


def check_read_back(one: Sent) -> None:
    direction = one.direction
    reader = wsdefrag.WebSocketDirection(
        from_client=direction.from_client, deflate=direction.deflate
    )
    events = tuple(as_seen(event) for event in reader.receive_data(direction.wire))
    assert events == one.events
    assert reader.receive_eof() == []
    assert reader.bytes_discarded == 0


@examples(400)
@given(one=sent())
def test_what_is_encoded_is_read_back(one: Sent) -> None:
    check_read_back(one)


@pytest.mark.parametrize("alone", [False, True], ids=["takeover", "no_takeover"])
@pytest.mark.parametrize("bits", range(8, 16))
@examples(25)
@given(data=st.data())
def test_every_window_is_read_back(data: st.DataObject, bits: int, alone: bool) -> None:
    agreed = DeflateParams(
        server_no_context_takeover=alone,
        client_no_context_takeover=alone,
        server_max_window_bits=bits,
        client_max_window_bits=bits,
    )
    check_read_back(data.draw(sent(st.just(agreed))))


def _plain_controls(one: Sent) -> bool:
    """Whether no control frame stands inside a compressed message, which wsproto cannot read."""
    inside = False
    for read in read_frames(one.direction.wire)[0]:
        if read.opcode >= 8 and inside:
            return False
        if read.opcode < 8:
            inside = not read.fin and (read.rsv1 or inside)
    return True


@examples(150)
@given(one=sent(st.none() | deflates(st.integers(9, 15))))
def test_wsproto_reads_it(one: Sent) -> None:
    if _plain_controls(one):
        assert read_wsproto(one.direction) == Reading(one.events)


@examples(150)
@given(one=sent())
def test_websockets_reads_it(one: Sent) -> None:
    assert read_websockets(one.direction) == Reading(one.events)


@examples(150)
@given(one=sent())
def test_aiohttp_reads_it(one: Sent) -> None:
    assert read_aiohttp(one.direction) == Reading(one.events)


# Windows


def far_apart(bits: int) -> list[bytes]:
    """Messages that repeat what lies about a window back, just inside and just outside of it."""
    chance = random.Random(bits)
    messages = []
    for distance in (1 << bits, (1 << bits) - 1, (1 << bits) + 1, 250, 256, 262, 512, 600):
        block = chance.randbytes(40)
        gap = chance.randbytes(max(distance - len(block), 0))
        messages.append((block + gap) * 3)
        messages.append(b"".join(chance.choice([b"ab", b"cde", b"fghi"]) for _ in range(2000)))
    return messages


# zlib has a matcher of its own for each of a few levels; small windows are where it is close.
_WINDOWS = [(bits, level) for bits in (8, 9) for level in range(10)]
_WINDOWS += [(bits, level) for bits in range(10, 16) for level in (1, 6, 9)]


@pytest.mark.parametrize(("bits", "level"), _WINDOWS)
@pytest.mark.parametrize("alone", [False, True], ids=["takeover", "no_takeover"])
@pytest.mark.parametrize("from_client", [False, True], ids=["server", "client"])
def test_window_of_exactly_the_agreed_size_is_enough(
    from_client: bool, bits: int, alone: bool, level: int
) -> None:
    # The other direction's parameters are others, so that a mix-up shows.
    agreed = (
        DeflateParams(client_max_window_bits=bits, client_no_context_takeover=alone)
        if from_client
        else DeflateParams(server_max_window_bits=bits, server_no_context_takeover=alone)
    )
    encoder = FrameEncoder(from_client=from_client, deflate=agreed, compression_level=level)
    reader = zlib.decompressobj(-bits)
    for content in far_apart(min(bits, 11)):
        (one,), _ = read_frames(encoder.binary(content))
        assert one.rsv1
        if alone:
            reader = zlib.decompressobj(-bits)
        assert inflate_exactly(one.payload + FLUSH_TAIL, reader) == content


def test_reader_of_the_windows_would_notice_a_distance_too_far() -> None:
    """Without this the test above might pass whatever is written."""
    block = random.Random(0).randbytes(300)
    (one,), _ = read_frames(
        FrameEncoder(from_client=False, deflate=DeflateParams()).binary(block * 2)
    )
    assert inflate_exactly(one.payload + FLUSH_TAIL, zlib.decompressobj(-9)) == block * 2
    with pytest.raises(zlib.error, match="too far back"):
        inflate_exactly(one.payload + FLUSH_TAIL, zlib.decompressobj(-8))


def test_context_is_taken_over_by_direction() -> None:
    content = random.Random(1).randbytes(500)
    for from_client in (False, True):
        for alone in (False, True):
            for params in (
                DeflateParams(client_no_context_takeover=alone),
                DeflateParams(server_no_context_takeover=alone),
            ):
                encoder = FrameEncoder(from_client=from_client, deflate=params)
                first, second = len(encoder.binary(content)), len(encoder.binary(content))
                own = (
                    params.client_no_context_takeover
                    if from_client
                    else params.server_no_context_takeover
                )
                assert (second < first / 10) == (not own)


# Sizes


READERS: dict[str, Callable[[Direction], Reading]] = {
    "wsproto": read_wsproto,
    "websockets": read_websockets,
    "aiohttp": read_aiohttp,
}


@pytest.mark.parametrize("peer", READERS)
@pytest.mark.parametrize("agreed", [None, DeflateParams()], ids=["plain", "deflate"])
def test_large_message_is_read(peer: str, agreed: DeflateParams | None) -> None:
    content = random.Random(2).randbytes(1 << 16) * 17 + b"end"
    encoder = FrameEncoder(from_client=True, deflate=agreed)
    wire = encoder.binary(content)
    wire += encoder.binary(content, fragments=[1 << 20, len(content) - (1 << 20)])
    read = READERS[peer](Direction(wire, True, agreed))
    assert read == Reading((("binary", content),) * 2)


@pytest.mark.parametrize("size", range(300))
def test_any_length_is_masked_as_it_should_be(size: int) -> None:
    content = bytes(range(256)) * 2
    encoder = FrameEncoder(from_client=True)
    reassembler = wsdefrag.MessageReassembler(from_client=True)
    (message,) = reassembler.receive_data(encoder.binary(content[:size]))
    assert message.content == content[:size]


def test_content_that_does_not_compress_is_sent_all_the_same() -> None:
    content = random.Random(3).randbytes(3 << 20)
    for params in (DeflateParams(), DeflateParams(server_max_window_bits=8)):
        encoder = FrameEncoder(from_client=False, deflate=params)
        reassembler = wsdefrag.MessageReassembler(from_client=False, deflate=params)
        for _ in range(2):
            wire = encoder.binary(content)
            assert len(wire) < len(content) * 1.003
            (message,) = reassembler.receive_data(wire)
            assert message.content == content
