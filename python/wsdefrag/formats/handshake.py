"""URL, scheme and header text of a handshake, for the HAR and mitmproxy writers.

A request target of the form ``/path`` contains neither scheme nor host. The host is the request's
``Host`` field, or else the server's address. The scheme is ``wss`` or ``https`` for port 443,
because readable bytes on that port were decrypted before the capture was written. For other ports
a capture does not tell whether the bytes were encrypted, so the scheme is ``ws`` or ``http``.
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
    """Return the URL scheme of a connection.

    Args:
        connection: The connection.
        family: The scheme without TLS.

    Returns:
        ``ws`` or ``wss``; ``http`` or ``https``.
    """
    return _SCHEMES[family][connection.server_address[1] == _HTTPS_PORT]


def url(connection: CapturedConnection) -> str:
    """Return the URL of a WebSocket.

    Args:
        connection: The connection.

    Returns:
        A ``ws`` or ``wss`` URL. Without a ``Host`` field, its host is the server's address and
        port; if the request was not captured, its path is ``/``.
    """
    authority = connection.host or address_text(connection.server_address)
    return f"{scheme(connection, 'ws')}://{authority}{connection.path or '/'}"


def field_text(value: bytes) -> str:
    """Decode the value of a header field.

    Args:
        value: The value.

    Returns:
        The value decoded as UTF-8, or as Latin-1 if it is not UTF-8 (RFC 9110 section 5.5).
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
