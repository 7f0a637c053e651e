"""Makes packets (Ethernet, IPv4 and TCP around the bytes of a connection) and files of them.

A `Connection` keeps the sequence numbers of both sides and makes packets; it does not write them,
so that the caller can mix them with packets of others, lose some, or change their order.
Checksums are 0, as in a capture made before the network card fills them in.
"""

import base64
import hashlib
import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

SEGMENT = 1400
"""Bytes of a full TCP segment: what fits where tunnels take their share of Ethernet's 1,460."""

IN_FLIGHT = 4 * SEGMENT
"""Bytes not yet acknowledged while a side is sending."""

SYN, RST, ACK, PUSH, FIN = 0x02, 0x04, 0x10, 0x08, 0x01

ETHERNET = bytes.fromhex("020000000001 020000000002 0800")
FIRST_SECOND = 1_700_000_000
PACKET_MICROSECONDS = 7
SERVER_ADDRESS = 0x0A80_0001
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What RFC 6455 section 4.2.2 has a server append to the client's key."""

_HEADERS = struct.Struct("!14s BBHHHBBHII HHIIBBHHH").pack
_RECORD = struct.Struct("<IIII")
_BLOCK = struct.Struct("<IIIIIII").pack
_TRAILER = struct.Struct("<I").pack
_FILE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
_SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
_INTERFACE = struct.pack("<IIHHII", 1, 20, 1, 0, 1 << 18, 20)


class Connection:
    """One TCP connection of client number `number` with the server.

    Attributes:
        client: the client's address and port, as captures are asked for it.
    """

    def __init__(self, number: int, port: int = 80) -> None:
        address, client_port = 0x0A00_0001 + number // 50_000, 10_000 + number % 50_000
        self.client = (".".join(map(str, address.to_bytes(4, "big"))), client_port)
        self._ends = ((address, client_port), (SERVER_ADDRESS, port))
        self._next = [1000 + number * 7919, 77_000 + number * 104_729]
        self._known = [start + 1 for start in self._next]

    def packet(self, side: int, flags: int, data: bytes = b"") -> bytes:
        """A packet of one side, 0 the client and 1 the server; `data` moves its numbers on."""
        (source, source_port), (target, target_port) = self._ends[side], self._ends[1 - side]
        number, known = self._next[side], self._next[1 - side]
        if not flags & (SYN | FIN):
            known = max(self._known[1 - side], known - IN_FLIGHT)
        self._next[side] = number + len(data) + (flags & (SYN | FIN) != 0)
        number, known, size = number & 0xFFFF_FFFF, known & 0xFFFF_FFFF, 40 + len(data)
        ip = (0x45, 0, size, number & 0xFFFF, 0x4000, 64, 6, 0, source, target)
        tcp = (source_port, target_port, number, known, 0x50, flags, 0xFFFF, 0, 0)
        return _HEADERS(ETHERNET, *ip, *tcp) + data

    def pause(self) -> None:
        """Nobody sends until all has arrived."""
        self._known = self._next.copy()

    def open(self) -> Iterator[bytes]:
        """The three packets of the TCP handshake."""
        yield self.packet(0, SYN)
        yield self.packet(1, SYN | ACK)
        yield self.packet(0, ACK)

    def close(self) -> Iterator[bytes]:
        """Both sides end."""
        yield self.packet(0, FIN | ACK)
        yield self.packet(1, FIN | ACK)
        yield self.packet(0, ACK)

    def send(self, side: int, data: bytes) -> Iterator[bytes]:
        """The segments of `data` after a pause; every second one is acknowledged."""
        self.pause()
        for number, start in enumerate(range(0, len(data), SEGMENT)):
            yield self.packet(side, PUSH | ACK, data[start : start + SEGMENT])
            if number % 2:
                yield self.packet(1 - side, ACK)

    def upgrade(self, path: str, *, deflate: bool = False) -> Iterator[bytes]:
        """Opens the connection and makes a WebSocket of it (RFC 6455 section 1.3)."""
        key = base64.b64encode(struct.pack("!QII", self._next[0], *self._ends[0]))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if deflate else b""
        common = b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + extension
        request = b"GET %s HTTP/1.1\r\nHost: bench.example\r\n" % path.encode() + common
        request += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
        response = b"HTTP/1.1 101 Switching Protocols\r\n" + common
        response += b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        return chain(self.open(), self.send(0, request), self.send(1, response))


def write_pcap(path: Path, packets: Iterable[bytes], size: int | None = None) -> int:
    """Writes packets, a few microseconds apart, until there are no more or the file is full.

    Args:
        path: the file.
        packets: its packets.
        size: how long the file may become, in bytes; None where all packets are wanted.

    Returns:
        The length of the file, in bytes.
    """
    written, microseconds = len(_FILE), 0
    with path.open("wb", 1 << 20) as file:
        file.write(_FILE)
        for packet in packets:
            length = len(packet)
            written += length + _RECORD.size
            if size is not None and written > size:
                return written - length - _RECORD.size
            microseconds += PACKET_MICROSECONDS
            seconds, fraction = divmod(microseconds, 1_000_000)
            file.write(_RECORD.pack(FIRST_SECOND + seconds, fraction, length, length) + packet)
    return written


def cut_pcap(source: Path, target: Path, size: int) -> None:
    """Writes the packets at the start of a file that fit into `size` bytes."""
    with source.open("rb") as file, target.open("wb", 1 << 20) as output:
        output.write(file.read(len(_FILE)))
        for header, packet in _records(file):
            if output.tell() + len(header) + len(packet) > size:
                return
            output.write(header + packet)


def rotate(source: Path, directory: Path, size: int) -> list[Path]:
    """Writes the packets of a pcap file into files of `size` bytes, as rotation makes them.

    Returns:
        The files in order; each is longer by a part of its last packet.
    """
    paths: list[Path] = []
    with source.open("rb") as file:
        head = file.read(len(_FILE))
        content = bytearray(head)

        def finish() -> None:
            paths.append(directory / f"part{len(paths):05}.pcap")
            paths[-1].write_bytes(content)
            del content[len(head) :]

        for header, packet in _records(file):
            content += header + packet
            if len(content) >= size:
                finish()
        if len(content) > len(head):
            finish()
    return paths


def to_pcapng(source: Path, target: Path) -> None:
    """Writes the same packets as enhanced packet blocks of one section."""
    with source.open("rb") as file, target.open("wb", 1 << 20) as output:
        output.write(_SECTION + _INTERFACE)
        file.seek(len(_FILE))
        for header, packet in _records(file):
            seconds, fraction, length, original = _RECORD.unpack(header)
            time = seconds * 1_000_000 + fraction
            block = 32 + (length + 3 & ~3)
            head = _BLOCK(6, block, 0, time >> 32, time & 0xFFFF_FFFF, length, original)
            output.write(head + packet + bytes(-length % 4) + _TRAILER(block))


def _records(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The records of a pcap file, from where it stands: header and packet."""
    while header := file.read(_RECORD.size):
        yield header, file.read(_RECORD.unpack(header)[2])
