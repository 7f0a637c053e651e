"""A capture as an HTTP archive (HAR 1.2), which the network panels of browsers open.

One entry a connection, with the two heads of its handshake and, as Chrome writes them,
``_resourceType: "websocket"`` and ``_webSocketMessages``: ``type`` (``send`` from the client,
``receive`` from the server), ``time`` (seconds since the epoch), ``opcode`` and ``data`` (the text,
or base64 where it is binary).

Those are the messages that are whole and as they were sent. For any other, ``type`` is ``error``
and ``opcode`` -1, which is how Chrome records that something went wrong with a message and shows as
a line of its own; ``data`` says what. Keys of ours tell the rest: ``_status``, ``_fromClient``,
``_missingBytes``, and what there is of its content in ``_base64``. ``_webSocketClose`` is the first
close frame, and ``_resynced`` stands with messages whose frames had to be looked for.

Nothing is invented: what was not captured is empty, 0 or -1, as HAR says, with a ``comment``; the
URL of a request that was not captured has the server's address and port as its host. A panel counts
the time of an entry from the request on: ``wait`` is until the answer, ``receive`` from it until
the last packet, in milliseconds. Bodies of refusals are not kept.

Memory is that of the connections that are going on.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from wsdefrag.formats.conversations import conversations
from wsdefrag.formats.handshake import field_text, url
from wsdefrag.formats.jsonl import TYPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.connection import CapturedClose, CapturedConnection
    from wsdefrag.capture.reader import CapturedMessage
    from wsdefrag.formats.conversations import Items

_SECOND = 1_000_000_000
_MILLISECOND = 1_000_000

_NOT_CAPTURED = "not captured"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def write_har(capture: Capture | Items, file: IO[bytes]) -> int:
    """Write the connections of a capture as an HTTP archive.

    Args:
        capture: A capture, or what its reader gives.
        file: Where to write, open for bytes.

    Returns:
        How many entries were written: one a connection, in the order in which they ended.

    Raises:
        CaptureError: If the capture is broken. The archive is whole all the same and holds all
            that was read before.
        OSError: If the file cannot be written.
    """
    from wsdefrag import __version__

    creator = _encode({"name": "wsdefrag", "version": __version__})
    head = f'{{"log": {{"version": "1.2", "creator": {creator}, "pages": [], "entries": ['
    file.write(head.encode())
    count = 0
    try:
        for connection, messages in conversations(capture):
            file.write(b",\n" if count else b"\n")
            file.write(_encode(har_entry(connection, messages)).encode())
            count += 1
    finally:
        file.write(b"\n]}}\n")
    return count


def har_entry(connection: CapturedConnection, messages: list[CapturedMessage]) -> dict[str, Any]:
    """Describe a connection as an entry of an HTTP archive.

    Args:
        connection: The connection.
        messages: Its messages.

    Returns:
        The entry, ready for ``json.dumps``.
    """
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
        "_webSocketMessages": [_message(message) for message in messages],
    }
    if connection.close is not None:
        entry["_webSocketClose"] = _close(connection.close)
    if connection.problems:
        entry["comment"] = "; ".join(connection.problems)
    return entry


def _moments(connection: CapturedConnection) -> tuple[int, int, int]:
    """When it was asked for, when that was answered, and its last packet, in nanoseconds."""
    request, response = connection.request, connection.response
    started = connection.opened_ns if request is None else request.timestamp_ns
    # Interfaces of one capture may disagree about the time, and a panel draws no negative times.
    answered = max(started, started if response is None else response.timestamp_ns)
    return started, answered, max(answered, connection.last_ns)


def _request(connection: CapturedConnection) -> dict[str, Any]:
    request = connection.request
    address = url(connection)
    described: dict[str, Any] = {
        "method": "GET",
        "url": address,
        "httpVersion": "HTTP/1.1",
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
    described["httpVersion"] = "HTTP/1.1"
    described["headers"] = _fields(response.fields)
    described["cookies"] = [
        _set_cookie(field_text(value))
        for name, value in response.fields
        if name.lower() == "set-cookie"
    ]
    described["redirectURL"] = response.value("location") or ""
    if response.status == 101:
        described["bodySize"] = 0
    else:
        described["content"]["mimeType"] = response.value("content-type") or "x-unknown"
        described["content"]["comment"] = "the body is not kept"
    return described


def _message(message: CapturedMessage) -> dict[str, Any]:
    _, _, content, time, *_ = message.get_state()
    if message.status == "ok":
        data = content.decode() if message.is_text else base64.b64encode(content).decode("ascii")
        direction = "send" if message.from_client else "receive"
        whole = {"type": direction, "time": time, "opcode": int(message.type), "data": data}
        return whole | {"_resynced": True} if message.resynced else whole
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
    """The cookie of a response (RFC 6265 section 4.1.1), with the attributes that HAR knows."""
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
    """A time as ISO 8601, in UTC and with milliseconds, as HAR wants it."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    date = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{date:%Y-%m-%dT%H:%M:%S}.{rest // _MILLISECOND:03}Z"
