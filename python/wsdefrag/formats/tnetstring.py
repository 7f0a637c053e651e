"""Encodes typed netstrings, the encoding of mitmproxy's flow files.

A value is ``LENGTH:DATA`` followed by a tag. LENGTH is the number of bytes of DATA in decimal
digits. The tag is the type: ``,`` bytes, ``;`` a string in UTF-8, ``#`` an integer, ``^`` a float,
``!`` true or false, ``~`` null, ``]`` a list of values, ``}`` a dict: key, value, key, value...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | bytes | Sequence[Value] | Mapping[str, Value] | None"


def tnetstring(value: Value) -> bytes:
    """Encode a value.

    Args:
        value: The value.

    Returns:
        The encoded bytes.

    Raises:
        TypeError: If a value has a type that typed netstrings do not have.
    """
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: Value, parts: list[bytes]) -> int:
    """Append an encoded value and return its length in bytes."""
    match value:
        case None:
            return _tagged(b"", b"~", parts)
        case bool():
            return _tagged(b"true" if value else b"false", b"!", parts)
        case int():
            return _tagged(b"%d" % value, b"#", parts)
        case float():
            return _tagged(repr(value).encode(), b"^", parts)
        case str():
            return _tagged(value.encode(), b";", parts)
        case bytes():
            return _tagged(value, b",", parts)
        case Mapping():
            flat = [part for pair in value.items() for part in pair]
            return _collection(flat, b"}", parts)
        case list() | tuple():
            return _collection(value, b"]", parts)
    raise TypeError(f"a {type(value).__name__} has no typed netstring")


def _tagged(data: bytes, tag: bytes, parts: list[bytes]) -> int:
    head = b"%d:" % len(data)
    parts += (head, data, tag)
    return len(head) + len(data) + len(tag)


def _collection(values: Sequence[Value], tag: bytes, parts: list[bytes]) -> int:
    # The length precedes the values but is known only after them: fill it in at the end.
    index = len(parts)
    parts.append(b"")
    length = 0
    for value in values:
        length += _write(value, parts)
    parts[index] = b"%d:" % length
    parts.append(tag)
    return len(parts[index]) + length + len(tag)
