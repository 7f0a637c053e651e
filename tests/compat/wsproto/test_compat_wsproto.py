"""The replacement for wsproto as a program uses it, and its additions: limits and `error`."""

from __future__ import annotations

from typing import Any

import pytest
import wsproto
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol
from wsproto.utilities import LocalProtocolError

import wsdefrag
import wsdefrag.compat.wsproto as drop_in
from compat_wsproto import extensions, messages
from wire_writer import BINARY, CLOSE, KEY, PING, TEXT, close_frame, frame, pieces, read_frames
from wsdefrag import DeflateParams, Limits
from wsdefrag.compat.wsproto.connection import CLIENT, SERVER, Connection
from wsdefrag.compat.wsproto.extensions import Extension, PerMessageDeflate

LONG = b"x" * 100_000


def test_event_is_as_its_constructor_makes_it() -> None:
    client = Connection(CLIENT)
    client.receive_data(frame(TEXT, b"hi") + frame(BINARY, b"\0") + frame(PING, b"p"))
    text, binary, ping = client.events()
    assert [text, binary, ping] == [TextMessage("hi"), BytesMessage(b"\0"), Ping(b"p")]
    assert hash(text) == hash(TextMessage("hi"))
    assert repr(text) == repr(TextMessage("hi"))
    assert vars(binary) == vars(BytesMessage(b"\0"))
    with pytest.raises(AttributeError, match="cannot assign"):
        text.data = "other"  # type: ignore[attr-defined]
    assert isinstance(binary, BytesMessage)
    assert type(binary.data) is bytes


def test_large_frame_is_one_event_a_network_read() -> None:
    server = Connection(SERVER)
    wire = frame(BINARY, LONG, key=KEY)
    sizes = []
    for piece in pieces(wire, 4096):
        server.receive_data(piece)
        (event,) = server.events()
        assert isinstance(event, BytesMessage)
        sizes.append(len(event.data))
        assert event.message_finished is event.frame_finished is (sum(sizes) == len(LONG))
    assert sizes == [4096 - 14, *[4096] * (len(sizes) - 2), (len(LONG) + 14) % 4096]


def test_reads_that_wait_are_joined() -> None:
    client = Connection(CLIENT)
    for piece in pieces(frame(TEXT, b"abcdef"), 3):
        client.receive_data(piece)
    assert list(client.events()) == [TextMessage("abcdef")]


def test_events_are_read_when_they_are_asked_for() -> None:
    client = Connection(CLIENT)
    client.receive_data(frame(TEXT, b"a") + frame(TEXT, b"b")[:2])
    events = client.events()
    assert next(events) == TextMessage("a")
    client.receive_data(b"b" + close_frame(1000))
    assert next(events) == TextMessage("b")
    states = [client.state]
    assert next(events) == CloseConnection(1000, "")
    assert [*states, client.state] == [ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING]
    assert list(events) == []


def test_iterator_that_is_dropped_leaves_the_rest() -> None:
    client = Connection(CLIENT)
    client.receive_data(frame(TEXT, b"a") + frame(TEXT, b"b"))
    events = client.events()
    assert next(events) == TextMessage("a")
    events.close()
    assert list(client.events()) == [TextMessage("b")]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_received_and_may_change_afterwards(kind: Any) -> None:
    client = Connection(CLIENT)
    first, second = kind(frame(TEXT, b"ab")[:3]), kind(b"b")
    client.receive_data(first)
    if kind is bytearray:
        first[2] = 0
    client.receive_data(second)
    assert list(client.events()) == [TextMessage("ab")]
    with pytest.raises(TypeError):
        client.receive_data("text")  # type: ignore[arg-type]


def test_end_of_the_network_connection_is_1006_before_what_waits() -> None:
    client = Connection(CLIENT)
    client.receive_data(frame(TEXT, b"a"))
    client.receive_data(None)
    assert client.state is ConnectionState.CLOSED
    first, second = client.events()
    assert first == CloseConnection(CloseReason.ABNORMAL_CLOSURE)
    assert second == TextMessage("a")
    with pytest.raises(LocalProtocolError, match="already closed"):
        client.receive_data(b"")


