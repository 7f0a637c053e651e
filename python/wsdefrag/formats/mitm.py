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

``write_flow`` writes a connection that did not come from a capture, such as one that went through
a ``WebSocketRelay``.
"""

from __future__ import annotations

import uuid
from typing import IO, TYPE_CHECKING, Any

from wsdefrag.capture.connection import Account, CapturedConnection
from wsdefrag.formats.conversations import conversations
from wsdefrag.formats.handshake import scheme
from wsdefrag.formats.tnetstring import tnetstring

if TYPE_CHECKING:
    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.connection import CapturedRequest, CapturedResponse
    from wsdefrag.capture.reader import CapturedMessage
    from wsdefrag.data import WebSocketData
    from wsdefrag.formats.conversations import Items
    from wsdefrag.message import WebSocketMessage, WebSocketMessageState

_FLOW_FORMAT = 21
_SWITCHING_PROTOCOLS = 101
_ABNORMAL_CLOSURE = 1006

# Any will do, as long as it stays the same: ids of other programs' flows cannot meet ours.
_IDS = uuid.UUID("6f5a4b0e-3a53-5c0e-9d3d-0c7c3f1f1f6b")

_SECOND = 1_000_000_000

# Seconds. mitmproxy takes 0.0 for no time, so this stands for the epoch itself.
_LEAST = 1e-9

_TORN_DOWN = ("fin", "rst")


def write_mitm(capture: Capture | Items, file: IO[bytes]) -> int:
    """Write the connections of a capture as flows of mitmproxy.

    Args:
        capture: A capture, or what its reader gives.
        file: Where to write, open for bytes.

    Returns:
        How many flows were written: one a connection, in the order in which they ended.

    Raises:
        CaptureError: If the capture is broken, after all that was read before.
        OSError: If the file cannot be written.
    """
    count = 0
    for connection, messages in conversations(capture):
        file.write(tnetstring(mitm_flow(connection, messages)))
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
        file: Where to write, open for bytes; flows stand one behind the other.
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
    ended = websocket.timestamp_end
    state = websocket.get_state()
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
        last_ns=request.timestamp_ns if ended is None else round(ended * _SECOND),
        close=None,
        from_client=Account(),
        from_server=Account(),
        ended=None if ended is None else "fin",
        problems=(),
    )
    state["messages"] = [_state(message) for message in websocket.messages]
    state["timestamp_end"] = None if ended is None else ended or _LEAST
    flow = mitm_flow(connection, []) | {"metadata": {}, "websocket": state}
    file.write(tnetstring(flow))


def mitm_flow(connection: CapturedConnection, messages: list[CapturedMessage]) -> dict[str, Any]:
    """Describe a connection as the state of a flow.

    Args:
        connection: The connection.
        messages: Its messages.

    Returns:
        The state that ``mitmproxy.http.HTTPFlow.from_state`` takes.
    """
    not_whole = _not_whole(messages)
    response = connection.response
    refused = response is not None and response.status != _SWITCHING_PROTOCOLS
    return {
        "version": _FLOW_FORMAT,
        "type": "http",
        "id": _id(connection, "flow"),
        "error": None,
        "client_conn": _client(connection),
        "server_conn": _server(connection),
        "intercepted": False,
        "is_replay": None,
        "marked": "",
        "metadata": _metadata(connection, messages, not_whole),
        "comment": _comment(connection, not_whole),
        "timestamp_created": _seconds(connection.opened_ns),
        "request": _request(connection),
        "response": _response(connection),
        "websocket": None if refused else _websocket(connection, messages),
    }


def _metadata(
    connection: CapturedConnection,
    messages: list[CapturedMessage],
    not_whole: list[dict[str, Any]],
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"wsdefrag_connection": connection.connection}
    resynced = sum(message.resynced and message.status == "ok" for message in messages)
    if resynced:
        metadata["wsdefrag_resynced"] = resynced
    if connection.problems:
        metadata["wsdefrag_problems"] = list(connection.problems)
    if connection.request is None:
        metadata["wsdefrag_synthetic"] = ["request"]
    if not_whole:
        metadata["wsdefrag_not_whole"] = not_whole
    return metadata


def _comment(connection: CapturedConnection, not_whole: list[dict[str, Any]]) -> str:
    lines = []
    if connection.request is None:
        lines.append("the request was not captured; the one shown stands in for it")
    if connection.response is None:
        lines.append("the response was not captured")
    if not_whole:
        lines.append(f"messages that are not whole, in the metadata: {len(not_whole)}")
    return "\n".join([*lines, *connection.problems])


def _not_whole(messages: list[CapturedMessage]) -> list[dict[str, Any]]:
    before = 0
    found = []
    for message in messages:
        if message.status == "ok":
            before += 1
        else:
            found.append(
                {
                    "status": message.status,
                    "missing_bytes": message.missing_bytes,
                    "before": before,
                    "state": _state(message),
                }
            )
    return found


def _websocket(connection: CapturedConnection, messages: list[CapturedMessage]) -> dict[str, Any]:
    close = connection.close
    torn_down = connection.ended in _TORN_DOWN
    ended: dict[str, Any] = {
        "closed_by_client": None,
        "close_code": _ABNORMAL_CLOSURE if torn_down else None,
        "close_reason": None,
        "timestamp_end": _seconds(connection.last_ns) if torn_down else None,
    }
    if close is not None:
        ended = {
            "closed_by_client": close.from_client,
            "close_code": close.close_code,
            "close_reason": close.close_reason,
            "timestamp_end": _seconds(close.timestamp_ns),
        }
    whole = [_state(message) for message in messages if message.status == "ok"]
    return {"messages": whole, **ended}


def _state(message: CapturedMessage | WebSocketMessage) -> WebSocketMessageState:
    type, from_client, content, seconds, dropped, injected = message.get_state()
    return int(type), from_client, content, seconds or _LEAST, dropped, injected


def _request(connection: CapturedConnection) -> dict[str, Any]:
    request = connection.request
    # Only its last byte has a time.
    time = _seconds(connection.opened_ns if request is None else request.timestamp_ns)
    return {
        "http_version": b"HTTP/1.1",
        "headers": _headers(() if request is None else request.fields),
        "content": b"",
        "trailers": None,
        "timestamp_start": time,
        "timestamp_end": time,
        "host": connection.server_address[0],
        "port": connection.server_address[1],
        "method": b"GET",
        "scheme": scheme(connection, "http").encode(),
        "authority": b"",
        "path": (connection.path or "/").encode("utf-8", "surrogateescape"),
    }


def _response(connection: CapturedConnection) -> dict[str, Any] | None:
    response = connection.response
    if response is None:
        return None
    time = _seconds(response.timestamp_ns)
    return {
        "http_version": b"HTTP/1.1",
        "headers": _headers(response.fields),
        "content": b"" if response.status == _SWITCHING_PROTOCOLS else None,
        "trailers": None,
        "timestamp_start": time,
        "timestamp_end": time,
        "status_code": response.status,
        "reason": response.reason.encode("latin-1", "replace"),
    }


def _headers(fields: tuple[tuple[str, bytes], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1", "replace"), value) for name, value in fields]


def _client(connection: CapturedConnection) -> dict[str, Any]:
    return _half(connection, "client", connection.client_address, connection.server_address) | {
        "mitmcert": None,
        "proxy_mode": "transparent",
    }


def _server(connection: CapturedConnection) -> dict[str, Any]:
    return _half(connection, "server", connection.server_address, connection.client_address) | {
        "address": connection.server_address,
        "timestamp_tcp_setup": None,
        "via": None,
    }


def _half(
    connection: CapturedConnection, name: str, peer: tuple[str, int], own: tuple[str, int]
) -> dict[str, Any]:
    """What both halves have; TLS is None and False, because what is read here is plain."""
    ended = connection.ended in _TORN_DOWN
    return {
        "id": _id(connection, name),
        "peername": peer,
        "sockname": own,
        "transport_protocol": "tcp",
        "error": None,
        "tls": False,
        "certificate_list": [],
        "alpn": None,
        "alpn_offers": [],
        "cipher": None,
        "cipher_list": [],
        "tls_version": None,
        "sni": None,
        "timestamp_start": _seconds(connection.opened_ns),
        "timestamp_end": _seconds(connection.last_ns) if ended else None,
        "timestamp_tls_setup": None,
    }


def _id(connection: CapturedConnection, name: str) -> str:
    parts = (
        name,
        connection.connection,
        connection.client_address,
        connection.server_address,
        connection.opened_ns,
    )
    return str(uuid.uuid5(_IDS, repr(parts)))


def _seconds(nanoseconds: int) -> float:
    """A time in seconds since the epoch, as flows have it."""
    return nanoseconds / _SECOND or _LEAST
