"""What is known of a connection in a capture: who, what was agreed, and what became of its bytes.

Plain values, made by the reader. A connection is handed out with its first message, while it is
still going on; ``ended`` is None until it is handed out itself, and its accounts are complete from
then on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from wsdefrag.capture._shown import shown, shown_fields, shown_text
from wsdefrag.data import WebSocketData
from wsdefrag.deflate import DeflateParams


@dataclass(frozen=True)
class CapturedRequest:
    r"""The HTTP request that asked for the WebSocket (RFC 6455 section 4.1).

    Attributes:
        target: The request target, as it stood in the request line.
        fields: The header fields in order, names as they were written, values as bytes.
        timestamp_ns: When its last byte was captured, in nanoseconds since the epoch.

    Example:
        >>> from wsdefrag.capture import CapturedRequest
        >>> CapturedRequest("/chat", (("Host", b"example.com"),), 0).value("host")
        'example.com'
    """

    target: str
    fields: tuple[tuple[str, bytes], ...]
    timestamp_ns: int

    def __repr__(self) -> str:
        """Show the target, and how many header fields there are."""
        state = f"{shown_text(self.target)}, {len(self.fields)} header fields"
        return shown("CapturedRequest", state)

    def value(self, name: str) -> str | None:
        """Give the value of the first field of this name, without regard to case, or None."""
        return _value(self.fields, name)


@dataclass(frozen=True)
class CapturedResponse:
    r"""The HTTP answer to it (RFC 6455 section 4.2.2).

    Attributes:
        status: The status code, 101 where the server agreed.
        reason: The reason phrase.
        fields: The header fields in order, names as they were written, values as bytes.
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
        """Show the status line, and how many header fields there are."""
        state = f"{self.status} {shown_text(self.reason)}, {len(self.fields)} header fields"
        return shown("CapturedResponse", state)

    def value(self, name: str) -> str | None:
        """Give the value of the first field of this name, without regard to case, or None."""
        return _value(self.fields, name)


def address_text(address: tuple[str, int]) -> str:
    """Write an address and a port as they stand in URLs.

    Args:
        address: IP address and TCP port.

    Returns:
        ``address:port``, an IPv6 address in brackets.
    """
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _values(fields: tuple[tuple[str, bytes], ...], name: str) -> list[str]:
    wanted = name.lower()
    return [value.decode("utf-8", "replace") for other, value in fields if other.lower() == wanted]


def _value(fields: tuple[tuple[str, bytes], ...], name: str) -> str | None:
    return next(iter(_values(fields, name)), None)


@dataclass(frozen=True)
class CapturedClose:
    """The close frame that came first.

    Attributes:
        from_client: Who sent it.
        close_code: Its code; 1005 where the frame held none (RFC 6455 section 7.1.5), None where
            it was not captured whole.
        close_reason: Its reason.
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
        """Show all attributes; a long reason is cut."""
        return shown_fields(self)


@dataclass(frozen=True)
class Account:
    """What became of every byte that one side sent after the handshake.

    When the connection has ended, ``bytes == emitted + control + skipped + lost + trailing``.

    Attributes:
        bytes: Bytes on the stream, whether they were captured or not.
        emitted: Bytes of the frames of messages that are whole on the wire, headers included.
        control: Bytes of control frames.
        skipped: Bytes of frames that are known but were not delivered whole: those of incomplete
            messages and of messages over a limit.
        lost: Bytes that cannot be told apart into frames, because some were not captured.
        trailing: Bytes after a Close, and from a broken rule on.
        messages: Messages handed out, of any status.
        content: Bytes of their contents, decoded.
        compressed: Payload bytes of compressed messages that were inflated whole.
        inflated: What those were inflated to, in bytes.
        pings: Pings and pongs.
        gaps: Runs of bytes that were not captured.
        missing: Bytes in them.
        retransmissions: Segments with bytes that had come before.
        overlaps: Those whose bytes differed from what had come first, which was kept.
        violation: The broken rule that ended the direction, for people to read, or None.

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
    retransmissions: int = 0
    overlaps: int = 0
    violation: str | None = None

    def __repr__(self) -> str:
        """Show what is not zero; a violation comes first."""
        if self.violation is None:
            return shown_fields(self)
        counters = shown_fields(replace(self, violation=None)).partition("(")[2]
        separator = ", " if counters != ")" else ""
        start = f"Account(violation={shown_text(self.violation)}{separator}"
        return f"{start}{counters}" if len(start) + len(counters) < 200 else f"{start}...)"

    @property
    def is_balanced(self) -> bool:
        """Whether every byte is accounted for."""
        known = self.emitted + self.control + self.skipped + self.lost + self.trailing
        return self.bytes == known

    @property
    def has_losses(self) -> bool:
        """Whether anything was not handed out as it was sent."""
        return bool(self.skipped or self.lost or self.missing)


