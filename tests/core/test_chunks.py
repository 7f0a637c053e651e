"""ChunkDecoder: the bytes of messages as they arrive, against other readers' whole messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from child_process import child
from properties import examples
from wire_cases import CASES
from wire_writer import KEY, Deflater, close_frame, deflated_zeros, fragments, frame
from wsdefrag import (
    ChunkDecoder,
    Close,
    DeflateParams,
    Incomplete,
    InvalidUtf8,
    LimitExceeded,
    Limits,
    MessageChunk,
    Opcode,
    Ping,
    Pong,
    ProtocolError,
    ProtocolViolation,
    Strictness,
    WebSocketDirection,
    WebSocketMessage,
)

MIB = 1 << 20


def read(decoder: ChunkDecoder, wire: bytes, size: int) -> list[Any]:
    """The events of a stream in reads of this size."""
    events: list[Any] = []
    for start in range(0, len(wire), size):
        events += decoder.receive_data(wire[start : start + size], timestamp=1.5)
    return events


def joined(events: list[Any]) -> list[Any]:
    """The events, with the chunks of each message as one `WebSocketMessage`'s state."""
    seen: list[Any] = []
    content = b""
    for event in events:
        if isinstance(event, MessageChunk):
            content += event.content
            if event.message_finished:
                seen.append((event.type, content))
                content = b""
        else:
            seen.append(event)
    return seen


def whole(direction: WebSocketDirection, wire: bytes) -> list[Any]:
    """What a reader of whole messages returns, in the same form."""
    return [
        (event.type, event.content) if isinstance(event, WebSocketMessage) else event
        for event in direction.receive_data(wire, timestamp=1.5)
    ]


@pytest.mark.parametrize("from_client", [True, False])
def test_chunks_come_as_the_bytes_do(from_client: bool) -> None:
    key = KEY if from_client else None
    wire = frame(Opcode.BINARY, b"0123456789", key=key)
    head = len(wire) - 10
    decoder = ChunkDecoder(from_client=from_client)
    assert list(decoder.receive_data(wire[:head])) == []
    assert list(decoder.receive_data(wire[head : head + 4], timestamp=1.5)) == [
        MessageChunk(Opcode.BINARY, b"0123", False, from_client, 1.5, 0)
    ]
    assert decoder.bytes_buffered == 0
    assert list(decoder.receive_data(wire[head + 4 :], timestamp=2.5)) == [
        MessageChunk(Opcode.BINARY, b"456789", True, from_client, 2.5, 0)
    ]


def test_control_frames_come_between_the_chunks_of_a_message() -> None:
    decoder = ChunkDecoder(from_client=False)
    wire = frame(Opcode.TEXT, b"a", fin=False) + b"\x89\x01p\x8a\x00"
    wire += frame(Opcode.CONTINUATION, b"") + close_frame(1000, b"bye")
    events = list(decoder.receive_data(wire, timestamp=1.5))
    assert events == [
        MessageChunk(Opcode.TEXT, b"a", False, False, 1.5, 0),
        Ping(b"p", False, 1.5, 3),
        Pong(b"", False, 1.5, 6),
        MessageChunk(Opcode.TEXT, b"", True, False, 1.5, 0),
        Close(1000, "bye", False, 1.5, 10),
    ]
    assert decoder.close_received == events[-1]
    assert list(decoder.receive_data(b"more")) == []
    assert decoder.bytes_discarded == 4
    assert decoder.receive_eof() is None


TEXT = "naïve 𝄞 — €"


@pytest.mark.parametrize("compressed", [False, True])
def test_text_is_not_cut_inside_a_character_unless_asked(compressed: bool) -> None:
    agreed = DeflateParams() if compressed else None
    content = TEXT.encode()
    payload = Deflater().compress(content) if compressed else content
    wire = b"".join(fragments(Opcode.TEXT, [payload[:4], payload[4:]], rsv1=compressed))
    decoder = ChunkDecoder(from_client=False, deflate=agreed)
    events = read(decoder, wire, 1)
    assert "".join(event.content.decode() for event in events) == TEXT
    assert all(event.content for event in events[:-1])
    cut = read(ChunkDecoder(from_client=False, deflate=agreed, cut_characters=True), wire, 1)
    assert b"".join(event.content for event in cut) == content
    if not compressed:
        assert len(cut) == len(content)


