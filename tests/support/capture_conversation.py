"""Writes the bytes of both sides of a TCP connection as packets for a capture.

A `Conversation` keeps the sequence numbers of both sides, so a test only names the sender and the
bytes. Each call adds segments to the list of segments and returns those with bytes. The other side
acknowledges each segment unless told otherwise, and the clock advances one step for each segment.
To drop, repeat or reorder segments, a test changes the list afterwards; this does not change the
segments themselves.

Invariant: a byte's sequence number is the initial one, plus 1 for the SYN, plus the number of
bytes before it, modulo 2**32.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from capture_craft import ACK, FIN, LINKS, PSH, RST, SYN, Captured, Endpoint, ip, tcp
from capture_files import pcapng
from wire_writer import BINARY, CLOSE, KEY, PING, TEXT, frame

START = 1_700_000_000_000_000_000
"""When the first packet is captured, in nanoseconds since the epoch."""

STEP = 1_000_000
"""From one packet to the next, in nanoseconds."""

CLIENT: Endpoint = ("192.0.2.10", 50_000)
SERVER: Endpoint = ("192.0.2.20", 80)
CLIENT6: Endpoint = ("2001:db8::10", 50_000)
SERVER6: Endpoint = ("2001:db8::20", 80)

KEY_FIELD = base64.b64encode(b"the sample nonce").decode()
"""The key of RFC 6455's example (section 1.3)."""

DEFLATE = "permessage-deflate"
DEFLATE_ALONE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

Wrap = Callable[[bytes], bytes]


@dataclass(eq=False, frozen=True)
class Segment:
    """One TCP segment; two of them are the same only if they are one object."""

    time: int
    source: Endpoint
    destination: Endpoint
    from_client: bool
    seq: int
    ack: int
    flags: int
    payload: bytes

    def packet(self) -> bytes:
        """The IP packet."""
        ports = (self.source[1], self.destination[1])
        inner = tcp(ports, self.payload, seq=self.seq, ack=self.ack, flags=self.flags)
        return ip(inner, self.source[0], self.destination[0])

    def captured(self, wrap: Wrap = LINKS["ethernet"][1]) -> Captured:
        return Captured(self.time, wrap(self.packet()))

    def at(self, time: int) -> Segment:
        """The same segment at another time."""
        return replace(self, time=time)

    def with_payload(self, payload: bytes) -> Segment:
        """The same segment with other bytes."""
        return replace(self, payload=payload)

    def moved(self, count: int) -> Segment:
        """The same segment at a later (or, if negative, earlier) place in its stream."""
        return replace(self, seq=self.seq + count)


def accept_of(key: str) -> str:
    """The accept key of RFC 6455 section 4.2.2."""
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return base64.b64encode(digest).decode()


def request_head(
    target: str = "/chat",
    host: str = "example.com",
    *,
    offers: str | None = None,
    fields: Sequence[str] = (),
) -> bytes:
    """Write the request of an upgrade (RFC 6455 section 4.1)."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY_FIELD}",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Extensions: {offers}"] if offers else []),
        *fields,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_head(
    extensions: str | None = None, *, accept: str | None = None, fields: Sequence[str] = ()
) -> bytes:
    """Write the answer to it (RFC 6455 section 4.2.2)."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_of(KEY_FIELD) if accept is None else accept}",
        *([f"Sec-WebSocket-Extensions: {extensions}"] if extensions else []),
        *fields,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def one_frame(
    from_client: bool, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv1: bool = False
) -> bytes:
    """Write a frame as that side writes it: clients mask (RFC 6455 section 5.1)."""
    key = KEY if from_client else None
    return frame(opcode, payload, fin=fin, rsv1=rsv1, key=key)


def text(from_client: bool, content: bytes | str) -> bytes:
    encoded = content.encode() if isinstance(content, str) else content
    return one_frame(from_client, TEXT, encoded)


def binary(from_client: bool, content: bytes) -> bytes:
    return one_frame(from_client, BINARY, content)


def ping(from_client: bool, payload: bytes = b"") -> bytes:
    return one_frame(from_client, PING, payload)


def close(from_client: bool, code: int = 1000, reason: bytes = b"") -> bytes:
    return one_frame(from_client, CLOSE, code.to_bytes(2, "big") + reason)


