"""Measures what an idle connection costs `wsdefrag proxy` in memory, on both of its legs.

    python -m proxies.idle_connections [CONNECTIONS]

All connections are open at the same time, and have sent one message and got its echo. The number
is the growth of the proxy's resident memory (VmRSS), divided by how many there are; what the
kernel keeps for their sockets is not in it.
"""

import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from engine.corpus import TEXT, encode_frame
from engine.scaling import Measure
from proxies.echo_round_trip import KEY
from proxies.whole_proxies import ECHO_SERVER, OUR_PROXY, Route, running

CONNECTIONS, QUICK = 10_000, 500
LARGEST = 30 * 1024
"""Bytes of a connection, below which it has to stay."""

LIMIT = 600.0
"""Seconds for an answer: memory is measured, and not time, so a busy machine may take its time."""

MESSAGE = encode_frame(TEXT, b"hello", key=KEY)
ECHO = encode_frame(TEXT, b"hello")
REQUEST = (
    "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nOrigin: https://example.org\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
)
"""As a browser asks, because a proxy keeps the request while the connection lives."""

PER_ADDRESS = 20_000
"""Connections from one address of the loopback network, which has ports for some more."""


@contextmanager
def many_files(wanted: int) -> Iterator[int]:
    """Lets this process and its children open so many files, or as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, soft), max(wanted, hard)))
    except (PermissionError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        now = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, now))


def opened(route: Route, number: int) -> socket.socket:
    """Opens a WebSocket, sends a message and waits for its echo."""
    parts = urlsplit(route.address)
    source = f"127.0.0.{1 + number // PER_ADDRESS}", 0
    connection = socket.create_connection((parts.hostname, parts.port), LIMIT, source)
    connection.sendall(REQUEST.format(parts.netloc).encode("ascii"))
    head = received(connection, lambda data: data.endswith(b"\r\n\r\n"))
    assert head.startswith(b"HTTP/1.1 101 "), head
    connection.sendall(MESSAGE)
    echo = received(connection, lambda data: len(data) >= len(ECHO))
    assert echo == ECHO, echo
    return connection


def received(connection: socket.socket, is_whole: Callable[[bytes], bool]) -> bytes:
    """Receives until it is whole."""
    data = b""
    while not is_whole(data):
        more = connection.recv(4096)
        assert more, "the connection was ended"
        data += more
    return data


def resident(process: int) -> int:
    """Bytes of memory of a process."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def per_connection(wanted: int) -> tuple[int, float]:
    """How many connections there were, and bytes of memory for each."""
    with many_files(2 * wanted + 200) as files, ExitStack() as stack:
        start = stack.enter_context
        server = start(running(ECHO_SERVER, port=r"ws://127\.0\.0\.1:(\d+)/"))
        target = server.address.removeprefix("ws://").rstrip("/")
        command = [*OUR_PROXY, "--listen", "0", "--upstream", target]
        command += ["--handshake-timeout", f"{LIMIT:g}"]
        proxy = start(running(command, port=r"127\.0\.0\.1:(\d+): listening"))
        # What the first ones take, nobody takes again.
        for number in range(50):
            opened(proxy, number).close()
        count = min(wanted, (files - 200) // 2)
        before = resident(proxy.process)
        for number in range(count):
            start(opened(proxy, number))
        return count, (resident(proxy.process) - before) / count


def measure(quick: bool) -> list[Measure]:
    """One number, and its limit."""
    count, size = per_connection(QUICK if quick else CONNECTIONS)
    what = f"`wsdefrag proxy`, {count:,} idle connections: memory of each"
    return [Measure(what, f"{size:,.0f} B", size / 1024, "KiB", LARGEST / 1024)]


if __name__ == "__main__":
    for one in measure(False) if len(sys.argv) == 1 else [per_connection(int(sys.argv[1]))]:
        print(one)
