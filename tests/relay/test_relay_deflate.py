"""Windows on both legs of a relay: what may be forwarded unchanged, what must be compressed anew.

A compressed message may refer to what its sender compressed before (RFC 7692 section 7.1.1). Once
the receiver of a direction has not seen exactly that, nothing can be forwarded unchanged;
without context takeover, that never happens. The receivers inflate with windows of exactly the
agreed size (`relay_peers`).
"""

from __future__ import annotations

import random
from itertools import product

import pytest

from relay_talk import SIDES, Talk
from wire_case import Seen
from wire_writer import KEY, frame
from wsdefrag import (
    DeflateParams,
    Opcode,
    Strictness,
    WebSocketDirection,
    WebSocketMessage,
    WebSocketRelay,
)

ALONE = DeflateParams(server_no_context_takeover=True, client_no_context_takeover=True)
TAKEOVER = DeflateParams()
LINE = b"the same words, again and again; "

# Every pair of takeover settings, with windows of all sizes spread over them.
AGREED = [
    DeflateParams(
        server_no_context_takeover=server,
        client_no_context_takeover=client,
        server_max_window_bits=bits,
        client_max_window_bits=23 - bits,
    )
    for (server, client), bits in product(product([False, True], repeat=2), range(8, 16))
]


def name_of(deflate: DeflateParams | None) -> str:
    if deflate is None:
        return "none"
    alone = (deflate.client_no_context_takeover, deflate.server_no_context_takeover)
    bits = (deflate.client_max_window_bits, deflate.server_max_window_bits)
    return "-".join(f"{'alone' if a else 'takeover'}{b}" for a, b in zip(alone, bits, strict=True))


def meddle(talk: Talk, from_client: bool, *, rounds: int = 4) -> list[Seen]:
    """Forward, edit, drop and inject by turns; give what the receiver has to read."""
    sender = talk.sender(from_client)
    compress = sender.deflate is not None
    chance = random.Random(rounds)
    block = chance.randbytes(300)
    expected: list[Seen] = []
    for number in range(rounds):
        for action in ("forward", "edit", "same length", "forward", "drop", "inject", "forward"):
            content = LINE * chance.randint(1, 9) + b"%d %s" % (number, action.encode()) + block
            parts = [content[:100], content[100:]]
            wire = sender.frames(Opcode.BINARY, parts, compress=compress and chance.random() < 0.8)
            message = talk.message(b"".join(wire), from_client)
            assert message.content == content
            if action == "drop":
                talk.relay.discard(message)
                continue
            if action == "edit":
                message.content = content[::-1] + LINE
            elif action == "same length":
                message.content = content.upper()
            elif action == "inject":
                more = WebSocketMessage(Opcode.BINARY, from_client, b"injected " + LINE * 3)
                talk.relay.inject(more)
                expected.append(("binary", more.content))
            talk.relay.forward(message)
            expected.append(("binary", message.content))
            talk.take(from_client)
    talk.take(from_client)
    return expected


@SIDES
@pytest.mark.parametrize("deflate", AGREED, ids=name_of)
def test_meddling_leaves_every_message_readable(deflate: DeflateParams, from_client: bool) -> None:
    talk = Talk(deflate=deflate)
    expected = meddle(talk, from_client)
    assert talk.receiver(from_client).events == expected
    assert talk.relay.bytes_buffered == 0


@SIDES
@pytest.mark.parametrize("server_deflate", [None, TAKEOVER, ALONE, *AGREED[::5]], ids=name_of)
@pytest.mark.parametrize("deflate", [None, TAKEOVER, ALONE, *AGREED[2::5]], ids=name_of)
def test_legs_of_their_own_leave_every_message_readable(
    deflate: DeflateParams | None, server_deflate: DeflateParams | None, from_client: bool
) -> None:
    talk = Talk(deflate=deflate, server_deflate=server_deflate)
    expected = meddle(talk, from_client, rounds=2)
    assert talk.receiver(from_client).events == expected
    assert talk.relay.bytes_buffered == 0


@pytest.mark.parametrize("level", range(10))
def test_every_level_is_readable(level: int) -> None:
    for bits in (8, 9, 15):
        deflate = DeflateParams(client_max_window_bits=bits)
        talk = Talk(deflate=deflate, compression_level=level)
        assert talk.at_server.events == [] != meddle(talk, True) == talk.at_server.events


