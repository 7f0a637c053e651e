"""Conversations: connections, each with all of its messages, whatever they come from.

What the reader of a capture gives is in the order of the packets: messages of all connections, and
each connection once it has ended. Formats that keep a connection in one place (HAR, mitmproxy's
flows) need its messages together, so they are held here until their connection has ended, and no
longer. A connection that did not come from a capture is a conversation from the start.

Invariant: every message that went in comes out exactly once, in order, with its own connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from wsdefrag._shown import shown
from wsdefrag.capture.connection import Account, CapturedClose, CapturedConnection
from wsdefrag.errors import CaptureError
from wsdefrag.opcode import CloseCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.connection import CapturedRequest, CapturedResponse
    from wsdefrag.capture.reader import CapturedMessage
    from wsdefrag.data import WebSocketData
    from wsdefrag.message import WebSocketMessage

    Items: TypeAlias = "Iterable[CapturedMessage | CapturedConnection]"

_SECOND = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Conversation:
    r"""A connection with all of its messages, as ``write_har`` and ``write_mitm`` take it.

    Attributes:
        connection: Who spoke, what was agreed on, and how it ended.
        messages: Its messages in order.
        record: What ``of_record`` was given; None if it comes from a capture.

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
        """Describe a connection that did not come from a capture.

        Args:
            websocket: Its messages, dropped and injected ones among them, and how it ended: the
                record of a ``WebSocketRelay`` or a ``WebSocketConnection``.
            request: The request that asked for the WebSocket; its time is when it began.
            response: The answer to it, None for none.
            client_address: IP address and TCP port of the client.
            server_address: IP address and TCP port of the server.

        Returns:
            The conversation as it is now.
        """
        ended, code = websocket.timestamp_end, websocket.close_code
        last_ns = request.timestamp_ns if ended is None else round(ended * _SECOND)
        close = None
        if code is not None and code != CloseCode.ABNORMAL_CLOSURE:
            by_client, reason = bool(websocket.closed_by_client), websocket.close_reason or ""
            close = CapturedClose(by_client, code, reason, last_ns)
        connection = CapturedConnection(
            connection=0,
            client_address=client_address,
            server_address=server_address,
            request=request,
            response=response,
            deflate=None,
            accept_key_ok=None,
            midstream=False,
            opened_ns=request.timestamp_ns,
            last_ns=last_ns,
            close=close,
            from_client=Account(),
            from_server=Account(),
            ended=None if ended is None else "fin",
            problems=(),
        )
        return cls(connection, tuple(websocket.messages), websocket)

    def __repr__(self) -> str:
        """Show how many messages it has, and its connection."""
        return shown("Conversation", f"{len(self.messages)} messages of {self.connection!r}")


def items_of(capture: Capture | Items) -> Items:
    """Give what a capture's reader gives.

    Args:
        capture: A capture, which is read from its start, or what a reader of one gives.

    Returns:
        The messages as they were completed, and each connection when it has ended.
    """
    return capture.read() if hasattr(capture, "read") else capture


def conversations(capture: Capture | Items | Iterable[Conversation]) -> Iterator[Conversation]:
    """Read a capture connection by connection.

    Args:
        capture: A capture, what a reader of one gives, or conversations.

    Yields:
        Each connection when it has ended, with its messages of both directions in the order in
        which they were completed. Those that have not ended when the items do come last, in the
        order of their first messages; their ``ended`` is None. Conversations come as they are.

    Raises:
        CaptureError: If the capture is broken, after all that was read before.
    """
    open_ones: dict[int, tuple[CapturedConnection, list[CapturedMessage]]] = {}
    failure: CaptureError | None = None
    items: Iterable[CapturedMessage | CapturedConnection | Conversation]
    items = capture.read() if hasattr(capture, "read") else capture
    try:
        for item in items:
            if isinstance(item, Conversation):
                yield item
            elif isinstance(item, CapturedConnection):
                yield Conversation(item, open_ones.pop(item.connection, (item, []))[1])
            else:
                connection = item.connection
                open_ones.setdefault(connection.connection, (connection, []))[1].append(item)
    except CaptureError as error:
        failure = error
    for one in open_ones.values():
        yield Conversation(*one)
    if failure is not None:
        raise failure
