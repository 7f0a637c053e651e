"""Whole proxies: mitmdump with the addon beside mitmdump without it, and `wsdefrag proxy` beside a
connection without a proxy, a bare pipe of picows, nginx and haproxy, where they are installed.

Every program is a process of its own on loopback: the client (`load.py`), the proxies, and one echo
server that all of them reach. All run at the same time, and the ways take turns, so that what else
the machine does affects all of them. mitmdump is a reverse proxy that prints no flows; the flow of
an open connection keeps its messages in memory, as it always does. Connections last for one turn.

Each turn gives two numbers: seconds per round trip by the clock, and the CPU time of the proxy.
Client, proxy and server share the machine's cores, so the first depends on how many there are.
"""

import contextlib
import importlib.util
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from captures.ways import MITMPROXY_PYTHON
from engine.corpus import KIB
from proxies import native_proxies
from proxies.load import NO_PROCESS
from proxies.turns import Comparison
from wsdefrag.compat.mitmproxy import SCRIPT

if TYPE_CHECKING:
    from typing_extensions import Self

BENCHES = Path(__file__).resolve().parents[1]

HEADING = "Whole proxies"
"""What `proxies.measure` calls these; the report shows them beside the other whole programs."""

WITH_ADDON = "mitmdump with the addon"
WITHOUT = "mitmdump alone"
PROXY = "`wsdefrag proxy`"
EDITING = "`wsdefrag proxy` with a hook that edits"
NO_PROXY = "no proxy"
PIPE = "picows pipe"
NATIVE = ("nginx", "haproxy")

ROUND_TRIP = "round trip"
CPU = "round trip, in CPU time of the proxy"
"""Units of the comparisons."""

Command = Sequence[str | Path]

ECHO_SERVER: Command = [sys.executable, BENCHES / "proxies" / "echo_servers.py", "picows"]
OUR_PROXY: Command = [sys.executable, "-m", "wsdefrag", "proxy", "--log-level", "error"]
HOOK = BENCHES / "proxies" / "reversing_hook.py"
PICOWS_PIPE: Command = [sys.executable, BENCHES / "proxies" / "picows_pipe.py"]
LIMIT = 30.0
"""Seconds after which a program is given up that does not start or does not end."""


@dataclass(frozen=True)
class Workload:
    """What a turn sends.

    Attributes:
        size: bytes of a message.
        connections: open at the same time.
        round_trips: of each connection in a turn.
    """

    size: int
    connections: int
    round_trips: int

    def __str__(self) -> str:
        size = f"{self.size // KIB} KiB" if self.size >= KIB else f"{self.size} B"
        return f"echo of {size}, {self.connections} connections"


FULL = (Workload(256, 10, 120), Workload(64 * KIB, 4, 75))
QUICK = (Workload(256, 10, 5), Workload(64 * KIB, 4, 5))
BUSY = (Workload(256, 50, 100), Workload(64 * KIB, 10, 40))
BUSY_QUICK = (Workload(256, 50, 5), Workload(64 * KIB, 10, 5))
SMALL, LARGE = (256, 64 * KIB)
TARGETS = {
    (PROXY, SMALL): {"nginx": 1 / 1.25, PIPE: 1 / 1.1},
    (PROXY, LARGE): {"haproxy": 1.0},
    (EDITING, SMALL): {"nginx": 1 / 1.6},
}
"""At most so much of our CPU time for that of another, the other way round: its time over ours."""

TURNS = 9
"""Turns of each way that count; one more before them does not."""


@dataclass(frozen=True)
class Route:
    """Where the client connects to, and the process whose CPU time counts."""

    address: str
    process: int


