"""Python values as one line of JSON and back, without losing bytes, tuples or floats.

Runs in both environments, so it imports the standard library only.
"""

from __future__ import annotations

import base64
import json
from typing import Any


def _pack(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, tuple):
        return {"tuple": [_pack(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_pack(key), _pack(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [_pack(item) for item in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    # An enum member would arrive as a plain integer and hide a difference.
    raise TypeError(f"not a plain value: {value!r}")


def _unpack(packed: Any) -> Any:
    if isinstance(packed, list):
        return [_unpack(item) for item in packed]
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "bytes":
        return base64.b64decode(content)
    if kind == "tuple":
        return tuple(_unpack(item) for item in content)
    return {_unpack(key): _unpack(item) for key, item in content}


def encode(value: Any) -> str:
    """Write a value as one line of ASCII, without the line's end."""
    return json.dumps(_pack(value))


def decode(line: str) -> Any:
    """Read what ``encode`` wrote."""
    return _unpack(json.loads(line))
