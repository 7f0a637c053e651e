"""``RecordedConnection``: a connection of a capture as the turns of both sides, in order.

A relay may have dropped and injected messages; only flow files and HTTP archives say so. A program
that plays a side sends what the other side got, and expects what the other side sent.

A proxy that records writes a long connection as several flows. They have the same addresses, the
same request and the same key, and become one connection again.

Invariant: the times of ``turns`` never decrease, and the turns of each side have the order of its
stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from wsdefrag.capture import CapturedConnection, CapturedEvent
from wsdefrag.proxy.head import end_to_end

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from wsdefrag.capture import CapturedMessage
    from wsdefrag.capture.reader import CaptureItem

# The contents of messages with these statuses are what was sent.
_WHOLE = ("ok", "invalid_utf8")

# A gap with one of these effects may hide any number of messages.
_HIDES_MESSAGES = ("search", "end")

_SWITCHING = 101


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side sent at one time.

    Attributes:
        from_client: Whether the client sent it.
        kind: ``"message"``, ``"ping"`` or ``"close"``; ``"response"`` for the status and the
            subprotocol of the handshake; ``"gap"`` where any number of messages may be missing.
        timestamp_ns: When it was complete, in nanoseconds since the epoch.
        type: The opcode of a message: 1 for text, 2 for binary; 0 for others.
        content: The content of a message, the payload of a ping, the reason of a Close, the text of
            a response.
        close_code: The close code; 1005 if the frame has none, None if it is unknown or no Close.
        status: The status of a message, as in ``CapturedMessage``; ``"ok"`` for others.
        compressed: Whether a message was compressed.
        dropped: Whether a relay dropped the message.
        injected: Whether a relay injected the message.
    """

    from_client: bool
    kind: Literal["message", "ping", "close", "response", "gap"]
    timestamp_ns: int
    type: int = 0
    content: bytes = b""
    close_code: int | None = None
    status: str = "ok"
    compressed: bool = False
    dropped: bool = False
    injected: bool = False

    @property
    def is_known(self) -> bool:
        """Whether all of it was captured."""
        if self.kind == "close":
            return self.close_code is not None
        return self.kind != "gap" and self.status in _WHOLE


