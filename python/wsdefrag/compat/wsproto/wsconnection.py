"""``WSConnection``: a connection with its HTTP/1.1 handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wsproto

from wsdefrag.compat.wsproto.handshake import H11Handshake

if TYPE_CHECKING:
    from wsproto.connection import ConnectionType

    from wsdefrag.limits import Limits


class WSConnection(wsproto.WSConnection):
    r"""wsproto's ``WSConnection``; after the handshake it uses this package's ``Connection``.

    Args:
        connection_type: Which side this is.
        limits: The limits of the ``Connection``; None for no limits, as in wsproto.

    Raises:
        TypeError: If ``limits`` is neither a ``Limits`` nor None.

    Example:
        >>> from wsdefrag.compat.wsproto import ConnectionType, WSConnection
        >>> from wsdefrag.compat.wsproto.events import Request
        >>> client = WSConnection(ConnectionType.CLIENT)
        >>> client.send(Request(host="example.com", target="/"))[:16]
        b'GET / HTTP/1.1\r\n'
    """

    def __init__(self, connection_type: ConnectionType, *, limits: Limits | None = None) -> None:
        super().__init__(connection_type)
        self.handshake = H11Handshake(connection_type, limits=limits)


__all__ = ["WSConnection"]
