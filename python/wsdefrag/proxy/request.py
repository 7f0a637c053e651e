"""``ProxyRequest``: the request of a client, as ``on_connect`` sees and edits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag.proxy.head import with_field

if TYPE_CHECKING:
    from wsdefrag.handshake import HandshakeRequest
    from wsdefrag.proxy.address import Upstream
    from wsdefrag.proxy.peer import Peer


class ProxyRequest:
    """The request of a client for a WebSocket, before it is sent to the server.

    Attributes:
        handshake: The request as it was received, a ``HandshakeRequest``.
        client: The ``Peer`` that sent it.
        upstream: The ``Upstream`` that it will be sent to; may be set.
        target: The request target that will be sent; may be set.
        fields: Names and values of the header fields that will be sent, in order, but for
            ``Upgrade`` and ``Connection``; may be set.
    """

    __slots__ = ("client", "fields", "handshake", "target", "upstream")

    def __init__(
        self,
        handshake: HandshakeRequest,
        *,
        client: Peer,
        upstream: Upstream,
        target: str,
        fields: list[tuple[str, str]],
    ) -> None:
        self.handshake = handshake
        self.client = client
        self.upstream = upstream
        self.target = target
        self.fields = fields

    def __repr__(self) -> str:
        """Show target and server."""
        return f"<ProxyRequest {self.target!r} for {self.upstream}>"

    def get(self, name: str) -> str | None:
        """Return the values of a field, joined by commas (RFC 9110 section 5.3); None without."""
        wanted = name.lower()
        values = [value for other, value in self.fields if other.lower() == wanted]
        return ", ".join(values) if values else None

    def set(self, name: str, value: str | None) -> None:
        """Set a field, in place of all with this name; None removes it.

        Raises:
            ValueError: If it cannot be sent (RFC 9110 section 5).
        """
        self.fields = with_field(self.fields, name, value)