def test_events_can_be_put_in_and_keywords_added() -> None:
    """A proxy makes a subclass with its own keyword and adds events itself."""

    class Mine(Connection):
        def __init__(self, *arguments: Any, name: str, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            self.name = name

    one = Mine(CLIENT, [], name="mine")
    one.receive_data(frame(TEXT, b"received"))
    one._events.append(TextMessage("put in"))
    assert list(one.events()) == [TextMessage("put in"), TextMessage("received")]
    assert one.name == "mine"


class Upside(Extension):
    """An extension of a program's own: binary payloads turned around."""

    name = "upside"

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool | str:
        return True

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        return data[::-1]


class Subclassed(PerMessageDeflate):
    """permessage-deflate that counts."""

    frames = 0

    def frame_outbound(self, *arguments: Any) -> Any:
        self.frames += 1
        return super().frame_outbound(*arguments)


def test_extension_of_a_programs_own_is_asked() -> None:
    client = Connection(CLIENT, [Upside()])
    client.receive_data(frame(BINARY, b"abc") + frame(PING, b"de"))
    assert list(client.events()) == [BytesMessage(b"cba"), Ping(b"ed")]
    client.receive_data(frame(CLOSE, (1000).to_bytes(2, "little")))
    assert list(client.events()) == [CloseConnection(1000, "")]


def test_subclassed_or_altered_deflate_is_asked() -> None:
    for made in (Subclassed(), PerMessageDeflate()):
        made.finalize("permessage-deflate")
        calls: list[object] = []
        if type(made) is PerMessageDeflate:
            compress = made.frame_outbound

            def altered(*arguments: Any, compress: Any = compress, calls: Any = calls) -> Any:
                calls.append(arguments)
                return compress(*arguments)

            made.frame_outbound = altered  # type: ignore[assignment, method-assign]
        server = Connection(SERVER, [made])
        client = Connection(CLIENT, extensions(DeflateParams()))
        assert messages(client, server.send(TextMessage("aaaa" * 9))) == ["aaaa" * 9]
        assert len(calls) + getattr(made, "frames", 0) == 1
        with pytest.raises(ValueError, match="limits cannot be enforced"):
            Connection(SERVER, [made], limits=Limits())


def test_extension_that_is_not_enabled_is_left_out() -> None:
    server = Connection(SERVER, [PerMessageDeflate()], limits=Limits())
    assert server.send(TextMessage("plain")) == frame(TEXT, b"plain")


@pytest.mark.parametrize("offered", [True, False])
@pytest.mark.parametrize("cut", [None, 7])
def test_handshake_ends_in_a_connection_of_ours(offered: bool, cut: int | None) -> None:
    client, server = (drop_in.WSConnection(side, limits=Limits()) for side in (CLIENT, SERVER))
    offer: list[Extension] = [PerMessageDeflate()] if offered else []
    server.receive_data(client.send(Request(host="h", target="/", extensions=offer)))
    assert isinstance(next(server.events()), Request)
    accept: list[Extension] = [PerMessageDeflate()] if offered else []
    answer = server.send(AcceptConnection(extensions=accept))
    # The first message may arrive with the response.
    client.receive_data(answer + server.send(TextMessage("with it"))[:cut])
    accepted, *rest = client.events()
    assert isinstance(accepted, AcceptConnection)
    assert rest or cut
    for one in (client, server):
        assert type(one.connection) is Connection
        assert isinstance(one.handshake, wsproto.handshake.H11Handshake)
    server.receive_data(client.send(TextMessage("x" * 500)))
    assert list(server.events()) == [TextMessage("x" * 500)]


def test_limit_closes_with_1009_and_there_is_none_by_default() -> None:
    limited = Connection(CLIENT, limits=Limits(max_message_size=4))
    limited.receive_data(frame(TEXT, b"four") + frame(TEXT, b"fives") + frame(TEXT, b"four"))
    message, close = limited.events()
    assert message == TextMessage("four")
    assert isinstance(close, CloseConnection)
    assert close.code is CloseReason.MESSAGE_TOO_BIG
    assert close.reason is not None
    assert close.reason.startswith("message of at least 5 bytes, max_message_size is 4")
    assert isinstance(limited.error, wsdefrag.LimitExceeded)
    (written,) = read_frames(limited.send(close.response()))[0]
    assert written.payload[:2] == (1009).to_bytes(2, "big")
    # The length in a header is larger than the default of `Limits`; that is not an error.
    unlimited = Connection(CLIENT)
    unlimited.receive_data(frame(BINARY, b"x", form=64, announced=1 << 40))
    assert list(unlimited.events()) == [BytesMessage(b"x", False, False)]


@pytest.mark.parametrize("made", [drop_in.Connection, drop_in.WSConnection, drop_in.H11Handshake])
def test_limits_of_a_wrong_type_are_refused(made: Any) -> None:
    with pytest.raises(TypeError, match="limits must be Limits or None"):
        made(CLIENT, limits=7)


def test_inflating_is_limited() -> None:
    deflate = DeflateParams()
    server = Connection(SERVER, extensions(deflate))
    bomb = server.send(BytesMessage(bytes(1 << 20)))
    client = Connection(CLIENT, extensions(deflate), limits=Limits(max_message_size=1 << 16))
    client.receive_data(bomb)
    (close,) = client.events()
    assert isinstance(close, CloseConnection)
    assert close.code is CloseReason.MESSAGE_TOO_BIG


def test_broken_rule_is_told_from_a_close_by_error() -> None:
    """wsproto yields the same event for both; `error` distinguishes them."""
    client = Connection(CLIENT)
    assert client.error is None
    client.receive_data(frame(TEXT, b"a") + b"\x83\x00" + frame(TEXT, b"b"))
    message, close = client.events()
    assert message == TextMessage("a")
    assert close == CloseConnection(CloseReason.PROTOCOL_ERROR, "Invalid opcode 0x3")
    assert isinstance(client.error, wsdefrag.ProtocolError)
    assert (client.error.kind, client.error.offset) == ("reserved_opcode", 3)
    assert client.state is ConnectionState.OPEN
    # It is yielded once, and bytes after it are dropped.
    client.receive_data(frame(TEXT, b"c") * 1000)
    assert list(client.events()) == []
    assert client.send(close.response()) != b""
    closed = Connection(CLIENT)
    closed.receive_data(close_frame(1002))
    assert list(closed.events()) == [CloseConnection(CloseReason.PROTOCOL_ERROR, "")]
    assert closed.error is None


def test_codes_of_a_close_are_wsprotos_members_where_it_has_them() -> None:
    for code, kind in ((1000, CloseReason), (1014, int), (4000, int)):
        client = Connection(CLIENT)
        client.receive_data(close_frame(code))
        (close,) = client.events()
        assert isinstance(close, CloseConnection)
        assert type(close.code) is kind


@pytest.mark.parametrize(
    "event", [TextMessage("x"), BytesMessage(b""), Ping(), Pong(), CloseConnection(1000)]
)
def test_nothing_is_sent_after_a_close(event: Event) -> None:
    client = Connection(CLIENT)
    client.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError, match=r"cannot be sent in state ConnectionState\.LOCAL"):
        client.send(event)


def test_plain_message_of_any_type_is_sent_by_what_it_holds() -> None:
    server = Connection(SERVER)
    for data in (b"x", bytearray(b"x"), memoryview(b"x")):
        assert server.send(Message(data=data)) == frame(BINARY, b"x")  # type: ignore[type-var]
    assert server.send(Message(data="x")) == frame(TEXT, b"x")
    assert server.send(TextMessage(data=b"x")) == frame(BINARY, b"x")  # type: ignore[arg-type]


def test_close_goes_out_between_fragments() -> None:
    server = Connection(SERVER)
    assert server.send(TextMessage("a", message_finished=False)) == frame(TEXT, b"a", fin=False)
    sent = server.send(CloseConnection(1000, "\N{EURO SIGN}" * 50))
    assert sent == frame(CLOSE, (1000).to_bytes(2, "big") + "\N{EURO SIGN}".encode() * 41)