class Conversation:
    """A TCP connection that is being written.

    Attributes:
        segments: What was sent so far, in order.
        time: When the next segment will be captured, in nanoseconds since the epoch.
        step: How much later each segment is than the one before.
    """

    def __init__(
        self,
        client: Endpoint = CLIENT,
        server: Endpoint = SERVER,
        *,
        client_isn: int = 1_000,
        server_isn: int = 700_000,
        time: int = START,
        step: int = STEP,
    ) -> None:
        self.ends = {True: client, False: server}
        self.next = {True: client_isn, False: server_isn}
        self.segments: list[Segment] = []
        self.time = time
        self.step = step

    def segment(self, from_client: bool, flags: int, payload: bytes = b"") -> Segment:
        """Add one segment at the sender's next sequence number."""
        segment = Segment(
            self.time,
            self.ends[from_client],
            self.ends[not from_client],
            from_client,
            self.next[from_client] % 2**32,
            self.next[not from_client] % 2**32 if flags & ACK else 0,
            flags,
            payload,
        )
        self.segments.append(segment)
        self.time += self.step
        self.next[from_client] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        return segment

    def open(self) -> Conversation:
        """Do the handshake of TCP (RFC 9293 section 3.5)."""
        self.segment(True, SYN)
        self.segment(False, SYN | ACK)
        self.segment(True, ACK)
        return self

    def say(
        self, from_client: bool, data: bytes, *, size: int | None = None, acked: bool = True
    ) -> list[Segment]:
        """Send bytes.

        Args:
            size: bytes a segment; None sends them in one.
            acked: whether the other side acknowledges each of them.

        Returns:
            The segments with these bytes.
        """
        sent = []
        for start in range(0, len(data), size or len(data)):
            part = data[start : start + size] if size else data
            sent.append(self.segment(from_client, PSH | ACK, part))
            if acked:
                self.segment(not from_client, ACK)
        return sent

    def says(self, from_client: bool, data: bytes, *, acked: bool = True) -> Segment:
        """Send bytes in one segment, and return it."""
        return self.say(from_client, data, acked=acked)[0]

    def upgrade(
        self,
        target: str = "/chat",
        host: str = "example.com",
        *,
        extensions: str | None = None,
        accept: str | None = None,
        fields: Sequence[str] = (),
        answers: Sequence[str] = (),
        glued: bytes = b"",
    ) -> Conversation:
        """Ask for a WebSocket and get it.

        Args:
            extensions: what both sides say in `Sec-WebSocket-Extensions`.
            accept: the accept key, where it shall not be the right one.
            fields: more header lines of the request; `answers`, of the answer.
            glued: what the server sends in the same segment after the response.
        """
        self.says(True, request_head(target, host, offers=extensions, fields=fields))
        self.says(False, answer_head(extensions, accept=accept, fields=answers) + glued)
        return self

    def fin(self, from_client: bool) -> Segment:
        """End one direction, which the other side acknowledges."""
        segment = self.segment(from_client, FIN | ACK)
        self.segment(not from_client, ACK)
        return segment

    def end(self) -> Conversation:
        """End both directions."""
        self.fin(True)
        self.fin(False)
        return self

    def reset(self, from_client: bool) -> Segment:
        return self.segment(from_client, RST | ACK)

    def wait(self, nanoseconds: int) -> None:
        """Let time go by."""
        self.time += nanoseconds

    def without(self, *lost: Segment) -> list[Segment]:
        """All segments but some."""
        return [segment for segment in self.segments if segment not in lost]

    def with_moved(self, segment: Segment, after: Segment) -> list[Segment]:
        """All segments, one of them captured right after another one."""
        moved = self.without(segment)
        at = moved.index(after) + 1
        return [*moved[:at], segment.at(after.time), *moved[at:]]


def upgraded(
    extensions: str | None = None, client: Endpoint = CLIENT, server: Endpoint = SERVER
) -> Conversation:
    """A connection that has just become a WebSocket."""
    return Conversation(client, server).open().upgrade(extensions=extensions)


def packets(segments: Iterable[Segment], link: str = "ethernet") -> list[Captured]:
    """The segments as packets of a link type, one of `LINKS`."""
    return [segment.captured(LINKS[link][1]) for segment in segments]


def capture_of(segments: Iterable[Segment], link: str = "ethernet") -> bytes:
    """The segments as a pcapng file of one interface."""
    return pcapng(packets(segments, link), LINKS[link][0])


def merged(*conversations: Conversation) -> list[Segment]:
    """The segments of several connections in the order of their times."""
    found = [segment for each in conversations for segment in each.segments]
    return sorted(found, key=lambda segment: segment.time)
