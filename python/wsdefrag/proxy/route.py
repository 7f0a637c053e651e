"""``connect``: makes the leg to a server, directly or through an HTTP or SOCKS5 proxy, with TLS.

Through a proxy, the connection to the proxy is first a ``_Negotiation``, which reads the proxy's
answers; then the leg takes the transport over, and TLS to the server begins inside of the tunnel.

Follows RFC 9110 section 9.3.6 (CONNECT), RFC 7617 (Basic) and RFC 1928, RFC 1929 (SOCKS5).
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import TYPE_CHECKING, cast

from wsdefrag.handshake import ClientHandshake, HandshakeFailed
from wsdefrag.proxy import transports

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsdefrag.proxy.address import Upstream
    from wsdefrag.proxy.leg import Leg

_DEFAULT_TLS: list[ssl.SSLContext] = []


def default_tls() -> ssl.SSLContext:
    """Return the context for servers: the system's authorities, and HTTP/1.1 by ALPN."""
    # Loading the authorities takes some 20 ms.
    if not _DEFAULT_TLS:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        _DEFAULT_TLS.append(context)
    return _DEFAULT_TLS[0]


async def connect(
    upstream: Upstream,
    make_leg: Callable[[], Leg],
    *,
    via: Upstream | None,
    tls: ssl.SSLContext | None,
) -> Leg:
    """Connect a leg to a server.

    Args:
        upstream: The server.
        make_leg: Makes the leg.
        via: A proxy on the way, or None.
        tls: The context for TLS with the server; None for ``default_tls()``.

    Raises:
        OSError: If the server cannot be reached.
    """
    context = (tls or default_tls()) if upstream.is_secure else None
    if via is None or upstream.socket_path is not None:
        return await transports.connect(upstream, make_leg, tls=context)
    to_proxy = default_tls() if via.is_secure else None
    negotiation = await transports.connect(via, _Negotiation, tls=to_proxy)
    try:
        if via.scheme == "socks5":
            await _ask_socks(negotiation, upstream, via.credentials)
        else:
            await _ask_http(negotiation, upstream, via.credentials)
    except BaseException:
        negotiation.transport.abort()
        raise
    transport, leg = negotiation.transport, make_leg()
    if context is not None:
        transport.set_protocol(leg)
        transport.resume_reading()
        transport = await transports.start_tls(
            transport, leg, context, server_hostname=upstream.host
        )
        leg.connection_made(transport)
        return leg
    transport.set_protocol(leg)
    leg.connection_made(transport)
    transport.resume_reading()
    return leg


class _Negotiation(asyncio.Protocol):
    """Reads the answers of a proxy."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.received = bytearray()
        self._more: asyncio.Future[None] | None = None
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._is_over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def more(self) -> None:
        """Wait for bytes."""
        if self._is_over:
            raise ConnectionResetError("the proxy ended the connection")
        before = len(self.received)
        self._more = asyncio.get_running_loop().create_future()
        self.transport.resume_reading()
        await self._more
        if len(self.received) == before:
            raise ConnectionResetError("the proxy ended the connection")

    async def take(self, count: int) -> bytes:
        """Take exactly so many bytes."""
        while len(self.received) < count:
            await self.more()
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken


async def _ask_http(
    proxy: _Negotiation, upstream: Upstream, credentials: tuple[str, str] | None
) -> None:
    """Ask an HTTP proxy for a tunnel (RFC 9110 section 9.3.6)."""
    lines = [f"CONNECT {upstream.host_port} HTTP/1.1", f"Host: {upstream.host_port}"]
    if credentials is not None:
        basic = base64.b64encode(":".join(credentials).encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {basic}")
    proxy.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    # It reads the head of any response.
    answer = ClientHandshake(upstream.host)
    response = None
    while response is None:
        await proxy.more()
        data = bytes(proxy.received)
        proxy.received.clear()
        try:
            response = answer.receive_data(data)
        except HandshakeFailed as error:
            raise ConnectionRefusedError(f"the proxy's answer is invalid: {error}") from None
    if not 200 <= response.status < 300:
        text = f"the proxy answered {response.status} {response.reason}"
        raise ConnectionRefusedError(None, text)
    # A server of TLS or HTTP does not speak first.
    if answer.take_leftover():
        raise ConnectionRefusedError(None, "the server spoke before it was asked")


_SOCKS_VERSION = 5
_NO_AUTHENTICATION, _PASSWORD, _NONE_ACCEPTABLE = 0, 2, 0xFF
_CONNECT, _DOMAIN_NAME = 1, 3
_ADDRESS_LENGTHS = {1: 4, 4: 16}
_LONGEST = 255
_REPLIES = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


async def _ask_socks(
    proxy: _Negotiation, upstream: Upstream, credentials: tuple[str, str] | None
) -> None:
    """Ask a SOCKS5 proxy for a connection; the proxy resolves the name (RFC 1928)."""
    methods = bytes([_NO_AUTHENTICATION] if credentials is None else [0, _PASSWORD])
    proxy.transport.write(bytes([_SOCKS_VERSION, len(methods)]) + methods)
    version, method = await proxy.take(2)
    if version != _SOCKS_VERSION or method not in methods:
        text = "the proxy wants another authentication"
        raise ConnectionRefusedError(
            None, text if version == _SOCKS_VERSION else "the proxy does not speak SOCKS5"
        )
    if method == _PASSWORD:
        assert credentials is not None
        parts = [part.encode() for part in credentials]
        if any(not 0 < len(part) <= _LONGEST for part in parts):
            raise ConnectionRefusedError(None, "SOCKS5 takes names and passwords of 1 to 255 bytes")
        lengths = b"".join(bytes([len(part)]) + part for part in parts)
        proxy.transport.write(b"\x01" + lengths)
        if (await proxy.take(2))[1] != 0:
            raise ConnectionRefusedError(None, "the proxy refused the password")
    host = upstream.host.encode("idna") if not upstream.host.isascii() else upstream.host.encode()
    if not 0 < len(host) <= _LONGEST:
        raise ConnectionRefusedError(None, "the name of the server is too long for SOCKS5")
    asked = bytes([_SOCKS_VERSION, _CONNECT, 0, _DOMAIN_NAME, len(host)]) + host
    proxy.transport.write(asked + upstream.port.to_bytes(2, "big"))
    _, reply, _, kind = await proxy.take(4)
    if reply != 0:
        text = _REPLIES.get(reply, f"reply {reply}")
        raise ConnectionRefusedError(None, f"the proxy answered: {text}")
    length = _ADDRESS_LENGTHS.get(kind)
    if length is None:
        length = (await proxy.take(1))[0]
    await proxy.take(length + 2)
