"""Helpers for ``__repr__``: the state of an object in less than 200 characters.

Texts and payloads from the wire may be long and contain any bytes, so they are escaped and cut.
"""

from __future__ import annotations

import reprlib
from dataclasses import MISSING
from typing import Any

_LONGEST = 199
_LONGEST_TEXT = 60

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _LONGEST_TEXT


def shown_text(text: str | None, longest: int = _LONGEST_TEXT) -> str:
    """Return the ``repr`` of a text; dots replace the middle of a long one."""
    short = reprlib.Repr()
    short.maxstring = longest
    return short.repr(text)


def shown_bytes(content: bytes) -> str:
    """Return the ``repr`` of bytes; for long ones, that of the start and the number of bytes."""
    start = content[:_LONGEST_TEXT]
    while len(repr(start)) > _LONGEST_TEXT:
        start = start[:-1]
    rest = f"... ({len(content)} bytes)" if len(start) < len(content) else ""
    return f"{start!r}{rest}"


def shown(kind: str, state: str) -> str:
    """Return ``<kind state>``, cut if it is too long."""
    whole = f"<{kind} {state}>"
    return whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 4]}...>"


def shown_fields(value: Any) -> str:  # noqa: ANN401  (a dataclass of any class)
    """Return a dataclass as a call of its class, without the fields that have their defaults."""
    pairs = []
    # `dataclasses.fields` makes a generator, and CPython 3.12 and 3.13 break if memory for one is
    # refused. There are no class variables among these fields.
    for field in value.__dataclass_fields__.values():
        default = field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        if (held := getattr(value, field.name)) != default:
            pairs.append(f"{field.name}={_shown_value(held)}")
    whole = f"{type(value).__name__}({', '.join(pairs)})"
    return whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 4]}...)"


def _shown_value(value: object) -> str:
    if isinstance(value, bytes):
        return shown_bytes(value)
    # The text of an exception is short, and it ends with the offset, so it is not cut.
    return repr(value) if isinstance(value, Exception) else _short.repr(value)
