"""The drop-in for wsproto against wsproto: the same bytes fed, the same events consumed.

A workload is a list of network reads, or of events to send. Both classes work through it in turn,
round after round, so that a busy machine slows both alike. That the events are the same is tested
before anything is timed.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wsproto import connection as theirs
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, Event, Message, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate

from proxies.turns import Comparison
from wsdefrag.compat.wsproto import connection as ours

CLIENT, SERVER = ConnectionType.CLIENT, ConnectionType.SERVER
OTHER = {CLIENT: SERVER, SERVER: CLIENT}
KIB = 1 << 10
WORK = 4 << 20
LEAST, MOST = 64, 4000


OURS = "drop-in"
WSPROTO = "wsproto"

ROUNDS = 21


@dataclass(frozen=True)
class Workload:
    """What both classes do, and the ratio that is wanted, if one is."""

    name: str
    run: Callable[[type[theirs.Connection]], float]
    count: int
    target: float | None = None


def connect(
    made: type[theirs.Connection], side: ConnectionType, deflate: bool
) -> theirs.Connection:
    """A connection past its handshake."""
    extensions: list[Extension] = []
    if deflate:
        extension = PerMessageDeflate()
        extension.finalize(extension.name)
        extensions.append(extension)
    return made(side, extensions)


def how_many(event: Message) -> int:
    """Messages of this kind in a round."""
    return max(LEAST, min(MOST, WORK // max(len(event.data), 1)))


def receiving(
    name: str,
    side: ConnectionType,
    event: Message,
    *,
    together: int = 1,
    deflate: bool = False,
    target: float | None = None,
) -> Workload:
    """The side receives messages, so many in one read."""
    count = how_many(event)
    sender = connect(theirs.Connection, OTHER[side], deflate)
    frames = [sender.send(event) for _ in range(count)]
    reads = [b"".join(frames[at : at + together]) for at in range(0, count, together)]
    seen = [
        [got for read in reads for got in fed(connect(made, side, deflate), read)]
        for made in (ours.Connection, theirs.Connection)
        if not deflate
    ]
    assert not seen or seen[0] == seen[1], name

    def run(made: type[theirs.Connection]) -> float:
        connection = connect(made, side, deflate)
        begin = time.perf_counter()
        for read in reads:
            connection.receive_data(read)
            for got in connection.events():
                got.data  # type: ignore[attr-defined]  # noqa: B018
        return time.perf_counter() - begin

    return Workload(name, run, count, target)


def fed(connection: theirs.Connection, read: bytes) -> list[Event]:
    """The events of one read."""
    connection.receive_data(read)
    return list(connection.events())


def sending(
    name: str,
    side: ConnectionType,
    event: Message,
    *,
    deflate: bool = False,
    target: float | None = None,
) -> Workload:
    """The side sends the event again and again."""
    count = how_many(event)

    def run(made: type[theirs.Connection]) -> float:
        connection = connect(made, side, deflate)
        begin = time.perf_counter()
        for _ in range(count):
            connection.send(event)
        return time.perf_counter() - begin

    return Workload(name, run, count, target)


def workloads() -> Iterator[Workload]:
    """Those with a target first in each group."""
    text = TextMessage("x" * 32)
    kibibyte, large = BytesMessage(os.urandom(KIB)), BytesMessage(os.urandom(64 * KIB))
    letters = TextMessage("x" * 64 * KIB)
    price = TextMessage('{"symbol": "ACME", "price": 12.5}' * 8)
    yield receiving("receive 32 B text, masked", SERVER, text, target=10)
    yield receiving("receive 32 B text, masked, 50 a read", SERVER, text, together=50)
    yield receiving("receive 1 KiB binary, masked", SERVER, kibibyte, target=12)
    yield receiving("receive 1 KiB binary, unmasked", CLIENT, kibibyte)
    yield receiving("receive 64 KiB binary, masked", SERVER, large, target=10)
    yield receiving("receive 64 KiB binary, unmasked", CLIENT, large)
    yield receiving("receive 64 KiB text, masked", SERVER, letters)
    yield receiving("receive 264 B JSON, compressed", CLIENT, price, deflate=True)
    yield sending("send 64 B, masked", CLIENT, BytesMessage(bytes(64)), target=8)
    yield sending("send 64 KiB, masked", CLIENT, large, target=4)
    yield sending("send 64 KiB, unmasked", SERVER, large)
    yield sending("send 264 B JSON, compressed", SERVER, price, deflate=True)


def compare(workload: Workload, rounds: int) -> Comparison:
    """The medians of one workload."""
    classes = {OURS: ours.Connection, WSPROTO: theirs.Connection}
    times: dict[str, list[float]] = {name: [] for name in classes}
    for made in classes.values():
        workload.run(made)
    for _ in range(rounds):
        for name, made in classes.items():
            times[name].append(workload.run(made) / workload.count * 1e9)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    targets = {} if workload.target is None else {WSPROTO: workload.target}
    return Comparison(workload.name, "message", medians, targets)


def measure(quick: bool) -> list[Comparison]:
    """All workloads; quick ones prove nothing."""
    return [compare(workload, 1 if quick else ROUNDS) for workload in workloads()]
