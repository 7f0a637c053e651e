"""Messages that the caller injects: at the next message boundary, and never inside another one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from relay_peers import Sender
from relay_talk import ALL_MODES, ALL_PASSING, SIDES, Mode, Talk, refused
from wire_case import Seen
from wire_writer import cut
from wsdefrag import DeflateParams, Fragmenter, Opcode, WebSocketMessage

ALONE = DeflateParams(server_no_context_takeover=True, client_no_context_takeover=True)


def text_of(from_client: bool, content: str) -> WebSocketMessage:
    return WebSocketMessage(Opcode.TEXT, from_client, content.encode(), 2.5)


@ALL_MODES
@SIDES
def test_injected_message_goes_the_way_of_its_sender(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    message = text_of(from_client, "hello")
    talk.relay.inject(message)
    assert talk.taken(not from_client) == b""
    assert talk.take(from_client) == [("text", b"hello")]
    assert message.get_state() == (1, from_client, b"hello", 2.5, False, True)
    assert talk.relay.websocket.messages == [message]
    assert talk.relay.bytes_buffered == 0


def test_record_keeps_injected_messages_as_others() -> None:
    talk = Talk(retain=2)
    first, second = text_of(True, "1"), text_of(False, "2")
    talk.relay.inject(first)
    talk.relay.inject(second)
    (third,) = talk.feed(talk.client.text("3"))
    assert talk.relay.websocket.messages == [second, third]


@SIDES
def test_deciding_relay_injects_during_a_half_received_message(from_client: bool) -> None:
    """Nothing of it has gone on, so nothing has to be waited for."""
    talk = Talk()
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"half ", b"and half"])
    talk.feed(first, from_client)
    talk.relay.inject(text_of(from_client, "injected"))
    assert talk.take(from_client) == [("text", b"injected")]
    talk.forward(talk.feed(second, from_client))
    assert talk.taken(from_client) == first + second


@SIDES
def test_deciding_relay_injects_before_what_is_undecided(from_client: bool) -> None:
    talk = Talk()
    message = talk.message(talk.sender(from_client).text("later"), from_client)
    talk.relay.inject(text_of(from_client, "first"))
    talk.relay.forward(message)
    assert talk.take(from_client) == [("text", b"first"), ("text", b"later")]


@ALL_PASSING
@SIDES
def test_pass_through_relay_injects_after_a_half_received_message(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode)
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"half ", b"and half"])
    talk.feed(first, from_client)
    assert talk.taken(from_client) == first
    talk.relay.inject(text_of(from_client, "injected"))
    assert talk.taken(from_client) == b""
    ping = talk.sender(from_client).ping(b"between")
    talk.feed(ping, from_client)
    assert talk.taken(from_client) == ping
    talk.feed(second + talk.sender(from_client).text("next"), from_client)
    talk.take(from_client)
    assert talk.receiver(from_client).events == [
        ("ping", b"between"),
        ("text", b"half and half"),
        ("text", b"injected"),
        ("text", b"next"),
    ]


@SIDES
def test_bytes_mode_injects_after_a_half_received_frame(from_client: bool) -> None:
    talk = Talk("bytes")
    wire = talk.sender(from_client).text("half and half")
    half = len(wire) - 5
    talk.feed(wire[:half], from_client)
    talk.relay.inject(text_of(from_client, "injected"))
    talk.relay.inject(text_of(from_client, "another"))
    assert talk.taken(from_client) == wire[:half]
    talk.feed(wire[half:], from_client)
    assert talk.take(from_client) == [
        ("text", b"half and half"),
        ("text", b"injected"),
        ("text", b"another"),
    ]


@SIDES
def test_frames_inject_before_a_frame_that_is_not_whole(from_client: bool) -> None:
    talk = Talk("frames")
    wire = talk.sender(from_client).text("half and half")
    talk.feed(wire[:8], from_client)
    talk.relay.inject(text_of(from_client, "injected"))
    assert talk.take(from_client) == [("text", b"injected")]
    assert talk.pass_on(wire[8:], from_client) == wire


@ALL_MODES
def test_half_a_message_of_one_side_does_not_hold_up_the_other(mode: Mode) -> None:
    talk = Talk(mode)
    talk.feed(talk.client.frames(Opcode.TEXT, [b"half", b""])[0], True)
    talk.relay.inject(text_of(False, "to the client"))
    assert talk.take(False) == [("text", b"to the client")]


@ALL_MODES
@SIDES
@pytest.mark.parametrize("compress", [True, False])
def test_injected_message_is_compressed_if_asked_for(
    mode: Mode, from_client: bool, compress: bool
) -> None:
    talk = Talk(mode, deflate=DeflateParams() if mode == "messages" else ALONE)
    for _ in range(3):
        talk.relay.inject(text_of(from_client, "hello " * 20), compress=compress)
        talk.pass_on(talk.sender(from_client).text("and on", compress=True), from_client)
    talk.take(from_client)
    messages = talk.receiver(from_client).messages
    assert [one.compressed for one in messages] == [compress, True] * 3
    assert [one.content for one in messages] == [b"hello " * 20, b"and on"] * 3


@SIDES
@pytest.mark.parametrize(("size", "compressed"), [(99, False), (100, True)])
def test_compress_from_decides_where_the_call_does_not(
    size: int, compressed: bool, from_client: bool
) -> None:
    talk = Talk(deflate=ALONE, compress_from=100)
    talk.relay.inject(WebSocketMessage(Opcode.BINARY, from_client, bytes(size)))
    talk.take(from_client)
    assert talk.receiver(from_client).messages[0].compressed is compressed


@ALL_MODES
@SIDES
def test_injected_message_is_plain_where_others_refer_to_each_other(
    mode: Mode, from_client: bool
) -> None:
    """Compressed, it would have all further ones compressed anew; nobody asked for that."""
    talk = Talk(mode, deflate=DeflateParams())
    talk.relay.inject(text_of(from_client, "hello " * 20))
    talk.take(from_client)
    wire = talk.sender(from_client).text("and on", compress=True)
    assert talk.pass_on(wire, from_client) == wire
    assert [one.compressed for one in talk.receiver(from_client).messages] == [False, True]


@ALL_PASSING
@SIDES
def test_passing_modes_refuse_to_compress_between_messages_that_refer_to_each_other(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode, deflate=DeflateParams())
    message = text_of(from_client, "hello")
    refused(talk, ValueError, lambda: talk.relay.inject(message, compress=True))
    assert message.injected is False
    talk.relay.inject(message, compress=False)
    assert talk.take(from_client) == [("text", b"hello")]


def test_leg_without_deflate_gets_injected_messages_plain() -> None:
    talk = Talk(deflate=ALONE, server_deflate=None)
    talk.relay.inject(text_of(True, "hello"))
    talk.relay.inject(text_of(False, "hello"))
    talk.take(True)
    talk.take(False)
    assert [one.compressed for one in talk.at_server.messages] == [False]
    assert [one.compressed for one in talk.at_client.messages] == [True]


def test_fragmenter_cuts_injected_messages() -> None:
    talk = Talk(fragmenter=Fragmenter(max_size=4))
    talk.relay.inject(text_of(True, "abc\xe9\xe9\xe9"))
    talk.take()
    for part in talk.at_server.messages[0].parts:
        assert 0 < len(part) <= 4
        part.decode()


@ALL_MODES
def test_injected_frames_of_a_client_have_keys_of_their_own(mode: Mode) -> None:
    talk = Talk(mode)
    for _ in range(10):
        talk.relay.inject(text_of(True, "hello"))
    talk.take()
    assert len({one.key for one in talk.at_server.frames}) >= 9


@ALL_MODES
@SIDES
@pytest.mark.parametrize("content", [b"", b"x" * 70_000])
def test_injected_message_of_any_size(mode: Mode, from_client: bool, content: bytes) -> None:
    talk = Talk(mode, deflate=DeflateParams())
    talk.relay.inject(WebSocketMessage(Opcode.BINARY, from_client, content))
    assert talk.take(from_client) == [("binary", content)]


@ALL_PASSING
@examples(150)
@given(data=st.data())
def test_injections_stand_between_messages_wherever_they_were_made(
    mode: Mode, data: st.DataObject
) -> None:
    from_client = data.draw(st.booleans())
    deflate = data.draw(st.sampled_from([None, DeflateParams(), ALONE]))
    talk = Talk(mode, deflate=deflate)
    sender, receiver = talk.sender(from_client), talk.receiver(from_client)
    wire, own = _spoken(data, sender)
    places: list[tuple[int, bytes]] = []
    for number, chunk in enumerate(
        cut(wire, data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    ):
        talk.feed(chunk, from_client)
        talk.take(from_client)
        if data.draw(st.booleans()):
            content = b"injected %d" % number
            waiting = sum(one[1] not in _contents(receiver.events) for one in places)
            begun = len(receiver.messages) + receiver.inside_message + waiting
            places.append((begun, content))
            message = WebSocketMessage(Opcode.BINARY, from_client, content)
            compress = data.draw(st.sampled_from([None, deflate is ALONE]))
            talk.relay.inject(message, compress=compress)
            talk.take(from_client)
    contents = _contents(receiver.events)
    injected = [content for _, content in places]
    assert [one for one in contents if one not in injected] == own
    assert [(contents.index(content), content) for content in injected] == places


def _spoken(data: st.DataObject, sender: Sender) -> tuple[bytes, list[bytes]]:
    """A few messages of a peer, with pings between their fragments."""
    wire, contents = b"", []
    for number in range(data.draw(st.integers(1, 4))):
        content = b"message %d " % number * data.draw(st.integers(1, 9))
        points = data.draw(st.lists(st.integers(0, len(content)), max_size=3))
        compress = sender.deflate is not None and data.draw(st.booleans())
        frames = sender.frames(Opcode.BINARY, cut(content, points), compress=compress)
        if data.draw(st.booleans()):
            frames.insert(1, sender.ping(b"p"))
        wire += b"".join(frames)
        contents.append(content)
    return wire, contents


def _contents(events: list[Seen]) -> list[object]:
    return [event[1] for event in events if event[0] == "binary"]
