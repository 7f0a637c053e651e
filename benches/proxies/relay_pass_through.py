"""Compares the pass-through relay with the relay that decides on messages.

A proxy that only watches must not cost more than one that decides, also if a message arrives in
many chunks: frames are written once, into the buffer that is sent.
"""

from collections.abc import Callable
from functools import partial

import wsdefrag
from proxies.relay_streams import masked
from proxies.turns import Comparison, in_turns

SIZE, READ, COUNT = 1 << 16, 1 << 13, 16
DECIDING = "WebSocketRelay"
NOTE = f"Each message has {SIZE >> 10} KiB and comes in reads of {READ >> 10} KiB."


def decided(chunks: list[bytes]) -> int:
    """Forward each message; how many bytes came out."""
    relay = wsdefrag.WebSocketRelay(retain=0)
    sent = 0
    for chunk in chunks:
        for event in relay.receive_data(chunk, from_client=True):
            relay.forward(event)
        sent += len(relay.data_to_send(to_client=False))
    return sent


def passed(mode: str, chunks: list[bytes]) -> int:
    """Watch them pass; how many bytes came out."""
    relay = wsdefrag.PassThroughRelay(mode=mode, collect_up_to=SIZE, retain=0)
    sent = 0
    for chunk in chunks:
        relay.receive_data(chunk, from_client=True)
        sent += len(relay.data_to_send(to_client=False))
    return sent


def measure(quick: bool) -> list[Comparison]:
    """Both modes, each in turns with the relay that decides."""
    wire = masked(bytes(range(256)) * (SIZE // 256))
    chunks = [wire[start : start + READ] for start in range(0, len(wire), READ)] * COUNT
    found = []
    for mode in ("frames", "bytes"):
        ours = f"PassThroughRelay, {mode}"
        ways: dict[str, Callable[[], int]] = {
            ours: partial(passed, mode, chunks),
            DECIDING: partial(decided, chunks),
        }
        for name, way in ways.items():
            assert way() == sum(map(len, chunks)), name
        times = in_turns(ways, per_call=COUNT, quick=quick)
        # Other load on the machine may slow one of them by 5 %.
        found.append(Comparison(f"{mode} pass by", "message", times, {DECIDING: 0.95}, NOTE))
    return found
