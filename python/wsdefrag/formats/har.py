"""Writes a capture as an HTTP archive (HAR 1.2), which the network panels of browsers open.

Each connection is one entry with request and response. Like Chrome, it has
``_resourceType: "websocket"`` and a list ``_webSocketMessages``. A message has ``type`` (``send``
from the client, ``receive`` from the server), ``time`` (seconds since the epoch), ``opcode`` and
``data`` (the text, or base64 if the message is binary).

An incomplete or invalid message has ``type`` ``error`` and ``opcode`` -1, as Chrome records an
error, and ``data`` describes the problem. So do a gap and a broken rule, in their places. Our own
keys add ``_status`` or ``_kind``, ``_fromClient``, ``_missingBytes``, and the bytes that are known
in ``_base64``.

More keys of our own: ``_webSocketClose`` is the first Close frame; ``_webSocketEvents`` has the
control frames, gaps and violations, each as a JSON line has it (see ``jsonl``); ``_resynced`` marks
messages that were found by a search after a gap, and ``_unauthenticated`` those that may have bytes
of TLS records that were captured in part; ``_dropped`` and ``_injected`` mark messages that
a relay dropped or injected. A text that is not UTF-8, but was tolerated, has U+FFFD in ``data`` for
each wrong byte and its original bytes in ``_base64``.

Values that were not captured are empty, 0 or -1, as HAR requires, and a ``comment`` says so. The
URL of a request that was not captured has the server's address and port. Times of an entry are in
milliseconds: ``wait`` from request to response, ``receive`` from response to last packet. The
body of a refusal is not written.

Memory grows with the messages of the connections that are open.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from wsdefrag.formats.conversations import conversations
from wsdefrag.formats.event_text import event_text
from wsdefrag.formats.handshake import field_text, url
from wsdefrag.formats.jsonl import json_line
from wsdefrag.message import WebSocketMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.connection import CapturedClose, CapturedConnection
    from wsdefrag.capture.reader import CapturedEvent, CapturedMessage
    from wsdefrag.formats.conversations import Conversation, Items

_SECOND = 1_000_000_000
_MILLISECOND = 1_000_000

_NOT_CAPTURED = "not captured"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode

# 0: the first frame, which has the type, was not captured.
TYPE_NAMES = {0: "continuation", 1: "text", 2: "binary"}


def write_har(capture: Capture | Items | Iterable[Conversation], file: IO[bytes]) -> int:
    """Write the connections of a capture as an HTTP archive.

    Args:
        capture: A capture, the items that its reader yields, or conversations.
        file: A binary file, open for writing.

    Returns:
        How many entries were written: one for each connection, in the order in which they ended.

    Raises:
        CaptureError: If the capture is damaged. The archive is valid and contains everything that
            was read before.
        OSError: If the file cannot be written.
    """
    from wsdefrag import __version__

    creator = _encode({"name": "wsdefrag", "version": __version__})
    head = f'{{"log": {{"version": "1.2", "creator": {creator}, "pages": [], "entries": ['
    file.write(head.encode())
    count = 0
    try:
        for conversation in conversations(capture):
            file.write(b",\n" if count else b"\n")
            file.write(_encode(har_entry(conversation)).encode())
            count += 1
    finally:
        file.write(b"\n]}}\n")
    return count


def har_entry(conversation: Conversation) -> dict[str, Any]:
    """Make the entry of a conversation in an HTTP archive.

    Args:
        conversation: The conversation.

    Returns:
        The entry, ready for ``json.dumps``.
    """
    connection = conversation.connection
    started, answered, last = _moments(connection)
    wait, receive = (answered - started) / _MILLISECOND, (last - answered) / _MILLISECOND
    entry: dict[str, Any] = {
        "startedDateTime": _date(started),
        "time": wait + receive,
        "request": _request(connection),
        "response": _response(connection),
        "cache": {},
        "timings": {
            "blocked": -1,
            "dns": -1,
            "connect": -1,
            "ssl": -1,
            "send": 0,
            "wait": wait,
            "receive": receive,
        },
        "serverIPAddress": connection.server_address[0],
        "connection": str(connection.client_address[1]),
        "_resourceType": "websocket",
        "_webSocketMessages": _messages(conversation),
    }
    if connection.close is not None:
        entry["_webSocketClose"] = _close(connection.close)
    if conversation.events:
        entry["_webSocketEvents"] = [json.loads(json_line(one)) for one in conversation.events]
    if connection.problems:
        entry["comment"] = "; ".join(connection.problems)
    return entry


def _moments(connection: CapturedConnection) -> tuple[int, int, int]:
    """The times of request, response and last packet, in nanoseconds since the epoch."""
    request, response = connection.request, connection.response
    started = connection.opened_ns if request is None else request.timestamp_ns
    # The clocks of two capture interfaces may differ, and a duration must not be negative.
    answered = max(started, started if response is None else response.timestamp_ns)
    return started, answered, max(answered, connection.last_ns)


def _request(connection: CapturedConnection) -> dict[str, Any]:
    request = connection.request
    address = url(connection)
    described: dict[str, Any] = {
        "method": "GET" if request is None else request.method,
        "url": address,
        "httpVersion": f"HTTP/{connection.http_version}",
        "cookies": [],
        "headers": [],
        "queryString": _pairs(parse_qsl(urlsplit(address).query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": 0,
    }
    if request is None:
        described["comment"] = _NOT_CAPTURED
    else:
        described["headers"] = _fields(request.fields)
        described["cookies"] = _pairs(_cookies(request.fields))
    return described


def _response(connection: CapturedConnection) -> dict[str, Any]:
    response = connection.response
    described: dict[str, Any] = {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }
    if response is None:
        described["comment"] = _NOT_CAPTURED
        return described
    described["status"] = response.status
    described["statusText"] = response.reason
    described["httpVersion"] = f"HTTP/{connection.http_version}"
    described["headers"] = _fields(response.fields)
    described["cookies"] = [
        _set_cookie(field_text(value))
        for name, value in response.fields
        if name.lower() == "set-cookie"
    ]
    described["redirectURL"] = response.value("location") or ""
    if not connection.refused:
        described["bodySize"] = 0
    else:
        described["content"]["mimeType"] = response.value("content-type") or "x-unknown"
        described["content"]["comment"] = "the body is not kept"
    return described


def _messages(conversation: Conversation) -> list[dict[str, Any]]:
    """The messages, and between them the gaps and violations, each in its place."""
    entries: list[dict[str, Any]] = []
    begun = 0
    for event, place in zip(conversation.events, conversation.places, strict=True):
        if event.kind in ("gap", "violation"):
            entries += map(_message, conversation.messages[begun:place])
            entries.append(_event(event))
            begun = place
    return [*entries, *map(_message, conversation.messages[begun:])]


def _time_of(event: CapturedEvent) -> int:
    return event.timestamp_ns or event.first_timestamp_ns or 0


def _event(event: CapturedEvent) -> dict[str, Any]:
    sender = "client" if event.from_client else "server"
    return {
        "type": "error",
        "time": _time_of(event) / _SECOND,
        "opcode": -1,
        "data": f"{event.kind} from the {sender}: {event_text(event)}",
        "_kind": event.kind,
        "_fromClient": event.from_client,
        "_missingBytes": event.missing_bytes,
    }


def _message(message: CapturedMessage | WebSocketMessage) -> dict[str, Any]:
    opcode, from_client, content, time, dropped, injected = message.get_state()
    if isinstance(message, WebSocketMessage) or message.status == "ok":
        encoded = base64.b64encode(content).decode("ascii")
        whole: dict[str, Any] = {
            "type": "send" if from_client else "receive",
            "time": time,
            "opcode": int(opcode),
            "data": content.decode("utf-8", "replace") if message.is_text else encoded,
        }
        if message.is_text and whole["data"].encode() != content:
            whole["_base64"] = encoded
        marks = {
            "_dropped": dropped,
            "_injected": injected,
        }
        if not isinstance(message, WebSocketMessage):
            marks["_resynced"] = message.resynced
            marks["_unauthenticated"] = message.unauthenticated
        return whole | {name: True for name, value in marks.items() if value}
    sender = "client" if message.from_client else "server"
    missing = f", {message.missing_bytes} bytes missing" if message.missing_bytes else ""
    status = message.status.replace("_", " ")
    return {
        "type": "error",
        "time": time,
        "opcode": -1,
        "data": f"{TYPE_NAMES[message.type]} message from the {sender}: {status}{missing}",
        "_status": message.status,
        "_fromClient": message.from_client,
        "_missingBytes": message.missing_bytes,
        "_base64": base64.b64encode(content).decode("ascii"),
    }


def _close(close: CapturedClose) -> dict[str, Any]:
    return {
        "type": "send" if close.from_client else "receive",
        "time": close.timestamp_ns / _SECOND,
        "code": close.close_code,
        "reason": close.close_reason,
    }


def _fields(fields: tuple[tuple[str, bytes], ...]) -> list[dict[str, str]]:
    return _pairs((name, field_text(value)) for name, value in fields)


def _cookies(fields: tuple[tuple[str, bytes], ...]) -> list[tuple[str, str]]:
    """The cookies of a request (RFC 6265 section 4.2.1)."""
    cookies = []
    for name, value in fields:
        if name.lower() == "cookie":
            for pair in field_text(value).split(";"):
                cookie, _, text = pair.strip().partition("=")
                if cookie:
                    cookies.append((cookie, text))
    return cookies


def _set_cookie(value: str) -> dict[str, Any]:
    """The cookie of a response (RFC 6265 section 4.1.1), with the attributes that HAR has."""
    pair, *attributes = (part.strip() for part in value.split(";"))
    name, _, text = pair.partition("=")
    cookie: dict[str, Any] = {"name": name, "value": text, "httpOnly": False, "secure": False}
    for attribute in attributes:
        key, _, setting = attribute.partition("=")
        match key.lower():
            case "path" | "domain" as known:
                cookie[known] = setting
            case "httponly":
                cookie["httpOnly"] = True
            case "secure":
                cookie["secure"] = True
    return cookie


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _date(nanoseconds: int) -> str:
    """A time in ISO 8601, in UTC and with milliseconds, as HAR requires."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    date = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{date:%Y-%m-%dT%H:%M:%S}.{rest // _MILLISECOND:03}Z"
