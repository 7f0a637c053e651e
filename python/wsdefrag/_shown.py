"""How the classes of this package show themselves: their state, in less than 200 characters.

Texts and payloads from the wire may be of any length and hold anything, so they are escaped and
cut.
"""

from __future__ import annotations

import reprlib
from dataclasses import MISSING, fields
from typing import Any

_LONGEST = 199
_LONGEST_TEXT = 60

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _LONGEST_TEXT


def shown_text(text: str | None, longest: int = _LONGEST_TEXT) -> str:
    """Give a text as Python writes it, with dots in place of its middle where it is long."""
    short = reprlib.Repr()
    short.maxstring = longest
    return short.repr(text)


def shown_bytes(content: bytes) -> str:
    """Give bytes as Python writes them; of long ones the beginning, and how many there are."""
    start = content[:_LONGEST_TEXT]
    while len(repr(start)) > _LONGEST_TEXT:
        start = start[:-1]
    rest = f"... ({len(content)} bytes)" if len(start) < len(content) else ""
    return f"{start!r}{rest}"


def shown(kind: str, state: str) -> str:
    """Give ``<kind state>``, cut where that is too long."""
    whole = f"<{kind} {state}>"
    return whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 4]}...>"


def shown_fields(value: Any) -> str:  # noqa: ANN401  (a dataclass of any class)
    """Give a dataclass as a call that makes it, without the fields that have their default."""
    pairs = []
    for field in fields(value):
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
    # The text of an exception is short, and its end says where in the bytes it is about.
    return repr(value) if isinstance(value, Exception) else _short.repr(value)
