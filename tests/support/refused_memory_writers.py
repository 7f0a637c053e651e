"""What is written, chosen, copied and parsed while memory is refused.

After the refusal the same object works: a peer reads everything that it gave, in order.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, Ping
from wsproto.utilities import LocalProtocolError

import wsdefrag
from night import NIGHT
from refused_memory import MIB, Scarce, sweep
from wire_writer import BINARY, PING, frame
from wsdefrag.capture import Capture
from wsdefrag.compat.wsproto import Connection

AGREED = wsdefrag.DeflateParams()
UNLIMITED = wsdefrag.Limits(max_message_size=None, max_frame_size=None, max_fragments=None)

Run = Callable[[Scarce], object]


def encoder(content: Any, *, deflate: wsdefrag.DeflateParams | None = None, **options: Any) -> Run:
    def run(scarce: Scarce) -> None:
        writer = wsdefrag.FrameEncoder(
            from_client=True, deflate=deflate, compression_level=options.pop("level", 1)
        )
        write: Callable[..., bytes] = writer.text if isinstance(content, str) else writer.binary
        wire = [writer.binary(b"before"), b"", b""]
        with scarce:
            wire[1] = write(content, **options)
        assert not writer.inside_message
        wire[2] = writer.binary(b"before and after")
        peer = wsdefrag.MessageReassembler(from_client=True, deflate=deflate, limits=UNLIMITED)
        read = [one.content for part in wire for one in peer.receive_data(part)]
        peer.receive_eof()
        expected = content.encode() if isinstance(content, str) else content
        assert read == [b"before", *([expected] if wire[1] else []), b"before and after"]
        assert bool(wire[1]) != scarce.refused

    return run


def fragmenter() -> Run:
    chooser = wsdefrag.Fragmenter(max_size=4)
    content = bytes(16 * MIB)

    def run(scarce: Scarce) -> None:
        sizes: list[int] = []
        with scarce:
            sizes = chooser.sizes(wsdefrag.Opcode.BINARY, content)
        again = chooser.sizes(wsdefrag.Opcode.BINARY, content)
        assert len(again) == 4 * MIB
        assert set(again) == {4}
        assert sizes == ([] if scarce.refused else again)

    return run


def injection() -> Run:
    """A relay injects, and an edited message is encoded again."""
    content = bytes(40 * MIB)

    def run(scarce: Scarce) -> None:
        relay = wsdefrag.WebSocketRelay(deflate=AGREED, compression_level=0)
        (event,) = relay.receive_data(frame(BINARY, b"edited"), from_client=False)
        assert isinstance(event, wsdefrag.WebSocketMessage)
        event.content = content
        sent = b""
        with scarce:
            relay.forward(event)
            relay.inject(wsdefrag.WebSocketMessage(wsdefrag.Opcode.BINARY, False, content))
            sent = relay.data_to_send(to_client=True)
        sent += relay.data_to_send(to_client=True)
        relay.inject(wsdefrag.WebSocketMessage(wsdefrag.Opcode.BINARY, False, b"after"))
        sent += relay.data_to_send(to_client=True)
        peer = wsdefrag.MessageReassembler(from_client=False, deflate=AGREED, limits=UNLIMITED)
        read = [one.content for one in peer.receive_data(sent)]
        peer.receive_eof()
        assert read[-1] == b"after"
        assert all(one == content for one in read[:-1])
        assert len(read) == 3 if not scarce.refused else len(read) <= 3
        assert relay.bytes_buffered == 0 or scarce.refused

    return run


def header() -> Run:
    text = "permessage-deflate; server_no_context_takeover" + f"; {'odd' * MIB}" * (
        10 if NIGHT else 4
    )

    def run(scarce: Scarce) -> None:
        with scarce:
            wsdefrag.DeflateParams.from_header(text, strict=False)
        with scarce:
            wsdefrag.DeflateParams.choose(text)
        agreed = wsdefrag.DeflateParams.from_header(text, strict=False)
        assert agreed is not None
        assert agreed.server_no_context_takeover

    return run


def pickled(messages: list[Any]) -> Run:
    stored = pickle.dumps(messages)

    def run(scarce: Scarce) -> None:
        with scarce:
            pickle.dumps(messages)
        with scarce:
            pickle.loads(stored)
        again = pickle.loads(stored)
        assert [one.get_state() for one in again] == [one.get_state() for one in messages]
        assert pickle.dumps(messages) == stored

    return run


def small_messages() -> list[Any]:
    return [
        wsdefrag.WebSocketMessage(wsdefrag.Opcode.BINARY, False, b"%d" % number, 1.5)
        for number in range(20_000)
    ]


def captured_messages() -> list[Any]:
    return list(Capture("vectors/captures/demo.pcapng"))


def drop_in(wire: bytes, count: int, *, large: int = 0) -> Run:
    """Numbered contents, which come in order, none twice, and none is left out."""

    def run(scarce: Scarce) -> None:
        connection = Connection(ConnectionType.CLIENT)
        # Nothing here takes memory for an event: `zip` uses its tuple again.
        cells: list[list[Any]] = [[None] for _ in range(count + 10)]
        with scarce:
            connection.receive_data(wire)
            for cell, event in zip(cells, connection.events(), strict=False):
                cell[0] = event
        events = [cell[0] for cell in cells if cell[0] is not None]
        if not scarce.refused or events:
            events += list(connection.events())
        error = connection.error
        if error is not None:
            assert type(error) is wsdefrag.OutOfMemory
            scarce.refused = True
            events.pop()
        contents: list[bytes] = []
        open_message = False
        for event in events:
            if isinstance(event, Ping):
                contents.append(bytes(event.payload))
            elif open_message:
                contents[-1] += event.data
            else:
                contents.append(bytes(event.data))
            open_message = isinstance(event, BytesMessage) and not event.message_finished
        if large:
            assert not contents or contents[0] == bytes(large)[: len(contents[0])]
        else:
            numbers = [int(content) for content in contents]
            assert all(later == number + 1 for number, later in pairwise(numbers)), numbers[:10]
        if not scarce.refused:
            assert len(contents) == count
        try:
            assert connection.send(Ping(b"x"))
        except LocalProtocolError:
            assert error is not None

    return run


def sent_by_drop_in() -> Run:
    content = bytes(40 * MIB)

    def run(scarce: Scarce) -> None:
        connection = Connection(ConnectionType.CLIENT)
        wire = [b"", b""]
        with scarce:
            wire[0] = connection.send(BytesMessage(content))
        wire[1] = connection.send(BytesMessage(b"after"))
        peer = wsdefrag.MessageReassembler(from_client=True, limits=UNLIMITED)
        read = [one.content for part in wire for one in peer.receive_data(part)]
        assert read == [*([content] if wire[0] else []), b"after"]

    return run


def numbered(opcode: int, count: int) -> bytes:
    return b"".join(frame(opcode, b"%d" % number) for number in range(count))


WRITERS: dict[str, Callable[[], Run]] = {
    "FrameEncoder": lambda: encoder(bytes(40 * MIB)),
    "FrameEncoder, text": lambda: encoder("ö" * (8 * MIB)),
    "FrameEncoder, deflate": lambda: encoder(os.urandom(6 * MIB), deflate=AGREED),
    "FrameEncoder, fragments": lambda: encoder(bytes(MIB), fragments=[1] * MIB),
    "Fragmenter": fragmenter,
    "WebSocketRelay, injection": injection,
    "DeflateParams": header,
    "pickled messages": lambda: pickled(small_messages()),
    "a large pickled message": lambda: pickled(
        [wsdefrag.WebSocketMessage(wsdefrag.Opcode.BINARY, False, bytes(40 * MIB), 1.5)]
    ),
    "pickled messages of a capture": lambda: pickled(captured_messages()),
    "drop-in, pings": lambda: drop_in(numbered(PING, 100_000), 100_000),
    "drop-in, large message": lambda: drop_in(frame(BINARY, bytes(40 * MIB)), 1, large=40 * MIB),
    "drop-in, send": sent_by_drop_in,
}


def run(name: str) -> None:
    """Sweep one of them."""
    sweep(WRITERS[name](), needs_more=name != "DeflateParams")
