"""The description of a capture, and what the peers of several captures send."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from random import Random

from recorder.contents import STATIONS, report
from recorder.endpoint import Act, Fragments, Ping

from .meeting import Close, Says
from .network import Network
from .stage import Stage


@dataclass(frozen=True)
class Scene:
    """One capture: `play` starts dumpcap on the stage and makes the connections.

    Its files are written to `folder` in the folder of all captures.
    """

    name: str
    shows: str
    network: Callable[[], AbstractContextManager[Network]]
    play: Callable[[Stage], Awaitable[None]]
    suffix: str = ".pcapng"
    folder: str = ""


def small(count: int, *, pings: bool = True) -> Says:
    """JSON texts, small binaries of 0 to 140 bytes, and pings."""

    def says(random: Random) -> Iterator[Act]:
        for number in range(count):
            kind = random.randrange(10)
            if kind < 6:
                station = random.choice(STATIONS)
                value = round(random.gauss(15, 6), 1)
                yield json.dumps({"number": number, "station": station, "temperature": value})
            elif kind < 9 or not pings:
                yield random.randbytes(random.randrange(140))
            else:
                yield Ping(f"after {number}".encode())

    return says


def of_sizes(*sizes: int, binary: bool = False) -> Says:
    """Messages of exactly these sizes in bytes: texts that compress, or bytes that do not."""

    def says(random: Random) -> Iterator[Act]:
        for size in sizes:
            yield random.randbytes(size) if binary else report(random, size)[:size]

    return says


def told_apart(says: Says) -> Says:
    """The same acts with a number in each ping, for lines on which two pings overlap."""

    def numbered(random: Random) -> Iterator[Act]:
        count = 0
        for act in says(random):
            parts: list[bytes | Ping] = []
            for part in act.parts if isinstance(act, Fragments) else ():
                count += isinstance(part, Ping)
                parts.append(Ping(b"%d" % count) if isinstance(part, Ping) else part)
            if isinstance(act, Fragments):
                yield replace(act, parts=tuple(parts))
            elif isinstance(act, Ping):
                count += 1
                yield Ping(b"%d" % count)
            else:
                yield act

    return numbered


def nothing(_: Random) -> Iterator[Act]:
    """No acts: only listen."""
    yield from ()


DONE = Close("client", 1000, "done")
