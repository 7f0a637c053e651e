"""Defects of wsproto that the replacement does not have.

Each test first shows the defect in wsproto itself, and names the section of the RFC.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
import wsproto.connection
import wsproto.extensions
from wsproto.connection import CLIENT, SERVER, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import Extension
from wsproto.utilities import RemoteProtocolError

from compat_wsproto import messages
from wire_writer import (
    CONTINUATION,
    PING,
    TEXT,
    Deflater,
    close_frame,
    deflate,
    deflate_final,
    frame,
    pieces,
    read_frames,
)
from wsdefrag.compat.wsproto.connection import Connection
from wsdefrag.compat.wsproto.extensions import PerMessageDeflate
from wsdefrag.compat.wsproto.handshake import (
    client_extensions_handshake,
    server_extensions_handshake,
)

HELLO = frame(TEXT, deflate(b"Hello"), rsv1=True)


def agreed(made: Any = PerMessageDeflate, **parameters: Any) -> list[Extension]:
    extension = made(**parameters)
    extension.finalize(extension.name)
    return [extension]


def read(wire: bytes, extensions: list[Extension] | None = None) -> list[object]:
    return messages(Connection(CLIENT, extensions), wire)


def wsproto_reads(wire: bytes, extensions: list[Extension] | None = None) -> list[object]:
    return messages(wsproto.connection.Connection(CLIENT, extensions), wire)


def theirs() -> list[Extension]:
    return agreed(wsproto.extensions.PerMessageDeflate)


@pytest.mark.parametrize("made", [wsproto.extensions.PerMessageDeflate, PerMessageDeflate])
def test_control_frame_inside_a_compressed_message_leaves_it_alone(made: Any) -> None:
    """RFC 6455 section 5.4, RFC 7692 section 6.1."""
    payload = deflate(b"Hello")
    wire = (
        frame(TEXT, payload[:3], fin=False, rsv1=True)
        + frame(PING, b"?")
        + frame(CONTINUATION, payload[3:])
    )
    assert wsproto_reads(wire, theirs())[-1] != "Hello"
    assert read(wire, agreed(made)) == [Ping(b"?"), "Hello"]


class Custom(Extension):
    """Does nothing, but makes the connection use wsproto's own frame protocol."""

    name = "custom"

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool | str:
        return True


def test_control_frame_inside_a_compressed_message_is_nothing_to_our_extension_either() -> None:
    """The same where another extension keeps the connection off the engine."""
    payload = deflate(b"Hello")
    wire = frame(TEXT, payload[:3], fin=False, rsv1=True) + frame(PING)
    wire += frame(CONTINUATION, payload[3:]) + HELLO
    assert read(wire, [*agreed(), Custom()]) == [Ping(), "Hello", "Hello"]


@pytest.mark.parametrize("side", ["client", "server"])
def test_window_of_8_bits_can_be_agreed_on(side: str) -> None:
    """RFC 7692 sections 7.1.2.1 and 7.1.2.2."""
    parameter = f"{side}_max_window_bits"
    theirs: Any = wsproto.extensions.PerMessageDeflate
    ours: Any = PerMessageDeflate
    with pytest.raises(ValueError, match="between 9 and 15"):
        theirs(**{parameter: 8})
    with pytest.raises(ValueError, match="between 8 and 15"):
        ours(**{parameter: 7})
    server = PerMessageDeflate()
    header = server_extensions_handshake([f"permessage-deflate; {parameter}=8"], [server])
    assert header == f"permessage-deflate; {parameter}=8".encode()
    client = PerMessageDeflate()
    assert client_extensions_handshake([header.decode()], [client]) == [client]
    assert getattr(client, parameter) == getattr(server, parameter) == 8


@pytest.mark.parametrize("custom", [False, True], ids=["engine", "wsprotos_path"])
def test_window_of_8_bits_is_written_and_read(custom: bool) -> None:
    """A receiver with that window and no larger one reads it (RFC 7692 section 7.2.1)."""
    content = bytes(index * index % 65521 % 251 for index in range(3000)) * 2
    other = [Custom()] if custom else []
    deflate_8 = {"server_max_window_bits": 8, "client_max_window_bits": 8}
    server = Connection(SERVER, [*agreed(**deflate_8), *other])
    wire = server.send(BytesMessage(content)) + server.send(BytesMessage(content))
    assert read(wire, [*agreed(**deflate_8), *other]) == [content, content]
    narrow = Deflater(8)
    wire = b"".join(frame(2, narrow.compress(content), rsv1=True) for _ in range(2))
    assert read(wire, [*agreed(**deflate_8), *other]) == [content, content]


