"""``WSConnection``: a connection with its HTTP/1.1 handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wsproto

from wsdefrag.compat.wsproto.connection import Connection
from wsdefrag.compat.wsproto.handshake import H11Handshake

if TYPE_CHECKING:
    from wsproto.connection import ConnectionType

    from wsdefrag.limits import Limits
    from wsdefrag.strictness import Strictness


class WSConnection(wsproto.WSConnection):
    r"""wsproto's ``WSConnection``; after the handshake it uses this package's ``Connection``.

    Args:
        connection_type: Which side this is.
        limits: The limits of the ``Connection``; None for no limits, as in wsproto.
        strictness: The rules of the ``Connection``; None for those of wsproto.

    Raises:
        TypeError: If ``limits`` or ``strictness`` has the wrong type.
        ValueError: If ``strictness.utf8`` is False.

    Example:
        >>> from wsdefrag.compat.wsproto import ConnectionType, WSConnection
        >>> from wsdefrag.compat.wsproto.events import Request
        >>> client = WSConnection(ConnectionType.CLIENT)
        >>> client.send(Request(host="example.com", target="/"))[:16]
        b'GET / HTTP/1.1\r\n'
    """

    def __init__(
        self,
        connection_type: ConnectionType,
        *,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
    ) -> None:
        super().__init__(connection_type)
        self.handshake = H11Handshake(connection_type, limits=limits, strictness=strictness)

    @property
    def tolerated(self) -> dict[str, int]:
        """How often the peer broke each rule that ``strictness`` switches off."""
        connection = self.handshake.connection
        return connection.tolerated if isinstance(connection, Connection) else {}


__all__ = ["WSConnection"]
