"""What relays show of themselves: their directions, which are read-only, and their reprs."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from relay_talk import ALL_MODES, SIDES, Mode, Talk
from relay_wires import relay_of
from wire_writer import frame
from wsdefrag import Budget, DeflateParams, RelayDirection, WebSocketRelay

LARGE = 1 << 20


@pytest.mark.parametrize("arguments", [{}, {"from_client": True}])
def test_direction_cannot_be_constructed(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        RelayDirection(**arguments)
    with pytest.raises(TypeError):
        type("Own", (RelayDirection,), {})


@ALL_MODES
def test_directions_are_those_of_what_each_side_sends(mode: Mode) -> None:
    relay = relay_of(mode)
    relay.receive_data(frame(1, b"hello"), from_client=False)
    relay.receive_data(b"\x81", from_client=True)
    assert type(relay.from_client) is type(relay.from_server) is RelayDirection
    assert (relay.from_client.bytes_received, relay.from_server.bytes_received) == (1, 7)
    assert relay.from_client is relay.from_client


@ALL_MODES
def test_nothing_can_be_sent_by_a_direction(mode: Mode) -> None:
    """Sending names the side that gets it, so it stands on the relay alone."""
    direction = relay_of(mode).from_client
    names = {name for name in dir(direction) if not name.startswith("_")}
    assert names == {
        "error",
        "close_received",
        "close_sent",
        "recompresses",
        "messages_received",
        "bytes_received",
        "bytes_buffered",
        "bytes_discarded",
        "tolerated",
    }
    for name in names:
        with pytest.raises(AttributeError):
            setattr(direction, name, None)


@ALL_MODES
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("send_ping", (b"x",)), ("send_pong", (b"x",)), ("send_close", (1000, "bye"))],
)
def test_side_is_named_where_something_is_sent(mode: Mode, name: str, arguments: Any) -> None:
    relay = relay_of(mode)
    send = getattr(relay, name)
    with pytest.raises(TypeError):
        send(*arguments)
    with pytest.raises(TypeError):
        send(*arguments, True)
    assert inspect.signature(send).parameters["to_client"].kind is inspect.Parameter.KEYWORD_ONLY
    send(*arguments, to_client=True)
    assert relay.data_to_send(to_client=False) == b""
    assert relay.data_to_send(to_client=True)


@ALL_MODES
@SIDES
def test_reprs_show_the_state_and_are_short(mode: Mode, from_client: bool) -> None:
    budget = Budget(8 * LARGE)
    talk = Talk(mode, deflate=DeflateParams(), budget=budget)
    sender = talk.sender(from_client)
    talk.feed(sender.binary(bytes(LARGE)), from_client)
    held = talk.relay.bytes_buffered
    name = type(talk.relay).__name__
    shown = "" if mode == "messages" else f" mode={mode}"
    assert repr(talk.relay) == f"<{name}{shown} messages=1 bytes_buffered={held}>"
    assert repr(budget) == f"<Budget bytes_held={held} max_bytes={8 * LARGE}>"
    assert f"bytes_buffered={held} " in repr(talk.direction(from_client))

    for side in (True, False):
        talk.relay.send_close(1000, to_client=side)
        talk.feed(b"\x83\x80\x00\x00\x00\x00", side)
        talk.relay.receive_eof(from_client=side)
    assert "client_error=reserved_opcode server_error=reserved_opcode" in repr(talk.relay)
    assert "close_code=1006" in repr(talk.relay)
    direction = repr(talk.direction(from_client))
    assert direction.startswith(f"<RelayDirection from_client={from_client} bytes_received=")
    assert direction.endswith(" close_sent>")
    for one in (talk.relay, talk.relay.from_client, talk.relay.from_server, budget):
        assert len(repr(one)) < 200


def test_direction_says_that_it_compresses_again() -> None:
    relay = WebSocketRelay(deflate=DeflateParams(), server_deflate=None)
    assert repr(relay.from_client).endswith(" recompresses>")
    assert relay.from_client.recompresses
