"""Reads the data of a report back, without a browser: `packer.rs` says how it is written."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

_DIGITS = {(chr(35 + digit)): digit for digit in range(85)}
_DIGITS |= {"!": _DIGITS["&"], "x": _DIGITS["<"], "~": _DIGITS[">"]}

_ELEMENT = re.compile(
    rb'<script type="application/octet-stream" class="(\w+)"([^>]*)>([^<]*)</script>'
)


def elements(page: bytes, name: str) -> list[bytes]:
    """The bytes of the elements of a class."""
    found = _ELEMENT.findall(page)
    return [
        zlib.decompress(_decoded(text.decode())) for one, _, text in found if one.decode() == name
    ]


def _decoded(text: str) -> bytes:
    decoded = bytearray()
    for at in range(0, len(text), 5):
        group = text[at : at + 5]
        number = 0
        for digit in [*map(_DIGITS.__getitem__, group), *[84] * (5 - len(group))]:
            number = number * 85 + digit
        decoded += number.to_bytes(4, "big")[: len(group) - 1]
    return bytes(decoded)


def contents(page: bytes) -> bytes:
    """The contents of all rows, one after the other."""
    return b"".join(elements(page, "contents"))


def connections(page: bytes) -> list[dict[str, Any]]:
    """The connections."""
    return [
        json.loads(line) for part in elements(page, "connections") for line in part.splitlines()
    ]


def summary(page: bytes) -> dict[str, Any]:
    """What the report says of itself."""
    (only,) = elements(page, "summary")
    found: dict[str, Any] = json.loads(only)
    return found


def rows(page: bytes) -> int:
    """How many rows there are."""
    return int(summary(page)["rows"])
