"""Defects that were reproduced in mitmproxy 12.2 on wsproto 1.3.2, and that a relay keeps away.

Each test is named after what went wrong there. Speed is measured in `benches/`.
"""

from __future__ import annotations

import pytest

from relay_talk import ALL_MODES, ALL_PASSING, SIDES, Mode, Talk, only
from wire_writer import deflated_zeros, frame
from wsdefrag import (
    Close,
    DeflateParams,
    Fragmenter,
    Incomplete,
    LimitExceeded,
    Opcode,
    Ping,
    ProtocolError,
    ProtocolViolation,
    UncollectedMessage,
    WebSocketMessage,
)

MIB = 1 << 20
DEFLATE = DeflateParams()


@SIDES
@ALL_MODES
def test_large_frame_in_small_reads_is_not_copied_with_each_of_them(
    mode: Mode, from_client: bool
) -> None:
    """Quadratic time took 13 s for 64 MiB in 64 KiB; in reads of 1 KiB it would never end."""
    talk = Talk(mode)
    wire = talk.sender(from_client).binary(bytes(16 * MIB))
    out = []
    for start in range(0, len(wire), 1 << 10):
        events = talk.feed(wire[start : start + (1 << 10)], from_client)
        if mode == "messages":
            talk.forward(events)
        out.append(talk.relay.data_to_send(to_client=not from_client))
    assert b"".join(out) == wire


@SIDES
@pytest.mark.parametrize("compress", [False, True])
def test_edited_text_is_not_cut_in_a_character_at_4000_bytes(
    compress: bool, from_client: bool
) -> None:
    talk = Talk(deflate=DEFLATE, fragmenter=Fragmenter(max_size=4000))
    message = talk.message(talk.sender(from_client).text("short", compress=compress), from_client)
    message.text = "x" * 3999 + "ä" + "y" * 5000
    talk.relay.forward(message)
    talk.relay.inject(WebSocketMessage(Opcode.TEXT, from_client, message.content))
    talk.take(from_client)
    for heard in talk.receiver(from_client).messages:
        assert heard.content.decode() == message.text
        assert [part.decode() for part in heard.parts]


@SIDES
@pytest.mark.parametrize("compress", [False, True])
def test_edited_text_is_not_cut_in_a_character_at_a_kept_boundary(
    compress: bool, from_client: bool
) -> None:
    talk = Talk(deflate=DEFLATE)
    wire = talk.sender(from_client).text("abc", "def", compress=compress)
    message = talk.message(wire, from_client)
    message.text = "abäef"
    assert len(message.content) == 6
    talk.relay.forward(message)
    talk.take(from_client)
    (heard,) = talk.receiver(from_client).messages
    assert "".join(part.decode() for part in heard.parts) == "abäef"


@SIDES
@ALL_MODES
def test_injecting_during_a_half_received_message_does_not_merge_the_two(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode)
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"half ", b"received"])
    out = talk.pass_on(first, from_client)
    talk.relay.inject(WebSocketMessage(Opcode.TEXT, from_client, b"injected"))
    out += talk.pass_on(second, from_client)
    assert {one.content for one in talk.receiver(from_client).messages} == {
        b"half received",
        b"injected",
    }
    assert [message.content for message in talk.relay.websocket.messages].count(b"injected") == 1


@SIDES
@ALL_MODES
def test_ping_between_compressed_fragments_does_not_corrupt_the_message(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode, deflate=DEFLATE)
    sender = talk.sender(from_client)
    for _ in range(3):
        frames = sender.cut_anywhere(Opcode.TEXT, b"hello, hello, hello", [3, 9])
        talk.pass_on(frames[0] + sender.ping(b"hb") + b"".join(frames[1:]), from_client)
    assert (
        talk.receiver(from_client).events
        == [
            ("ping", b"hb"),
            ("text", b"hello, hello, hello"),
        ]
        * 3
    )


def test_server_max_window_bits_8_is_relayed() -> None:
    header = "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8"
    talk = Talk(deflate=DeflateParams.from_header(header))
    for from_client in (True, False):
        sender = talk.sender(from_client)
        wire = sender.binary(bytes(1000), compress=True)
        assert talk.pass_on(wire, from_client) == wire
        message = talk.message(sender.binary(bytes(1000), compress=True), from_client)
        message.content = bytes(range(256)) * 20
        talk.relay.forward(message)
        assert talk.take(from_client) == [("binary", bytes(range(256)) * 20)]


