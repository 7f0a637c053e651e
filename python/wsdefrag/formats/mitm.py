"""A capture as a file of mitmproxy's flows (flow format 21), which mitmproxy 10 to 12 open.

One flow a connection; flows stand one after the other, so a file that is cut keeps all but the
last. The messages of a flow are those that are whole and as they were sent, with the times of the
packets that completed them. Pings, pongs and the Close are no messages in mitmproxy either; the
Close gives ``closed_by_client``, ``close_code`` and ``close_reason``. A connection that was torn
down without one has 1006 (RFC 6455 section 7.1.5); one that had not ended has none.

Whatever mitmproxy has no place for stands in the flow's ``metadata``, which it keeps, and its
``comment``, which it shows, says so in words. Keys of ``metadata``:

- ``wsdefrag_connection``: the number of the connection in the capture.
- ``wsdefrag_problems``: what went wrong, a line each.
- ``wsdefrag_synthetic``: which parts of the flow stand for something that was not captured. A flow
  has to have a request; without one, it is a GET of ``/`` from the server's address, without
  header fields. A response that was not captured is left out.
- ``wsdefrag_resynced``: how many of the flow's messages come from frames that had to be looked for.
- ``wsdefrag_not_whole``: the messages that are incomplete, could not be inflated, are over a
  limit, break a rule, or are text that is not UTF-8 (which mitmproxy reads but cannot export), in
  order: ``status``, ``missing_bytes``, ``before`` (how many of the flow's messages came before it)
  and ``state``, a message's state tuple as in ``messages``.

A refused WebSocket is a flow without ``websocket``, as in mitmproxy, whose response says why. Its
body is not kept and counts as missing.

In a capture nobody stands between client and server: the two addresses are those of the client's
and of the server's side of both halves of the flow, as with a transparent proxy.

Ids are made from the addresses, times and numbers, so a capture always gives the same file.

A conversation that did not come from a capture, such as one that went through a
``WebSocketRelay``, has all of its messages and its end as its record has them, and no
``metadata``; ``write_flow`` writes one.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from wsdefrag.formats.conversations import Conversation, conversations
from wsdefrag.formats.mitm_flow import mitm_flow
from wsdefrag.formats.tnetstring import tnetstring

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.connection import CapturedRequest, CapturedResponse
    from wsdefrag.data import WebSocketData
    from wsdefrag.formats.conversations import Items


def write_mitm(capture: Capture | Items | Iterable[Conversation], file: IO[bytes]) -> int:
    """Write the connections of a capture as flows of mitmproxy.

    Args:
        capture: A capture, what its reader gives, or conversations, which may come from elsewhere.
        file: Where to write, open for bytes.

    Returns:
        How many flows were written: one a connection, in the order in which they ended.

    Raises:
        CaptureError: If the capture is broken, after all that was read before.
        OSError: If the file cannot be written.
    """
    count = 0
    for conversation in conversations(capture):
        file.write(tnetstring(mitm_flow(conversation)))
        count += 1
    return count


def write_flow(
    websocket: WebSocketData,
    file: IO[bytes],
    request: CapturedRequest,
    response: CapturedResponse | None = None,
    *,
    client_address: tuple[str, int],
    server_address: tuple[str, int],
) -> None:
    r"""Write one connection that did not come from a capture as a flow of mitmproxy.

    Args:
        websocket: Its messages, dropped and injected ones among them, and how it ended.
        file: Where to write, open for bytes; flows stand one after the other.
        request: The request that asked for the WebSocket; its time is when the flow began.
        response: The answer to it, None for none.
        client_address: Address and port of the client.
        server_address: Address and port of the server.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If ``websocket`` has an attribute that does not fit its field.

    Example:
        >>> import io
        >>> from wsdefrag import WebSocketRelay
        >>> from wsdefrag.capture import CapturedRequest, write_flow
        >>> relay = WebSocketRelay(mode="frames")
        >>> relay.receive_data(b"\x81\x02hi", from_client=False)
        ['hi']
        >>> file = io.BytesIO()
        >>> write_flow(
        ...     relay.websocket,
        ...     file,
        ...     CapturedRequest("/chat", (("Host", b"example.com"),), 1700000000_000000000),
        ...     client_address=("127.0.0.1", 50000),
        ...     server_address=("127.0.0.1", 80),
        ... )
        >>> b"2:hi," in file.getvalue()
        True
    """
    conversation = Conversation.of_record(
        websocket,
        request,
        response,
        client_address=client_address,
        server_address=server_address,
    )
    file.write(tnetstring(mitm_flow(conversation)))