@pytest.mark.parametrize("cut_characters", [False, True])
def test_invalid_text_is_a_violation_as_soon_as_it_is_seen(cut_characters: bool) -> None:
    decoder = ChunkDecoder(from_client=False, cut_characters=cut_characters)
    wire = frame(Opcode.TEXT, b"ok") + frame(Opcode.TEXT, b"ab\xc3(never read")[:-10]
    events = list(decoder.receive_data(wire))
    assert isinstance(events[0], MessageChunk)
    assert events[0].content == b"ok"
    violation = events[-1]
    assert isinstance(violation, ProtocolViolation)
    assert isinstance(violation.error, InvalidUtf8)
    assert violation.offset == 4
    assert isinstance(decoder.error, InvalidUtf8)
    assert decoder.bytes_buffered == 0
    assert list(decoder.receive_data(b"\x89\x00")) == []
    assert decoder.bytes_discarded == decoder.bytes_received - 4


def test_invalid_text_is_counted_where_that_is_wanted() -> None:
    decoder = ChunkDecoder(from_client=False, strictness=Strictness(utf8=False))
    events = read(decoder, frame(Opcode.TEXT, b"ab\xc3(cd") + frame(Opcode.TEXT, b"ok"), 3)
    assert joined(events) == [(1, b"ab\xc3(cd"), (1, b"ok")]
    assert decoder.tolerated == {
        "utf8": 1,
        "no_context_takeover": 0,
        "empty_compressed_payload": 0,
        "deflate_tail": 0,
    }


def test_kept_context_is_read_and_counted() -> None:
    agreed = DeflateParams(server_no_context_takeover=True)
    deflater, content = Deflater(), bytes(range(256)) * 50
    wire = b"".join(frame(Opcode.BINARY, deflater.compress(content), rsv1=True) for _ in range(3))
    decoder = ChunkDecoder(from_client=False, deflate=agreed)
    assert joined(read(decoder, wire, 50)) == [(2, content)] * 3
    assert decoder.tolerated["no_context_takeover"] == 2
    strict = ChunkDecoder(
        from_client=False, deflate=agreed, strictness=Strictness(no_context_takeover=True)
    )
    *_, violation = read(strict, wire, 50)
    assert isinstance(violation, ProtocolViolation)


def test_events_that_are_not_taken_come_with_the_next_call() -> None:
    decoder = ChunkDecoder(from_client=False)
    first = decoder.receive_data(b"\x89\x01a\x89\x01b\x89\x01c")
    assert next(first).payload == b"a"  # type: ignore[union-attr]
    assert decoder.bytes_buffered == 6
    with pytest.raises(ValueError, match="take all events"):
        decoder.receive_eof()
    rest = decoder.receive_data(bytearray(b"\x89\x01d"))
    assert [event.payload for event in rest] == [b"b", b"c", b"d"]  # type: ignore[union-attr]
    assert list(first) == []


def test_end_inside_a_message_says_what_was_in_no_chunk() -> None:
    decoder = ChunkDecoder(from_client=False)
    list(decoder.receive_data(b"\x89\x00" + frame(Opcode.TEXT, b"caf\xc3\xa9")[:-1]))
    incomplete = decoder.receive_eof(timestamp=1.5)
    assert incomplete == Incomplete(Opcode.TEXT, b"\xc3", False, 1.5, 2)
    assert decoder.receive_eof() is None
    with pytest.raises(ValueError, match="receive_eof"):
        decoder.receive_data(b"")
    cut = ChunkDecoder(from_client=False)
    list(cut.receive_data(b"\x89"))
    ended = cut.receive_eof(timestamp=1.5)
    assert ended == Incomplete(Opcode.PING, b"", False, 1.5, 0)


def test_limits_hold_for_what_is_read() -> None:
    decoder = ChunkDecoder(from_client=False, limits=Limits(max_message_size=5))
    good, bad = fragments(Opcode.BINARY, [b"12345", b"6"])
    assert len(list(decoder.receive_data(good))) == 1
    (violation,) = decoder.receive_data(bad)
    assert isinstance(violation, ProtocolViolation)
    assert isinstance(violation.error, LimitExceeded)


