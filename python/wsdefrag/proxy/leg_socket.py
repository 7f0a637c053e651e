"""``LegSocket``: reads and writes the socket of an open connection beside its transport.

The event loop calls a ``SocketReader`` in place of the transport, which still pauses and closes. A
``SocketWriter`` sends; the transport gets what the socket does not take at once, and everything
after it until that is sent. So order and water marks are the transport's in either case.

Only transports that the event loop calls for a readable socket allow that, which are aiofastnet's
without TLS.

Invariants: all output goes through ``writer``; it is stopped before the transport is closed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wsdefrag._native import SocketReader, SocketWriter
from wsdefrag.proxy.transports import socket_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsdefrag._native import RelayPump


class LegSocket:
    """The socket of a leg.

    Args:
        transport: Its transport.
        number: Its number.

    Attributes:
        writer: What sends.
    """

    __slots__ = ("_number", "_reader", "_transport", "writer")

    def __init__(self, transport: asyncio.Transport, number: int) -> None:
        self._transport = transport
        self._number = number
        self._reader: SocketReader | None = None
        self.writer = SocketWriter(
            number, write=transport.write, waiting=transport.get_write_buffer_size
        )

    @classmethod
    def of(cls, transport: asyncio.Transport) -> LegSocket | None:
        """Return the socket of a transport; None if only the transport may use it."""
        number = socket_number(transport)
        return None if number is None else cls(transport, number)

    def read_by(self, pump: RelayPump, stopped: Callable[[Exception | None], object]) -> None:
        """Have a pump get what is read from the next call of ``watch`` on.

        Args:
            pump: The pump.
            stopped: Called with None at the end of the stream, or with what ended the reading.
        """
        self._reader = SocketReader(pump, self._number, stopped=stopped)

    def watch(self) -> None:
        """Have the event loop call the reader, if there is one, and not the transport."""
        if self._reader is not None:
            asyncio.get_running_loop().add_reader(self._number, self._reader.read)

    def end(self) -> None:
        """Have the event loop call nobody, after the end of the stream."""
        self._reader = None
        asyncio.get_running_loop().remove_reader(self._number)

    def leave(self) -> None:
        """Have the event loop call the transport again, unless that is paused."""
        if self._reader is not None:
            self._reader = None
            if self._transport.is_reading():
                self._transport.pause_reading()
                self._transport.resume_reading()
