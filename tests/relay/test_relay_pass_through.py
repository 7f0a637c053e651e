"""PassThroughRelay, modes "frames" and "bytes": what is forwarded without a decision, and when."""

from __future__ import annotations

import random

import pytest

from relay_peers import Sender
from relay_talk import ALL_PASSING, SIDES, Mode, Talk, of_kind, seen
from wsdefrag import DeflateParams, Limits, Opcode, Ping, UncollectedMessage, WebSocketMessage


@ALL_PASSING
@SIDES
def test_everything_goes_on_by_itself_and_is_still_an_event(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    sender = talk.sender(from_client)
    wire = sender.text("h", "i") + sender.ping(b"p") + sender.close(1000, "bye")
    events = talk.feed(wire, from_client)
    assert seen(events) == [("text", b"hi"), ("ping", b"p"), ("close", 1000, "bye")]
    assert talk.taken(from_client) == wire
    assert talk.taken(not from_client) == b""
    (message,) = of_kind(events, WebSocketMessage)
    assert message.get_state() == (1, from_client, b"hi", 1.5, False, False)
    assert talk.relay.websocket.messages == [message]


@SIDES
def test_frames_go_on_when_they_are_whole(from_client: bool) -> None:
    talk = Talk("frames")
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"first", b"second"])
    assert talk.feed(first[:-1], from_client) == []
    assert talk.taken(from_client) == b""
    assert talk.feed(first[-1:], from_client) == []
    assert talk.taken(from_client) == first, "before FIN"
    talk.feed(second, from_client)
    assert talk.taken(from_client) == second


@SIDES
def test_bytes_mode_goes_on_as_it_comes(from_client: bool) -> None:
    talk = Talk("bytes")
    wire = talk.sender(from_client).binary(bytes(range(200)))
    header = len(wire) - 200
    talk.feed(wire[:header], from_client)
    for at in range(header, len(wire) - 1):
        talk.take(from_client)
        assert talk.feed(wire[at : at + 1], from_client) == []
        assert talk.taken(from_client)[-1:] == wire[at : at + 1]
    assert len(talk.feed(wire[-1:], from_client)) == 1
    assert talk.taken(from_client) == wire[-1:]


@SIDES
def test_bytes_mode_holds_control_frames_until_they_are_whole(from_client: bool) -> None:
    """Another one may have to go first, and cannot stand inside."""
    talk = Talk("bytes")
    ping = talk.sender(from_client).ping(b"payload")
    for at in range(len(ping) - 1):
        assert talk.feed(ping[at : at + 1], from_client) == []
        assert talk.taken(from_client) == b""
    talk.relay.send_ping(b"other", to_client=not from_client)
    talk.feed(ping[-1:], from_client)
    assert talk.take(from_client) == [("ping", b"other"), ("ping", b"payload")]


@ALL_PASSING
@SIDES
def test_what_goes_on_does_not_wait_for_the_other_direction(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    ours = talk.sender(from_client).frames(Opcode.TEXT, [b"a", b"b"])
    theirs = talk.sender(not from_client).frames(Opcode.TEXT, [b"c", b"d"])
    for mine, other in zip(ours, theirs, strict=True):
        talk.feed(mine, from_client)
        talk.feed(other, not from_client)
        assert talk.taken(from_client) == mine
        assert talk.taken(not from_client) == other


@SIDES
def test_bytes_mode_holds_nothing_of_a_large_frame_for_output(from_client: bool) -> None:
    """Half a frame that was taken counts once: as what is kept of the message."""
    talk = Talk("bytes")
    wire = talk.sender(from_client).binary(bytes(1 << 20))
    half = len(wire) // 2
    talk.feed(wire[:half], from_client)
    talk.take(from_client)
    assert talk.relay.bytes_buffered <= half
    talk.feed(wire[half:], from_client)
    talk.take(from_client)
    assert talk.relay.bytes_buffered == 0


@ALL_PASSING
@SIDES
def test_own_ping_stands_between_two_fragments(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"first", b"second"])
    talk.feed(first, from_client)
    talk.relay.send_ping(b"p", to_client=not from_client)
    talk.feed(second, from_client)
    assert talk.take(from_client) == [("ping", b"p"), ("text", b"firstsecond")]


@SIDES
def test_own_ping_does_not_stand_inside_a_frame(from_client: bool) -> None:
    talk = Talk("bytes")
    wire = talk.sender(from_client).binary(bytes(100))
    talk.feed(wire[:50], from_client)
    talk.relay.send_ping(b"p", to_client=not from_client)
    talk.relay.send_pong(b"q", to_client=not from_client)
    talk.feed(wire[50:], from_client)
    assert talk.take(from_client) == [("binary", bytes(100)), ("ping", b"p"), ("pong", b"q")]


@SIDES
def test_own_ping_after_half_a_header_is_readable(from_client: bool) -> None:
    for cut in range(1, 14):
        talk = Talk("bytes")
        wire = talk.sender(from_client).binary(bytes(70_000))
        talk.feed(wire[:cut], from_client)
        talk.relay.send_ping(b"p", to_client=not from_client)
        talk.feed(wire[cut:], from_client)
        talk.take(from_client)
        assert sorted(talk.receiver(from_client).events, key=str) == [
            ("binary", bytes(70_000)),
            ("ping", b"p"),
        ]


