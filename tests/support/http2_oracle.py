"""An independent reader of intact HTTP/2: its WebSockets, and what losses leave of their messages.

Frames are split here, header blocks are decoded by the package `hpack`, and frames of WebSockets
by `tls_oracle`. A message is allowed where every byte that it needs was captured: its frames with
the headers of their DATA frames, or the whole TLS records that have them, and the heads of its
stream. A compressed message needs all of the connection before these heads, which may refer to
header blocks in a gap. If it needs the messages before it in its direction, it needs all of its
side before it: in a gap there may have been one.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hpack import Decoder

from capture_craft import Captured, Endpoint
from http2_craft import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PADDED,
    PREFACE,
    PRIORITY_FLAG,
    PUSH_PROMISE,
)
from tls_oracle import Captures, Ends, Range, frames
from tls_streams import TcpConnection, parts_of, tcp_connections, tls_connections

Side = tuple[Endpoint, Endpoint, int, bool]
"""The client, the server, the stream, and whether the client sent it."""


@dataclass(frozen=True)
class Piece:
    """Bytes of the application's stream from `start` on, and the bytes of TCP that they need."""

    start: int
    content: bytes
    needs: Range
    in_clear: bool

    def range_of(self, start: int, end: int) -> Range:
        """What some of the bytes need."""
        if not self.in_clear:
            return self.needs
        first = self.needs[0] - self.start
        return first + max(start, self.start), first + min(end, self.start + len(self.content))


@dataclass(frozen=True)
class Message:
    """A message, and the bytes of TCP that it needs, of its sender and of the other side."""

    content: bytes
    own: tuple[Range, ...]
    other: tuple[Range, ...]


@dataclass
class _Stream:
    """Bytes of one side of a stream, with the places of their bytes on the connection."""

    data: bytearray = field(default_factory=bytearray)
    starts: list[int] = field(default_factory=list)
    places: list[tuple[int, int, int]] = field(default_factory=list)
    heads: list[tuple[dict[str, str], Range]] = field(default_factory=list)

    def add(self, header: int, at: int, content: bytes) -> None:
        self.starts.append(len(self.data))
        self.places.append((header, at, len(content)))
        self.data += content

    def ranges(self, start: int, end: int) -> list[Range]:
        """Where these bytes are on the connection, with the headers of their DATA frames."""
        found = []
        for index in range(bisect_right(self.starts, start) - 1, len(self.starts)):
            first = self.starts[index]
            if first >= end:
                break
            header, at, length = self.places[index]
            found.append((header, header + 9))
            found.append((at + max(start - first, 0), at + min(end - first, length)))
        return found


def _split(data: bytes, at: int) -> Iterable[tuple[int, int, int, int, bytes]]:
    """The frames: where each is, its type, flags and stream, and its payload."""
    while at + 9 <= len(data):
        length = int.from_bytes(data[at : at + 3], "big")
        stream = int.from_bytes(data[at + 5 : at + 9], "big") & 0x7FFFFFFF
        yield at, data[at + 3], data[at + 4], stream, data[at + 9 : at + 9 + length]
        at += 9 + length


def _streams(data: bytes, at: int) -> dict[int, _Stream]:
    """The streams of one side, from this place on."""
    found: dict[int, _Stream] = {}
    decoder = Decoder()
    decoder.max_allowed_table_size = 1 << 16  # what Chromium allows in its SETTINGS
    block, owner, is_head = b"", 0, False
    for start, kind, flags, number, payload in _split(data, at):
        stream = found.setdefault(number, _Stream())
        before, content = 0, payload
        if kind in (DATA, HEADERS, PUSH_PROMISE) and flags & PADDED:
            before, content = 1, payload[1 : len(payload) - payload[0]]
        if kind == DATA:
            stream.add(start, start + 9 + before, content)
            continue
        if kind in (HEADERS, PUSH_PROMISE):
            skipped = 4 if kind == PUSH_PROMISE else 5 if flags & PRIORITY_FLAG else 0
            block, owner, is_head = content[skipped:], start, kind == HEADERS
        elif kind == CONTINUATION:
            block += content
        else:
            continue
        if flags & END_HEADERS:
            fields = {str(name): str(value) for name, value in decoder.decode(block)}
            if is_head:
                stream.heads.append((fields, (owner, start + 9 + len(payload))))
    return found


