"""Sends messages over several connections at once and waits for their echoes; one process.

    python -m proxies.load    reads lines `ADDRESS PID CONNECTIONS SIZE ROUND_TRIPS`, and prints for
                              each the seconds per round trip by the clock, and by the CPU time of
                              the process PID

Each of CONNECTIONS connections sends a message of SIZE bytes, and the next one when the echo has
arrived whole, ROUND_TRIPS times. The seconds are those of the turn, divided by the number of round
trips of all connections. Opening and closing the connections is not timed.
"""

import contextlib
import selectors
import socket
import sys
import time
from dataclasses import dataclass

from engine.corpus import BINARY, encode_frame
from proxies.echo_round_trip import KEY, LIMIT, connected

CPU_CLOCK = 2
"""CPUCLOCK_SCHED of Linux: user and system time of all threads of a process, in nanoseconds."""

NO_PROCESS = 0
"""In place of a process id where no CPU time is wanted; its answer is 0."""


def cpu_seconds(process: int) -> float:
    """CPU time of another process, by the clock that clock_getcpuclockid(3) gives for its id."""
    return time.clock_gettime(~process << 3 | CPU_CLOCK) if process != NO_PROCESS else 0.0


@dataclass
class Client:
    """One connection.

    Attributes:
        connection: its socket.
        answer: what the bytes of an echo are received into.
        left: round trips that are not finished.
        received: bytes of the echo that is arriving.
    """

    connection: socket.socket
    answer: bytearray
    left: int
    received: int = 0

    def receive(self) -> bool:
        """Receives what there is; whether that completes an echo."""
        count = self.connection.recv_into(memoryview(self.answer)[self.received :])
        assert count, "the connection was ended"
        self.received += count
        return self.received == len(self.answer)


def run(address: str, process: int, connections: int, size: int, each: int) -> tuple[float, float]:
    """One turn: seconds and CPU seconds per round trip."""
    payload = bytes(range(256)) * (size // 256)
    message, expected = encode_frame(BINARY, payload, key=KEY), encode_frame(BINARY, payload)
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(connections):
            connection = stack.enter_context(connected(address))
            client = Client(connection, bytearray(len(expected)), each)
            selector.register(connection, selectors.EVENT_READ, client)
        clients: list[Client] = [key.data for key in selector.get_map().values()]
        start, cpu_start = time.perf_counter(), cpu_seconds(process)
        for client in clients:
            client.connection.sendall(message)
        under_way = connections
        while under_way:
            ready = selector.select(LIMIT)
            assert ready, f"no answer within {LIMIT:g} s"
            for key, _ in ready:
                client = key.data
                if not client.receive():
                    continue
                assert client.answer == expected
                client.left -= 1
                client.received = 0
                if client.left:
                    client.connection.sendall(message)
                else:
                    under_way -= 1
        seconds = time.perf_counter() - start
        cpu = cpu_seconds(process) - cpu_start
    return seconds / (connections * each), cpu / (connections * each)


def main() -> None:
    """Answers until the input ends."""
    for line in sys.stdin:
        address, *numbers = line.split()
        process, connections, size, each = map(int, numbers)
        print(*run(address, process, connections, size, each), flush=True)


if __name__ == "__main__":
    main()
