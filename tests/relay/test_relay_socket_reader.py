"""A SocketReader receives from a socket for a pump, and says when there is no more."""

from __future__ import annotations

import gc
import socket
import struct
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from wire_writer import BINARY, KEY, TEXT, frame
from wsdefrag import PassThroughRelay, WebSocketRelay
from wsdefrag._native import RelayPump, SocketReader  # noqa: TID251  (only the proxy has them)

Pair = tuple[socket.socket, socket.socket]


def tcp_pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        return near, server.accept()[0]


PAIRS = (
    tcp_pair,
    pytest.param(
        socket.socketpair,
        marks=pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets"),
    ),
)


@pytest.fixture(params=PAIRS)
def sockets(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A socket that is read and does not block, and the one that writes to it."""
    near, far = request.param()
    with near, far:
        near.setblocking(False)
        yield near, far


class Reading:
    """A reader of a socket, what went to the other side, and what stopped it."""

    def __init__(self, near: socket.socket, *, room: int = 1000) -> None:
        self.written: list[bytes] = []
        self.stops: list[Exception | None] = []
        self.relay = PassThroughRelay(mode="bytes", report_messages=False)
        pump = RelayPump(
            self.relay,
            bytearray(room),
            from_client=True,
            handle=self.handle,
            write=self.written.append,
        )
        self.reader = SocketReader(pump, near.fileno(), stopped=self.stops.append)

    def handle(self, events: list[Any]) -> None:
        raise AssertionError(f"no message is an event: {events}")


def test_each_read_goes_through_the_relay(sockets: Pair) -> None:
    near, far = sockets
    reading = Reading(near)
    whole = frame(TEXT, b"hello", key=KEY)
    far.sendall(whole)
    reading.reader.read()
    assert reading.written == [whole]
    assert reading.relay.from_client.messages_received == 1
    assert reading.stops == []


def test_a_read_takes_no_more_than_the_buffer_has_room_for(sockets: Pair) -> None:
    near, far = sockets
    reading = Reading(near, room=40)
    whole = frame(BINARY, bytes(100), key=KEY)
    far.sendall(whole)
    reading.reader.read()
    assert reading.written == [whole[:40]]
    reading.reader.read()
    reading.reader.read()
    assert b"".join(reading.written) == whole
    assert near.fileno() >= 0


def test_a_socket_with_nothing_to_read_changes_nothing(sockets: Pair) -> None:
    reading = Reading(sockets[0])
    reading.reader.read()
    assert (reading.written, reading.stops) == ([], [])


def test_the_end_of_the_stream_stops_it_and_can_be_received_again(sockets: Pair) -> None:
    near, far = sockets
    reading = Reading(near)
    far.shutdown(socket.SHUT_WR)
    reading.reader.read()
    assert reading.stops == [None]
    assert near.recv(1) == b""


def test_an_error_of_the_socket_stops_it() -> None:
    near, far = tcp_pair()
    with near:
        near.setblocking(False)
        reading = Reading(near)
        # Closing it with unread bytes resets the connection.
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        reading.reader.read()
        [error] = reading.stops
        assert isinstance(error, ConnectionResetError)


@pytest.mark.parametrize("error", [LookupError("hook"), RuntimeError("pump")])
def test_an_exception_of_the_pump_stops_it(error: Exception) -> None:
    near, far = tcp_pair()
    with near, far:
        stops: list[Exception | None] = []

        def fails(events: list[Any]) -> None:
            raise error

        pump = RelayPump(
            WebSocketRelay(), bytearray(100), from_client=True, handle=fails, write=None
        )
        reader = SocketReader(pump, near.fileno(), stopped=stops.append)
        far.sendall(frame(TEXT, b"hello", key=KEY))
        reader.read()
        assert stops == [error]


def test_an_interrupt_comes_out() -> None:
    near, far = tcp_pair()
    with near, far:

        def interrupted(data: bytes) -> None:
            raise KeyboardInterrupt

        stops: list[Exception | None] = []
        pump = RelayPump(
            PassThroughRelay(mode="bytes", report_messages=False),
            bytearray(100),
            from_client=True,
            handle=print,
            write=interrupted,
        )
        reader = SocketReader(pump, near.fileno(), stopped=stops.append)
        far.sendall(frame(TEXT, b"hello", key=KEY))
        with pytest.raises(KeyboardInterrupt):
            reader.read()
        assert stops == []


def test_what_stopped_raises_comes_out() -> None:
    near, far = tcp_pair()
    with near, far:
        far.shutdown(socket.SHUT_WR)

        def fails(error: Exception | None) -> None:
            raise LookupError

        pump = RelayPump(
            PassThroughRelay(), bytearray(9), from_client=True, handle=print, write=None
        )
        with pytest.raises(LookupError):
            SocketReader(pump, near.fileno(), stopped=fails).read()


def test_a_closed_socket_is_refused() -> None:
    near, far = tcp_pair()
    with far:
        near.close()
        with pytest.raises(ValueError, match="closed"):
            Reading(near)


def test_a_reader_does_not_close_the_socket(sockets: Pair) -> None:
    near, far = sockets
    reading = Reading(near)
    del reading
    gc.collect()
    far.sendall(b"still open")
    near.setblocking(True)
    assert near.recv(100) == b"still open"


def test_a_cycle_through_a_reader_is_collected() -> None:
    class Owner:
        def stopped(self, error: Exception | None) -> None:
            pass

    def made(near: socket.socket) -> weakref.ref[Owner]:
        owner: Any = Owner()
        pump = RelayPump(
            PassThroughRelay(), bytearray(8), from_client=True, handle=print, write=None
        )
        owner.reader = SocketReader(pump, near.fileno(), stopped=owner.stopped)
        return weakref.ref(owner)

    near, far = tcp_pair()
    with near, far:
        seen = made(near)
        gc.collect()
        assert seen() is None
