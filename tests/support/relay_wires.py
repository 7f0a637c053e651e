"""Helpers for tests of one direction through a relay."""

from __future__ import annotations

from typing import Any, Literal

from wsdefrag import (
    DeflateParams,
    MessageReassembler,
    Opcode,
    PassThroughRelay,
    Strictness,
    WebSocketMessage,
    WebSocketRelay,
)

Mode = Literal["messages", "frames", "bytes"]
Through = Literal["frames", "bytes"]


THROUGH: tuple[Through, ...] = ("frames", "bytes")


LAX = Strictness(mask_direction=False, minimal_length=False, reserved_bits=False, close_codes=False)


COLLECTED = 1 << 40
"""More bytes than any message has."""


CLOSE_1000 = b"\x88\x02\x03\xe8"


def relay_of(mode: Mode, **options: Any) -> Any:
    """The relay that decides on "messages", or one that passes frames or bytes through.

    The latter collects messages unless `collect_up_to` says otherwise.
    """
    if mode == "messages":
        return WebSocketRelay(**options)
    return PassThroughRelay(mode=mode, **{"collect_up_to": COLLECTED, **options})


def injected(content: bytes = b"by the way") -> WebSocketMessage:
    return WebSocketMessage(Opcode.BINARY, False, content)


def sent(relay: WebSocketRelay | PassThroughRelay) -> bytes:
    return relay.data_to_send(to_client=True)


def contents(wire: bytes, deflate: DeflateParams | None = None) -> list[bytes]:
    reader = MessageReassembler(from_client=False, deflate=deflate)
    return [message.content for message in reader.receive_data(wire)]
