"""What formats that are made of HTTP need of a handshake, also where it was not captured.

A target of the form ``/path`` says neither scheme nor server. The server is that of the request's
``Host``, or its address. The scheme is the secure one for port 443 and the plain one for all
others: what is read on port 443 was decrypted before, and captures do not say it of any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wsdefrag.capture.connection import address_text

if TYPE_CHECKING:
    from wsdefrag.capture.connection import CapturedConnection

_HTTPS_PORT = 443

_SCHEMES: dict[Literal["ws", "http"], tuple[str, str]] = {
    "ws": ("ws", "wss"),
    "http": ("http", "https"),
}


def scheme(connection: CapturedConnection, family: Literal["ws", "http"]) -> str:
    """Give the scheme of a connection.

    Args:
        connection: The connection.
        family: How the plain one is called.

    Returns:
        ``ws`` or ``wss``, ``http`` or ``https``.
    """
    return _SCHEMES[family][connection.server_address[1] == _HTTPS_PORT]


def url(connection: CapturedConnection) -> str:
    """Give the URL of a WebSocket.

    Args:
        connection: The connection.

    Returns:
        A ``ws`` or ``wss`` URL; its host is the server's address and port where the request was
        not captured or named none, and its path ``/``.
    """
    authority = connection.host or address_text(connection.server_address)
    return f"{scheme(connection, 'ws')}://{authority}{connection.path or '/'}"


def field_text(value: bytes) -> str:
    """Decode the value of a header field.

    Args:
        value: The value.

    Returns:
        It as UTF-8, or else as Latin-1, which HTTP once was (RFC 9110 section 5.5).
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
