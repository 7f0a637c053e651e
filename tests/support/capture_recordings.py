"""The recordings of real programs: expected values, and their packets.

`packets_of` is an independent reader of pcapng files with one interface, just enough for the
recordings: mutations are made of real packets.
"""

from __future__ import annotations

import struct

import recorded_captures as recordings
from capture_craft import Captured
from capture_files import ENHANCED_PACKET, INTERFACE
from capture_seen import Seen, read

__all__ = [
    "ENCRYPTED",
    "LOADED",
    "READABLE",
    "SIDES",
    "WHOLE",
    "packets_of",
    "recordings",
    "seen",
]

LOADED = {name: recordings.load(name) for name in recordings.names()}
"""All recordings."""

ENCRYPTED = ["tls", "tls-secrets"]
"""Those whose packets hold TLS; a reader without their keys finds nothing in them."""

READABLE = [name for name in LOADED if name not in ENCRYPTED]
WHOLE = [name for name in READABLE if LOADED[name].lacks is None]
SIDES: tuple[tuple[bool, recordings.Side], ...] = ((True, "client"), (False, "server"))

_seen: dict[str, Seen] = {}


def seen(name: str) -> Seen:
    """The results of reading a recording, which is read once for all tests."""
    if name not in _seen:
        # What a cut packet lacks is waited for, so messages with it come later.
        _seen[name] = read(
            LOADED[name].path, ordered=not name.startswith(("snap-length", "midstream"))
        )
    return _seen[name]


def packets_of(data: bytes) -> tuple[int, list[Captured]]:
    """Read the link type and the packets of a little-endian pcapng file with times in ns."""
    link: int | None = None
    packets = []
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == INTERFACE:
            assert link is None, "only files with one interface are read here"
            (link,) = struct.unpack_from("<H", data, at + 8)
        elif kind == ENHANCED_PACKET:
            _, high, low, captured, original = struct.unpack_from("<5I", data, at + 8)
            content = data[at + 28 : at + 28 + captured]
            packets.append(
                Captured(high << 32 | low, content, None if original == captured else original)
            )
        at += length
    assert link is not None
    return link, packets
