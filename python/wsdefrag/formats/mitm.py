"""Writes a capture as a file of mitmproxy's flows (flow format 21), which mitmproxy 10 to 12 open.

Each connection is one flow. Flows follow one another, so a truncated file loses only the last one.
The messages of a flow are the complete and valid ones, each with the time of the packet that
completed it. As in mitmproxy, pings, pongs and the Close are not messages; the Close sets
``closed_by_client``, ``close_code`` and ``close_reason``. A connection that ended without a Close
frame has ``close_code`` 1006 (RFC 6455 section 7.1.5); one that has not ended has None.

The flow's ``metadata`` has the facts that mitmproxy has no attribute for; mitmproxy keeps them. The
flow's ``comment``, which mitmproxy shows, describes them. Keys of ``metadata``:

- ``wsdefrag_connection``: the number of the connection in the capture.
- ``wsdefrag_problems``: the problems of the connection, one sentence each.
- ``wsdefrag_synthetic``: the parts of the flow that were not captured and had to be made up. A flow
  must have a request; if it was not captured, it is a GET of ``/`` with the server's address and
  without header fields. A response that was not captured is left out.
- ``wsdefrag_resynced``: how many messages of the flow were found by a search after a gap.
- ``wsdefrag_unauthenticated``: how many messages of the flow may have bytes of TLS records that
  were captured in part: they are decrypted, and no tag confirms them.
- ``wsdefrag_not_whole``: the messages that are incomplete, cannot be inflated, are over a limit,
  break a rule, or are text that is not UTF-8 (which mitmproxy reads but cannot export), in order.
  Each has ``status``, ``missing_bytes``, ``before`` (the number of messages of the flow before it)
  and ``state``, a state tuple as in ``messages``.

- ``wsdefrag_events``: the control frames, gaps and violations, in order. Each has the attributes of
  a ``CapturedEvent`` that are not None, and ``before``: the number of messages of the flow before
  it.

A refused WebSocket is a flow without ``websocket``, as in mitmproxy; its response has the reason.
The body of the response is not kept, so mitmproxy shows it as missing.

A flow has two connections: client to proxy and proxy to server. A capture has one, so both get the
addresses of client and server, as with a transparent proxy.

A flow is written when its connection has ended. Until then its messages stay in memory, and over
some 48 MiB of them in an anonymous temporary file.

Ids are made from addresses, times and numbers, so the same capture gives the same file each time.

The flow of a live connection, such as that of a ``WebSocketRelay``, has all messages and the end
from its record, and of ``metadata`` only ``wsdefrag_problems``; ``write_flow`` writes one.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from wsdefrag._native import EntryWriter
from wsdefrag.formats.conversations import Conversation
from wsdefrag.formats.entries import entry, write_entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.connection import CapturedRequest, CapturedResponse
    from wsdefrag.data import WebSocketData
    from wsdefrag.formats.conversations import Items


def write_mitm(capture: Capture | Items | Iterable[Conversation], file: IO[bytes]) -> int:
    """Write the connections of a capture as flows of mitmproxy.

    Args:
        capture: A capture, the items that its reader yields, or conversations.
        file: A binary file, open for writing.

    Returns:
        How many flows were written: one for each connection, in the order in which they ended.

    Raises:
        CaptureError: If the capture is damaged; raised after everything before the damage has been
            written.
        OSError: If the file cannot be written.
    """
    return write_entries(capture, file, "mitm")


def write_flow(
    websocket: WebSocketData,
    file: IO[bytes],
    request: CapturedRequest,
    response: CapturedResponse | None = None,
    *,
    client_address: tuple[str, int],
    server_address: tuple[str, int],
) -> None:
    r"""Write the record of a live connection as a flow of mitmproxy.

    Args:
        websocket: The ``websocket`` attribute of a relay or of a ``WebSocketConnection``: the
            messages, also dropped and injected ones, and how the connection ended.
        file: A binary file, open for writing; several flows may be written one after another.
        request: The HTTP request; its time is the start of the flow.
        response: The HTTP response, or None.
        client_address: IP address and TCP port of the client.
        server_address: IP address and TCP port of the server.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If ``websocket`` has an attribute with an invalid value.

    Example:
        >>> import io
        >>> from wsdefrag import PassThroughRelay
        >>> from wsdefrag.capture import CapturedRequest, write_flow
        >>> relay = PassThroughRelay(collect_up_to=1 << 20)
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
    file.write(entry(EntryWriter("mitm"), conversation))
