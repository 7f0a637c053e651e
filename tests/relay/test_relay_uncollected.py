"""A PassThroughRelay holds nothing of what it passes on, unless it is asked to collect messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from child_process import child
from properties import examples
from relay_talk import ALL_PASSING, SIDES, Mode, Talk, of_kind
from wire_writer import KEY, Deflater, fragments, frame
from wsdefrag import (
    Budget,
    DeflateParams,
    Event,
    Incomplete,
    InvalidUtf8,
    Limits,
    Opcode,
    PassThroughRelay,
    Ping,
    ProtocolViolation,
    Strictness,
    UncollectedMessage,
    WebSocketMessage,
    WebSocketRelay,
)

KIB, MIB = 1 << 10, 1 << 20
READ = 64 * KIB


def fed(talk: Talk, wire: bytes, from_client: bool) -> tuple[list[Event], int]:
    """Feed in reads and take the output after each; the events, and the most bytes held."""
    events: list[Event] = []
    most = 0
    for start in range(0, len(wire), READ):
        events += talk.feed(wire[start : start + READ], from_client)
        talk.relay.data_to_send(to_client=not from_client)
        most = max(most, talk.relay.bytes_buffered)
    return events, most


@SIDES
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("compressed", [False, True])
def test_bytes_mode_holds_nothing_of_a_message(
    opcode: Opcode, compressed: bool, from_client: bool
) -> None:
    agreed = DeflateParams() if compressed else None
    budget = Budget(MIB)
    talk = Talk("bytes", deflate=agreed, budget=budget, collect_up_to=None)
    content = "text é ".encode() * (8 * MIB // 8)
    payload = Deflater(level=0).compress(content) if compressed else content
    key = KEY if from_client else None
    wire = frame(opcode, payload, rsv1=compressed, key=key)
    events, most = fed(talk, wire, from_client)
    assert events == [UncollectedMessage(opcode, len(content), from_client, 1.5, 0)]
    assert most <= 16
    assert budget.bytes_held == 0
    assert talk.relay.websocket.messages == []


@SIDES
def test_frames_mode_holds_one_frame(from_client: bool) -> None:
    talk = Talk("frames", collect_up_to=None)
    parts = [bytes(MIB)] * 8
    wire = b"".join(fragments(Opcode.BINARY, parts, key=KEY if from_client else None))
    events, most = fed(talk, wire, from_client)
    assert events == [UncollectedMessage(Opcode.BINARY, 8 * MIB, from_client, 1.5, 0)]
    assert most <= MIB + 14


@SIDES
def test_frames_mode_passes_a_frame_over_the_limit_as_it_arrives(from_client: bool) -> None:
    talk = Talk("frames", collect_up_to=None, limits=Limits(max_frame_size=1000))
    sender = talk.sender(from_client)
    held, longer = sender.frames(Opcode.TEXT, [b"a" * 1000, b"b" * 1001])
    talk.feed(held[:-1], from_client)
    assert talk.taken(from_client) == b""
    talk.feed(held[-1:], from_client)
    assert talk.taken(from_client) == held
    assert talk.feed(longer[:500], from_client) == []
    assert talk.taken(from_client) == longer[:500]
    talk.relay.send_ping(b"p", to_client=not from_client)
    assert talk.taken(from_client) == b"", "not inside the frame"
    (event,) = talk.feed(longer[500:], from_client)
    assert event == UncollectedMessage(Opcode.TEXT, 2001, from_client, 1.5, 0)
    assert talk.take(from_client) == [("text", b"a" * 1000 + b"b" * 1001), ("ping", b"p")]


@ALL_PASSING
@SIDES
@pytest.mark.parametrize(
    "limits", [{"max_frame_size": 9}, {"max_message_size": 9}, {"max_fragments": 1}]
)
def test_no_limit_ends_what_is_only_passed_on(
    mode: Mode, limits: dict[str, Any], from_client: bool
) -> None:
    for collect_up_to in (None, 0, 1000):
        talk = Talk(mode, limits=Limits(**limits), collect_up_to=collect_up_to)
        sender = talk.sender(from_client)
        wire = sender.text("0123456789", "0123456789") + sender.close(1000)
        message, close = talk.feed(wire, from_client)
        assert message == UncollectedMessage(Opcode.TEXT, 20, from_client, 1.5, 0)
        assert talk.taken(from_client) == wire
        assert talk.direction(from_client).close_received == close


@ALL_PASSING
@SIDES
def test_messages_up_to_the_bound_are_collected(mode: Mode, from_client: bool) -> None:
    for compress in (False, True):
        agreed = DeflateParams() if compress else None
        talk = Talk(mode, deflate=agreed, collect_up_to=6)
        sender = talk.sender(from_client)
        wire = b"".join(
            sender.text(*parts, compress=compress)
            for parts in (["12", "", "3456"], ["1234567"], ["123", "4567", "89"], [""])
        )
        events: list[Event] = []
        for at in range(len(wire)):
            events += talk.feed(wire[at : at + 1], from_client)
        found = [e.content if isinstance(e, WebSocketMessage) else e.length for e in events]  # type: ignore[union-attr]
        assert found == [b"123456", 7, 9, b""]
        assert talk.taken(from_client) == wire
        assert [one.content for one in talk.relay.websocket.messages] == [b"123456", b""]


@ALL_PASSING
@SIDES
@pytest.mark.parametrize("collect_up_to", [None, 2, 1000])
@pytest.mark.parametrize("compress", [False, True])
def test_text_is_checked_as_it_arrives(
    mode: Mode, collect_up_to: int | None, compress: bool, from_client: bool
) -> None:
    agreed = DeflateParams() if compress else None
    talk = Talk(mode, deflate=agreed, collect_up_to=collect_up_to)
    sender = talk.sender(from_client)
    good = sender.frames(Opcode.TEXT, ["naïve".encode()[:3], "naïve".encode()[3:]])
    (event,) = talk.feed(b"".join(good), from_client)
    assert not isinstance(event, ProtocolViolation)
    offset = len(b"".join(good))
    first, second, _ = sender.frames(
        Opcode.TEXT, [b"abc\xc3", b"(", b"never sent"], compress=compress
    )
    assert talk.feed(first, from_client) == []
    (violation,) = talk.feed(second, from_client)
    assert isinstance(violation, ProtocolViolation)
    assert isinstance(violation.error, InvalidUtf8)
    assert violation.error.offset == offset + len(first)


@ALL_PASSING
def test_text_that_ends_inside_a_character_is_a_violation(mode: Mode) -> None:
    talk = Talk(mode, collect_up_to=None)
    error = talk.violation(talk.client.frames(Opcode.TEXT, [b"abc\xc3"])[0]).error
    assert isinstance(error, InvalidUtf8)
    lax = Talk(mode, collect_up_to=None, strictness=Strictness(utf8=False))
    (event,) = lax.feed(lax.client.frames(Opcode.TEXT, [b"abc\xc3"])[0])
    assert isinstance(event, UncollectedMessage)
    assert lax.relay.from_client.tolerated["utf8"] == 1


@ALL_PASSING
def test_kept_context_is_tolerated_without_collecting(mode: Mode) -> None:
    """The sender agreed to no context takeover, and refers to earlier messages all the same."""
    agreed = DeflateParams(client_no_context_takeover=True, server_no_context_takeover=True)
    talk = Talk(mode, deflate=agreed, collect_up_to=None)
    deflater, content = Deflater(), bytes(range(256)) * 200
    lengths = []
    for _ in range(3):
        wire = frame(Opcode.BINARY, deflater.compress(content), rsv1=True, key=KEY)
        for start in range(0, len(wire), 100):
            lengths += [
                one.length
                for one in of_kind(talk.feed(wire[start : start + 100]), UncollectedMessage)
            ]
    assert lengths == [len(content)] * 3
    assert talk.relay.from_client.tolerated["no_context_takeover"] == 2


def test_budget_that_is_used_up_stops_collecting_and_nothing_else() -> None:
    budget = Budget(100 * KIB)
    holder = WebSocketRelay(budget=budget)
    holder.receive_data(frame(Opcode.BINARY, bytes(90 * KIB)), from_client=False)
    talk = Talk("bytes", budget=budget)
    wire = talk.client.binary(bytes(30 * KIB))
    events: list[Event] = []
    for start in range(0, len(wire), KIB):
        events += talk.feed(wire[start : start + KIB])
        talk.relay.data_to_send(to_client=False)
    assert events == [UncollectedMessage(Opcode.BINARY, 30 * KIB, True, 1.5, 0)]


@ALL_PASSING
def test_incomplete_message_that_is_not_collected_has_no_content(mode: Mode) -> None:
    talk = Talk(mode, collect_up_to=None)
    talk.feed(talk.client.frames(Opcode.TEXT, [b"abc", b"def"])[0])
    (incomplete,) = talk.relay.receive_eof(from_client=True, timestamp=1.5)
    assert incomplete == Incomplete(Opcode.TEXT, b"", True, 1.5, 0)


@ALL_PASSING
def test_messages_of_another_extension_are_not_collected_either(mode: Mode) -> None:
    talk = Talk(mode, collect_up_to=None, extension="x-other")
    wire = frame(Opcode.TEXT, b"\xff" * 300, rsv2=True) + frame(Opcode.TEXT, b"plain")
    events = talk.feed(wire, False)
    assert [(type(one), one.length) for one in events] == [  # type: ignore[union-attr]
        (UncollectedMessage, 300),
        (UncollectedMessage, 5),
    ]
    assert talk.relay.data_to_send(to_client=True) == wire


@pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError), ("1", TypeError)]
)
def test_wrong_bounds_are_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="collect_up_to"):
        PassThroughRelay(collect_up_to=value)
    PassThroughRelay(collect_up_to=1 << 70)


@examples(150)
@given(data=st.data())
def test_what_is_not_collected_has_the_events_of_what_is(data: st.DataObject) -> None:
    """Whatever is sent and however it is cut, only contents are missing."""
    agreed = data.draw(st.sampled_from([None, DeflateParams()]))
    deflater = Deflater()
    wire = b""
    for _ in range(data.draw(st.integers(1, 5))):
        opcode = data.draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
        content = data.draw(st.text(max_size=60)).encode() * data.draw(st.integers(1, 40))
        content += data.draw(st.sampled_from([b"", b"", b"\xff", b"\xc3"]))
        compressed = agreed is not None and data.draw(st.booleans())
        payload = deflater.compress(content) if compressed else content
        at = data.draw(st.integers(0, len(payload)))
        for one in fragments(opcode, [payload[:at], payload[at:]], rsv1=compressed):
            wire += one + data.draw(st.sampled_from([b"", b"\x89\x01p"]))
    size = data.draw(st.integers(1, 200))
    bound = data.draw(st.none() | st.integers(0, 300))
    mode: Any = data.draw(st.sampled_from(["frames", "bytes"]))

    def read(collect_up_to: int | None) -> tuple[list[Event], bytes]:
        relay = PassThroughRelay(mode=mode, deflate=agreed, collect_up_to=collect_up_to)
        events: list[Event] = []
        for start in range(0, len(wire), size):
            events += relay.receive_data(wire[start : start + size], from_client=False, timestamp=1)
        return events, relay.data_to_send(to_client=True)

    whole, out = read(1 << 30)
    some, same = read(bound)
    assert out == same
    assert len(whole) == len(some)
    for ours, theirs in zip(whole, some, strict=True):
        if isinstance(ours, WebSocketMessage):
            length = len(ours.content)
            if bound is None or length > bound:
                assert isinstance(theirs, UncollectedMessage)
                assert (theirs.type, theirs.length) == (ours.type, length)
            else:
                assert isinstance(theirs, WebSocketMessage)
                assert theirs.content == ours.content
        elif isinstance(ours, Ping):
            assert ours == theirs
        else:
            assert str(ours) == str(theirs)


_HALF_A_GIB = """
import json, resource, wsdefrag
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
total, read = 512 << 20, 1 << 16
relay = wsdefrag.PassThroughRelay(mode={mode!r})
text, sent = b"abcdefgh" * (read // 8), 0
def pass_on(data):
    global sent
    events = relay.receive_data(data, from_client=False, timestamp=1.5)
    sent += len(relay.data_to_send(to_client=True))
    return events
pass_on(b"\\x82\\x7e\\xff\\xff" + text[:-1])
before = peak()
events = []
count = {frames}
for number in range(count):
    first = 0x01 if number == 0 else 0x00
    head = bytes([first | (0x80 if number + 1 == count else 0), 127])
    events += pass_on(head + (total // count).to_bytes(8, "big"))
    for _ in range(total // count // read):
        events += pass_on(text)
print(json.dumps([peak() - before, sent, [one.length for one in events], relay.bytes_buffered]))
"""


@pytest.mark.parametrize(
    ("mode", "frames", "most"), [("bytes", 1, 1024), ("frames", 1, 1024), ("frames", 512, 3072)]
)
def test_half_a_gib_passes_without_growing_memory(mode: str, frames: int, most: int) -> None:
    """In one frame, which is longer than `max_frame_size`; or in frames of 1 MiB, each of which is
    held, and copied once while its buffer grows."""
    code, output, errors = child(_HALF_A_GIB.format(mode=mode, frames=frames))
    assert code == 0, errors
    grown, sent, lengths, held = json.loads(output)
    assert lengths == [512 << 20]
    assert sent == (512 << 20) + frames * 10 + 65539
    assert held == 0
    assert grown <= most, f"{grown} KiB"
