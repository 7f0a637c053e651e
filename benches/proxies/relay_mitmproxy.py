"""Times relaying unchanged messages: ours compared with mitmproxy's WebSocket layer.

mitmproxy's side runs in a process in its own environment and is asked for one stream at a time, in
turns with ours. Both get the same reads and give the bytes for the other side; there are no sockets
on either. mitmproxy's layer makes a message object and calls a hook for each message, and so does
the addon's, which is timed beside it in the same process; the relay alone makes its message objects
and has `forward` called for each.
"""

import statistics
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import wsdefrag
from captures.ways import MITMPROXY_PYTHON
from engine.scaling import Measure
from proxies.relay_streams import COUNT, SINGLE, TOGETHER, stream
from proxies.turns import Comparison, in_turns, lap

if TYPE_CHECKING:
    from typing_extensions import Self

BENCHES = Path(__file__).resolve().parents[1]

OURS = "wsdefrag relay"
ADDON = "addon in mitmproxy"
OWN = "mitmproxy's layer"
MENDED = "mitmproxy's layer, buffer mended"

LARGE_LAPS = 3
"""mitmproxy takes a quarter of a minute for each."""

ALONE = "64 B messages, a read each"
MOST_SINGLE = 250.0
"""Nanoseconds of a message that comes alone, at most."""

NOTE = (
    "mitmproxy's buffer copies a frame with each read of it, so that a frame costs quadratic time; "
    '"buffer mended" puts a `bytearray` in its place (`benches/proxies/mitmproxy_layers.py`). The '
    "addon runs in mitmproxy's environment, the relay alone in the one of the benchmarks."
)


class Layers:
    """mitmproxy's process; a context manager that ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [MITMPROXY_PYTHON, "-m", "proxies.mitmproxy_layers"],
            cwd=BENCHES,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, layer: str, which: str) -> int:
        """Pass a stream through a layer; how many bytes came out."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(layer, which, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("mitmproxy's side ended; its standard error says why")
        return int(answer)


def ours(chunks: list[bytes]) -> int:
    """Pass a stream through the relay alone; how many bytes came out."""
    relay = wsdefrag.WebSocketRelay(retain=0)
    forward, sent = relay.forward, 0
    for chunk in chunks:
        for event in relay.receive_data(chunk, from_client=True):
            forward(event)
        sent += len(relay.data_to_send(to_client=False))
    return sent


def measure(quick: bool) -> list[Comparison]:
    """Small messages and a large one; nothing where mitmproxy is missing."""
    if not MITMPROXY_PYTHON.exists():
        return []
    large = 4 if quick else 64
    with ExitStack() as stack:
        layers = stack.enter_context(Layers())
        together, single = (
            in_turns(ways(layers, which), per_call=COUNT, quick=quick)
            for which in (TOGETHER, SINGLE)
        )
        once = in_few_turns(ways(layers, str(large)), 1 if quick else LARGE_LAPS)
    return [
        *compared("64 B messages in reads of 64 KiB", together, 60),
        *compared(ALONE, single, None),
        *compared(f"{large} MiB message in reads of 64 KiB", once, 100),
    ]


def measures(comparisons: list[Comparison]) -> list[Measure]:
    """The relay's time of a message that comes alone, without anybody beside it."""
    for one in comparisons:
        if one.ours == OURS and one.what.endswith(ALONE):
            time = one.nanoseconds[OURS]
            what = f"{one.what}: time of a message"
            return [Measure(what, f"{time:,.0f} ns", time, "ns", MOST_SINGLE)]
    return []


def ways(layers: Layers, which: str) -> dict[str, Callable[[], object]]:
    """All of them for one stream; they have to agree on how many bytes come out."""
    chunks = stream(which)
    made: dict[str, Callable[[], object]] = {
        OURS: partial(ours, chunks),
        ADDON: partial(layers.run, "ours", which),
        MENDED: partial(layers.run, "mended", which),
        OWN: partial(layers.run, "own", which),
    }
    expected = sum(map(len, chunks))
    for name, way in made.items():
        # The slow one is as its mended twin in all but time.
        if name != OWN or which in (TOGETHER, SINGLE):
            assert way() == expected, name
    return made


def in_few_turns(ways: dict[str, Callable[[], object]], laps: int) -> dict[str, float]:
    """Median nanoseconds of ways that take seconds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(laps):
        for name, way in ways.items():
            times[name].append(lap(way, 1))
    return {name: statistics.median(laps) * 1e9 for name, laps in times.items()}


def compared(what: str, times: dict[str, float], target: float | None) -> list[Comparison]:
    """The relay, and the addon, beside mitmproxy's layer; the relay is held to the target."""
    peers = {name: times[name] for name in (OWN, MENDED)}
    targets = {} if target is None else {OWN: target}
    return [
        Comparison(f"relay: {what}", "message", {OURS: times[OURS], **peers}, targets, NOTE),
        Comparison(f"addon: {what}", "message", {ADDON: times[ADDON], **peers}, {}, NOTE),
    ]