@dataclass(eq=False)
class RecordedConnection:
    """A connection that can be played again.

    Attributes:
        captured: The connection, as the reader of the capture gave it.
        turns: What both sides sent, in order.
    """

    captured: CapturedConnection
    turns: list[Turn] = field(default_factory=list)

    def __repr__(self) -> str:
        """Show the number, the target and how many turns there are."""
        return f"<RecordedConnection {self.number} {self.target!r}, {len(self.turns)} turns>"

    @property
    def number(self) -> int:
        """Its number in the capture."""
        return self.captured.connection

    @property
    def target(self) -> str:
        """The path and query of its request; ``/`` if the request was not captured."""
        return self.captured.path or "/"

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The fields of its request, without those of one TCP connection (RFC 9110 7.6.1)."""
        request = self.captured.request
        return [] if request is None else _end_to_end(request.fields)

    @property
    def response_fields(self) -> list[tuple[str, str]]:
        """The fields of its response, likewise."""
        response = self.captured.response
        return [] if response is None else _end_to_end(response.fields)

    @property
    def status(self) -> int | None:
        """The status of its response, 101 if the server accepted; None if it was not captured."""
        response = self.captured.response
        if response is None:
            return None
        # HTTP/2 accepts with 200 (RFC 8441 section 5.1).
        return response.status if self.captured.refused else _SWITCHING

    @property
    def response(self) -> Turn | None:
        """Its response as a turn; None if it was not captured."""
        status, response = self.status, self.captured.response
        if status is None or response is None:
            return None
        chosen = self.captured.subprotocol if status == _SWITCHING else None
        return Turn(False, "response", response.timestamp_ns, content=response_text(status, chosen))

    def seen_by(self, *, from_client: bool) -> list[Turn]:
        """Return the turns for a program that plays one side again.

        Args:
            from_client: Whether it plays the client.

        Returns:
            What that side sends, as the other side got it, and what the other side sent.
        """
        return [
            turn
            for turn in self.turns
            if not (turn.dropped if turn.from_client is from_client else turn.injected)
        ]


def response_text(status: int, subprotocol: str | None) -> bytes:
    """Return what is compared of a response."""
    return f"{status}, subprotocol {subprotocol}".encode() if subprotocol else b"%d" % status


def recordings(items: Iterable[CaptureItem]) -> list[RecordedConnection]:
    """Collect the connections of a capture; all their messages are in memory then.

    Args:
        items: What a ``CaptureReader`` yields, to its end.

    Returns:
        The connections, in the order of their numbers.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> from wsdefrag.replay import recordings
        >>> with Capture("vectors/captures/demo.pcapng", request_paths=["/chat"]).read() as reader:
        ...     (chat,) = recordings(reader)
        >>> chat.target, len(chat.turns)
        ('/chat', 159)
    """
    unfinished: dict[CapturedConnection, _Turns] = {}
    finished: dict[Hashable, RecordedConnection] = {}
    for item in items:
        if isinstance(item, CapturedConnection):
            turns = unfinished.pop(item, _Turns()).turns
            joined = finished.setdefault(_identity(item), RecordedConnection(item))
            joined.turns = _by_time(joined.turns + turns)
        else:
            turns_of = unfinished.setdefault(item.connection, _Turns())
            if isinstance(item, CapturedEvent):
                turns_of.add_event(item)
            else:
                turns_of.add_message(item)
    return sorted(finished.values(), key=lambda connection: connection.number)


class _Turns:
    """Collects the turns of a connection."""

    __slots__ = ("_latest", "turns")

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._latest = [0, 0]

    def add_message(self, message: CapturedMessage) -> None:
        """Add a message."""
        self.turns.append(
            Turn(
                message.from_client,
                "message",
                self._time(message.from_client, message.timestamp_ns),
                int(message.type),
                message.content,
                status=message.status,
                compressed=message.compressed,
                dropped=message.dropped,
                injected=message.injected,
            )
        )

    def add_event(self, event: CapturedEvent) -> None:
        """Add a ping, a Close or a gap; pongs are answers that an endpoint gives by itself."""
        side, time = event.from_client, self._time(event.from_client, event.timestamp_ns)
        if event.kind == "close":
            reason = (event.close_reason or "").encode()
            self.turns.append(
                Turn(side, "close", time, content=reason, close_code=event.close_code)
            )
        elif event.kind == "ping" and not event.missing_bytes:
            self.turns.append(Turn(side, "ping", time, content=event.payload or b""))
        elif event.kind == "gap" and event.effect in _HIDES_MESSAGES:
            self.turns.append(Turn(side, "gap", time))

    def _time(self, from_client: bool, timestamp_ns: int | None) -> int:
        self._latest[from_client] = max(self._latest[from_client], timestamp_ns or 0)
        return self._latest[from_client]


def _by_time(turns: list[Turn]) -> list[Turn]:
    """Order the turns of both sides; the times of a side never decrease, so its order is kept."""
    return sorted(turns, key=lambda turn: turn.timestamp_ns)


def _identity(captured: CapturedConnection) -> Hashable:
    """Return what is equal for the flows of one connection."""
    request = captured.request
    key = None if request is None else request.value("Sec-WebSocket-Key")
    if request is None or key is None:
        return captured
    return captured.client_address, captured.server_address, request.timestamp_ns, key


def _end_to_end(fields: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Decode fields; pseudo-header fields of HTTP/2 are left out (RFC 9113 section 8.3)."""
    texts = [(name, value.decode("latin-1")) for name, value in fields]
    return end_to_end(field for field in texts if not field[0].startswith(":"))
