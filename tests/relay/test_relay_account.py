"""A relay charges its budget for exactly the bytes that it holds, and in the end for none.

Connections are made up from a seed: parameters of both legs, limits that are met, a budget that
runs out, messages that are whole, cut off or damaged, and a caller that decides, edits and injects
at random. A ``WebSocketDirection`` with the other leg's parameters reads what comes out.
"""

from __future__ import annotations

import random

import pytest

from relay_wires import Mode, relay_of
from wire_writer import BINARY, KEY, PING, TEXT, Deflater, close_frame, fragments, frame
from wsdefrag import (
    Budget,
    DeflateParams,
    Event,
    Fragmenter,
    LimitExceeded,
    Limits,
    Opcode,
    ProtocolViolation,
    Strictness,
    WebSocketDirection,
    WebSocketMessage,
)

MODES: tuple[Mode, ...] = ("messages", "frames", "bytes")
NO_LIMITS = Limits(max_frame_size=None, max_message_size=None, max_fragments=None)
LAX = Strictness(mask_direction=False, minimal_length=False, reserved_bits=False, close_codes=False)
STEPS = 150


def params(rnd: random.Random) -> DeflateParams | None:
    if rnd.random() < 0.3:
        return None
    return DeflateParams(
        server_no_context_takeover=rnd.random() < 0.5,
        client_no_context_takeover=rnd.random() < 0.5,
        server_max_window_bits=rnd.choice([8, 10, 15]),
        client_max_window_bits=rnd.choice([8, 10, 15]),
    )


def stream(rnd: random.Random, agreed: DeflateParams | None, *, from_client: bool) -> bytes:
    """What one side sends, and sometimes not all of it, or not as it should."""
    key = KEY if from_client else None
    deflater = Deflater()
    if agreed is not None:
        bits, alone = agreed.server_max_window_bits, agreed.server_no_context_takeover
        if from_client:
            bits, alone = agreed.client_max_window_bits, agreed.client_no_context_takeover
        deflater = Deflater(bits, takeover=not alone)
    wire = b""
    for _ in range(rnd.randrange(1, 6)):
        content = bytes(rnd.choices(b"abc d", k=rnd.choice([0, 1, 5, 60, 400])))
        content += rnd.choice([b"", b"", b"", b"\xff"])
        compressed = agreed is not None and rnd.random() < 0.7
        payload = deflater.compress(content) if compressed else content
        cuts = sorted(rnd.randrange(len(payload) + 1) for _ in range(rnd.randrange(3)))
        ends = zip([0, *cuts], [*cuts, len(payload)], strict=True)
        parts = [payload[start:end] for start, end in ends]
        for one in fragments(rnd.choice([TEXT, BINARY]), parts, rsv1=compressed, key=key):
            wire += one
            if rnd.random() < 0.2:
                wire += frame(PING, b"z" * rnd.randrange(9), key=key)
    fate = rnd.random()
    if fate < 0.3:
        return wire + close_frame(1000, b"bye", key=key)
    if fate < 0.5:
        return wire[: rnd.randrange(len(wire) + 1)]
    if fate < 0.6:
        at = rnd.randrange(len(wire))
        return wire[:at] + bytes([wire[at] ^ 1 << rnd.randrange(8)]) + wire[at + 1 :]
    return wire


