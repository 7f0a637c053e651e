"""A SocketWriter sends to a socket, and leaves to the transport what the socket does not take."""

from __future__ import annotations

import gc
import socket
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from wire_writer import KEY, TEXT, frame
from wsdefrag import PassThroughRelay
from wsdefrag._native import RelayPump, SocketWriter  # noqa: TID251  (only the proxy has them)

Pair = tuple[socket.socket, socket.socket]


def pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        return near, server.accept()[0]


@pytest.fixture
def sockets() -> Iterator[Pair]:
    """A socket that is written to and does not block, and the one that reads from it."""
    near, far = pair()
    with near, far:
        near.setblocking(False)
        yield near, far


class Transport:
    """Keeps what it is given until it is told to send; a writer for its socket."""

    def __init__(self, near: socket.socket) -> None:
        self.near = near
        self.given: list[bytes] = []
        self.waiting = 0
        self.writer = SocketWriter(
            near.fileno(), write=self.write, waiting=self.get_write_buffer_size
        )

    def write(self, data: bytes) -> None:
        self.given.append(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def clear(self) -> None:
        """Have the writer learn that the transport holds nothing."""
        self.writer.write(b"first")
        assert self.given.pop() == b"first"


def received(far: socket.socket, count: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < count:
        more = far.recv(count - len(data))
        assert more
        data += more
    return data


def test_what_a_socket_takes_does_not_reach_the_transport(sockets: Pair) -> None:
    near, far = sockets
    transport = Transport(near)
    transport.clear()
    transport.writer.write(b"hello ")
    transport.writer.write(b"socket")
    assert received(far, 12) == b"hello socket"
    assert transport.given == []


def test_the_transport_gets_all_while_it_holds_something(sockets: Pair) -> None:
    near, far = sockets
    transport = Transport(near)
    transport.waiting = 5
    transport.writer.write(b"first")
    transport.writer.write(b"second")
    assert transport.given == [b"first", b"second"]
    transport.waiting = 0
    transport.writer.write(b"third")
    assert transport.given == [b"first", b"second", b"third"]
    transport.writer.write(b"fourth")
    assert transport.given == [b"first", b"second", b"third"]
    assert received(far, 6) == b"fourth"


def test_the_transport_gets_what_a_full_socket_does_not_take(sockets: Pair) -> None:
    near, far = sockets
    transport = Transport(near)
    transport.clear()
    content = bytes(range(256)) * (1 << 16)
    transport.waiting = 1
    transport.writer.write(content)
    [rest] = transport.given
    assert 0 < len(rest) < len(content)
    transport.writer.write(b"after")
    assert transport.given == [rest, b"after"]
    assert received(far, len(content) - len(rest)) + rest == content


def test_an_error_of_the_socket_is_the_transports(sockets: Pair) -> None:
    near, _far = sockets
    transport = Transport(near)
    transport.clear()
    near.shutdown(socket.SHUT_WR)
    transport.writer.write(b"late")
    assert transport.given == [b"late"]


def test_a_stopped_writer_leaves_all_to_the_transport(sockets: Pair) -> None:
    near, _far = sockets
    transport = Transport(near)
    transport.clear()
    transport.writer.stop()
    near.close()
    transport.writer.write(b"one")
    transport.writer.write(b"two")
    assert transport.given == [b"one", b"two"]


def test_a_writer_that_is_stopped_by_the_transport_stays_stopped(sockets: Pair) -> None:
    near, _far = sockets
    given: list[bytes] = []

    def write(data: bytes) -> None:
        given.append(data)
        writer.stop()

    writer = SocketWriter(near.fileno(), write=write, waiting=lambda: 0)
    writer.write(b"one")
    writer.write(b"two")
    assert given == [b"one", b"two"]


@pytest.mark.parametrize("who", ["write", "waiting"])
def test_what_the_transport_raises_comes_out(who: str, sockets: Pair) -> None:
    def fails(*arguments: Any) -> int:
        raise LookupError(who)

    calls: dict[str, Any] = {"write": print, "waiting": lambda: 0, who: fails}
    with pytest.raises(LookupError, match=who):
        SocketWriter(sockets[0].fileno(), **calls).write(b"data")


def test_a_closed_socket_is_refused(sockets: Pair) -> None:
    sockets[0].close()
    with pytest.raises(ValueError, match="closed"):
        Transport(sockets[0])


def test_a_pump_writes_by_a_writer(sockets: Pair) -> None:
    near, far = sockets
    transport = Transport(near)
    transport.clear()
    whole = frame(TEXT, b"hello", key=KEY)
    pump = RelayPump(
        PassThroughRelay(mode="bytes", report_messages=False),
        bytearray(whole),
        from_client=True,
        handle=print,
        write=transport.writer,
    )
    pump.buffer_updated(len(whole))
    assert received(far, len(whole)) == whole
    assert transport.given == []


def test_a_cycle_through_a_writer_is_collected(sockets: Pair) -> None:
    def made() -> weakref.ref[Transport]:
        return weakref.ref(Transport(sockets[0]))

    seen = made()
    gc.collect()
    assert seen() is None
