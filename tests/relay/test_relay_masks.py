"""Relays that tolerate wrong masks send right ones: RFC 6455 section 5.1.

A server has to fail a connection with an unmasked frame, and a client one with a masked frame.
"""

from __future__ import annotations

from typing import Any

import pytest

from wire_writer import BINARY, CLOSE, CONTINUATION, KEY, PING, TEXT, frame
from wsdefrag import (
    DeflateParams,
    FrameDecoder,
    FrameEncoder,
    MessageReassembler,
    PassThroughRelay,
    Strictness,
    WebSocketRelay,
)

SLOPPY = Strictness(mask_direction=False)

SENT = [
    (TEXT, "größe".encode(), True),
    (BINARY, b"", True),
    (BINARY, bytes(range(256)) * 300, True),
    (PING, b"between", True),
    (TEXT, b"hel", False),
    (CONTINUATION, b"", False),
    (CONTINUATION, b"lo", True),
    (CLOSE, b"\x03\xe8bye", True),
]
"""Opcodes, payloads, and whether it is the last frame of its message."""


class Way:
    """A relay of one kind, which forwards everything."""

    def __init__(self, kind: str, **options: Any) -> None:
        self.relay: WebSocketRelay | PassThroughRelay
        if kind == "messages":
            self.relay = WebSocketRelay(strictness=SLOPPY, **options)
        else:
            mode: Any = kind
            self.relay = PassThroughRelay(mode=mode, strictness=SLOPPY, **options)

    def passes(self, data: bytes, *, from_client: bool) -> bytes:
        events = self.relay.receive_data(data, from_client=from_client)
        if isinstance(self.relay, WebSocketRelay):
            for event in events:
                self.relay.forward(event)
        return self.relay.data_to_send(to_client=not from_client)


def wire(keys: list[bytes | None]) -> bytes:
    """The frames with these masking keys, one after the other."""
    return b"".join(
        frame(opcode, payload, fin=fin, key=keys[number % len(keys)])
        for number, (opcode, payload, fin) in enumerate(SENT)
    )


kinds = pytest.mark.parametrize("kind", ["messages", "frames", "bytes"])
sizes = pytest.mark.parametrize("size", [1, 7, 1 << 20])


@kinds
@sizes
@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("mixed", [False, True])
def test_receiver_gets_the_masks_that_it_needs(
    kind: str, size: int, from_client: bool, mixed: bool
) -> None:
    wrong = None if from_client else KEY
    data = wire([wrong, KEY, None] if mixed else [wrong])
    way = Way(kind)
    sent = b"".join(
        way.passes(data[start : start + size], from_client=from_client)
        for start in range(0, len(data), size)
    )
    decoder = FrameDecoder(from_client=from_client)
    frames = decoder.receive_data(sent)
    decoder.receive_eof()
    assert [(one.opcode, one.payload, one.fin) for one in frames] == SENT
    side = way.relay.from_client if from_client else way.relay.from_server
    assert side.error is None
    assert side.tolerated["mask_direction"] > 0


@kinds
def test_masks_that_are_added_are_unpredictable(kind: str) -> None:
    """RFC 6455 section 5.3; 32 equal keys of four bytes do not happen by chance."""
    way, data = Way(kind), frame(BINARY, b"\0\0\0\0")
    keys = set()
    for _ in range(32):
        sent = way.passes(data, from_client=True)
        assert (sent[0], sent[1], len(sent)) == (data[0], data[1] | 0x80, len(data) + 4)
        # The mask of zeros is the key itself.
        assert sent[2:6] == sent[6:10]
        keys.add(sent[2:6])
    assert len(keys) > 16


@kinds
def test_right_masks_stay_as_they_are(kind: str) -> None:
    way = Way(kind)
    masked, plain = wire([KEY]), wire([None])
    assert way.passes(masked, from_client=True) == masked
    assert way.passes(plain, from_client=False) == plain


@kinds
def test_compressed_messages_of_an_unmasked_client_are_read(kind: str) -> None:
    deflate = DeflateParams()
    way, encoder = Way(kind, deflate=deflate), FrameEncoder(from_client=False, deflate=deflate)
    reader = MessageReassembler(from_client=True, deflate=deflate)
    texts = [f"{number} over and over again" for number in range(9)]
    for text in texts:
        data = encoder.text(text, fragments=[3, len(text) - 3])
        (message,) = reader.receive_data(way.passes(data, from_client=True))
        assert message.text == text
