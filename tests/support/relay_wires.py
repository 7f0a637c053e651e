"""What tests of one direction through a relay share: what it sent, and what that says."""

from __future__ import annotations

from typing import Literal

from wsdefrag import (
    DeflateParams,
    MessageReassembler,
    Opcode,
    Strictness,
    WebSocketMessage,
    WebSocketRelay,
)

Through = Literal["frames", "cut-through"]


THROUGH: tuple[Through, ...] = ("frames", "cut-through")


LAX = Strictness(mask_direction=False, minimal_length=False, reserved_bits=False, close_codes=False)


CLOSE_1000 = b"\x88\x02\x03\xe8"


def injected(content: bytes = b"by the way") -> WebSocketMessage:
    return WebSocketMessage(Opcode.BINARY, False, content)


def sent(relay: WebSocketRelay) -> bytes:
    return relay.data_to_send(to_client=True)


def contents(wire: bytes, deflate: DeflateParams | None = None) -> list[bytes]:
    reader = MessageReassembler(from_client=False, deflate=deflate)
    return [message.content for message in reader.receive_data(wire)]