def touched(talk: Talk, from_client: bool, action: str) -> None:
    """Do something to a compressed message of its own."""
    wire = talk.sender(from_client).binary(LINE, compress=True)
    message = talk.message(wire, from_client)
    if action == "drop":
        talk.relay.discard(message)
        return
    if action == "edit":
        message.content = LINE.upper()
    elif action == "inject":
        injected = WebSocketMessage(Opcode.BINARY, from_client, LINE)
        talk.relay.inject(injected, compress=True)
    talk.relay.forward(message)


TOUCHES = pytest.mark.parametrize("action", ["drop", "edit", "inject"])


@SIDES
@TOUCHES
def test_without_takeover_what_is_untouched_goes_on_as_it_came(
    action: str, from_client: bool
) -> None:
    talk = Talk(deflate=ALONE)
    for _ in range(3):
        touched(talk, from_client, action)
        talk.take(from_client)
        wire = talk.sender(from_client).binary(LINE * 2, compress=True)
        assert talk.pass_on(wire, from_client) == wire
    assert talk.direction(from_client).recompresses is False


@SIDES
@TOUCHES
def test_with_takeover_a_touched_message_makes_its_direction_compress_anew(
    action: str, from_client: bool
) -> None:
    talk = Talk(deflate=TAKEOVER)
    wire = talk.sender(from_client).binary(LINE, compress=True)
    assert talk.pass_on(wire, from_client) == wire
    assert talk.direction(from_client).recompresses is False
    touched(talk, from_client, action)
    for _ in range(3):
        frames = talk.sender(from_client).frames(Opcode.BINARY, [LINE, LINE, b"x"], compress=True)
        talk.pass_on(b"".join(frames), from_client)
        heard = talk.receiver(from_client).messages[-1]
        assert (heard.compressed, heard.parts) == (True, [LINE, LINE, b"x"])
    assert talk.direction(from_client).recompresses is True
    assert talk.direction(not from_client).recompresses is False


@TOUCHES
def test_the_other_direction_keeps_its_bytes(action: str) -> None:
    talk = Talk(deflate=TAKEOVER)
    for _ in range(3):
        touched(talk, True, action)
        wire = talk.server.binary(LINE, compress=True)
        assert talk.pass_on(wire, False) == wire


@SIDES
def test_plain_messages_on_a_deflate_connection_stay_plain(from_client: bool) -> None:
    talk = Talk(deflate=TAKEOVER)
    touched(talk, from_client, "edit")
    talk.take(from_client)
    for _ in range(3):
        wire = talk.sender(from_client).text("plain, ", "and stays so " * 100)
        assert talk.pass_on(wire, from_client) == wire


@SIDES
def test_dropping_a_plain_message_leaves_the_windows_alone(from_client: bool) -> None:
    talk = Talk(deflate=TAKEOVER)
    for _ in range(3):
        talk.relay.discard(talk.message(talk.sender(from_client).binary(LINE), from_client))
        wire = talk.sender(from_client).binary(LINE, compress=True)
        assert talk.pass_on(wire, from_client) == wire
    assert talk.direction(from_client).recompresses is False


@SIDES
def test_injecting_a_plain_message_leaves_the_windows_alone(from_client: bool) -> None:
    talk = Talk(deflate=TAKEOVER)
    for _ in range(3):
        injected = WebSocketMessage(Opcode.BINARY, from_client, LINE)
        talk.relay.inject(injected, compress=False)
        talk.take(from_client)
        wire = talk.sender(from_client).binary(LINE, compress=True)
        assert talk.pass_on(wire, from_client) == wire
    assert talk.direction(from_client).recompresses is False


@SIDES
def test_sender_with_a_smaller_window_than_the_receiver_allows_is_read(from_client: bool) -> None:
    smaller = DeflateParams(server_max_window_bits=10, client_max_window_bits=10)
    deflate, server_deflate = (smaller, TAKEOVER) if from_client else (TAKEOVER, smaller)
    talk = Talk(deflate=deflate, server_deflate=server_deflate)
    for _ in range(3):
        wire = talk.sender(from_client).binary(LINE * 50, compress=True)
        talk.pass_on(wire, from_client)
    assert [one.content for one in talk.receiver(from_client).messages] == [LINE * 50] * 3