def test_bomb_comes_in_chunks_of_a_mebibyte() -> None:
    limits = Limits(max_message_size=None)
    decoder = ChunkDecoder(from_client=False, deflate=DeflateParams(), limits=limits)
    bomb = frame(Opcode.BINARY, b"".join(deflated_zeros(65)), rsv1=True)
    sizes = [len(event.content) for event in decoder.receive_data(bomb)]  # type: ignore[union-attr]
    assert sum(sizes) == 65 * MIB
    assert max(sizes) <= MIB
    plain = ChunkDecoder(from_client=False)
    sizes = [
        len(event.content)  # type: ignore[union-attr]
        for event in plain.receive_data(frame(Opcode.BINARY, bytes(5 * MIB // 2)))
    ]
    assert sizes == [MIB, MIB, MIB // 2]


@pytest.mark.parametrize("name", ["from_client", "cut_characters", "deflate", "limits"])
def test_wrong_arguments_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        ChunkDecoder(**{"from_client": True, name: 1})  # type: ignore[arg-type]


@examples(200)
@given(data=st.data())
def test_chunks_add_up_to_whole_messages(data: st.DataObject) -> None:
    """Whatever is sent, however it is cut, and whether or not characters may be cut."""
    from_client = data.draw(st.booleans())
    key = KEY if from_client else None
    agreed = data.draw(st.sampled_from([None, DeflateParams()]))
    deflater, wire = Deflater(), b""
    for _ in range(data.draw(st.integers(1, 6))):
        opcode = data.draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
        content = data.draw(st.text(max_size=40)).encode() * data.draw(st.integers(1, 60))
        content += data.draw(st.sampled_from([b"", b"", b"", b"\xff", b"\xe2\x82"]))
        compressed = agreed is not None and data.draw(st.booleans())
        payload = deflater.compress(content) if compressed else content
        at = data.draw(st.integers(0, len(payload)))
        parts = [payload[:at], payload[at:]]
        for one in fragments(opcode, parts, rsv1=compressed, key=key):
            wire += one + data.draw(
                st.sampled_from([b"", b"", frame(Opcode.PING, b"p", key=key), b"\xf3"])
            )
    size = data.draw(st.integers(1, 300))
    options: Any = {
        "from_client": from_client,
        "deflate": agreed,
        "limits": Limits(max_message_size=data.draw(st.sampled_from([None, 100, 1000]))),
        "strictness": Strictness(utf8=data.draw(st.booleans())),
    }
    expected = whole(WebSocketDirection(**options), wire)
    decoder = ChunkDecoder(**options, cut_characters=data.draw(st.booleans()))
    found = joined(read(decoder, wire, size))
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        if isinstance(theirs, ProtocolViolation):
            assert isinstance(ours, ProtocolViolation)
            assert ours.offset == theirs.offset
        else:
            assert ours == theirs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wire_cases_are_read_as_whole_messages_are(case: Any) -> None:
    options = {
        "from_client": case.from_client,
        "deflate": case.deflate,
        "limits": case.limits,
        "strictness": case.strictness,
    }
    expected = whole(WebSocketDirection(**options), case.wire)
    for size in (1, 3, 1 << 20):
        found = joined(read(ChunkDecoder(**options), case.wire, size))
        assert [str(event) for event in found] == [str(event) for event in expected]


_HALF_A_GIB = """
import json, resource, wsdefrag
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
total, read = 512 << 20, 1 << 16
decoder = wsdefrag.ChunkDecoder(
    from_client=False, limits=wsdefrag.Limits(max_frame_size=None, max_message_size=None)
)
text = ("é" * (read // 2)).encode()
assert [len(one.content) for one in decoder.receive_data(b"\\x81\\x7e\\xff\\xfe" + text[:-2])]
before, length = peak(), 0
events = list(decoder.receive_data(b"\\x81\\x7f" + total.to_bytes(8, "big")))
for _ in range(total // read):
    for one in decoder.receive_data(text):
        length += len(one.content)
print(json.dumps([peak() - before, length, one.message_finished]))
"""


def test_half_a_gib_is_read_without_growing_memory() -> None:
    code, output, errors = child(_HALF_A_GIB)
    assert code == 0, errors
    grown, length, finished = json.loads(output)
    assert (length, finished) == (512 << 20, True)
    assert grown <= 1024, f"{grown} KiB"


def test_error_of_a_violation_is_that_of_a_reassembler() -> None:
    decoder = ChunkDecoder(from_client=False)
    (violation,) = decoder.receive_data(b"\x83\x00")
    assert isinstance(violation, ProtocolViolation)
    assert isinstance(violation.error, ProtocolError)
    assert (violation.error.kind, violation.offset) == ("reserved_opcode", 0)
