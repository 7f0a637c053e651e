"""wsproto's HTTP/1.1 handshake; it creates this package's ``Connection`` at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wsproto.handshake as theirs
from wsproto.handshake import (
    WEBSOCKET_UPGRADE,
    WEBSOCKET_VERSION,
    client_extensions_handshake,
    server_extensions_handshake,
)

from wsdefrag._arguments import require_optional
from wsdefrag.compat.wsproto.connection import Connection, ConnectionType
from wsdefrag.limits import Limits

if TYPE_CHECKING:
    import h11
    from wsproto.events import AcceptConnection


class H11Handshake(theirs.H11Handshake):
    """wsproto's ``H11Handshake``; it creates this package's ``Connection``.

    Args:
        connection_type: Which side this is.
        limits: The limits of the ``Connection``; None for no limits.

    Raises:
        TypeError: If ``limits`` is neither a ``Limits`` nor None.
    """

    def __init__(self, connection_type: ConnectionType, *, limits: Limits | None = None) -> None:
        require_optional("limits", limits, Limits)
        super().__init__(connection_type)
        self._limits = limits

    def _accept(self, event: AcceptConnection) -> bytes:
        data = super()._accept(event)
        self._connection = Connection(ConnectionType.SERVER, event.extensions, limits=self._limits)
        return data

    def _establish_client_connection(self, event: h11.InformationalResponse) -> AcceptConnection:
        accepted = super()._establish_client_connection(event)
        trailing, _ = self._h11_connection.trailing_data
        self._connection = Connection(
            ConnectionType.CLIENT, accepted.extensions, trailing, limits=self._limits
        )
        return accepted


__all__ = [
    "WEBSOCKET_UPGRADE",
    "WEBSOCKET_VERSION",
    "H11Handshake",
    "client_extensions_handshake",
    "server_extensions_handshake",
]
