"""``accept_key``: how a server shows that it understood a request (RFC 6455 section 4.2.2)."""

from __future__ import annotations

from wsdefrag import _native
from wsdefrag._arguments import require_str


def accept_key(key: str) -> str:
    """Give the ``Sec-WebSocket-Accept`` of a ``Sec-WebSocket-Key`` (RFC 6455 section 4.2.2).

    Args:
        key: The value of the client's field. It is not checked.

    Raises:
        TypeError: If ``key`` is not a str.

    Example:
        >>> from wsdefrag.handshake import accept_key
        >>> accept_key("dGhlIHNhbXBsZSBub25jZQ==")
        's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    return _native.accept_key_of(require_str("key", key))
