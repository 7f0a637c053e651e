"""``WebSocketConnection``: reads both directions of a connection as an observer.

Each direction is a machine like ``WebSocketDirection``. The two share no state, so after a
violation or a Close in one, the other is still read. ``websocket`` is the record: the messages of
both directions in order of arrival, and how the connection ended.

Follows RFC 6455 sections 7.1.4 to 7.1.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import wsdefrag.events  # noqa: F401  (the native module makes events, and imports nothing)
from wsdefrag import _native
from wsdefrag._arguments import require_extension, require_optional, require_retain
from wsdefrag.data import WebSocketData
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Self


class WebSocketConnection(_native.Connection):
    r"""Reads both directions of one connection and keeps its messages.

    Args:
        deflate: The agreed permessage-deflate parameters; None if it was not agreed on.
        limits: Limits for frames and messages; None for the defaults of ``Limits``.
        strictness: Which rules are enforced; None for the defaults of ``Strictness``.
        retain: How many messages ``websocket.messages`` keeps, the newest ones; None keeps all,
            0 none. Events do not depend on it.
        extension: The name of an agreed extension that this package does not implement, or None.
            Messages with its reserved bits are ``OpaqueMessage`` events; they are not kept.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``retain`` is negative, or ``extension`` is empty or ``permessage-deflate``.

    Only one thread may use an object at a time. A subclass with other arguments overrides
    ``__new__``.

    Attributes:
        websocket: The kept messages, and how the connection ended.
        from_client: The ``DirectionState`` of the bytes from the client.
        from_server: The ``DirectionState`` of the bytes from the server.

    Example:
        >>> import wsdefrag
        >>> connection = wsdefrag.WebSocketConnection()
        >>> connection.receive_data(b"\x81\x02hi", from_client=False, timestamp=1.5)
        ['hi']
        >>> connection.from_server.bytes_received
        4
        >>> connection.receive_eof(from_client=True, timestamp=2.5)
        []
        >>> connection.websocket.messages, connection.websocket.close_code
        (['hi'], 1006)
    """

    __slots__ = ("websocket",)

    websocket: WebSocketData

    def __new__(
        cls,
        *,
        deflate: DeflateParams | None = None,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
        retain: int | None = None,
        extension: str | None = None,
    ) -> Self:
        """Start a connection; the class documents the arguments."""
        require_optional("deflate", deflate, DeflateParams)
        require_optional("limits", limits, Limits)
        require_optional("strictness", strictness, Strictness)
        kept, websocket = require_retain(retain), WebSocketData()
        self = super().__new__(
            cls,
            deflate=deflate,
            limits=limits or Limits(),
            strictness=strictness or Strictness(),
            extension=require_extension(extension),
            websocket=websocket,
            retain=kept,
        )
        self.websocket = websocket
        return self

    def __repr__(self) -> str:
        """Show the number of messages, the bytes, the errors and the close code."""
        client, server = self.from_client, self.from_server
        shown = {
            "messages": len(self.websocket.messages),
            "bytes_from_client": client.bytes_received,
            "bytes_from_server": server.bytes_received,
            "error_from_client": client.error and client.error.kind,
            "error_from_server": server.error and server.error.kind,
            "close_code": self.websocket.close_code,
        }
        state = " ".join([f"{name}={value}" for name, value in shown.items() if value is not None])
        return f"<{type(self).__name__} {state}>"