@dataclass
class Http2Connection:
    """An intact connection: each side's stream, in pieces."""

    tcp: TcpConnection
    pieces: dict[bool, list[Piece]]

    def stream(self, from_client: bool) -> bytes:
        return b"".join(piece.content for piece in self.pieces[from_client])

    def needs(self, from_client: bool, places: Iterable[Range]) -> tuple[Range, ...]:
        """The bytes of TCP that bytes of a side's stream need."""
        pieces = self.pieces[from_client]
        starts = [piece.start for piece in pieces]
        found: dict[Range, None] = {}
        for start, end in places:
            for piece in pieces[bisect_right(starts, start) - 1 :]:
                if piece.start >= end:
                    break
                found[piece.range_of(start, end)] = None
        return tuple(found)

    def messages(self) -> dict[Side, list[Message]]:
        """The messages of the WebSockets, by stream and side."""
        sides = {
            True: _streams(self.stream(True), len(PREFACE)),
            False: _streams(self.stream(False), 0),
        }
        found: dict[Side, list[Message]] = {}
        for number, asked in sides[True].items():
            answered = sides[False].get(number)
            if not asked.heads or answered is None or not answered.heads:
                continue
            request, response = asked.heads[0], answered.heads[0]
            if request[0].get(":protocol") != "websocket" or response[0][":status"] != "200":
                continue
            agreed = response[0].get("sec-websocket-extensions", "")
            heads = {True: request[1], False: response[1]}
            for from_client in (True, False):
                name = "client" if from_client else "server"
                anew = f"{name}_no_context_takeover" in agreed
                side = (*self.tcp.ends, number, from_client)
                found[side] = self._messages(sides[from_client][number], heads, from_client, anew)
        return found

    def _messages(
        self, stream: _Stream, heads: dict[bool, Range], from_client: bool, anew: bool
    ) -> list[Message]:
        found: list[Message] = []
        inflating = zlib.decompressobj(-15)
        needed: list[Range] = []
        payload, compressed = b"", False
        for frame in frames(bytes(stream.data), 0):
            if frame.opcode >= 8:
                continue
            if frame.opcode:
                needed, payload, compressed = [], b"", frame.compressed
            payload += frame.payload
            needed += stream.ranges(frame.start, frame.end)
            if not frame.fin:
                continue
            own, other = [heads[from_client], *needed], heads[not from_client]
            if compressed:
                payload = inflating.decompress(payload + b"\0\0\xff\xff")
                inflating = zlib.decompressobj(-15) if anew else inflating
                own += [(0, (heads[from_client] if anew else needed[-1])[1])]
                other = (0, other[1])
            places = self.needs(from_client, own), self.needs(not from_client, [other])
            found.append(Message(payload, *places))
        return found


@dataclass
class IntactHttp2:
    """An intact capture of HTTP/2, in clear or with its key log."""

    packets: Sequence[Captured]
    key_log: bytes = b""

    def __post_init__(self) -> None:
        self.connections = {one.tcp.ends: one for one in self._connections()}
        self.messages: dict[Side, list[Message]] = {}
        for connection in self.connections.values():
            self.messages.update(connection.messages())
        self.sent = {side: [one.content for one in found] for side, found in self.messages.items()}

    def _connections(self) -> Iterable[Http2Connection]:
        if self.key_log:
            for tls in tls_connections(self.packets, self.key_log):
                pieces: dict[bool, list[Piece]] = {True: [], False: []}
                for from_client, found in pieces.items():
                    at = 0
                    for record in tls.of(from_client):
                        if record.on_stream:
                            needs = (record.start, record.end)
                            found.append(Piece(at, record.content, needs, in_clear=False))
                            at += len(record.content)
                if tls.application(True).startswith(PREFACE):
                    yield Http2Connection(tls.tcp, pieces)
            return
        for tcp in tcp_connections(self.packets).values():
            if tcp.data[True].startswith(PREFACE):
                sides = {
                    side: [Piece(0, bytes(data), (0, len(data)), in_clear=True)]
                    for side, data in tcp.data.items()
                }
                yield Http2Connection(tcp, sides)

    def allowed(self, packets: Sequence[Captured]) -> dict[Side, set[int]]:
        """Which messages the packets allow, by their numbers in their side of the stream."""
        known = {ends: connection.tcp for ends, connection in self.connections.items()}
        ranges: dict[tuple[Ends, bool], list[Range]] = {}
        for part in parts_of(packets, known):
            key = (part.connection, part.from_client)
            ranges.setdefault(key, []).append((part.start, part.end))
        captures = {key: Captures(found) for key, found in ranges.items()}
        nothing = Captures([])
        found: dict[Side, set[int]] = {}
        for side, sent in self.messages.items():
            ends, from_client = side[:2], side[3]
            own = captures.get((ends, from_client), nothing)
            other = captures.get((ends, not from_client), nothing)
            found[side] = {
                number
                for number, message in enumerate(sent)
                if all(map(own.has, message.own)) and all(map(other.has, message.other))
            }
        return found