@pytest.mark.parametrize(
    "answer", ["client_max_window_bits", "server_max_window_bits=16", "client_max_window_bits=x"]
)
def test_invalid_answer_is_a_failed_handshake(answer: str) -> None:
    """RFC 7692 section 7.1: the client fails the connection."""
    header = f"permessage-deflate; {answer}"
    with pytest.raises((IndexError, ValueError)):
        wsproto.extensions.PerMessageDeflate().finalize(header)
    with pytest.raises(RemoteProtocolError, match=r"RFC 7692 section 7\.1") as caught:
        client_extensions_handshake([header], [PerMessageDeflate()])
    assert caught.value.event_hint is not None


@pytest.mark.parametrize("offer", ["client_max_window_bits=x", "server_max_window_bits=99"])
def test_invalid_offer_is_declined(offer: str) -> None:
    """RFC 7692 section 7.1: the server declines it."""
    header = f"permessage-deflate; {offer}"
    assert server_extensions_handshake([header], [PerMessageDeflate()]) is None


def test_close_1014_is_a_close() -> None:
    """It is registered: RFC 6455 sections 7.4.2 and 11.7."""
    wire = close_frame(1014, b"gateway")
    (wrong,) = wsproto_reads(wire)
    assert isinstance(wrong, CloseConnection)
    assert wrong.code == 1002
    client = Connection(CLIENT)
    client.receive_data(wire)
    (close,) = client.events()
    assert close == CloseConnection(1014, "gateway")
    states = [client.state]
    assert isinstance(close, CloseConnection)
    (answer,) = read_frames(client.send(close.response()))[0]
    assert answer.payload == (1014).to_bytes(2, "big") + b"gateway"
    assert [*states, client.state] == [ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED]


def test_what_follows_a_final_block_is_read() -> None:
    """RFC 7692 section 7.2.3.4."""
    wire = frame(TEXT, deflate_final(b"Hello"), rsv1=True) + HELLO
    assert wsproto_reads(wire, theirs()) != ["Hello", "Hello"]
    assert read(wire, agreed()) == ["Hello", "Hello"]


def test_compressed_message_that_was_cut_is_refused() -> None:
    """RFC 7692 section 7.2.2: payload and tail together are whole blocks."""
    wire = frame(TEXT, deflate(b"Hello")[:-1], rsv1=True)
    assert wsproto_reads(wire, theirs()) == ["Hello"]
    assert read(wire, agreed()) == [CloseConnection(1007, "error in extension")]


def test_data_frame_inside_a_compressed_message_is_out_of_order() -> None:
    """RFC 6455 section 5.4, whatever the payload is."""
    wire = frame(TEXT, b"", fin=False, rsv1=True) + frame(TEXT, b"\x07")
    (*_, wrong) = wsproto_reads(wire, theirs())
    assert wrong == CloseConnection(1007, "error in extension")
    (close,) = read(wire, agreed())
    assert close == CloseConnection(1002, "expected CONTINUATION, got <Opcode.TEXT: 1>")


def test_half_a_surrogate_is_refused_at_once() -> None:
    """RFC 3629 section 4: after ED comes 80 to 9F."""
    wire = frame(TEXT, b"\xed\xa0", fin=False)
    assert wsproto_reads(wire) == []
    (close,) = read(wire)
    assert isinstance(close, CloseConnection)
    assert close.code == 1007


def test_large_frame_costs_what_its_reads_cost() -> None:
    """1 MiB in small chunks: each event has its own chunk, and no more is stored."""
    client = Connection(CLIENT)
    wire = frame(2, bytes(1 << 20))
    seen = 0
    for piece in pieces(wire, 1000):
        client.receive_data(piece)
        for event in client.events():
            assert isinstance(event, BytesMessage)
            assert len(event.data) <= 1000
            seen += len(event.data)
    assert seen == 1 << 20


def test_bytes_after_a_broken_rule_take_no_memory() -> None:
    """wsproto keeps them for as long as the connection lives."""
    kept = []
    for made in (wsproto.connection.Connection, Connection):
        connection = made(CLIENT)
        connection.receive_data(b"\x83\x00")
        assert len(list(connection.events())) == 1
        tracemalloc.start()
        for _ in range(100):
            connection.receive_data(bytes(10_000))
            assert list(connection.events()) == []
        kept.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert kept[0] > 1_000_000 > 100_000 > kept[1]


def test_character_over_fragments_is_not_replaced() -> None:
    """The joined parts of a text are the text, wherever it was divided."""
    euro = "\N{EURO SIGN}".encode() * 3
    for cut in range(len(euro)):
        wire = frame(TEXT, euro[:cut], fin=False) + frame(CONTINUATION, euro[cut:])
        assert read(wire) == ["\N{EURO SIGN}" * 3]
        assert messages(Connection(CLIENT), *pieces(wire, 1)) == ["\N{EURO SIGN}" * 3]


def test_texts_are_texts() -> None:
    client = Connection(CLIENT)
    client.receive_data(frame(TEXT, "a\N{EURO SIGN}".encode()) + frame(TEXT, b"plain"))
    assert list(client.events()) == [TextMessage("a\N{EURO SIGN}"), TextMessage("plain")]
