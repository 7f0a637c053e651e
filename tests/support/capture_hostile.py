"""Writes captures that make a reader hold much, and measures what reading them takes.

They are pcap files of raw IP packets. `python capture_hostile.py PATH MEMORY` reads one and prints
the peak of its memory and what came out, as JSON.
"""

from __future__ import annotations

import json
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from capture_craft import ACK, FIN, SYN, ipv4, tcp

HEAD = (
    b"GET /hostile HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"

SEGMENT = 60_000
"""Bytes of payload of a packet at most."""


class Talk:
    """One connection; `send` gives its packets. The client is 10.x.y.z with port 40,000."""

    def __init__(self, number: int) -> None:
        self.ends = (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", "192.0.2.1")
        self.next = [1_000, 5_000]

    def packet(self, server: bool, payload: bytes, flags: int = ACK) -> bytes:
        ports = (80, 40_000) if server else (40_000, 80)
        ends = self.ends[::-1] if server else self.ends
        sender = int(server)
        segment = tcp(ports, payload, seq=self.next[sender], ack=self.next[1 - sender], flags=flags)
        self.next[sender] += len(payload) + bool(flags & (SYN | FIN))
        return ipv4(segment, *ends)

    def send(self, server: bool, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), SEGMENT):
            yield self.packet(server, data[start : start + SEGMENT])

    def upgrade(self, extension: bytes = b"") -> Iterator[bytes]:
        yield self.packet(False, b"", SYN)
        yield self.packet(True, b"", SYN | ACK)
        yield self.packet(False, HEAD + extension + b"\r\n")
        yield self.packet(True, ANSWER + extension + b"\r\n")


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv1: bool = False) -> bytes:
    """A frame of the server, not masked."""
    first = opcode | fin << 7 | rsv1 << 6
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 1 << 16:
        return bytes([first, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([first, 127]) + len(payload).to_bytes(8, "big") + payload


def bomb(size: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(bytes(size)) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def unfinished_heads(count: int) -> Iterator[bytes]:
    for number in range(count):
        talk = Talk(number)
        yield talk.packet(False, b"", SYN)
        yield from talk.send(False, HEAD + b"X-Long: " + b"x" * 60_000)


def unfinished_messages(count: int) -> Iterator[bytes]:
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade()
        yield from talk.send(True, frame(2, bytes(2 << 20), fin=False))


def unfinished_bombs(count: int) -> Iterator[bytes]:
    wire = frame(2, bomb(60 << 20), fin=False, rsv1=True)
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade(DEFLATE)
        yield from talk.send(True, wire)


def holes(count: int) -> Iterator[bytes]:
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade()
        talk.next[1] += 10
        for _ in range(16):
            yield from talk.send(True, bytes(60_000))


def fragments(count: int) -> Iterator[bytes]:
    """Messages of many fragments that never end."""
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade()
        yield from talk.send(True, frame(2, b"x", fin=False) + frame(0, b"y", fin=False) * 16_000)


def live_deflate(count: int) -> Iterator[bytes]:
    """Connections that go on, with a message each way of an incompressible kilobyte."""
    payload = bytes(range(256)) * 4
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade(DEFLATE)
        yield from talk.send(True, frame(2, body, rsv1=True))


def live_plain(count: int) -> Iterator[bytes]:
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade()
        yield from talk.send(True, frame(2, bytes(1_000)))


def control_frames(count: int) -> Iterator[bytes]:
    talk = Talk(0)
    yield from talk.upgrade()
    for _ in range(0, count, 20_000):
        yield from talk.send(True, frame(9, b"") * min(count, 20_000))


def syn_scan(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield Talk(number).packet(False, b"", SYN)


KINDS: dict[str, Callable[[int], Iterator[bytes]]] = {
    kind.__name__: kind
    for kind in (
        unfinished_heads,
        unfinished_messages,
        unfinished_bombs,
        holes,
        fragments,
        live_deflate,
        live_plain,
        control_frames,
        syn_scan,
    )
}


def write(path: Path, packets: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101))
        for index, packet in enumerate(packets):
            seconds, rest = divmod(index * 10, 1_000_000)
            file.write(struct.pack("<IIII", seconds, rest, len(packet), len(packet)) + packet)


def measured(kind: str, count: int, memory: int) -> dict[str, int]:
    """Read a hostile capture in a process of its own.

    Returns:
        `peak`: the most memory that reading added, in bytes; `messages` and `connections`: the
        number of rows by status and by end.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "hostile.pcap")
        write(path, KINDS[kind](count))
        arguments = [sys.executable, __file__, str(path), str(memory)]
        found = subprocess.run(arguments, check=True, capture_output=True, text=True)
        return dict(json.loads(found.stdout))


def main() -> None:
    from collections import Counter

    from wsdefrag.capture import Capture, CapturedConnection, CapturedMessage

    path, memory = sys.argv[1:]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts: Counter[str] = Counter()
    with Capture(path, memory=int(memory)).read() as reader:
        for item in reader:
            if isinstance(item, CapturedMessage):
                counts[item.status] += 1
            elif isinstance(item, CapturedConnection):
                counts[str(item.ended)] += 1
                counts["balanced"] += item.from_client.is_balanced and item.from_server.is_balanced
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    sys.stdout.write(json.dumps({"peak": peak, **counts}))


if __name__ == "__main__":
    main()
