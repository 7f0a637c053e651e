"""``Conversation``: a connection with all of its messages; ``conversations()`` groups messages.

The reader of a capture yields the messages of all connections mixed, in the order of the packets,
and each connection when it has ended. Some formats (HAR, mitmproxy's flows) write a connection in
one place, so ``conversations`` keeps the messages of a connection in memory until it has ended.
``Conversation.of_record`` makes a conversation from a connection that was relayed or watched live.

Invariant: each message is part of exactly one conversation, that of its connection, in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from wsdefrag._shown import shown
from wsdefrag.capture.connection import Account, CapturedClose, CapturedConnection
from wsdefrag.capture.reader import CapturedEvent
from wsdefrag.errors import CaptureError
from wsdefrag.opcode import CloseCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.connection import CapturedRequest, CapturedResponse
    from wsdefrag.capture.reader import CapturedMessage, CaptureItem
    from wsdefrag.data import WebSocketData
    from wsdefrag.message import WebSocketMessage

    Items: TypeAlias = "Iterable[CaptureItem]"

_SECOND = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Conversation:
    r"""A connection with all of its messages; ``write_har`` and ``write_mitm`` accept it.

    Attributes:
        connection: The addresses, the handshake and the end of the connection.
        messages: The messages in order.
        record: The ``websocket`` argument of ``of_record``; None for a connection of a capture.
        events: For a connection of a capture, its control frames, gaps and violations in order.
        places: For each event, how many of the messages come before it.

    Example:
        >>> import io
        >>> from wsdefrag import WebSocketConnection
        >>> from wsdefrag.capture import CapturedRequest, Conversation, write_har
        >>> watched = WebSocketConnection()
        >>> watched.receive_data(b"\x81\x02hi", from_client=False)
        ['hi']
        >>> request = CapturedRequest("/chat", (("Host", b"example.com"),), 1700000000_000000000)
        >>> conversation = Conversation.of_record(
        ...     watched.websocket,
        ...     request,
        ...     client_address=("127.0.0.1", 50000),
        ...     server_address=("127.0.0.1", 80),
        ... )
        >>> write_har([conversation], io.BytesIO())
        1
    """

    connection: CapturedConnection
    messages: Sequence[CapturedMessage | WebSocketMessage]
    record: WebSocketData | None = None
    events: Sequence[CapturedEvent] = ()
    places: Sequence[int] = ()

    @classmethod
    def of_record(
        cls,
        websocket: WebSocketData,
        request: CapturedRequest,
        response: CapturedResponse | None = None,
        *,
        client_address: tuple[str, int],
        server_address: tuple[str, int],
    ) -> Conversation:
        """Make a conversation from the record of a live connection.

        Args:
            websocket: The ``websocket`` attribute of a relay or of a ``WebSocketConnection``: the
                messages, also dropped and injected ones, and how the connection ended.
            request: The HTTP request; its time is the start of the conversation.
            response: The HTTP response, or None.
            client_address: IP address and TCP port of the client.
            server_address: IP address and TCP port of the server.

        Returns:
            The conversation, with the messages recorded so far.
        """
        ended, code = websocket.timestamp_end, websocket.close_code
        last_ns = request.timestamp_ns if ended is None else round(ended * _SECOND)
        close = None
        if code is not None and code != CloseCode.ABNORMAL_CLOSURE:
            by_client, reason = bool(websocket.closed_by_client), websocket.close_reason or ""
            close = CapturedClose(by_client, code, reason, last_ns)
        connection = CapturedConnection(
            connection=0,
            uid=bytes(16),
            client_address=client_address,
            server_address=server_address,
            request=request,
            response=response,
            deflate=None,
            accept_key_ok=None,
            midstream=False,
            opened_ns=request.timestamp_ns,
            started_ns=(request if response is None else response).timestamp_ns,
            last_ns=last_ns,
            first_packet=0,
            last_packet=0,
            file=None,
            close=close,
            from_client=Account(),
            from_server=Account(),
            ended=None if ended is None else "fin",
            problems=(),
        )
        return cls(connection, tuple(websocket.messages), websocket)

    def __repr__(self) -> str:
        """Show the number of messages and the connection."""
        return shown("Conversation", f"{len(self.messages)} messages of {self.connection!r}")


@dataclass
class _Growing:
    """A connection of a capture with what came of it until now."""

    connection: CapturedConnection
    messages: list[CapturedMessage] = field(default_factory=list)
    events: list[CapturedEvent] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def conversation(self) -> Conversation:
        return Conversation(self.connection, self.messages, events=self.events, places=self.places)


def items_of(capture: Capture | Items) -> Items:
    """Return the items of a capture.

    Args:
        capture: A capture, or the items that its reader yields.

    Returns:
        Each message when it is complete, each event in its place, and each connection when it has
        ended.
    """
    return capture.read() if hasattr(capture, "read") else capture


def conversations(capture: Capture | Items | Iterable[Conversation]) -> Iterator[Conversation]:
    """Group the messages of a capture by connection.

    Args:
        capture: A capture, the items that its reader yields, or conversations.

    Yields:
        Each connection when it has ended, with the messages of both directions in the order in
        which they were completed. Connections that have not ended come last, in the order of their
        first messages, with ``ended`` None. Conversations are yielded unchanged.

    Raises:
        CaptureError: If the capture is damaged; raised after everything that was read before.
    """
    open_ones: dict[int, _Growing] = {}
    failure: CaptureError | None = None
    items: Iterable[CaptureItem | Conversation]
    items = capture.read() if hasattr(capture, "read") else capture
    try:
        for item in items:
            if isinstance(item, Conversation):
                yield item
            elif isinstance(item, CapturedConnection):
                yield open_ones.pop(item.connection, _Growing(item)).conversation()
            else:
                number = item.connection.connection
                one = open_ones.get(number)
                if one is None:
                    one = open_ones[number] = _Growing(item.connection)
                if isinstance(item, CapturedEvent):
                    one.events.append(item)
                    one.places.append(len(one.messages))
                else:
                    one.messages.append(item)
    except CaptureError as error:
        failure = error
    for one in open_ones.values():
        yield one.conversation()
    if failure is not None:
        raise failure
