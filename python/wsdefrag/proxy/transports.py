"""Makes the sockets of a proxy: by aiofastnet where it is installed, by the event loop otherwise.

aiofastnet has the loop's functions again, with transports that cost less (extra ``proxy``).
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from wsdefrag.proxy.tls_server import TlsServer, listening_sockets

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from wsdefrag.proxy.address import ListenAddress, Upstream

_P = TypeVar("_P", bound=asyncio.BaseProtocol)

Server: TypeAlias = asyncio.AbstractServer | TlsServer

# Connections that wait to be accepted.
_BACKLOG = 1024

# What of the bytes that have arrived is dropped: so many reads of so many bytes, as much as systems
# buffer.
_DROPS, _DROP_SIZE = 128, 64 << 10


def _imported() -> ModuleType | None:
    try:
        import aiofastnet
    except ImportError:
        return None
    module: ModuleType = aiofastnet
    return module


_FAST = _imported()


def is_fast() -> bool:
    """Whether aiofastnet is used."""
    return _FAST is not None


def socket_number(transport: asyncio.Transport) -> int | None:
    """Return the number of a socket that others may read and write beside its transport.

    Such are aiofastnet's without TLS: the event loop calls them when a socket is readable, and can
    be told to call something else. None for others.
    """
    # The loop of Windows cannot watch sockets.
    if _FAST is None or sys.platform == "win32":
        return None
    found: socket.socket | None = transport.get_extra_info("socket")
    if found is None or transport.get_extra_info("sslcontext") is not None:
        return None
    number = found.fileno()
    return number if number >= 0 else None


def drop_arrived(transport: asyncio.Transport) -> None:
    """Read and drop what has arrived, before a transport is closed that has sent a response.

    A system that closes a socket with unread bytes resets the connection, and then the peer may
    lose what it was sent before (RFC 9112 section 9.6). TLS reads by itself while it is closed.
    """
    found = transport.get_extra_info("socket")
    # On Windows the transport itself is reading, and a socket is no file.
    if found is None or sys.platform == "win32" or transport.get_extra_info("sslcontext"):
        return
    with suppress(OSError):  # nothing more has arrived, or the socket is closed
        for _ in range(_DROPS):
            if not os.read(found.fileno(), _DROP_SIZE):
                break


class _QuietLoop:
    """The event loop without reports of TLS handshakes that failed: aiofastnet raises them too."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._loop, name)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if context.get("message") != "SSL handshake failed":
            self._loop.call_exception_handler(context)


def _function(name: str, *, tls: ssl.SSLContext | None) -> Callable[..., Any]:
    running = asyncio.get_running_loop()
    if _FAST is None:
        return getattr(running, name)  # type: ignore[no-any-return]
    function = getattr(_FAST, name)
    loop = running if tls is None else _QuietLoop(running)
    return lambda *arguments, **options: function(loop, *arguments, **options)


async def listen(
    address: ListenAddress,
    factory: Callable[[], asyncio.BaseProtocol],
    *,
    tls: ssl.SSLContext | None,
    handshake_timeout: float | None,
) -> Server:
    """Start to accept connections.

    Raises:
        OSError: If the address cannot be listened on.
    """
    options: dict[str, Any] = {"ssl": tls}
    if tls is not None and handshake_timeout is not None:
        options["ssl_handshake_timeout"] = handshake_timeout
    host = address.host or None
    if address.path is not None:
        make = _function("create_unix_server", tls=tls)
        server = await make(factory, address.path, backlog=_BACKLOG, **options)
    elif tls is None or sys.platform == "win32":
        # The loop of Windows cannot watch sockets.
        make = _function("create_server", tls=tls)
        server = await make(factory, host, address.port, backlog=_BACKLOG, **options)
    else:
        connect_accepted = _function("connect_accepted_socket", tls=tls)
        sockets = await listening_sockets(host, address.port, _BACKLOG)
        return TlsServer(sockets, lambda accepted: connect_accepted(factory, accepted, **options))
    return server  # type: ignore[no-any-return]


def addresses(servers: Iterable[Server]) -> list[str]:
    """Return where servers listen: ``HOST:PORT`` or ``unix:PATH``, with the port instead of 0."""
    texts = []
    for server in servers:
        for one in getattr(server, "sockets", None) or ():
            name = one.getsockname()
            if one.family == getattr(socket, "AF_UNIX", None):
                texts.append(f"unix:{name}")
            else:
                host = f"[{name[0]}]" if ":" in name[0] else name[0]
                texts.append(f"{host}:{name[1]}")
    return texts


async def connect(
    address: Upstream, factory: Callable[[], _P], *, tls: ssl.SSLContext | None = None
) -> _P:
    """Connect to a server, with TLS if ``tls`` is given.

    Raises:
        OSError: If it cannot be reached, or its certificate is not valid.
    """
    options: dict[str, Any] = {"ssl": tls}
    if address.socket_path is not None:
        if tls is not None:
            options["server_hostname"] = address.host
        make = _function("create_unix_connection", tls=tls)
        made = await make(factory, address.socket_path, **options)
    else:
        make = _function("create_connection", tls=tls)
        made = await make(factory, address.host, address.port, **options)
    protocol: _P = made[1]
    return protocol


async def start_tls(
    transport: asyncio.Transport,
    protocol: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
    handshake_timeout: float | None = None,
) -> asyncio.Transport:
    """Begin TLS on a connection that was clear until now.

    Raises:
        OSError: If the handshake fails.
    """
    made = await _function("start_tls", tls=context)(
        transport,
        protocol,
        context,
        server_side=server_side,
        server_hostname=server_hostname,
        ssl_handshake_timeout=handshake_timeout,
    )
    if made is None:
        raise ConnectionResetError("the connection was lost in the TLS handshake")
    return made  # type: ignore[no-any-return]
