"""Makes the state of a mitmproxy flow (flow format 21) from a conversation.

A state is a dict of plain values; ``tnetstring`` encodes it. The module ``mitm`` documents its
keys.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from wsdefrag.capture.reader import CapturedMessage
from wsdefrag.formats.handshake import scheme
from wsdefrag.message import WebSocketMessage

if TYPE_CHECKING:
    from wsdefrag.capture.connection import CapturedConnection
    from wsdefrag.formats.conversations import Conversation
    from wsdefrag.message import WebSocketMessageState

_FLOW_FORMAT = 21
_ABNORMAL_CLOSURE = 1006

# Namespace of our ids, so that they differ from those of other programs. Any constant value works.
_IDS = uuid.UUID("6f5a4b0e-3a53-5c0e-9d3d-0c7c3f1f1f6b")

_SECOND = 1_000_000_000

# In seconds. mitmproxy takes 0.0 as "no time", so this value replaces a time of 0.0.
_LEAST = 1e-9

_TORN_DOWN = ("fin", "rst")


def mitm_flow(conversation: Conversation) -> dict[str, Any]:
    """Make the state of a flow from a conversation.

    Args:
        conversation: The conversation.

    Returns:
        A state for ``mitmproxy.http.HTTPFlow.from_state``.
    """
    connection = conversation.connection
    captured = [one for one in conversation.messages if isinstance(one, CapturedMessage)]
    not_whole = _not_whole(captured)
    refused = connection.refused
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
        "metadata": {}
        if conversation.record is not None
        else _metadata(connection, captured, not_whole) | _events(conversation),
        "comment": _comment(connection, not_whole),
        "timestamp_created": _seconds(connection.opened_ns),
        "request": _request(connection),
        "response": _response(connection),
        "websocket": None if refused else _websocket(conversation),
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
    unauthenticated = sum(
        message.unauthenticated and message.status == "ok" for message in messages
    )
    if unauthenticated:
        metadata["wsdefrag_unauthenticated"] = unauthenticated
    if connection.problems:
        metadata["wsdefrag_problems"] = list(connection.problems)
    if connection.request is None:
        metadata["wsdefrag_synthetic"] = ["request"]
    if not_whole:
        metadata["wsdefrag_not_whole"] = not_whole
    return metadata


# What an event of a flow says of itself; the flow says the rest.
_EVENT = (
    "kind", "from_client", "event", "seq", "offset", "length", "missing_bytes", "timestamp_ns",
    "first_timestamp_ns", "resynced", "first_packet", "last_packet", "file", "payload",
    "close_code", "close_reason", "effect", "incomplete", "undecodable", "lost", "rule", "error",
)  # fmt: skip


def _events(conversation: Conversation) -> dict[str, list[dict[str, Any]]]:
    """The entry ``wsdefrag_events`` of the metadata."""
    found = []
    before = seen = 0
    for event, place in zip(conversation.events, conversation.places, strict=True):
        # Every message of a capture has a status.
        messages = conversation.messages[seen:place]
        before += sum(getattr(message, "status", "") == "ok" for message in messages)
        seen = place
        values = {name: getattr(event, name) for name in _EVENT} | {"before": before}
        found.append({name: value for name, value in values.items() if value is not None})
    return {"wsdefrag_events": found} if found else {}


def _comment(connection: CapturedConnection, not_whole: list[dict[str, Any]]) -> str:
    lines = []
    if connection.request is None:
        lines.append("the request was not captured; the one shown is a placeholder")
    if connection.response is None:
        lines.append("the response was not captured")
    if not_whole:
        lines.append(f"incomplete or invalid messages, see metadata: {len(not_whole)}")
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


def _websocket(conversation: Conversation) -> dict[str, Any]:
    connection, record = conversation.connection, conversation.record
    if record is not None:
        ended_at = record.timestamp_end
        return record.get_state() | {
            "messages": [_state(message) for message in record.messages],
            "timestamp_end": None if ended_at is None else ended_at or _LEAST,
        }
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
    whole = [
        _state(message)
        for message in conversation.messages
        if isinstance(message, WebSocketMessage) or message.status == "ok"
    ]
    return {"messages": whole, **ended}


def _state(message: CapturedMessage | WebSocketMessage) -> WebSocketMessageState:
    type, from_client, content, seconds, dropped, injected = message.get_state()
    return int(type), from_client, content, seconds or _LEAST, dropped, injected


def _request(connection: CapturedConnection) -> dict[str, Any]:
    request = connection.request
    # The capture reader keeps only the time of the last byte of a request.
    time = _seconds(connection.opened_ns if request is None else request.timestamp_ns)
    return {
        "http_version": _http_version(connection),
        "headers": _headers(() if request is None else request.fields),
        "content": b"",
        "trailers": None,
        "timestamp_start": time,
        "timestamp_end": time,
        "host": connection.server_address[0],
        "port": connection.server_address[1],
        "method": b"GET" if request is None else request.method.encode(),
        "scheme": scheme(connection, "http").encode(),
        "authority": _authority(connection),
        "path": (connection.path or "/").encode("utf-8", "surrogateescape"),
    }


def _response(connection: CapturedConnection) -> dict[str, Any] | None:
    response = connection.response
    if response is None:
        return None
    time = _seconds(response.timestamp_ns)
    return {
        "http_version": _http_version(connection),
        "headers": _headers(response.fields),
        "content": None if connection.refused else b"",
        "trailers": None,
        "timestamp_start": time,
        "timestamp_end": time,
        "status_code": response.status,
        "reason": response.reason.encode("latin-1", "replace"),
    }


def _http_version(connection: CapturedConnection) -> bytes:
    return b"HTTP/1.1" if connection.stream_id is None else b"HTTP/2.0"


def _authority(connection: CapturedConnection) -> bytes:
    """The ``:authority`` of HTTP/2; mitmproxy keeps it apart from the header fields."""
    if connection.stream_id is None:
        return b""
    return (connection.host or "").encode("utf-8", "surrogateescape")


def _headers(fields: tuple[tuple[str, bytes], ...]) -> list[tuple[bytes, bytes]]:
    encoded = [(name.encode("latin-1", "replace"), value) for name, value in fields]
    # The pseudo-header fields of HTTP/2 have keys of their own.
    return [(name, value) for name, value in encoded if not name.startswith(b":")]


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
    """The keys that both connections of a flow share; TLS is off, because the bytes are plain."""
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
    """A time in seconds since the epoch, never 0.0."""
    return nanoseconds / _SECOND or _LEAST
