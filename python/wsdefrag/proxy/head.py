"""Writes the heads that a proxy sends; ``wsdefrag.handshake`` reads them.

Fields that are for one connection alone are not forwarded (RFC 9110 section 7.6.1): those that
``Connection`` names, and those below. ``Upgrade`` and ``Connection`` are written anew. All others
keep their order, names and values, so subprotocols, cookies, ``Origin`` and the key pass through,
and the server's ``Sec-WebSocket-Accept`` fits the client's key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag.handshake import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))


def end_to_end(
    fields: Iterable[tuple[str, str]], *, but: frozenset[str] = frozenset()
) -> list[tuple[str, str]]:
    """Return the fields that are not for one connection alone.

    Args:
        fields: The fields of a head, in order.
        but: Names in lower case of fields that are kept all the same.
    """
    fields = Fields(fields)
    # A sender cannot have the fields of the WebSocket dropped.
    named = {
        name
        for name in fields.tokens("Connection")
        if not name.startswith("sec-websocket-") and name != "host"
    }
    dropped = (HOP_BY_HOP | named) - but
    return [(name, value) for name, value in fields if name.lower() not in dropped]


def request_head(target: str, fields: Sequence[tuple[str, str]]) -> bytes:
    """Write the request for a WebSocket (RFC 6455 section 4.1)."""
    return _head(f"GET {target} HTTP/1.1", [*fields, *_UPGRADE])


def switching_head(reason: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Write the response that accepts a WebSocket (RFC 6455 section 4.2.2)."""
    return _head(f"HTTP/1.1 101 {reason}", [*_UPGRADE, *end_to_end(fields)])


def refusal_head(status: int, reason: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Write the head of another server's refusal; its body follows in its own encoding."""
    kept = end_to_end(fields, but=frozenset({"transfer-encoding", "upgrade", "trailer"}))
    return _head(f"HTTP/1.1 {status} {reason}", [*kept, ("Connection", "close")])


def with_field(
    fields: Iterable[tuple[str, str]], name: str, value: str | None
) -> list[tuple[str, str]]:
    """Return fields with another value of one of them, in the place of its first; None removes it.

    Raises:
        ValueError: If name or value cannot be sent (RFC 9110 section 5).
    """
    check_field(name, value)
    wanted, found, result = name.lower(), value is None, []
    for field in fields:
        if field[0].lower() != wanted:
            result.append(field)
        elif not found and value is not None:
            result.append((field[0], value))
            found = True
    if not found and value is not None:
        result.append((name, value))
    return result


def check_field(name: str, value: str | None) -> None:
    """Check that a field can be sent (RFC 9110 sections 5.1 and 5.5).

    Raises:
        ValueError: If the name is no token, or the value has control characters.
    """
    # Latin-1 has letters that are no token's.
    allowed = "!#$%&'*+-.^_`|~"
    if not name or not all(one.isascii() and (one.isalnum() or one in allowed) for one in name):
        raise ValueError(f"{name!r} is not the name of a field")
    if value is None:
        return
    if any(one != "\t" and (one < " " or one == "\x7f" or one > "\xff") for one in value):
        raise ValueError(f"the value of {name} has a character that cannot be sent")


def _head(line: str, fields: Sequence[tuple[str, str]]) -> bytes:
    lines = [line, *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1")
