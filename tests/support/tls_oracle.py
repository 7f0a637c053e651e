"""Which messages of a damaged TLS capture can be read from its whole records.

They are computed from the intact capture and its truth. A message can be read if each record with a
byte of its frames was captured whole and, under TLS 1.2, so was the ServerHello, without which
there are no keys. A compressed message also needs all those before it in its direction, unless the
sender starts anew each time. The package is not used: `tls_streams` finds the records, and this
module splits and inflates the frames.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from capture_craft import Captured, Endpoint
from capture_intact import Direction
from tls_keys import TLS13
from tls_streams import TlsConnection, parts_of, tls_connections

Ends = tuple[Endpoint, Endpoint]
Range = tuple[int, int]

UPGRADE = b"upgrade: websocket"


@dataclass(frozen=True)
class Frame:
    """A frame of the application's stream, from `start` to `end`."""

    start: int
    end: int
    fin: bool
    compressed: bool
    opcode: int
    payload: bytes


def frames(stream: bytes, at: int) -> Iterator[Frame]:
    """Split a stream into whole frames (RFC 6455 section 5.2)."""
    while at + 2 <= len(stream):
        first, second = stream[at], stream[at + 1]
        start = at + 2 + {126: 2, 127: 8}.get(second & 0x7F, 0)
        size = int.from_bytes(stream[at + 2 : start], "big") if start > at + 2 else second & 0x7F
        key = stream[start : start + 4] if second & 0x80 else bytes(4)
        start += 4 if second & 0x80 else 0
        end = start + size
        if end > len(stream):
            return
        mask = int.from_bytes((key * (size // 4 + 1))[:size], "big")
        payload = (int.from_bytes(stream[start:end], "big") ^ mask).to_bytes(size, "big")
        yield Frame(at, end, bool(first & 0x80), bool(first & 0x40), first & 0x0F, payload)
        at = end


@dataclass(frozen=True)
class Message:
    """A message, whether it was compressed, and the bytes of TCP that its records are."""

    content: bytes
    compressed: bool
    ranges: tuple[Range, ...]


def messages(connection: TlsConnection, from_client: bool) -> list[Message]:
    """The messages of one side of a WebSocket."""
    stream = connection.application(from_client)
    places: list[tuple[int, int, Range]] = []
    at = 0
    for record in connection.of(from_client):
        if record.on_stream:
            end = at + len(record.content)
            places.append((at, end, (record.start, record.end)))
            at = end
    found: list[Message] = []
    needed: dict[Range, None] = {}
    payload, compressed = b"", False
    anew = starts_anew(connection, from_client)
    inflating = zlib.decompressobj(-15)
    for frame in frames(stream, stream.index(b"\r\n\r\n") + 4):
        if frame.opcode >= 8:
            continue
        if frame.opcode:
            needed, payload, compressed = {}, b"", frame.compressed
        payload += frame.payload
        for start, end, place in places:
            if start < frame.end and frame.start < end:
                needed[place] = None
        if frame.fin:
            if compressed:
                payload = inflating.decompress(payload + b"\0\0\xff\xff")
            if anew:
                inflating = zlib.decompressobj(-15)
            found.append(Message(payload, compressed, tuple(needed)))
    return found


def is_websocket(connection: TlsConnection) -> bool:
    """Whether its first request asks for a WebSocket."""
    head = connection.application(True).partition(b"\r\n\r\n")[0]
    return head.startswith(b"GET ") and UPGRADE in head.lower()


def starts_anew(connection: TlsConnection, from_client: bool) -> bool:
    """Whether the sender agreed to compress each message by itself."""
    head = connection.application(False).partition(b"\r\n\r\n")[0].lower()
    side = b"client" if from_client else b"server"
    return side + b"_no_context_takeover" in head


class Captures:
    """Which bytes of a direction a capture has."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self.starts = [start for start, _ in ranges]
        self.merged: list[Range] = []
        for start, end in sorted(ranges):
            if self.merged and start <= self.merged[-1][1]:
                self.merged[-1] = (self.merged[-1][0], max(end, self.merged[-1][1]))
            else:
                self.merged.append((start, end))

    @property
    def start(self) -> int:
        """Where the first byte is."""
        return self.merged[0][0] if self.merged else 0

    @property
    def end(self) -> int:
        """Where the last byte ends."""
        return self.merged[-1][1] if self.merged else 0

    def has(self, wanted: Range) -> bool:
        at = bisect_right(self.merged, wanted[0], key=lambda one: one[0]) - 1
        return at >= 0 and wanted[1] <= self.merged[at][1]


@dataclass
class IntactTls:
    """An intact capture of TLS with its key log."""

    packets: Sequence[Captured]
    key_log: bytes

    @cached_property
    def connections(self) -> dict[Ends, TlsConnection]:
        """Those with a WebSocket, without HTTP/2."""
        found = tls_connections(self.packets, self.key_log)
        return {one.tcp.ends: one for one in found if is_websocket(one)}

    @cached_property
    def messages(self) -> dict[Direction, list[Message]]:
        return {
            (*ends, from_client): messages(connection, from_client)
            for ends, connection in self.connections.items()
            for from_client in (True, False)
        }

    @cached_property
    def sent(self) -> dict[Direction, list[bytes]]:
        return {
            direction: [message.content for message in found]
            for direction, found in self.messages.items()
        }

    def captures(self, packets: Sequence[Captured]) -> dict[Direction, Captures]:
        """The bytes of the stream in some of the packets."""
        tcp = {ends: connection.tcp for ends, connection in self.connections.items()}
        ranges: dict[Direction, list[Range]] = {direction: [] for direction in self.messages}
        for part in parts_of(packets, tcp):
            client, server = part.connection
            ranges[client, server, part.from_client].append((part.start, part.end))
        return {direction: Captures(found) for direction, found in ranges.items()}

    def allowed(self, packets: Sequence[Captured]) -> dict[Direction, set[int]]:
        """The numbers of the messages that can be read from the packets."""
        return self.allowed_by(self.captures(packets))

    def allowed_by(self, captures: dict[Direction, Captures]) -> dict[Direction, set[int]]:
        """The numbers of the messages that can be read from these bytes of the streams."""
        found: dict[Direction, set[int]] = {}
        for direction, sent in self.messages.items():
            client, server, from_client = direction
            connection = self.connections[client, server]
            found[direction] = set()
            hello = (0, connection.server_hello_end)
            if connection.version != TLS13 and not captures[client, server, False].has(hello):
                continue
            anew = starts_anew(connection, from_client)
            inflates = True
            for number, message in enumerate(sent):
                whole = all(map(captures[direction].has, message.ranges))
                if whole and (inflates or not message.compressed):
                    found[direction].add(number)
                if message.compressed and not whole and not anew:
                    inflates = False
        return found


def numbers(sent: Sequence[bytes], contents: Iterable[bytes]) -> set[int] | None:
    """The numbers of these messages; None if one was not sent, or not in this order."""
    found: set[int] = set()
    at = 0
    for content in contents:
        while at < len(sent) and sent[at] != content:
            at += 1
        if at == len(sent):
            return None
        found.add(at)
        at += 1
    return found
