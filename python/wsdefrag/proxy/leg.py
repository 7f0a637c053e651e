"""``Leg``: the socket of one side of a proxied connection, as an asyncio protocol.

The bytes that arrive go to ``handle``, which is another function in each stage of the connection,
or to the relay of an open one without any Python code between (``read_by``), and where that is
possible without the transport (``leg_socket``). They lie in a buffer that all legs of a proxy share
(``read_buffer``).

A leg does not decide anything. It reads while nobody has a reason against it (``pause``,
``resume``), and tells its connection when the transport's output passes the high or the low water
mark, and when nothing of that output is read for ``write_timeout`` seconds.

Invariant: the transport reads if and only if ``_paused`` is 0.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, cast

from wsdefrag.proxy.leg_socket import LegSocket
from wsdefrag.proxy.peer import Peer
from wsdefrag.proxy.transports import drop_arrived

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsdefrag._native import RelayPump, SocketWriter
    from wsdefrag.proxy.read_buffer import ReadBuffer

# Why a leg is not read; they are added up.
OTHER_IS_SLOW = 1
DECISIONS_WAIT = 2
HANDSHAKE = 4


class LegOwner(Protocol):
    """What a leg tells its connection."""

    def leg_made(self, leg: Leg) -> None:
        """The leg is connected."""

    def leg_is_slow(self, leg: Leg, slow: bool) -> None:
        """The output that waits has passed the high or the low water mark."""

    def leg_is_stuck(self, leg: Leg) -> None:
        """Nothing of the output was read for as long as the write timeout."""

    def leg_ended(self, leg: Leg) -> None:
        """The side sends no more."""

    def leg_lost(self, leg: Leg, error: Exception | None) -> None:
        """The socket is closed."""


class Leg(asyncio.BufferedProtocol):
    """One side of a connection.

    Attributes:
        transport: The socket; only after ``leg_made``.
        handle: What takes the bytes that arrive, unless ``read_by`` has named a pump; they are
            valid only during the call.
        is_client: Whether it is the client's side.
        is_lost: Whether the socket is closed.
        has_ended: Whether the side sends no more.
        is_slow: Whether more output waits than the high water mark.
    """

    __slots__ = (
        "_buffer",
        "_owner",
        "_paused",
        "_socket",
        "_water",
        "_write_timeout",
        "_write_timer",
        "_written",
        "buffer_updated",
        "get_buffer",
        "handle",
        "has_ended",
        "is_client",
        "is_lost",
        "is_slow",
        "peer",
        "transport",
    )

    # Attributes, so that transports call those of the reader.
    get_buffer: Callable[[int], memoryview]  # type: ignore[assignment]
    buffer_updated: Callable[[int], None]  # type: ignore[assignment]

    def __init__(
        self,
        owner: LegOwner,
        *,
        is_client: bool,
        buffer: ReadBuffer,
        water: tuple[int, int],
        write_timeout: float | None,
    ) -> None:
        self._owner = owner
        self._buffer = buffer
        self._water = water
        self._paused = 0
        self._socket: LegSocket | None = None
        self._write_timeout = write_timeout
        self._write_timer: asyncio.TimerHandle | None = None
        self._written = 0
        self.is_client = is_client
        self.is_lost = self.has_ended = self.is_slow = False
        self.handle: Callable[[memoryview], None] = drop
        self.get_buffer, self.buffer_updated = buffer.get_buffer, self._handle_read
        self.transport: asyncio.Transport
        self.peer = Peer(("", 0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the water marks; the owner decides what comes next."""
        self.transport = cast("asyncio.Transport", transport)
        low, high = self._water
        self.transport.set_write_buffer_limits(high, low)
        self._owner.leg_made(self)

    def _handle_read(self, nbytes: int) -> None:
        self.handle(self._buffer.view[:nbytes])

    def read_by(self, pump: RelayPump) -> None:
        """Give the bytes that arrive to a pump, without any code of a leg between."""
        # The stage before is over; what it held is freed.
        self.handle = drop
        self.get_buffer, self.buffer_updated = pump.get_buffer, pump.buffer_updated
        self._show_methods()
        if (socket := self._own_socket()) is not None:
            socket.read_by(pump, self._stopped)
            if not self._paused and not self.transport.is_closing():
                socket.watch()

    def writer(self) -> Callable[[bytes], None] | SocketWriter:
        """Return what a pump gives the output to."""
        socket = self._own_socket()
        return self.transport.write if socket is None else socket.writer

    def _own_socket(self) -> LegSocket | None:
        if self._socket is None and not self.is_lost and not self.transport.is_closing():
            self._socket = LegSocket.of(self.transport)
        return self._socket

    def _stopped(self, error: Exception | None) -> None:
        """Do what a transport does at the end of the stream, or after an error."""
        if error is None:
            assert self._socket is not None
            self._socket.end()
            if not self.eof_received():
                self.close()
            return
        if not isinstance(error, OSError):
            context = {"message": "reading failed", "exception": error, "protocol": self}
            asyncio.get_running_loop().call_exception_handler(context)
        self.abort()

    def ignore(self) -> None:
        """Drop the bytes that arrive."""
        self.handle = drop
        self.get_buffer, self.buffer_updated = self._buffer.get_buffer, _ignore
        self._show_methods()
        if self._socket is not None:
            self._socket.leave()

    def _show_methods(self) -> None:
        """Have a transport that keeps the protocol's methods take the new ones."""
        if not self.is_lost and not self.transport.is_closing():
            self.transport.set_protocol(self)

    def eof_received(self) -> bool:
        """Keep the socket open for the other direction; TLS closes it all the same."""
        self.has_ended = True
        self._owner.leg_ended(self)
        return not self.is_lost and self.transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the handlers: transports live on for a while in some event loops."""
        self._stop_writer()
        self._socket = None
        self.is_lost = True
        self.ignore()
        self._stop_write_timer()
        self._owner.leg_lost(self, exc)

    def pause_writing(self) -> None:
        """Say that the side is slow, and start to watch whether it reads at all."""
        self.is_slow = True
        if self._write_timeout is not None:
            self._watch_writing()
        self._owner.leg_is_slow(self, True)

    def resume_writing(self) -> None:
        """Say that the side has read."""
        self.is_slow = False
        self._stop_write_timer()
        self._owner.leg_is_slow(self, False)

    def pause(self, reason: int) -> None:
        """Read nothing for a reason."""
        if not self._paused and not self.is_lost and not self.transport.is_closing():
            self.transport.pause_reading()
        self._paused |= reason

    def resume(self, reason: int) -> None:
        """Read again if there is no other reason against it."""
        if not self._paused & reason:
            return
        self._paused &= ~reason
        if not self._paused and not self.is_lost and not self.transport.is_closing():
            self.transport.resume_reading()
            if self._socket is not None:
                self._socket.watch()

    def write(self, data: bytes) -> None:
        """Send bytes, unless the socket is closing."""
        if data and not self.is_lost:
            (self.transport if self._socket is None else self._socket.writer).write(data)

    def write_copy(self, data: memoryview) -> None:
        """Send bytes of the shared buffer."""
        self.write(bytes(data))

    def write_eof(self) -> None:
        """Send what waits, and then end this direction; with TLS, close the socket."""
        if self.is_lost or self.transport.is_closing():
            return
        self._stop_writer()
        if self.transport.can_write_eof():
            # The side may have reset the connection, which is noticed later.
            with suppress(OSError):
                self.transport.write_eof()
        else:
            self.transport.close()

    def close(self) -> None:
        """Send what waits, and then close the socket."""
        if not self.is_lost:
            self._stop_writer()
            self.transport.close()

    def close_refused(self) -> None:
        """Close the socket of a side that may still be sending, so that it gets its response."""
        if not self.is_lost and not self.transport.is_closing():
            drop_arrived(self.transport)
        self.close()

    def abort(self) -> None:
        """Close the socket at once."""
        if not self.is_lost:
            self._stop_writer()
            self.transport.abort()

    def _stop_writer(self) -> None:
        """Leave the output to the transport, which is about to end it."""
        if self._socket is not None:
            self._socket.writer.stop()

    def adopt(self, transport: asyncio.Transport) -> None:
        """Go on over TLS."""
        self.transport = transport
        low, high = self._water
        transport.set_write_buffer_limits(high, low)
        self._paused = 0

    def _watch_writing(self) -> None:
        """Look again later whether some of the output was read."""
        loop, timeout = asyncio.get_running_loop(), self._write_timeout
        assert timeout is not None
        self._written = self.transport.get_write_buffer_size()
        self._write_timer = loop.call_later(timeout, self._check_writing)

    def _check_writing(self) -> None:
        if self.transport.get_write_buffer_size() < self._written:
            self._watch_writing()
        else:
            self._write_timer = None
            self._owner.leg_is_stuck(self)

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None


def drop(data: memoryview) -> None:
    """Drop bytes of a stage in which nobody wants them."""


def _ignore(nbytes: int) -> None:
    """Drop bytes that were read."""