@ALL_PASSING
@SIDES
def test_compressed_fragments_go_on_before_the_last_with_a_ping_between(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode, deflate=DeflateParams())
    sender = talk.sender(from_client)
    first, second = sender.cut_anywhere(Opcode.TEXT, b"hello " * 50, [5])
    for wire in (first, sender.ping(b"p"), second):
        talk.feed(wire, from_client)
        assert talk.taken(from_client) == wire
    assert talk.receiver(from_client).events == [("ping", b"p"), ("text", b"hello " * 50)]


NONE, FULL = None, DeflateParams()
ALONE = DeflateParams(server_no_context_takeover=True, client_no_context_takeover=True)
SMALL = DeflateParams(server_max_window_bits=9, client_max_window_bits=10)
SMALL_CLIENT = DeflateParams(client_max_window_bits=10)
SMALL_SERVER = DeflateParams(server_max_window_bits=10)

# What is passed on as it came has to be readable there: by a window that is no smaller and forgets
# nothing that the sender still refers to (RFC 7692 section 7.1). Both directions have to be.
FIT = [(NONE, NONE), (FULL, FULL), (ALONE, ALONE), (SMALL_CLIENT, FULL), (FULL, SMALL_SERVER)]
DO_NOT_FIT = [
    *[(NONE, other) for other in (FULL, ALONE, SMALL)],
    *[(other, NONE) for other in (FULL, ALONE, SMALL)],
    *[(FULL, SMALL), (SMALL, FULL), (FULL, ALONE), (ALONE, FULL)],
    *[(FULL, SMALL_CLIENT), (SMALL_SERVER, FULL)],
]


def repeating(talk: Talk, from_client: bool) -> list[bytes]:
    """Relay messages that refer to earlier ones, in pieces; give their contents."""
    sender = talk.sender(from_client)
    block = random.Random(7).randbytes(600)
    contents = [[block, b"", b"end"], [block * 3], [b""], [block * 5, block]]
    for parts in contents:
        wire = sender.frames(Opcode.BINARY, parts, compress=sender.deflate is not None)
        wire.insert(1, sender.ping(b"between"))
        for frame in wire:
            for start in range(0, len(frame), 777):
                talk.feed(frame[start : start + 777], from_client)
                talk.take(from_client)
    return [b"".join(parts) for parts in contents]


@ALL_PASSING
@SIDES
@pytest.mark.parametrize(("deflate", "server_deflate"), FIT)
def test_legs_that_fit_are_readable(
    mode: Mode,
    from_client: bool,
    deflate: DeflateParams | None,
    server_deflate: DeflateParams | None,
) -> None:
    talk = Talk(mode, deflate=deflate, server_deflate=server_deflate)
    contents = repeating(talk, from_client)
    assert [one.content for one in talk.receiver(from_client).messages] == contents
    assert talk.relay.bytes_buffered == 0


@ALL_PASSING
@pytest.mark.parametrize(("deflate", "server_deflate"), DO_NOT_FIT)
def test_legs_that_do_not_fit_are_refused(
    mode: Mode, deflate: DeflateParams | None, server_deflate: DeflateParams | None
) -> None:
    """WebSocketRelay is there for them."""
    with pytest.raises(ValueError, match=mode):
        Talk(mode, deflate=deflate, server_deflate=server_deflate)
    Talk(deflate=deflate, server_deflate=server_deflate)


@ALL_PASSING
@SIDES
def test_violation_ends_what_goes_on_at_its_frame(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    sender = talk.sender(from_client)
    good = sender.text("good") + sender.frames(Opcode.TEXT, [b"half", b""])[0]
    events = talk.feed(good + b"\x83\x80" + sender.text("bad"), from_client)
    assert seen(events[:1]) == [("text", b"good")]
    assert len(events) == 2
    assert talk.taken(from_client) == good
    assert talk.feed(sender.text("worse"), from_client) == []
    assert talk.taken(from_client) == b""


@SIDES
def test_frame_that_breaks_a_rule_with_its_payload_does_not_go_on(from_client: bool) -> None:
    """Mode "frames" judges a frame before it goes on."""
    talk = Talk("frames")
    sender = talk.sender(from_client)
    talk.violation(sender.frames(Opcode.TEXT, [b"caf\xe9!"])[0], from_client)
    assert talk.taken(from_client) == b""


@ALL_PASSING
def test_message_over_a_limit_goes_on_without_being_collected(mode: Mode) -> None:
    talk = Talk(mode, limits=Limits(max_message_size=100))
    good, longer = talk.client.binary(bytes(100)), talk.client.binary(bytes(101))
    message, uncollected = talk.feed(good + longer)
    assert isinstance(message, WebSocketMessage)
    assert uncollected == UncollectedMessage(Opcode.BINARY, 101, True, 1.5, len(good))
    assert talk.taken() == good + longer


def test_ping_event_in_bytes_mode_comes_before_the_message_it_stands_in() -> None:
    talk = Talk("bytes")
    sender = Sender(True)
    first, second = sender.frames(Opcode.TEXT, [b"a", b"b"])
    events = talk.feed(first + sender.ping(b"p") + second)
    assert [type(event) for event in events] == [Ping, WebSocketMessage]
