"""``Peer``: who is at the other end of a proxy's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_UNIX = ("", 0)


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a connection.

    Attributes:
        address: IP address and TCP port; ``("", 0)`` for a Unix socket.
        tls_version: The version of TLS, such as ``"TLSv1.3"``; None without TLS.
        server_name: The name that the client asked for in its TLS handshake (RFC 6066 section 3);
            None without one.
        certificate: The peer's certificate, as ``ssl.SSLSocket.getpeercert`` gives it; None
            without a verified one.
    """

    address: tuple[str, int]
    tls_version: str | None = None
    server_name: str | None = None
    certificate: dict[str, Any] | None = None

    @classmethod
    def of(cls, transport: asyncio.BaseTransport, *, server_name: str | None = None) -> Peer:
        """Read what a transport knows."""
        name = transport.get_extra_info("peername")
        address = (str(name[0]), int(name[1])) if isinstance(name, tuple) and name else _UNIX
        tls = transport.get_extra_info("ssl_object")
        if tls is None:
            return cls(address)
        return cls(address, tls.version(), server_name, tls.getpeercert() or None)

    def __str__(self) -> str:
        """Address and port."""
        host, port = self.address
        if not host:
            return "a Unix socket"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