class Caller:
    """A relay between two sides, and a caller that does anything."""

    def __init__(self, seed: int, mode: Mode) -> None:
        self.rnd = rnd = random.Random(seed)
        self.budget = Budget(rnd.choice([50, 300, 2000, 1 << 20]))
        self.legs = {True: params(rnd), False: params(rnd)}
        if mode != "messages":
            self.legs[False] = self.legs[True]
        self.strictness = rnd.choice([None, LAX])
        self.mode = mode
        self.relay = relay_of(
            mode,
            deflate=self.legs[True],
            server_deflate=self.legs[False],
            budget=self.budget,
            limits=Limits(
                max_message_size=rnd.choice([30, 500, None]), max_fragments=rnd.choice([3, None])
            ),
            strictness=self.strictness,
            masking=rnd.choice(["keep", "fresh"]),
            retain=rnd.choice([None, 0, 2]),
            fragmenter=rnd.choice([None, Fragmenter(max_size=rnd.choice([1, 5, 100]))]),
        )
        self.streams = {side: stream(rnd, self.legs[side], from_client=side) for side in self.legs}
        self.undecided: dict[bool, list[Event]] = {True: [], False: []}
        self.sent = {True: b"", False: b""}

    def step(self) -> None:
        rnd, relay, side = self.rnd, self.relay, self.rnd.random() < 0.5
        what = rnd.random()
        if what < 0.45:
            size = rnd.choice([1, 3, 20, 1000])
            data, self.streams[side] = self.streams[side][:size], self.streams[side][size:]
            self.receive(data, side)
        elif what < 0.75 and self.mode == "messages" and self.undecided[side]:
            self.decide(side)
        elif what < 0.8:
            content = b"by the way" * rnd.randrange(20)
            message = WebSocketMessage(rnd.choice([Opcode.TEXT, Opcode.BINARY]), side, content)
            relay.inject(message, compress=rnd.choice([None, True, False]))
        elif what < 0.85:
            relay.send_ping(b"?", to_client=side)
        elif what < 0.86:
            relay.send_close(1001, "on", to_client=side)
        elif what > 0.9:
            self.take(side)

    def receive(self, data: bytes, side: bool) -> None:
        events = self.relay.receive_data(data, from_client=side)
        # How a direction ended waits for no decision.
        self.undecided[side] += [one for one in events if not isinstance(one, ProtocolViolation)]

    def decide(self, side: bool) -> None:
        events = self.undecided[side]
        place = min(self.rnd.choice([0, 0, 0, 1, 3]), len(events) - 1)
        event = events[place]
        del events[: place + 1]
        if isinstance(event, WebSocketMessage) and self.rnd.random() < 0.3:
            event.content += b"!" * self.rnd.randrange(3)
        if self.rnd.random() < 0.2:
            self.relay.discard(event)
        else:
            self.relay.forward(event)

    def take(self, side: bool) -> None:
        self.sent[not side] += self.relay.data_to_send(to_client=side)

    def end(self) -> None:
        for side in self.legs:
            self.receive(self.streams[side], side)
            self.relay.receive_eof(from_client=side)
            if self.mode == "messages" and self.undecided[side]:
                # To decide on the last is to decide on all.
                self.relay.discard(self.undecided[side][-1])
            self.take(side)
        for side in self.legs:
            self.take(side)

    def check_sent(self, side: bool) -> None:
        """Fails unless the other side can read what it was sent."""
        came = self.relay.from_client if side else self.relay.from_server
        reader = WebSocketDirection(
            from_client=side,
            deflate=self.legs[not side],
            limits=NO_LIMITS,
            strictness=self.strictness,
        )
        reader.receive_data(self.sent[side])
        if reader.error is None:
            assert reader.bytes_discarded == 0
        else:
            # What is wrong with a message's end is found when its bytes are on their way.
            assert self.mode == "bytes"
            assert came.error is not None


@pytest.mark.parametrize("mode", MODES)
def test_what_is_charged_is_what_is_held(mode: Mode) -> None:
    met: set[str] = set()
    for seed in range(300):
        caller = Caller(seed, mode)
        relay, budget = caller.relay, caller.budget
        for _ in range(STEPS):
            try:
                caller.step()
            except ValueError as refusal:
                met.add(str(refusal)[:24])
            held = relay.from_client.bytes_buffered + relay.from_server.bytes_buffered
            assert budget.bytes_held == relay.bytes_buffered == held, seed
        caller.end()
        assert budget.bytes_held == relay.bytes_buffered == 0, seed
        for side in (True, False):
            caller.check_sent(side)
            error = (relay.from_client if side else relay.from_server).error
            exceeded = isinstance(error, LimitExceeded)
            met.add(error.kind if exceeded else type(error).__name__)
    assert {"budget", "InvalidUtf8", "NoneType"} <= met
    # What is only passed on has no limit.
    assert ("max_message_size" in met) == (mode == "messages")
    assert "nothing follows a Close " in met
