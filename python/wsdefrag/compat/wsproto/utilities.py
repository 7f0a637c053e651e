"""The names of ``wsproto.utilities``, with a corrected ``split_comma_header``."""

from __future__ import annotations

from wsproto.utilities import (
    ACCEPT_GUID,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    generate_accept_token,
    generate_nonce,
    normed_header_dict,
)

from wsdefrag import _native


def split_comma_header(value: bytes) -> list[str]:
    """Split a list (RFC 9110 section 5.6.1).

    Commas inside quoted strings separate nothing, empty elements are left out, and bytes beyond
    ASCII become the characters of ISO 8859-1.

    Args:
        value: The value of a field.

    Example:
        >>> from wsdefrag.compat.wsproto.utilities import split_comma_header
        >>> split_comma_header(b'x; y="a, b",, z')
        ['x; y="a, b"', 'z']
    """
    return _native.list_members(value.decode("latin-1"))


__all__ = [
    "ACCEPT_GUID",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "generate_accept_token",
    "generate_nonce",
    "normed_header_dict",
    "split_comma_header",
]
