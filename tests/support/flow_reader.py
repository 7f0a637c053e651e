"""An independent reader of mitmproxy's flow files, strict about everything.

Typed netstrings: ``LENGTH:DATA`` and a tag, see `TAGS`. Tuples come back as lists, as they do in
mitmproxy.
"""

from __future__ import annotations

from typing import Any


def flows(data: bytes) -> list[dict[str, Any]]:
    """Read a whole file."""
    found = []
    at = 0
    while at < len(data):
        flow, at = value(data, at)
        assert isinstance(flow, dict)
        found.append(flow)
    return found


def value(data: bytes, at: int = 0) -> tuple[Any, int]:
    """Read the value at an offset; give it and the offset after it."""
    colon = data.index(b":", at)
    digits = data[at:colon]
    assert digits.isdigit()
    assert digits == b"0" or not digits.startswith(b"0")
    start = colon + 1
    end = start + int(digits)
    body, tag = data[start:end], data[end : end + 1]
    assert len(body) == int(digits)
    return TAGS[tag](body), end + 1


def _items(body: bytes) -> list[Any]:
    items = []
    at = 0
    while at < len(body):
        item, at = value(body, at)
        items.append(item)
    assert at == len(body)
    return items


def _pairs(body: bytes) -> dict[str, Any]:
    items = _items(body)
    assert len(items) % 2 == 0
    keys = items[::2]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, items[1::2], strict=True))


def _bool(body: bytes) -> bool:
    return {b"true": True, b"false": False}[body]


def _nothing(body: bytes) -> None:
    assert body == b""


TAGS: dict[bytes, Any] = {
    b",": bytes,
    b";": bytes.decode,
    b"#": int,
    b"^": float,
    b"!": _bool,
    b"~": _nothing,
    b"]": _items,
    b"}": _pairs,
}