@dataclass(eq=False)
class CapturedConnection:
    """A WebSocket in a capture.

    Two of them are equal only if they are the same object. Across passes over a capture,
    ``connection`` tells them apart.

    Attributes:
        connection: Its number in the capture, from 0, in the order in which WebSockets were
            recognised.
        client_address: IP address and TCP port of the side that sent the request.
        server_address: IP address and TCP port of the side that answered it.
        request: The request, or None where it was not captured.
        response: The answer, or None where it was not captured.
        deflate: The agreed permessage-deflate parameters, or None.
        accept_key_ok: Whether the answer's accept key is the right one (RFC 6455 section 4.2.2);
            None where one of the two is missing.
        midstream: Whether the handshake was not captured whole.
        opened_ns: When its first packet was captured, in nanoseconds since the epoch.
        last_ns: When its last packet was captured, in nanoseconds since the epoch.
        close: The first close frame, or None.
        from_client: What became of the client's bytes.
        from_server: What became of the server's bytes.
        ended: None while it goes on; then ``fin``, ``rst``, ``idle``, ``evicted``, ``replaced``
            (by another connection on the same ports) or ``end_of_capture``; ``refused`` where the
            server did not want a WebSocket.
        problems: What went wrong, a line each, for people to read.
        websocket: Its messages and how it was closed; filled only by ``Capture.connections()``.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> capture = Capture("vectors/captures/demo.pcapng", request_paths=["/chat"])
        >>> for connection in capture.connections():
        ...     print(connection.host, len(connection.websocket.messages), connection.ended)
        prices.example 116 fin
    """

    connection: int
    client_address: tuple[str, int]
    server_address: tuple[str, int]
    request: CapturedRequest | None
    response: CapturedResponse | None
    deflate: DeflateParams | None
    accept_key_ok: bool | None
    midstream: bool
    opened_ns: int
    last_ns: int
    close: CapturedClose | None
    from_client: Account
    from_server: Account
    ended: str | None
    problems: tuple[str, ...]
    websocket: WebSocketData = field(default_factory=WebSocketData)

    def __repr__(self) -> str:
        """Show its number, its two addresses, where it went, its messages and its end."""
        where = shown_text(f"{self.host or ''}{self.path or ''}", 40)
        return shown(
            "CapturedConnection",
            f"{self.connection}: {address_text(self.client_address)} -> "
            f"{address_text(self.server_address)}, {where}, {self.from_client.messages} + "
            f"{self.from_server.messages} messages, {self.ended or 'goes on'}",
        )

    @property
    def host(self) -> str | None:
        """The request's ``Host``."""
        return self.request.value("host") if self.request else None

    @property
    def path(self) -> str | None:
        """The request's path and query, without scheme and host."""
        if self.request is None:
            return None
        _, separator, rest = self.request.target.partition("://")
        if not separator:
            return self.request.target
        _, slash, path = rest.partition("/")
        return slash + path or "/"

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose (RFC 6455 section 1.9)."""
        return self.response.value("sec-websocket-protocol") if self.response else None

    @property
    def extensions(self) -> str | None:
        """The extensions that the server agreed to, as the answer says them.

        Several fields mean what one with a list of them would (RFC 6455 section 9.1).
        """
        fields = self.response.fields if self.response else ()
        return ", ".join(_values(fields, "sec-websocket-extensions")) or None

    @property
    def has_losses(self) -> bool:
        """Whether anything was lost, skipped, or broke a rule."""
        accounts = (self.from_client, self.from_server)
        return self.midstream or any(
            account.has_losses or account.violation is not None for account in accounts
        )
