"""Rules that `strictness=` switches off: messages are read, and breaches are counted."""

from __future__ import annotations

from typing import Any

import pytest
from wsproto.connection import CLIENT, SERVER
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage

from wire_writer import KEY, TEXT, frame
from wsdefrag import DeflateParams, FrameEncoder, Strictness
from wsdefrag.compat.wsproto import WSConnection
from wsdefrag.compat.wsproto.connection import Connection
from wsdefrag.compat.wsproto.extensions import PerMessageDeflate

UNMASKED = frame(TEXT, b"hello")
RESERVED = frame(TEXT, b"hello", rsv2=True, key=KEY)


def sloppy(**rules: bool) -> Strictness:
    """The rules of wsproto but for some."""
    return Strictness(**{"no_context_takeover": True, **rules})


def heard(connection: Connection, data: bytes) -> list[Any]:
    connection.receive_data(data)
    return list(connection.events())


@pytest.mark.parametrize(
    ("data", "rule"), [(UNMASKED, "mask_direction"), (RESERVED, "reserved_bits")]
)
def test_breach_is_read_and_counted_only_if_switched_off(data: bytes, rule: str) -> None:
    (event,) = heard(Connection(SERVER), data)
    assert isinstance(event, CloseConnection)
    tolerant = Connection(SERVER, strictness=sloppy(**{rule: False}))
    assert heard(tolerant, data * 2) == [TextMessage("hello"), TextMessage("hello")]
    assert tolerant.tolerated[rule] == 2
    assert tolerant.error is None


def test_masked_server_is_read() -> None:
    client = Connection(CLIENT, strictness=sloppy(mask_direction=False))
    assert heard(client, frame(TEXT, b"hello", key=KEY)) == [TextMessage("hello")]
    assert client.tolerated["mask_direction"] == 1


def test_window_that_is_kept_against_the_agreement_is_read() -> None:
    """RFC 7692 section 7.1.1: the peer agreed to start each message with an empty window."""
    agreed = PerMessageDeflate(client_no_context_takeover=True)
    agreed._enabled = True
    keeps = FrameEncoder(from_client=True, deflate=DeflateParams())
    data = keeps.text("over and over again") + keeps.text("over and over again")
    events = heard(Connection(SERVER, [agreed]), data)
    assert isinstance(events[-1], CloseConnection)
    again = PerMessageDeflate(client_no_context_takeover=True)
    again._enabled = True
    tolerant = Connection(SERVER, [again], strictness=Strictness())
    assert heard(tolerant, data) == [TextMessage("over and over again")] * 2
    assert tolerant.tolerated["no_context_takeover"] == 1


def test_other_rules_stay() -> None:
    tolerant = Connection(SERVER, strictness=sloppy(mask_direction=False))
    (event,) = heard(tolerant, RESERVED)
    assert isinstance(event, CloseConnection)
    assert (tolerant.error is not None, tolerant.tolerated["mask_direction"]) == (True, 0)


def test_rules_hold_after_the_handshake() -> None:
    client = WSConnection(CLIENT)
    server = WSConnection(SERVER, strictness=sloppy(mask_direction=False))
    assert server.tolerated == {}
    server.receive_data(client.send(Request(host="example.com", target="/")) + UNMASKED)
    next(server.events())
    client.receive_data(server.send(AcceptConnection()))
    next(client.events())
    server.receive_data(frame(2, b"\x00"))
    assert list(server.events()) == [TextMessage("hello"), BytesMessage(b"\x00")]
    assert server.tolerated["mask_direction"] == 2


def test_wrong_arguments_raise() -> None:
    class Own(PerMessageDeflate):
        """wsproto's own frame protocol is used for it."""

        def enabled(self) -> bool:
            return True

    with pytest.raises(ValueError, match="str"):
        Connection(SERVER, strictness=Strictness(utf8=False))
    with pytest.raises(ValueError, match="Own"):
        Connection(SERVER, [Own()], strictness=Strictness())
    for made in (Connection, WSConnection):
        with pytest.raises(TypeError):
            made(SERVER, strictness=7)  # type: ignore[arg-type]