class Load:
    """The client's process; a context manager that ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "proxies.load"],
            cwd=BENCHES,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def turn(self, route: Route, workload: Workload) -> tuple[float, float]:
        """Seconds per round trip by the clock, and of the proxy's CPU time."""
        numbers = workload.connections, workload.size, workload.round_trips
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(route.address, route.process, *numbers, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline().split()
        if not answer:
            raise RuntimeError("the client ended; its standard error says why")
        return float(answer[0]), float(answer[1])


@contextlib.contextmanager
def running(command: Command, *said: str, port: str) -> Iterator[Route]:
    """Starts a program, waits for its port, and ends it by its process id.

    Args:
        command: the program and its arguments.
        said: texts that its output has to contain by then.
        port: a pattern whose group is the port in its output.
    """
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            deadline = time.monotonic() + LIMIT
            # Without a pattern it is waited for by others.
            while not (found := re.search(port, text := written(output.fileno()))):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command} did not start:\n{text}")
                time.sleep(0.02)
            for one in said:
                assert one in text, f"{command} did not say {one!r}:\n{text}"
            yield Route(f"ws://127.0.0.1:{found[1] if port else 0}/", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def written(descriptor: int) -> str:
    """The beginning of what a program has written into a file, without moving its offset."""
    return os.pread(descriptor, 64 * KIB, 0).decode()


def mitmdump(server: Route, directory: Path, *scripts: Path) -> Command:
    """The command of a reverse proxy in mitmproxy's environment."""
    options = ["flow_detail=0", f"confdir={directory}", "listen_host=127.0.0.1", "listen_port=0"]
    return [
        MITMPROXY_PYTHON,
        MITMPROXY_PYTHON.with_name("mitmdump"),
        *("--mode", f"reverse:{server.address.replace('ws:', 'http:')}"),
        *(argument for option in options for argument in ("--set", option)),
        *(argument for script in scripts for argument in ("-s", script)),
    ]


def measure(quick: bool) -> list[Comparison]:
    """Both pairs with all workloads; without mitmdump where mitmproxy is missing."""
    turns = 2 if quick else TURNS
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        directory = Path(start(tempfile.TemporaryDirectory(prefix="wsdefrag-bench-")))
        load = start(Load())
        server = start(running(ECHO_SERVER, port=r"ws://127\.0\.0\.1:(\d+)/"))
        ours = lean(start, server, directory)
        routes = {PROXY: ours[PROXY], NO_PROXY: Route(server.address, NO_PROCESS)}
        if MITMPROXY_PYTHON.exists():
            listening = r"listening at 127\.0\.0\.1:(\d+)"
            with_addon = running(
                mitmdump(server, directory, SCRIPT),
                "relays WebSocket connections",
                port=listening,
            )
            without = running(mitmdump(server, directory), port=listening)
            routes = {WITH_ADDON: start(with_addon), WITHOUT: start(without), **routes}
        return [
            *(
                comparison
                for workload in (QUICK if quick else FULL)
                for comparison in compare(load, routes, workload, turns)
            ),
            *(
                comparison
                for workload in (BUSY_QUICK if quick else BUSY)
                for comparison in compare_cpu(load, ours, workload, turns)
            ),
        ]


def lean(
    start: Callable[[contextlib.AbstractContextManager[Route]], Route],
    server: Route,
    directory: Path,
) -> dict[str, Route]:
    """Our proxy, and those that are judged beside it by their cost."""
    target = server.address.removeprefix("ws://").rstrip("/")
    listening = r"127\.0\.0\.1:(\d+): listening"
    command = [*OUR_PROXY, "--listen", "0", "--upstream", target]
    routes = {
        PROXY: start(running(command, port=listening)),
        EDITING: start(running([*command, "--script", HOOK], port=listening)),
    }
    if importlib.util.find_spec("picows") and importlib.util.find_spec("uvloop"):
        pipe = running([*PICOWS_PIPE, *target.split(":")], port=r"listening on port (\d+)")
        routes[PIPE] = start(pipe)
    for name, (arguments, port) in native_proxies.commands(target, directory).items():
        routes[name] = start(listening_at(arguments, port))
    return routes


@contextlib.contextmanager
def listening_at(command: Command, port: int) -> Iterator[Route]:
    """Starts a program that does not say when it listens, and waits until it does."""
    with running(command, port="") as route:
        deadline = time.monotonic() + LIMIT
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command} does not listen")
            time.sleep(0.02)
        yield Route(f"ws://127.0.0.1:{port}/", route.process)


def compare_cpu(
    load: Load, routes: dict[str, Route], workload: Workload, turns: int
) -> Iterator[Comparison]:
    """The CPU time of the lean proxies; the first turn is not counted."""
    times: dict[str, list[float]] = {way: [] for way in routes}
    for _ in range(1 + turns):
        for way, route in routes.items():
            times[way].append(load.turn(route, workload)[1])
    cpu = {way: statistics.median(taken[1:]) * 1e9 for way, taken in times.items()}
    others = [way for way in cpu if way not in (PROXY, EDITING)]
    for ours in (PROXY, EDITING):
        wanted = TARGETS.get((ours, workload.size), {})
        targets = {peer: ratio for peer, ratio in wanted.items() if peer in cpu}
        yield Comparison(str(workload), CPU, {way: cpu[way] for way in (ours, *others)}, targets)


def compare(
    load: Load, routes: dict[str, Route], workload: Workload, turns: int
) -> Iterator[Comparison]:
    """All ways with one workload; the first turn is not counted."""
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in routes}
    for _ in range(1 + turns):
        for way, route in routes.items():
            times[way].append(load.turn(route, workload))
    wall, cpu = (
        {
            way: statistics.median(turn[which] for turn in taken[1:]) * 1e9
            for way, taken in times.items()
        }
        for which in (0, 1)
    )
    if WITH_ADDON in routes:
        pair = (WITH_ADDON, WITHOUT)
        yield Comparison(str(workload), ROUND_TRIP, {way: wall[way] for way in pair}, {})
        yield Comparison(str(workload), CPU, {way: cpu[way] for way in pair}, {})
    pair = (PROXY, NO_PROXY)
    yield Comparison(str(workload), ROUND_TRIP, {way: wall[way] for way in pair}, {})
