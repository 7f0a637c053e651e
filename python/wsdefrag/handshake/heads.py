"""``HandshakeRequest`` and ``HandshakeResponse``: the heads of a handshake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from wsdefrag import _native
from wsdefrag._shown import shown, shown_text
from wsdefrag.handshake.fields import Fields

if TYPE_CHECKING:
    from typing_extensions import Self


@final
@dataclass(frozen=True, slots=True)
class HandshakeRequest:
    """A client's request for a WebSocket (RFC 6455 section 4.1).

    Attributes:
        method: The method: ``GET``, unless it was read without being strict.
        target: The request target, unchanged.
        http_version: The version, such as ``HTTP/1.1``.
        fields: The fields.
        head: The bytes of the head, with the empty line that ends it. Empty lines before the
            request are left out.

    Example:
        >>> from wsdefrag.handshake import ClientHandshake, ServerHandshake
        >>> client = ClientHandshake("example.com", key="dGhlIHNhbXBsZSBub25jZQ==")
        >>> request = ServerHandshake().receive_data(client.data_to_send())
        >>> request.host, request.key, request.fields.tokens("upgrade")
        ('example.com', 'dGhlIHNhbXBsZSBub25jZQ==', ['websocket'])
    """

    method: str
    target: str
    http_version: str
    fields: Fields
    head: bytes

    @classmethod
    def _of(cls, values: tuple[str, str, str, list[tuple[str, str]], bytes]) -> Self:
        """Make an object from the values of the native module."""
        method, target, http_version, fields, head = values
        return cls(method, target, http_version, Fields(fields), head)

    @property
    def host(self) -> str:
        """``Host``: the name of the server, perhaps with a port; empty if there is none."""
        return (self.fields.get_all("Host") or [""])[0]

    @property
    def key(self) -> str:
        """``Sec-WebSocket-Key``; empty if there is none."""
        return (self.fields.get_all("Sec-WebSocket-Key") or [""])[0]

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, in its order of preference."""
        return _native.list_members(self.fields.get("Sec-WebSocket-Protocol") or "")

    @property
    def extensions(self) -> list[str]:
        """The values of all ``Sec-WebSocket-Extensions``."""
        return self.fields.get_all("Sec-WebSocket-Extensions")

    def __repr__(self) -> str:
        """Show the request line and the number of fields."""
        line = f"{shown_text(self.method)} {shown_text(self.target)} {self.http_version}"
        return shown("HandshakeRequest", f"{line} fields={len(self.fields)}")


@final
@dataclass(frozen=True, slots=True)
class HandshakeResponse:
    r"""A server's response to a request for a WebSocket (RFC 6455 section 4.2.2).

    Attributes:
        status: The status code: 101 if the server accepts.
        reason: The reason phrase; empty if it is not ASCII.
        http_version: The version, such as ``HTTP/1.1``.
        fields: The fields.
        head: The bytes of the head, with the empty line that ends it.

    Example:
        >>> from wsdefrag.handshake import ClientHandshake
        >>> client = ClientHandshake("example.com")
        >>> response = client.receive_data(b"HTTP/1.1 403 Forbidden\r\nServer: x\r\n\r\n")
        >>> response.status, response.reason, response.fields.get("server")
        (403, 'Forbidden', 'x')
    """

    status: int
    reason: str
    http_version: str
    fields: Fields
    head: bytes

    @classmethod
    def _of(cls, values: tuple[int, str, str, list[tuple[str, str]], bytes]) -> Self:
        """Make an object from the values of the native module."""
        status, reason, http_version, fields, head = values
        return cls(status, reason, http_version, Fields(fields), head)

    @property
    def extensions(self) -> list[str]:
        """The values of all ``Sec-WebSocket-Extensions``."""
        return self.fields.get_all("Sec-WebSocket-Extensions")

    def __repr__(self) -> str:
        """Show the status line and the number of fields."""
        line = f"{self.status} {shown_text(self.reason)} {self.http_version}"
        return shown("HandshakeResponse", f"{line} fields={len(self.fields)}")
