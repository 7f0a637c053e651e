"""``CapturedConnection`` and its parts: addresses, handshake, Close, and the accounts of its bytes.

The reader makes these objects. ``message.connection`` gives a connection that has not ended yet:
its ``ended`` is None and its accounts still grow. When the reader yields the connection itself,
``ended`` is set and the accounts are final.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from wsdefrag._shown import shown, shown_fields, shown_text
from wsdefrag.capture.tls import CapturedTls
from wsdefrag.data import WebSocketData
from wsdefrag.deflate import DeflateParams

if TYPE_CHECKING:
    from wsdefrag._native import CapturedEvent


@dataclass(frozen=True)
class CapturedRequest:
    r"""The HTTP request that asked for the WebSocket (RFC 6455 section 4.1).

    Attributes:
        target: The request target of the request line, unchanged; in HTTP/2 the ``:path``.
        fields: The header fields in order: names in their original case, values as bytes. In
            HTTP/2 the pseudo-header fields such as ``:authority`` are among them.
        timestamp_ns: When its last byte was captured, in nanoseconds since the epoch.
        method: The method of the request line: ``GET``, unless the client broke a rule; in HTTP/2
            ``CONNECT`` (RFC 8441 section 4).

    Example:
        >>> from wsdefrag.capture import CapturedRequest
        >>> CapturedRequest("/chat", (("Host", b"example.com"),), 0).value("host")
        'example.com'
    """

    target: str
    fields: tuple[tuple[str, bytes], ...]
    timestamp_ns: int
    method: str = "GET"

    def __repr__(self) -> str:
        """Show the target and the number of header fields."""
        return shown("CapturedRequest", f"{shown_text(self.target)}, {_counted(self.fields)}")

    def value(self, name: str) -> str | None:
        """Give the value of the first field of this name, without regard to case, or None."""
        return _value(self.fields, name)


@dataclass(frozen=True)
class CapturedResponse:
    r"""The HTTP response to the request for a WebSocket (RFC 6455 section 4.2.2).

    Attributes:
        status: The status code; 101, or 2xx in HTTP/2, if the server accepted.
        reason: The reason phrase; HTTP/2 has none.
        fields: The header fields in order: names in their original case, values as bytes.
        timestamp_ns: When its last byte was captured, in nanoseconds since the epoch.

    Example:
        >>> from wsdefrag.capture import CapturedResponse
        >>> CapturedResponse(403, "Forbidden", (), 0).status
        403
    """

    status: int
    reason: str
    fields: tuple[tuple[str, bytes], ...]
    timestamp_ns: int

    def __repr__(self) -> str:
        """Show the status line and the number of header fields."""
        line = f"{self.status} {shown_text(self.reason)}"
        return shown("CapturedResponse", f"{line}, {_counted(self.fields)}")

    def value(self, name: str) -> str | None:
        """Give the value of the first field of this name, without regard to case, or None."""
        return _value(self.fields, name)


def address_text(address: tuple[str, int]) -> str:
    """Format an address and a port as in a URL.

    Args:
        address: IP address and TCP port.

    Returns:
        ``address:port``, with an IPv6 address in brackets.
    """
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _counted(fields: tuple[tuple[str, bytes], ...]) -> str:
    return f"{len(fields)} header field{'' if len(fields) == 1 else 's'}"


def _values(fields: tuple[tuple[str, bytes], ...], name: str) -> list[str]:
    wanted = name.lower()
    return [value.decode("utf-8", "replace") for other, value in fields if other.lower() == wanted]


def _value(fields: tuple[tuple[str, bytes], ...], name: str) -> str | None:
    return next(iter(_values(fields, name)), None)


@dataclass(frozen=True)
class CapturedClose:
    """The first Close frame of a connection.

    Attributes:
        from_client: True if the client sent it.
        close_code: The close code; 1005 if the frame has none (RFC 6455 section 7.1.5), None if
            part of the frame was not captured.
        close_reason: The close reason.
        timestamp_ns: When it was captured, in nanoseconds since the epoch.

    Example:
        >>> from wsdefrag.capture import CapturedClose
        >>> CapturedClose(True, 1000, "done", 0).close_code
        1000
    """

    from_client: bool
    close_code: int | None
    close_reason: str
    timestamp_ns: int

    def __repr__(self) -> str:
        """Show all attributes; shortens a long reason."""
        return shown_fields(self)


@dataclass(frozen=True)
class Account:
    """Counts every byte that one side sent after the handshake.

    When the connection has ended, ``bytes == emitted + control + skipped + lost + trailing``.

    Attributes:
        bytes: Bytes of the stream, captured or not.
        emitted: Bytes of the frames of complete messages, headers included.
        control: Bytes of control frames.
        skipped: Bytes of the frames of incomplete messages and of messages over a limit.
        lost: Bytes that could not be assigned to frames because of a gap.
        trailing: Bytes after a Close, and all bytes from the first violation on.
        messages: Messages yielded, of any status.
        content: Bytes of their contents, after inflation.
        compressed: Payload bytes of the compressed messages that were inflated completely.
        inflated: Bytes of those messages after inflation.
        pings: Pings and pongs.
        gaps: Gaps: ranges of the stream that were not captured, or too late.
        missing: Bytes in the gaps that no packet of the capture has.
        late: Bytes in the gaps that a packet had which came too late to be read.
        retransmissions: TCP segments with bytes that an earlier segment already had.
        overlaps: Retransmissions whose bytes differ from the earlier ones; the earlier bytes are
            kept.
        tolerated: For each rule of ``Strictness`` that is switched off and was broken: how often.
        counts: How many messages there are of each type and status, and how many bytes their
            contents have: ``{("text", "ok"): (messages, bytes)}``; only those that occur.
        violation: The broken rule that ended the direction, as a sentence, or None.

    Example:
        >>> from wsdefrag.capture import Account
        >>> account = Account(bytes=10, emitted=6, skipped=4)
        >>> account.is_balanced, account.has_losses
        (True, True)
    """

    bytes: int = 0
    emitted: int = 0
    control: int = 0
    skipped: int = 0
    lost: int = 0
    trailing: int = 0
    messages: int = 0
    content: int = 0
    compressed: int = 0
    inflated: int = 0
    pings: int = 0
    gaps: int = 0
    missing: int = 0
    late: int = 0
    retransmissions: int = 0
    overlaps: int = 0
    tolerated: dict[str, int] = field(default_factory=dict)
    counts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    violation: str | None = None

    def __repr__(self) -> str:
        """Show the violation first, then the counters that are not zero."""
        if self.violation is None:
            return shown_fields(self)
        counters = shown_fields(replace(self, violation=None)).partition("(")[2]
        separator = ", " if counters != ")" else ""
        start = f"Account(violation={shown_text(self.violation)}{separator}"
        return f"{start}{counters}" if len(start) + len(counters) < 200 else f"{start}...)"

    @property
    def is_balanced(self) -> bool:
        """Whether ``bytes`` is the sum of its parts; always True when the connection has ended."""
        known = self.emitted + self.control + self.skipped + self.lost + self.trailing
        return self.bytes == known

    @property
    def has_losses(self) -> bool:
        """Whether bytes were skipped, lost, or not captured in time."""
        # A gap inside TLS may be of unknown length, and counts no bytes.
        return bool(self.skipped or self.lost or self.missing or self.late or self.gaps)


@dataclass(eq=False)
class CapturedConnection:
    """A WebSocket connection in a capture.

    Two objects are equal only if they are the same object. ``uid`` identifies a connection in every
    pass over the same packets, whatever the filters and the other files.

    Attributes:
        connection: The number of its TCP connection in the capture, from 0, in the order of first
            packets. All TCP connections count, so filters do not change the numbers. The first
            WebSocket on a connection of HTTP/2 has its number, and others get numbers of their own.
        uid: Its identity, 16 bytes: a hash of the addresses, the ports, the start of the connection
            and the capture point.
        client_address: IP address and TCP port of the side that sent the request.
        server_address: IP address and TCP port of the other side.
        request: The request, or None if it was not captured.
        response: The response, or None if it was not captured.
        deflate: The agreed permessage-deflate parameters, or None.
        accept_key_ok: Whether ``Sec-WebSocket-Accept`` of the response fits the request's key (RFC
            6455 section 4.2.2); None if one of the two is missing, as in HTTP/2.
        midstream: Whether part of the handshake was not captured.
        opened_ns: When its first packet was captured, in nanoseconds since the epoch.
        started_ns: When the WebSocket began, in nanoseconds since the epoch: with the response, or
            else the request, or else, if neither was captured, the first packet.
        last_ns: When its last packet was captured, in nanoseconds since the epoch.
        first_packet: Number of its first packet in the capture, from 1.
        last_packet: Number of its last packet in the capture.
        file: Name of the file that the last packet is in, or None if it has no name.
        close: The first Close frame, or None.
        from_client: The account of the client's bytes.
        from_server: The account of the server's bytes.
        ended: None until the connection ends; then ``fin``, ``rst``, ``idle``, ``evicted``,
            ``replaced`` (by a new connection with the same addresses and ports),
            ``end_of_capture``, or ``refused`` (the server did not accept the WebSocket).
        problems: One sentence for each problem.
        original_client_address: IP address and TCP port of the client before a proxy, as the
            proxy reported them in a PROXY header, or None.
        original_server_address: The IP address and TCP port that this client connected to, as the
            proxy reported them, or None.
        stream_id: The stream of HTTP/2 that it is (RFC 8441), or None if it is one of HTTP/1.1.
        http_version: The version of HTTP that it was opened with: ``"1.1"`` or ``"2"``.
        encapsulation: The tags and tunnels that its packets came through, such as ``"vlan 12"`` or
            ``"vxlan 5001"``; at most 16.
        tls: What is known of its TLS, or None in clear text.
        websocket: The messages and how the WebSocket was closed; only ``Capture.connections()``
            fills it.
        events: Pings, pongs, closes, gaps and violations in their order, as ``CapturedEvent``; each
            names its place by ``seq``. Only ``Capture.connections()`` fills it.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> capture = Capture("vectors/captures/demo.pcapng", request_paths=["/chat"])
        >>> for connection in capture.connections():
        ...     print(connection.host, len(connection.websocket.messages), connection.ended)
        prices.example 116 fin
    """

    connection: int
    uid: bytes
    client_address: tuple[str, int]
    server_address: tuple[str, int]
    request: CapturedRequest | None
    response: CapturedResponse | None
    deflate: DeflateParams | None
    accept_key_ok: bool | None
    midstream: bool
    opened_ns: int
    started_ns: int
    last_ns: int
    first_packet: int
    last_packet: int
    file: str | None
    close: CapturedClose | None
    from_client: Account
    from_server: Account
    ended: str | None
    problems: tuple[str, ...]
    original_client_address: tuple[str, int] | None = None
    original_server_address: tuple[str, int] | None = None
    encapsulation: tuple[str, ...] = ()
    stream_id: int | None = None
    http_version: str = "1.1"
    tls: CapturedTls | None = None
    websocket: WebSocketData = field(default_factory=WebSocketData)
    events: list[CapturedEvent] = field(default_factory=list)

    def __repr__(self) -> str:
        """Show number, addresses, host and path, message counts and how it ended."""
        where = shown_text(f"{self.host or ''}{self.path or ''}", 40)
        return shown(
            "CapturedConnection",
            f"{self.connection}: {address_text(self.client_address)} -> "
            f"{address_text(self.server_address)}, {where}, {self.from_client.messages} + "
            f"{self.from_server.messages} messages, {self.ended or 'goes on'}",
        )

    @property
    def duration_ns(self) -> int:
        """How long the WebSocket lasted, in nanoseconds: from ``started_ns`` to the last packet."""
        return max(self.last_ns - self.started_ns, 0)

    @property
    def host(self) -> str | None:
        """The request's ``Host``, or its ``:authority`` in HTTP/2."""
        if self.request is None:
            return None
        authority = None if self.stream_id is None else self.request.value(":authority")
        return self.request.value("host") if authority is None else authority

    @property
    def path(self) -> str | None:
        """The path and query of the request, without scheme and host."""
        if self.request is None:
            return None
        target = self.request.target
        if self.stream_id is not None:
            return target or None
        _, separator, rest = target.partition("://")
        if not separator or target.startswith("/"):
            return target
        _, slash, path = rest.partition("/")
        return slash + path or "/"

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose (RFC 6455 section 1.9)."""
        return self.response.value("sec-websocket-protocol") if self.response else None

    @property
    def extensions(self) -> str | None:
        """The extensions that the server agreed to, as written in the response.

        Several ``Sec-WebSocket-Extensions`` fields are joined into one list (RFC 6455 section 9.1).
        """
        fields = self.response.fields if self.response else ()
        return ", ".join(_values(fields, "sec-websocket-extensions")) or None

    @property
    def refused(self) -> bool:
        """Whether the server refused: by a status other than 101, or than 2xx in HTTP/2."""
        if self.response is None:
            return False
        if self.stream_id is None:
            return self.response.status != 101
        return not 200 <= self.response.status < 300

    @property
    def has_losses(self) -> bool:
        """Whether bytes were skipped, lost or not captured in time, or a rule was broken."""
        client, server = self.from_client, self.from_server
        violations = client.violation is not None or server.violation is not None
        return self.midstream or violations or client.has_losses or server.has_losses


def _made_event(
    make: type[CapturedEvent], connection: CapturedConnection, values: dict[str, Any]
) -> CapturedEvent:
    """Make an event from the attributes of a pickled one."""
    return make(connection, **values)
