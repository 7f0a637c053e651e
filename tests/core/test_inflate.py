"""The inflated content of a compressed message, compared with zlib driven by hand.

`inflate` is the oracle: the content of a payload if payload and tail together are whole blocks of
deflate, the last of them empty (RFC 7692 sections 7.2.1 and 7.2.2), else None. It starts over
after each final block (section 7.2.3.4). The payloads are those of `vectors/deflate.jsonl`.
"""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsdefrag
from properties import examples
from vectors import Line, lines, read_bytes
from wire_streams import broken
from wire_writer import BINARY, FLUSH_TAIL, frame
from wsdefrag import DeflateParams, InflateFailed

LAST_BLOCK = b"\x01\x00\x00\xff\xff"
"""A final, empty block without compression: it ends a stream that is at the end of a block."""


def inflate(payload: bytes) -> bytes | None:
    """The content of a compressed message's payload, or None if it is not whole."""
    content = b""
    inflater = zlib.decompressobj(-15)
    try:
        content += inflater.decompress(payload)
        while inflater.eof:
            if not inflater.unused_data:
                return content
            following = inflater.unused_data
            inflater = zlib.decompressobj(-15)
            content += inflater.decompress(following)
        return content if _takes_the_tail(inflater) else None
    except zlib.error:
        return None


def _takes_the_tail(inflater: zlib._Decompress) -> bool:
    """Whether the tail is what its sender took off: the end of an empty block, and nothing else.

    A stored block that was cut may swallow the tail as its own last bytes.
    """
    if inflater.decompress(FLUSH_TAIL):
        return False
    if inflater.eof:
        return inflater.unused_data == b""
    more = inflater.decompress(LAST_BLOCK)
    return inflater.eof and more == b"" and inflater.unused_data == b""


def read(payload: bytes) -> bytes | None:
    """What the package makes of a payload; None if it fails to inflate it.

    zlib passes over nothing, so neither does the package here.
    """
    strict = wsdefrag.Strictness(empty_compressed_payload=True, deflate_tail=True)
    reassembler = wsdefrag.MessageReassembler(
        from_client=False, deflate=DeflateParams(), strictness=strict
    )
    messages = reassembler.receive_data(frame(BINARY, payload, rsv1=True))
    if reassembler.error is not None:
        assert messages == []
        assert isinstance(reassembler.error, InflateFailed)
        return None
    (message,) = messages
    return message.content


LINES = [line for line in lines("deflate") if line["what"] == "inflate"]
NAMES = (
    "fixed_codes",
    "dynamic_codes",
    "stored",
    "noise",
    "several_blocks",
    "final_block",
    "final_block_and_more",
)
PAYLOADS = {
    line["name"]: read_bytes(line["payloads"][0]) for line in LINES if line["name"] in NAMES
}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["name"])
def test_messages_inflate_to_what_the_vectors_say(line: Line) -> None:
    payloads = map(read_bytes, line["payloads"])
    fresh = line.get("no_context_takeover", False)
    direction = wsdefrag.WebSocketDirection(
        from_client=False,
        deflate=DeflateParams(server_no_context_takeover=fresh),
        strictness=wsdefrag.Strictness(**line.get("strictness", {})),
    )
    wire = b"".join(frame(BINARY, payload, rsv1=True) for payload in payloads)
    events = direction.receive_data(wire)
    contents = [event.content for event in events if isinstance(event, wsdefrag.WebSocketMessage)]
    assert contents == [read_bytes(content) for content in line["contents"]]
    error = direction.error
    assert (getattr(error, "kind", None), direction.receive_eof()) == (line.get("error"), [])


@pytest.mark.parametrize("name", PAYLOADS)
def test_whole_payload_is_inflated_as_by_zlib(name: str) -> None:
    content = inflate(PAYLOADS[name])
    assert content
    assert read(PAYLOADS[name]) == content


@pytest.mark.parametrize("name", PAYLOADS)
def test_payload_cut_anywhere_is_never_passed_off_as_whole(name: str) -> None:
    payload = PAYLOADS[name]
    refused = 0
    for size in range(len(payload)):
        content = inflate(payload[:size])
        assert read(payload[:size]) == content, size
        refused += content is None
    assert refused > len(payload) * 0.8


@examples(500)
@given(payload=st.binary(max_size=40))
def test_any_payload_is_inflated_as_by_zlib(payload: bytes) -> None:
    assert read(payload) == inflate(payload)


@examples(500)
@given(data=st.data(), name=st.sampled_from(sorted(PAYLOADS)))
def test_damaged_payload_is_inflated_as_by_zlib(data: st.DataObject, name: str) -> None:
    payload = data.draw(broken(PAYLOADS[name]))
    assert read(payload) == inflate(payload)


@pytest.mark.parametrize("bits", [-8, 0, 7, 16])
def test_window_bits_outside_8_to_15_are_refused(bits: int) -> None:
    with pytest.raises(ValueError, match="server_max_window_bits"):
        DeflateParams(server_max_window_bits=bits)
    with pytest.raises(ValueError, match="client_max_window_bits"):
        DeflateParams(client_max_window_bits=bits)
