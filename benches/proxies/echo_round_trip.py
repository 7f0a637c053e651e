"""Times a whole echo round trip through asyncio: our example's server and the peers' own.

The client is the same for all: a blocking socket that sends a masked message, made beforehand, and
reads until it has as many bytes as the answer. Each server is a process of its own on loopback,
ended by its process id. All run at the same time and take turns, round by round, so that other load
slows all of them.
"""

import base64
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import h11

from engine.corpus import BINARY, KIB, encode_frame
from proxies.echo_servers import BUFFERED, SERVERS
from proxies.turns import Comparison
from report.engine_results import OURS

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples" / "echo_server.py"

COMMANDS = {
    OURS: [sys.executable, str(EXAMPLE), "0"],
    **{name: [sys.executable, str(HERE / "echo_servers.py"), name] for name in SERVERS},
}

SIZES = (256, 64 * KIB)
CLOSE = 8
KEY = b"\x01\x02\x03\x04"
LIMIT = 10.0
"""Seconds after which a server is given up that does not answer or does not end."""


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        rounds: of each server, for each size.
        round_trips: in a round, for each size.
    """

    rounds: int
    round_trips: dict[int, int]


FULL = Plan(25, {256: 2000, 64 * KIB: 500})
QUICK = Plan(3, {256: 50, 64 * KIB: 20})


@contextlib.contextmanager
def running(name: str) -> Iterator[str]:
    """Starts a server, gives its address, and ends it."""
    with subprocess.Popen(COMMANDS[name], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, f"the server of {name} did not start"
            yield address
        finally:
            process.terminate()
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    """Makes a connection, and closes it as the protocol wants it."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), LIMIT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upgrade(connection, parts.netloc)
        yield connection
        connection.sendall(encode_frame(CLOSE, (1000).to_bytes(2, "big"), key=KEY))
        while connection.recv(4 * KIB):
            pass


def upgrade(connection: socket.socket, host: str) -> None:
    """Asks for the upgrade, without compression."""
    http = h11.Connection(h11.CLIENT)
    headers = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ("Sec-WebSocket-Version", "13"),
    ]
    for event in (h11.Request(method="GET", target="/", headers=headers), h11.EndOfMessage()):
        connection.sendall(http.send(event) or b"")
    while (answer := http.next_event()) is h11.NEED_DATA:
        http.receive_data(connection.recv(4 * KIB))
    assert isinstance(answer, h11.InformationalResponse), answer
    assert answer.status_code == 101
    assert http.trailing_data == (b"", False)


def time_round(connection: socket.socket, size: int, round_trips: int) -> float:
    """Seconds for one round trip, on average over a round; checks the last answer."""
    payload = bytes(range(256)) * (size // 256)
    message = encode_frame(BINARY, payload, key=KEY)
    expected = encode_frame(BINARY, payload)
    answer = memoryview(bytearray(len(expected)))
    start = time.perf_counter()
    for _ in range(round_trips):
        connection.sendall(message)
        received = 0
        while received < len(answer):
            count = connection.recv_into(answer[received:])
            assert count, "the server ended the connection"
            received += count
    seconds = time.perf_counter() - start
    assert answer == expected
    return seconds / round_trips


def measure(quick: bool) -> list[Comparison]:
    """All servers with all sizes."""
    plan = QUICK if quick else FULL
    comparisons = []
    with contextlib.ExitStack() as stack:
        connections = {
            name: stack.enter_context(connected(stack.enter_context(running(name))))
            for name in COMMANDS
        }
        for size in SIZES:
            times: dict[str, list[float]] = {name: [] for name in connections}
            for connection in connections.values():
                time_round(connection, size, plan.round_trips[size] // 10)
            for _ in range(plan.rounds):
                for name, connection in connections.items():
                    times[name].append(time_round(connection, size, plan.round_trips[size]))
            medians = {name: statistics.median(taken) * 1e9 for name, taken in times.items()}
            comparisons.append(Comparison(f"{size:,} B", "round trip", medians, {}))
            pair = {BUFFERED: medians[BUFFERED], "picows": medians["picows"]}
            comparisons.append(Comparison(f"{size:,} B", "round trip", pair, {"picows": 1.0}))
    return comparisons
