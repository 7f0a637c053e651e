"""Writes captures that make a reader hold much, and measures the memory that reading them takes.

They are pcap files of raw IP packets, or pcapng. Each ends with a connection that carries one
message, which has to be read. `python capture_hostile.py PATH MEMORY WAY` reads one as objects or
as an Arrow table, and prints the peak of its memory and what came out, as JSON.
"""

from __future__ import annotations

import gzip
import json
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from capture_craft import ACK, FIN, SYN, Captured, ipv4, ipv4_fragments, tcp
from capture_files import block, enhanced, interface, option, secrets, section

HEAD = (
    b"GET /hostile HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
DEFLATE_ALONE = (
    b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    b"client_no_context_takeover\r\n"
)
"""Each message can be inflated without those before it."""

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


AFTER = b"after all of it"
"""The message of the connection at the end of each capture."""


def afterwards() -> Iterator[bytes]:
    """A connection that comes after everything else, and ends."""
    talk = Talk(0xFFFFFF)
    yield from talk.upgrade()
    yield from talk.send(True, frame(2, AFTER))
    yield talk.packet(True, b"", FIN | ACK)
    yield talk.packet(False, b"", FIN | ACK)


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


def complete_bombs(count: int) -> Iterator[bytes]:
    wire = frame(2, bomb(24 << 20), rsv1=True)
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade(DEFLATE)
        yield from talk.send(True, wire)


def held_bombs(count: int) -> Iterator[bytes]:
    """Whole messages of 16 MiB after a hole, which are read when the hole is given up."""
    wire = frame(2, bomb(16 << 20), rsv1=True)
    cut = frame(2, bytes(1_000))
    for number in range(count):
        talk = Talk(number)
        yield from talk.upgrade(DEFLATE_ALONE)
        # The hole is in a payload, so it is known where the next frame begins.
        yield from talk.send(True, cut[:10])
        talk.next[1] += len(cut) - 10
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


def searches(count: int) -> Iterator[bytes]:
    """Connections without their handshake, in which the search for frames cannot decide."""
    for number in range(count):
        talk = Talk(number)
        yield from talk.send(True, frame(2, bytes(8_000))[:6_000])


def control_frames(count: int) -> Iterator[bytes]:
    talk = Talk(0)
    yield from talk.upgrade()
    for _ in range(0, count, 20_000):
        yield from talk.send(True, frame(9, b"") * min(count, 20_000))


def syn_scan(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield Talk(number).packet(False, b"", SYN)


def ip_fragments(count: int) -> Iterator[bytes]:
    """Datagrams whose last fragment is missing."""
    for number in range(count):
        payload = bytes(60_000)
        cut = ipv4_fragments(
            payload, "10.1.1.1", "192.0.2.1", size=20_000, identification=number & 0xFFFF
        )
        yield from cut[:-1]


def foreign(count: int) -> Iterator[bytes]:
    """Megabytes of zeros that are not TCP; the file is small once it is compressed."""
    packet = ipv4(bytes(SEGMENT), "10.1.1.1", "192.0.2.1", protocol=17)
    for _ in range(count * (1 << 20) // len(packet)):
        yield packet


KINDS: dict[str, Callable[[int], Iterator[bytes]]] = {
    kind.__name__: kind
    for kind in (
        unfinished_heads,
        unfinished_messages,
        unfinished_bombs,
        complete_bombs,
        held_bombs,
        holes,
        fragments,
        ip_fragments,
        live_deflate,
        live_plain,
        searches,
        control_frames,
        syn_scan,
    )
}


PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)
"""The head of a file of raw IP packets."""


def record(packet: bytes, index: int) -> bytes:
    seconds, rest = divmod(index * 10, 1_000_000)
    return struct.pack("<IIII", seconds, rest, len(packet), len(packet)) + packet


def pcap(packets: Iterator[bytes]) -> Iterator[bytes]:
    yield PCAP
    index = 0
    for index, packet in enumerate(packets):
        yield record(packet, index)
    for packet in afterwards():
        index += 1
        yield record(packet, index)


def last_packets(interfaces: int = 1) -> bytes:
    """The connection at the end, as packets of pcapng of the last interface."""
    packets = enumerate(afterwards())
    captured = (Captured(1_000 * index, packet, None, interfaces - 1) for index, packet in packets)
    return b"".join(map(enhanced, captured))


def interfaces(count: int) -> Iterator[bytes]:
    yield section()
    yield interface(101) * count
    yield last_packets(min(count, 65_536))


def options(count: int) -> Iterator[bytes]:
    """Blocks full of comments: of the section, of interfaces and of packets."""
    comments = option(1, bytes(65_532)) * count
    yield section(options=comments)
    yield interface(101)
    packet = enhanced(Captured(0, ipv4(b"x", "10.1.1.1", "192.0.2.1")), options=comments)
    yield packet * 4
    yield last_packets()


def many_secrets(count: int) -> Iterator[bytes]:
    yield section() + interface(101)
    for _ in range(count):
        yield secrets(bytes(1 << 20))
    yield last_packets()


def unknown_blocks(count: int) -> Iterator[bytes]:
    yield section() + interface(101)
    for _ in range(count):
        yield block(0x0BAD, bytes(1 << 20))
    yield last_packets()


def gzip_bomb(count: int) -> Iterator[bytes]:
    yield gzip.compress(b"".join(pcap(foreign(count))), 6)


def zstd_bomb(count: int) -> Iterator[bytes]:
    import pyarrow as pa

    yield pa.Codec("zstd").compress(b"".join(pcap(foreign(count))), asbytes=True)


FILES: dict[str, Callable[[int], Iterator[bytes]]] = {
    kind.__name__: kind
    for kind in (interfaces, options, many_secrets, unknown_blocks, gzip_bomb, zstd_bomb)
}
"""Kinds that are no lists of packets."""


def write(path: Path, packets: Iterator[bytes]) -> None:
    """Write these packets and nothing else."""
    with path.open("wb") as file:
        file.write(PCAP)
        file.writelines(record(packet, index) for index, packet in enumerate(packets))


def write_kind(path: Path, kind: str, count: int) -> None:
    """Write a hostile capture of a kind, followed by one good connection."""
    pieces = FILES[kind](count) if kind in FILES else pcap(KINDS[kind](count))
    with path.open("wb") as file:
        file.writelines(pieces)


def measured(kind: str, count: int, memory: int, way: str = "objects") -> dict[str, int]:
    """Read a hostile capture in a process of its own, as objects or as an Arrow table.

    Returns:
        `peak`: the most memory that reading added, in bytes; `size`: that of the file; `after`: how
        often the last connection's message was read; the number of rows by status and by end; for
        objects also `ended_for_room`, the connections that were evicted, WebSockets or not.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "hostile.pcap")
        write_kind(path, kind, count)
        arguments = [sys.executable, __file__, str(path), str(memory), way]
        found = subprocess.run(arguments, check=True, capture_output=True, text=True)
        return {"size": path.stat().st_size, **json.loads(found.stdout)}


def objects(path: str, memory: int) -> Counter[str]:
    """Count a capture's objects, and drop each one."""
    from wsdefrag.capture import Capture, CapturedConnection, CapturedMessage

    counts: Counter[str] = Counter()
    with Capture(path, memory=memory).read() as reader:
        for item in reader:
            if isinstance(item, CapturedMessage):
                counts[item.status] += 1
                counts["after"] += item.content == AFTER
            elif isinstance(item, CapturedConnection):
                counts[str(item.ended)] += 1
                counts["balanced"] += item.from_client.is_balanced and item.from_server.is_balanced
            else:
                counts["events"] += 1
        counts["ended_for_room"] = reader.counts.evicted_connections
    return counts


def table(path: str, memory: int) -> Counter[str]:
    """Count the rows of the messages table, one batch at a time."""
    import pyarrow as pa

    from wsdefrag.capture import Capture

    counts: Counter[str] = Counter()
    for batch in pa.RecordBatchReader.from_stream(Capture(path, memory=memory)):
        for status in batch.column("status").to_pylist():
            counts[status] += 1
        sizes = batch.column("content").to_pylist() if batch.nbytes < 1 << 22 else []
        counts["after"] += sizes.count(AFTER)
    return counts


def main() -> None:
    path, memory, way = sys.argv[1:]
    read = {"objects": objects, "arrow": table}[way]
    # Imports are no part of what reading takes.
    read_nothing(read)
    before = peak_memory()
    counts = read(path, int(memory))
    peak = peak_memory() - before
    sys.stdout.write(json.dumps({"peak": peak, **counts}))


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    try:
        # `ru_maxrss` begins with that of the process that started this one.
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    (found,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(found.split()[1]) << 10


def read_nothing(read: Callable[[str, int], Counter[str]]) -> None:
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(b"".join(pcap(iter(()))))
        file.flush()
        read(file.name, 1 << 20)


if __name__ == "__main__":
    main()
