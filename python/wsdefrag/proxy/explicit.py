"""Explicit-proxy mode: which server a request names, and what follows a CONNECT.

Follows RFC 9110 section 9.3.6 (CONNECT) and RFC 9112 section 3.2.2 (the absolute form).
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wsdefrag.proxy.address import Upstream
from wsdefrag.proxy.refusal import Refusal

if TYPE_CHECKING:
    from wsdefrag.proxy.leg import Leg

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_SCHEMES = {"http": "ws", "ws": "ws", "https": "wss", "wss": "wss"}
_TLS_HANDSHAKE_RECORD = 0x16


def named(authority: str) -> Upstream:
    """Return the server of a CONNECT.

    Raises:
        Refusal: If it names none.
    """
    try:
        return Upstream.of_authority(authority)
    except ValueError as error:
        raise Refusal(400, str(error)) from None


def of_absolute_form(target: str) -> tuple[Upstream, str]:
    """Return the server and the path of an absolute request target.

    Raises:
        Refusal: If it is none, or not that of a WebSocket.
    """
    if target.startswith("/"):
        raise Refusal(400, "the request names no server, and this is a proxy")
    try:
        url = urlsplit(target)
        scheme = _SCHEMES.get(url.scheme)
        if scheme is None:
            raise Refusal(400, "the request target is not the URL of a WebSocket")
        upstream = Upstream.parse(f"{scheme}://{url.netloc}")
    except ValueError as error:
        raise Refusal(400, str(error)) from None
    path = url.path or "/"
    return upstream, f"{path}?{url.query}" if url.query else path


def is_tls(first: int) -> bool:
    """Whether TLS begins with this byte (RFC 8446 section 5.1)."""
    return first == _TLS_HANDSHAKE_RECORD


async def peek(leg: Leg) -> int | None:
    """Wait for the first byte of a leg that is not read, and leave it in the socket.

    TLS can only be opened on a connection none of whose bytes were taken.

    Returns:
        The byte, or None at the end of the stream.
    """
    loop = asyncio.get_running_loop()
    # A transport's own descriptor cannot be watched by others.
    copy = socket.socket(fileno=os.dup(leg.transport.get_extra_info("socket").fileno()))
    readable = asyncio.Event()
    try:
        copy.setblocking(False)
        loop.add_reader(copy.fileno(), readable.set)
        await readable.wait()
        first = copy.recv(1, socket.MSG_PEEK)
        return first[0] if first else None
    finally:
        loop.remove_reader(copy.fileno())
        copy.close()
