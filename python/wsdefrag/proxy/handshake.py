"""What a handshake leads to: ``Opened`` or ``Tunnel``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsdefrag.deflate import DeflateParams
    from wsdefrag.handshake import HandshakeRequest, HandshakeResponse
    from wsdefrag.proxy.address import Upstream

_SWITCHING = 101


@dataclass(frozen=True)
class Opened:
    """A handshake with both heads.

    Attributes:
        upstream: The server.
        request: The request as it was sent to the server.
        response: The server's response.
        deflate: The agreed permessage-deflate parameters, or None.
        extension: The name of another agreed extension, or None.
        head: The head of the response for the client.
        from_client: Bytes of the client after its request.
        from_server: Bytes of the server after its response.
        request_ns: When the request was complete, in nanoseconds since the epoch.
        response_ns: When the response was.
    """

    upstream: Upstream
    request: HandshakeRequest
    response: HandshakeResponse
    deflate: DeflateParams | None
    extension: str | None
    head: bytes
    from_client: bytes
    from_server: bytes
    request_ns: int
    response_ns: int

    @property
    def is_accepted(self) -> bool:
        """Whether the server accepted the WebSocket."""
        return self.response.status == _SWITCHING

    def __str__(self) -> str:
        """What was asked, where, and the status."""
        return f"{self.upstream} answered {self.response.status} to {self.request.target}"


@dataclass(frozen=True)
class Tunnel:
    """A CONNECT whose bytes are passed on unread.

    Attributes:
        upstream: The server.
        from_client: Bytes of the client after its request.
    """

    upstream: Upstream
    from_client: bytes

    def __str__(self) -> str:
        """Where it leads to."""
        return f"passes on TLS to {self.upstream.host_port} unread"