@SIDES
def test_compressed_fragments_cut_anywhere_are_read_after_an_edit(from_client: bool) -> None:
    """A sender need not flush between fragments, so a frame may add no content at all."""
    talk = Talk(deflate=TAKEOVER)
    touched(talk, from_client, "edit")
    talk.take(from_client)
    text = ("größe €\N{GRINNING FACE} " * 40).encode()
    for points in ([1], [1, 2, 3], [30, 31], list(range(0, 90, 7))):
        wire = talk.sender(from_client).cut_anywhere(Opcode.TEXT, text, points)
        talk.pass_on(b"".join(wire), from_client)
        heard = talk.receiver(from_client).messages[-1]
        assert (heard.compressed, heard.content) == (True, text)


@SIDES
def test_takeover_is_used_where_it_was_agreed_on(from_client: bool) -> None:
    """Compressing anew is no reason to forget what the receiver's window holds."""
    talk = Talk(deflate=TAKEOVER)
    touched(talk, from_client, "drop")
    chance = random.Random(3).randbytes(2000)
    sizes = []
    for _ in range(3):
        wire = talk.sender(from_client).binary(chance, compress=True)
        sizes.append(len(talk.pass_on(wire, from_client)))
    assert sizes[0] > 2000
    assert max(sizes[1:]) < 300


def test_reserved_bit_that_means_compression_on_the_other_leg_only_is_cleared() -> None:
    """A client that sets RSV1 for nothing is tolerated; the server would inflate plain text."""
    strictness = Strictness(reserved_bits=False)
    talk = Talk(deflate=None, server_deflate=TAKEOVER, strictness=strictness)
    for key in (KEY, b"\0\0\0\0"):
        parts = [frame(1, b"pla", fin=False, rsv1=True, key=key), frame(0, b"in", key=key)]
        talk.pass_on(b"".join(parts))
    assert [one.rsv1 for one in talk.at_server.frames] == [False] * 4
    assert [one.content for one in talk.at_server.messages] == [b"plain"] * 2


def test_reserved_bits_that_mean_nothing_on_either_leg_stay() -> None:
    relay = WebSocketRelay(strictness=Strictness(reserved_bits=False))
    wire = frame(1, b"plain", rsv1=True, rsv3=True)
    for event in relay.receive_data(wire, from_client=False):
        relay.forward(event)
    assert relay.data_to_send(to_client=True) == wire


HELLO = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"
AGAIN = b"\xc1\x05\xf2\x00\x11\x00\x00"
"""The same text, which refers to the message before (RFC 7692 section 7.2.3.2)."""


def test_context_kept_against_the_agreement_is_not_passed_on() -> None:
    """A receiver that holds the sender to the agreement could not read the message as it came."""
    deflate = DeflateParams(server_no_context_takeover=True)
    relay = WebSocketRelay(deflate=deflate)
    for event in relay.receive_data(HELLO + AGAIN + HELLO, from_client=False):
        relay.forward(event)
    assert relay.from_server.tolerated["no_context_takeover"] == 1
    sent = relay.data_to_send(to_client=True)
    assert sent.startswith(HELLO)
    assert sent.endswith(HELLO)
    strict = Strictness(no_context_takeover=True)
    receiver = WebSocketDirection(from_client=False, deflate=deflate, strictness=strict)
    events = receiver.receive_data(sent)
    contents = [event.content for event in events if isinstance(event, WebSocketMessage)]
    assert contents == [b"Hello"] * 3
    assert receiver.error is None
    assert relay.bytes_buffered == 0


def test_what_a_receiver_can_read_is_passed_on_as_it_came() -> None:
    """A message without payload and a tail that was left on leave the window as it is."""
    relay = WebSocketRelay(deflate=DeflateParams())
    wire = b"\xc1\x00" + HELLO[:1] + b"\x0b" + HELLO[2:] + b"\x00\x00\xff\xff" + AGAIN
    for event in relay.receive_data(wire, from_client=False):
        relay.forward(event)
    assert relay.data_to_send(to_client=True) == wire
    tolerated = relay.from_server.tolerated
    assert (tolerated["empty_compressed_payload"], tolerated["deflate_tail"]) == (1, 1)
