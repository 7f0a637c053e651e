"""Short forms of received frames, and the end of a conversation."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from addon_wires import Pair
from mitmdump import Mitmdump
from wire_writer import KEY, RawFrame, close_frame


def payloads(frames: Sequence[RawFrame]) -> list[bytes]:
    """The payloads, one for each frame."""
    return [bytes(one.payload) for one in frames]


def seen(frames: Sequence[RawFrame]) -> list[tuple[int, bytes]]:
    """Opcodes and payloads."""
    return [(one.opcode, bytes(one.payload)) for one in frames]


def inflated(frames: Sequence[RawFrame]) -> bytes | str:
    """The content of a message; its damage, if it cannot be inflated."""
    data = b"".join(payloads(frames))
    if not frames[0].rsv1:
        return data
    try:
        return zlib.decompressobj(-15).decompress(data + b"\x00\x00\xff\xff")
    except zlib.error:
        return "cannot be inflated"


def finish(proxy: Mitmdump, pair: Pair) -> dict[str, Any]:
    """Close from the client, and read the flow file."""
    pair.client.send(close_frame(1000, key=KEY))
    pair.client.rest()
    pair.server.rest()
    pair.close()
    return proxy.flow(pair.path)
