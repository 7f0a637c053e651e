"""Messages and connections as JSON lines: one object a line, in UTF-8.

A message keeps all of its content: as ``text``, or as ``base64`` where it is binary, still
compressed, or not UTF-8 and so has no text. Times are seconds since the epoch with as many digits
as the capture has, so a reader that takes numbers for decimals (and not for floats) gets the
nanoseconds. A connection has the keys of the Arrow table of connections.

What could end a line or move a terminal's cursor is escaped, so a file can be shown as it is.

Invariant: a line holds exactly one line feed, its last character.
"""

from __future__ import annotations

import base64
import json
import re
from typing import IO, TYPE_CHECKING, Literal

from wsdefrag.capture.connection import Account, CapturedConnection
from wsdefrag.formats.conversations import items_of

if TYPE_CHECKING:
    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.reader import CapturedMessage
    from wsdefrag.formats.conversations import Items

_SECOND = 1_000_000_000

# Allowed by JSON as they are: controls above ASCII and Unicode's own line ends.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")

_encode = json.JSONEncoder(ensure_ascii=False).encode

# What a message is called whose beginning, and so its opcode, was not captured.
TYPE_NAMES = {0: "continuation", 1: "text", 2: "binary"}

_ACCOUNT = tuple(Account.__dataclass_fields__)


def write_jsonl(
    capture: Capture | Items,
    file: IO[bytes],
    *,
    table: Literal["messages", "connections"] = "messages",
    content: bool = True,
) -> int:
    """Write the messages or the connections of a capture as JSON lines.

    Args:
        capture: A capture, or what its reader gives.
        file: Where to write, open for bytes.
        table: What to write: ``"messages"`` as they were completed, or ``"connections"`` as they
            ended.
        content: Whether to write what the messages hold; without it they have neither ``text``
            nor ``base64``.

    Returns:
        How many lines were written.

    Raises:
        CaptureError: If the capture is broken, after all that was read before.
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
    """Write a message as a JSON object on one line.

    Args:
        message: The message.
        content: Whether to write what it holds.

    Returns:
        The line with its line feed.
    """
    connection = message.connection
    # The fields without a helper are numbers and words that need no escapes.
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
    """Write a connection as a JSON object on one line.

    Args:
        connection: The connection.

    Returns:
        The line with its line feed. The keys are the columns of the Arrow table of connections;
        each side's account has ``client_`` and ``server_`` in front of its names.
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
        for name in _ACCOUNT:
            value = getattr(account, name)
            known = str(value) if isinstance(value, int) else _optional(value)
            pairs.append((f"{side}_{name}", known))
    members = ", ".join(f'"{name}": {value}' for name, value in pairs)
    return f"{{{members}}}\n"


def json_string(text: str) -> str:
    """Write a text as a JSON string that keeps to its line.

    Args:
        text: Any text.

    Returns:
        The string with its quotes.
    """
    written = _encode(text)
    if written.isascii() and "\x7f" not in written:
        return written
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", written)


def json_content(content: bytes, *, is_text: bool) -> str:
    """Write what a message holds as a member of a JSON object.

    Args:
        content: What it holds.
        is_text: Whether it is to be a text; what is not UTF-8 becomes ``base64`` all the same.

    Returns:
        The member, name and value.
    """
    if is_text:
        try:
            return f'"text": {json_string(content.decode())}'
        except UnicodeDecodeError:
            pass
    return f'"base64": "{base64.b64encode(content).decode("ascii")}"'


def json_bool(value: bool) -> str:
    """Write a truth value."""
    return "true" if value else "false"


def json_seconds(nanoseconds: int) -> str:
    """Write a time as a number of seconds that says all that is known.

    Args:
        nanoseconds: The time, since the epoch.

    Returns:
        The seconds, with one to nine digits behind the point.
    """
    sign = "-" if nanoseconds < 0 else ""
    seconds, rest = divmod(abs(nanoseconds), _SECOND)
    return f"{sign}{seconds}.{f'{rest:09}'.rstrip('0') or '0'}"


def _content(message: CapturedMessage) -> str:
    # Compressed bytes may look like text and are none.
    is_text = message.is_text and message.status != "undecodable"
    return f"{json_content(message.content, is_text=is_text)}, "


def _optional(text: str | None) -> str:
    return "null" if text is None else json_string(text)


def _optional_bool(value: bool | None) -> str:
    return "null" if value is None else json_bool(value)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)
