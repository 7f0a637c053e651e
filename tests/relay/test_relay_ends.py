"""How directions of a relay end without a Close: by a violation, or by the end of a stream.

Neither is a Close, and neither sends one (RFC 6455 sections 7.1.5 and 7.1.7). What was complete
before is delivered, and the other direction goes on.
"""

from __future__ import annotations

from relay_talk import ALL_MODES, SIDES, Mode, Talk, only
from wsdefrag import (
    DeflateParams,
    Incomplete,
    InvalidUtf8,
    Opcode,
    ProtocolError,
    ProtocolViolation,
    WebSocketMessage,
)

# Violations


@ALL_MODES
@SIDES
def test_violation_is_no_close_and_sends_nothing(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    sender = talk.sender(from_client)
    good = sender.text("good")
    events = talk.feed(good + b"\x83\x80", from_client)
    assert [type(event) for event in events] == [WebSocketMessage, ProtocolViolation]
    if mode == "messages":
        talk.forward(events)
    assert talk.taken(from_client) == good
    assert talk.taken(not from_client) == b""
    direction = talk.direction(from_client)
    assert isinstance(direction.error, ProtocolError)
    assert direction.error.offset == len(good)
    assert direction.close_received is None
    assert not direction.close_sent
    assert talk.relay.websocket.closed_by_client is None


@ALL_MODES
@SIDES
def test_violation_of_one_side_leaves_the_other_going(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    talk.violation(b"\x83\x80", from_client)
    for text in ("one", "two"):
        wire = talk.sender(not from_client).text(text)
        assert talk.pass_on(wire, not from_client) == wire
    assert talk.direction(not from_client).error is None
    assert talk.feed(talk.sender(from_client).text("more"), from_client) == []


@ALL_MODES
@SIDES
def test_violation_can_be_answered_to_both_sides(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    violation = talk.violation(talk.sender(from_client).binary()[:1] + b"\xff" * 9, from_client)
    code = violation.error.close_code
    assert code == 1002
    assert talk.relay.send_close(code, "", to_client=from_client)
    assert talk.relay.send_close(1011, "", to_client=not from_client)
    assert talk.take(not from_client) == [("close", 1002, "")]
    assert talk.take(from_client) == [("close", 1011, "")]


@SIDES
def test_violation_inside_a_message_drops_what_was_held_of_it(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    half = sender.frames(Opcode.BINARY, [bytes(1000), b""])[0]
    (violation,) = talk.feed(half + sender.text("not a continuation"), from_client)
    assert isinstance(violation, ProtocolViolation)
    assert talk.relay.bytes_buffered == 0
    talk.relay.forward(violation)
    assert talk.taken(from_client) == b""


@ALL_MODES
@SIDES
def test_text_that_is_none_is_a_violation(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode, deflate=DeflateParams())
    sender = talk.sender(from_client)
    wire = b"".join(sender.frames(Opcode.TEXT, [b"caf\xe9"], compress=True))
    assert isinstance(talk.violation(wire, from_client).error, InvalidUtf8)


# Ends of streams


@ALL_MODES
@SIDES
def test_end_of_stream_sends_nothing(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    assert talk.relay.receive_eof(from_client=from_client, timestamp=3.5) == []
    assert talk.relay.receive_eof(from_client=from_client, timestamp=4.5) == []
    assert talk.taken(True) == talk.taken(False) == b""
    websocket = talk.relay.websocket
    assert (websocket.closed_by_client, websocket.close_code) == (from_client, 1006)
    assert (websocket.close_reason, websocket.timestamp_end) == (None, 3.5)
    assert not talk.relay.from_client.close_sent
    assert not talk.relay.from_server.close_sent


@ALL_MODES
@SIDES
def test_end_inside_a_message_is_incomplete_and_sends_nothing(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode)
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"ha", b"lf"])
    wire = first + second[:-1]
    assert talk.feed(wire, from_client) == []
    passed = talk.taken(from_client)
    incomplete = only(talk.relay.receive_eof(from_client=from_client, timestamp=3.5), Incomplete)
    assert (incomplete.type, incomplete.content, incomplete.timestamp) == (1, b"hal", 3.5)
    if mode == "messages":
        talk.relay.forward(incomplete)
    assert talk.taken(from_client) == b""
    expected = {"messages": b"", "frames": first, "bytes": wire}
    assert passed == expected[mode]
    assert talk.relay.bytes_buffered == 0


@ALL_MODES
@SIDES
def test_the_other_side_goes_on_after_an_end(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    talk.relay.receive_eof(from_client=from_client)
    wire = talk.sender(not from_client).text("answer")
    assert talk.pass_on(wire, not from_client) == wire


@SIDES
def test_events_can_be_decided_on_after_the_end(from_client: bool) -> None:
    talk = Talk()
    message = talk.message(talk.sender(from_client).text("last words"), from_client)
    talk.relay.receive_eof(from_client=from_client)
    talk.relay.forward(message)
    assert talk.relay.send_close(1001, "", to_client=not from_client)
    assert talk.take(from_client) == [("text", b"last words"), ("close", 1001, "")]