def test_valueless_client_max_window_bits_is_refused_with_the_reason() -> None:
    """Only an offer may leave the value out (RFC 7692 section 7.1.2.2)."""
    with pytest.raises(ValueError, match="client_max_window_bits"):
        DeflateParams.from_header("permessage-deflate; client_max_window_bits")


@SIDES
@ALL_MODES
def test_close_1014_stays_1014(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    wire = talk.sender(from_client).close(1014, "bad gateway")
    assert talk.pass_on(wire, from_client) == wire
    assert talk.relay.websocket.close_code == 1014


@SIDES
@ALL_MODES
def test_dropped_connection_is_not_sent_on_as_close_1000(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    assert talk.relay.receive_eof(from_client=from_client) == []
    assert talk.taken(True) == talk.taken(False) == b""
    assert talk.relay.websocket.close_code == 1006


@SIDES
@ALL_MODES
def test_partial_message_at_end_of_stream_is_reported(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    talk.feed(talk.sender(from_client).frames(Opcode.TEXT, [b"partial", b""])[0], from_client)
    incomplete = only(talk.relay.receive_eof(from_client=from_client), Incomplete)
    assert (incomplete.type, incomplete.content) == (Opcode.TEXT, b"partial")


@SIDES
@ALL_MODES
def test_parse_error_does_not_look_like_a_close(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    violation = talk.violation(b"\x83\x80", from_client)
    assert isinstance(violation.error, ProtocolError)
    assert violation.error.kind == "reserved_opcode"
    direction = talk.direction(from_client)
    assert direction.error is not None
    assert direction.close_received is None
    assert talk.relay.websocket.close_code is None
    # Later bytes give no events, and the direction still says why.
    assert talk.feed(talk.sender(from_client).text("later"), from_client) == []
    assert direction.error is not None


@ALL_MODES
def test_bomb_of_63_kib_does_not_become_64_mib_unseen(mode: Mode) -> None:
    talk = Talk(mode, deflate=DEFLATE)
    bomb = frame(Opcode.BINARY, b"".join(deflated_zeros(65)), rsv1=True)
    assert len(bomb) < 70_000
    (event,) = talk.feed(bomb, False)
    if mode == "messages":
        assert isinstance(event, ProtocolViolation)
        assert isinstance(event.error, LimitExceeded)
    else:
        # It is forwarded as it came, and its content is not collected.
        assert isinstance(event, UncollectedMessage)


@ALL_MODES
def test_messages_are_not_kept_for_ever(mode: Mode) -> None:
    talk = Talk(mode, retain=10)
    for number in range(1000):
        talk.pass_on(talk.client.text(str(number)))
    kept = [message.text for message in talk.relay.websocket.messages]
    assert kept == [str(number) for number in range(990, 1000)]


@ALL_PASSING
@SIDES
def test_frames_are_forwarded_before_fin_and_no_ping_overtakes_them(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode, deflate=DEFLATE)
    sender = talk.sender(from_client)
    first, second = sender.cut_anywhere(Opcode.TEXT, b"hello, hello", [4])
    ping = sender.ping()
    assert talk.pass_on(first, from_client) == first
    assert talk.pass_on(ping, from_client) == ping
    assert talk.pass_on(second, from_client) == second


@SIDES
def test_nothing_overtakes_in_a_deciding_relay_but_control_frames(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    first, second = sender.frames(Opcode.TEXT, [b"a", b"b"])
    events = talk.feed(sender.text("before") + first + sender.ping() + second, from_client)
    assert [type(event) for event in events] == [WebSocketMessage, Ping, WebSocketMessage]
    talk.forward(events)
    assert talk.take(from_client) == [("text", b"before"), ("ping", b""), ("text", b"ab")]


@ALL_MODES
def test_frames_keep_their_masks(mode: Mode) -> None:
    talk = Talk(mode)
    wire = talk.client.text("a", "b") + talk.client.ping(b"c") + talk.client.close(1000)
    assert talk.pass_on(wire) == wire
    assert {one.key for one in talk.at_server.frames} == {talk.client.key}


@ALL_MODES
@SIDES
def test_plain_message_on_a_deflate_connection_is_not_compressed(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode, deflate=DEFLATE)
    wire = talk.sender(from_client).text("plain " * 100)
    assert talk.pass_on(wire, from_client) == wire
    assert not talk.receiver(from_client).messages[0].compressed


def test_close_event_is_no_violation_and_a_violation_no_close() -> None:
    talk = Talk()
    (close,) = talk.feed(talk.client.close(1002, "your fault"))
    assert isinstance(close, Close)
    assert talk.relay.from_client.error is None
