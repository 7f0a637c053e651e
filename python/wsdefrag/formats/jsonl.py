"""Writes messages or connections as JSON lines: one object on each line, in UTF-8.

The content of a message is in ``text``, or in ``base64`` if it is binary, still compressed or not
UTF-8. Times are seconds since the epoch with up to nine decimals; a JSON parser with decimal
numbers reads exact nanoseconds, one with floats does not. A connection has the same keys as the
columns of the Arrow connections table.

Control characters and Unicode line ends are escaped, so a terminal can print the file safely.

Invariant: a line contains exactly one line feed, its last character.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import fields
from typing import IO, TYPE_CHECKING, Literal

from wsdefrag.capture.connection import Account, CapturedConnection
from wsdefrag.formats.conversations import items_of
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.reader import CapturedMessage
    from wsdefrag.formats.conversations import Items

_SECOND = 1_000_000_000

# JSON allows these without an escape: DEL, the C1 control characters and Unicode's line ends.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")

_encode = json.JSONEncoder(ensure_ascii=False).encode

# 0: the first frame, which has the type, was not captured.
TYPE_NAMES = {0: "continuation", 1: "text", 2: "binary"}

_COUNTERS = tuple(field.name for field in fields(Account) if field.type == "int")
_RULES = tuple(field.name for field in fields(Strictness))


def write_jsonl(
    capture: Capture | Items,
    file: IO[bytes],
    *,
    table: Literal["messages", "connections"] = "messages",
    content: bool = True,
) -> int:
    """Write the messages or the connections of a capture as JSON lines.

    Args:
        capture: A capture, or the messages and connections that its reader yields.
        file: A binary file, open for writing.
        table: ``"messages"``, in the order in which they were completed, or ``"connections"``, in
            the order in which they ended.
        content: Whether to write the contents of messages; if False, there is neither ``text``
            nor ``base64``.

    Returns:
        How many lines were written.

    Raises:
        CaptureError: If the capture is damaged; raised after everything before the damage has been
            written.
        OSError: If the file cannot be written.
    """
    count = 0
    for item in items_of(capture):
        if isinstance(item, CapturedConnection):
            if table == "messages":
                continue
            line = connection_line(item)
        elif table == "connections":
            continue
        else:
            line = message_line(item, content=content)
        file.write(line.encode())
        count += 1
    return count


def message_line(message: CapturedMessage, *, content: bool = True) -> str:
    """Format a message as a JSON object on one line.

    Args:
        message: The message.
        content: Whether to include its content.

    Returns:
        The line, with its line feed.
    """
    connection = message.connection
    # Numbers and fixed words need no escapes.
    return (
        f'{{"connection": {connection.connection}, "seq": {message.seq}, '
        f'"host": {_optional(connection.host)}, "path": {_optional(connection.path)}, '
        f'"type": "{TYPE_NAMES[message.type]}", "from_client": {json_bool(message.from_client)}, '
        f'"timestamp": {json_seconds(message.timestamp_ns)}, '
        f'"first_timestamp": {json_seconds(message.first_timestamp_ns)}, '
        f"{_content(message) if content else ''}"
        f'"dropped": false, "injected": false, "frames": {message.frames}, '
        f'"wire_length": {message.wire_length}, "payload_length": {message.payload_length}, '
        f'"compressed": {json_bool(message.compressed)}, "status": "{message.status}", '
        f'"missing_bytes": {message.missing_bytes}, "resynced": {json_bool(message.resynced)}, '
        f'"first_packet": {message.first_packet}, "last_packet": {message.last_packet}}}\n'
    )


def connection_line(connection: CapturedConnection) -> str:
    """Format a connection as a JSON object on one line.

    Args:
        connection: The connection.

    Returns:
        The line, with its line feed. The keys are the columns of the Arrow connections table; the
        counters of the two accounts begin with ``client_`` and ``server_``.
    """
    response, close = connection.response, connection.close
    pairs = [
        ("connection", str(connection.connection)),
        ("client_address", json_string(connection.client_address[0])),
        ("client_port", str(connection.client_address[1])),
        ("server_address", json_string(connection.server_address[0])),
        ("server_port", str(connection.server_address[1])),
        ("host", _optional(connection.host)),
        ("path", _optional(connection.path)),
        ("subprotocol", _optional(connection.subprotocol)),
        ("extensions", _optional(connection.extensions)),
        ("response_status", _number(None if response is None else response.status)),
        ("accept_key_ok", _optional_bool(connection.accept_key_ok)),
        ("midstream", json_bool(connection.midstream)),
        ("opened", json_seconds(connection.opened_ns)),
        ("last", json_seconds(connection.last_ns)),
        ("close_code", _number(None if close is None else close.close_code)),
        ("close_reason", _optional(None if close is None else close.close_reason)),
        ("close_from_client", _optional_bool(None if close is None else close.from_client)),
        ("close_time", "null" if close is None else json_seconds(close.timestamp_ns)),
        ("ended", _optional(connection.ended)),
        ("problems", f"[{', '.join(map(json_string, connection.problems))}]"),
    ]
    sides = (("client", connection.from_client), ("server", connection.from_server))
    for side, account in sides:
        pairs += [(f"{side}_{name}", str(getattr(account, name))) for name in _COUNTERS]
        pairs += [
            (f"{side}_tolerated_{rule}", str(account.tolerated.get(rule, 0))) for rule in _RULES
        ]
        pairs.append((f"{side}_violation", _optional(account.violation)))
    members = ", ".join(f'"{name}": {value}' for name, value in pairs)
    return f"{{{members}}}\n"


def json_string(text: str) -> str:
    """Format a text as a JSON string without line ends and control characters.

    Args:
        text: Any text.

    Returns:
        The string, with its quotes.
    """
    written = _encode(text)
    if written.isascii() and "\x7f" not in written:
        return written
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", written)


def json_content(content: bytes, *, is_text: bool) -> str:
    """Format the content of a message as a member of a JSON object.

    Args:
        content: The content.
        is_text: Whether to write it as ``text``; content that is not UTF-8 is always ``base64``.

    Returns:
        The member: name, colon and value.
    """
    if is_text:
        try:
            return f'"text": {json_string(content.decode())}'
        except UnicodeDecodeError:
            pass
    return f'"base64": "{base64.b64encode(content).decode("ascii")}"'


def json_bool(value: bool) -> str:
    """Format a bool."""
    return "true" if value else "false"


def json_seconds(nanoseconds: int) -> str:
    """Format a time as a number of seconds, without rounding.

    Args:
        nanoseconds: Nanoseconds since the epoch.

    Returns:
        Seconds since the epoch, with one to nine decimals.
    """
    sign = "-" if nanoseconds < 0 else ""
    seconds, rest = divmod(abs(nanoseconds), _SECOND)
    return f"{sign}{seconds}.{f'{rest:09}'.rstrip('0') or '0'}"


def _content(message: CapturedMessage) -> str:
    # Bytes that are still compressed may be valid UTF-8 by chance.
    is_text = message.is_text and message.status != "undecodable"
    return f"{json_content(message.content, is_text=is_text)}, "


def _optional(text: str | None) -> str:
    return "null" if text is None else json_string(text)


def _optional_bool(value: bool | None) -> str:
    return "null" if value is None else json_bool(value)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)
