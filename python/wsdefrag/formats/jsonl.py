"""Writes messages, connections or events as JSON lines: one object on each line, in UTF-8.

The keys are the columns of the Arrow tables, with the same values (``docs/schema.md``), but for
what JSON cannot hold: ``uid`` is in hexadecimal digits, ``content`` and ``payload`` are in base64,
and times are seconds with up to nine decimals (since the epoch, but for ``duration``). A JSON
parser with decimal numbers reads exact nanoseconds, one with floats does not.

The content of a message is in ``text`` if it is whole, valid text, and in ``content`` otherwise;
the other key is null. Events stand between the messages, each in its place. Only they have the key
``kind``. What a gap cost is null there where it was not certain yet; the events alone
(``table="events"``) come when it is certain.

Control characters and Unicode line ends are escaped, so a terminal can print the file safely.

Invariant: a line contains exactly one line feed, its last character.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import fields
from typing import IO, TYPE_CHECKING, Literal

from wsdefrag.capture.capture import Capture
from wsdefrag.capture.connection import Account, CapturedConnection
from wsdefrag.capture.reader import CapturedEvent
from wsdefrag.capture.tls import CapturedTls, TlsAccount
from wsdefrag.formats.conversations import items_of
from wsdefrag.formats.output import write_output
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wsdefrag.capture.connection import CapturedRequest, CapturedResponse
    from wsdefrag.capture.reader import CapturedMessage, CaptureItem
    from wsdefrag.formats.conversations import Items

_SECOND = 1_000_000_000

# JSON allows these without an escape: DEL, the C1 control characters and Unicode's line ends.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")

_encode = json.JSONEncoder(ensure_ascii=False).encode

# 0: the first frame, which has the type, was not captured.
TYPE_NAMES = {0: "continuation", 1: "text", 2: "binary"}

_COUNTERS = tuple(field.name for field in fields(Account) if field.type == "int")
_TLS_FACTS = (
    *("tls_status", "tls_version", "tls_cipher", "sni", "alpn", "resumed", "early_data"),
    *("key_updates", "key_source", "bad_tags", "found_by_trial"),
)
_TLS_COUNTERS = tuple(field.name for field in fields(TlsAccount))
_RULES = tuple(field.name for field in fields(Strictness))


def write_jsonl(
    capture: Capture | Items,
    file: IO[bytes],
    *,
    table: Literal["messages", "connections", "events"] = "messages",
    content: bool = True,
) -> int:
    """Write a table of a capture as JSON lines.

    Args:
        capture: A capture, or the items that its reader yields.
        file: A binary file, open for writing.
        table: ``"messages"``, in the order in which they were completed, with the events in their
            places; ``"connections"``, in the order in which they ended; or ``"events"``, in the
            order in which they became certain.
        content: Whether to write the contents of messages; if False, there is neither ``text``
            nor ``content``.

    Returns:
        How many lines were written.

    Raises:
        CaptureError: If the capture is damaged; raised after everything before the damage has been
            written.
        OSError: If the file cannot be written.
    """
    if isinstance(capture, Capture):
        return write_output(capture, file, "jsonl", {"table": table, "content": content})
    count = 0
    items: Iterable[CaptureItem] = items_of(capture)
    if table == "events":
        items = _certain(items)
    for item in items:
        if isinstance(item, CapturedConnection) == (table == "connections"):
            file.write(row_line(item, content=content).encode())
            count += 1
    return count


def row_line(item: CaptureItem, *, content: bool = True) -> str:
    """Format an item of a reader as a JSON object on one line.

    Args:
        item: A message, an event or a connection.
        content: Whether to include the content of a message.

    Returns:
        The line, with its line feed.
    """
    if isinstance(item, CapturedConnection):
        return connection_line(item)
    if isinstance(item, CapturedEvent):
        return event_line(item)
    return message_line(item, content=content)


def _certain(items: Iterable[CaptureItem]) -> Iterator[CapturedEvent]:
    """The events, each when its cost is certain."""
    waiting: dict[tuple[int, bool], list[CapturedEvent]] = {}
    for item in items:
        if isinstance(item, CapturedConnection):
            for from_client in (False, True):
                yield from waiting.pop((item.connection, from_client), ())
        elif isinstance(item, CapturedEvent):
            direction = (item.connection.connection, item.from_client)
            earlier = waiting.pop(direction, [])
            yield from (gap for gap in earlier if gap.lost is not None)
            if earlier := [gap for gap in earlier if gap.lost is None]:
                waiting[direction] = earlier
            if item.kind == "gap" and item.lost is None:
                waiting.setdefault(direction, []).append(item)
            else:
                yield item


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
        f'{{"uid": "{connection.uid.hex()}", "connection": {connection.connection}, '
        f'"seq": {message.seq}, "from_client": {json_bool(message.from_client)}, '
        f'"type": "{TYPE_NAMES[message.type]}", '
        f"{_content(message) if content else ''}"
        f'"timestamp": {json_seconds(message.timestamp_ns)}, '
        f'"first_timestamp": {json_seconds(message.first_timestamp_ns)}, '
        f'"dropped": false, "injected": false, "frames": {message.frames}, '
        f'"wire_length": {message.wire_length}, "payload_length": {message.payload_length}, '
        f'"compressed": {json_bool(message.compressed)}, "status": "{message.status}", '
        f'"missing_bytes": {message.missing_bytes}, "resynced": {json_bool(message.resynced)}, '
        f'"unauthenticated": {json_bool(message.unauthenticated)}, '
        f'"first_packet": {message.first_packet}, "last_packet": {message.last_packet}, '
        f'"file": {_optional(message.file)}, "host": {_optional(connection.host)}, '
        f'"path": {_optional(connection.path)}}}\n'
    )


def event_line(event: CapturedEvent) -> str:
    """Format an event as a JSON object on one line.

    Args:
        event: The event.

    Returns:
        The line, with its line feed. The keys are the columns of the Arrow events table. What a gap
        cost is null if it is not certain yet.
    """
    connection = event.connection
    payload = event.payload
    return _object(
        [
            ("kind", f'"{event.kind}"'),
            ("uid", f'"{connection.uid.hex()}"'),
            ("connection", str(connection.connection)),
            ("from_client", json_bool(event.from_client)),
            ("event", str(event.event)),
            ("seq", str(event.seq)),
            ("offset", str(event.offset)),
            ("length", str(event.length)),
            ("missing_bytes", str(event.missing_bytes)),
            ("timestamp", _optional_seconds(event.timestamp_ns)),
            ("first_timestamp", _optional_seconds(event.first_timestamp_ns)),
            ("resynced", json_bool(event.resynced)),
            ("first_packet", _number(event.first_packet)),
            ("last_packet", _number(event.last_packet)),
            ("file", _optional(event.file)),
            ("payload", "null" if payload is None else _base64(payload)),
            ("close_code", _number(event.close_code)),
            ("close_reason", _optional(event.close_reason)),
            ("effect", _optional(event.effect)),
            ("incomplete", _number(event.incomplete)),
            ("undecodable", _number(event.undecodable)),
            ("lost", _number(event.lost)),
            ("rule", _optional(event.rule)),
            ("error", _optional(event.error)),
            ("host", _optional(connection.host)),
            ("path", _optional(connection.path)),
        ]
    )


def connection_line(connection: CapturedConnection) -> str:
    """Format a connection as a JSON object on one line.

    Args:
        connection: The connection.

    Returns:
        The line, with its line feed. The keys are the columns of the Arrow connections table; the
        counters of the two accounts begin with ``client_`` and ``server_``.
    """
    request, response, close = connection.request, connection.response, connection.close
    pairs = [
        ("uid", f'"{connection.uid.hex()}"'),
        ("connection", str(connection.connection)),
        ("stream_id", _number(connection.stream_id)),
        ("http_version", json_string(connection.http_version)),
        ("client_address", json_string(connection.client_address[0])),
        ("client_port", str(connection.client_address[1])),
        ("server_address", json_string(connection.server_address[0])),
        ("server_port", str(connection.server_address[1])),
        *_original("client", connection.original_client_address),
        *_original("server", connection.original_server_address),
        ("method", _optional(None if request is None else request.method)),
        ("host", _optional(connection.host)),
        ("path", _optional(connection.path)),
        ("subprotocol", _optional(connection.subprotocol)),
        ("extensions", _optional(connection.extensions)),
        ("response_status", _number(None if response is None else response.status)),
        ("request_headers", _headers(request)),
        ("response_headers", _headers(response)),
        ("accept_key_ok", _optional_bool(connection.accept_key_ok)),
        ("midstream", json_bool(connection.midstream)),
        ("opened", json_seconds(connection.opened_ns)),
        ("started", json_seconds(connection.started_ns)),
        ("last", json_seconds(connection.last_ns)),
        ("duration", json_seconds(connection.duration_ns)),
        ("first_packet", str(connection.first_packet)),
        ("last_packet", str(connection.last_packet)),
        ("file", _optional(connection.file)),
        ("close_code", _number(None if close is None else close.close_code)),
        ("close_reason", _optional(None if close is None else close.close_reason)),
        ("close_from_client", _optional_bool(None if close is None else close.from_client)),
        ("close_time", "null" if close is None else json_seconds(close.timestamp_ns)),
        ("ended", _optional(connection.ended)),
        ("counts", _counts(connection)),
        ("encapsulation", f"[{', '.join(map(json_string, connection.encapsulation))}]"),
        ("problems", f"[{', '.join(map(json_string, connection.problems))}]"),
        *_tls(connection.tls),
    ]
    tls = connection.tls
    sides = (
        ("client", connection.from_client, tls.from_client if tls else None),
        ("server", connection.from_server, tls.from_server if tls else None),
    )
    for side, account, tls_account in sides:
        pairs += [(f"{side}_{name}", str(getattr(account, name))) for name in _COUNTERS]
        pairs += [
            (f"{side}_tolerated_{rule}", str(account.tolerated.get(rule, 0))) for rule in _RULES
        ]
        pairs.append((f"{side}_violation", _optional(account.violation)))
        pairs += _tls_account(side, tls_account)
    return _object(pairs)


def _tls(tls: CapturedTls | None) -> list[tuple[str, str]]:
    """What is known of a connection's TLS; null where there is none."""
    if tls is None:
        return [(name, "null") for name in _TLS_FACTS]
    return [
        ("tls_status", _optional(tls.status)),
        ("tls_version", _optional(tls.version)),
        ("tls_cipher", _optional(tls.cipher)),
        ("sni", _optional(tls.sni)),
        ("alpn", _optional(tls.alpn)),
        ("resumed", _optional_bool(tls.resumed)),
        ("early_data", json_bool(tls.early_data)),
        ("key_updates", str(tls.key_updates)),
        ("key_source", _optional(tls.key_source)),
        ("bad_tags", str(tls.bad_tags)),
        ("found_by_trial", str(tls.found_by_trial)),
    ]


def _tls_account(side: str, account: TlsAccount | None) -> list[tuple[str, str]]:
    """The account of one side's TLS; null where there is none."""
    values = {} if account is None else vars(account)
    return [(f"{side}_tls_{name}", _number(values.get(name))) for name in _TLS_COUNTERS]


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
    """Format the content of a message as two members of a JSON object, one of them null.

    Args:
        content: The content.
        is_text: Whether to write it as ``text``; content that is not UTF-8 is always ``content``,
            in base64.

    Returns:
        The members, separated by a comma.
    """
    if is_text:
        try:
            return f'"text": {json_string(content.decode())}, "content": null'
        except UnicodeDecodeError:
            pass
    return f'"text": null, "content": {_base64(content)}'


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
    # A part of a text, or compressed bytes, may be valid UTF-8 by chance.
    is_text = message.is_text and message.status == "ok"
    return f"{json_content(message.content, is_text=is_text)}, "


def _optional(text: str | None) -> str:
    return "null" if text is None else json_string(text)


def _optional_bool(value: bool | None) -> str:
    return "null" if value is None else json_bool(value)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _optional_seconds(nanoseconds: int | None) -> str:
    return "null" if nanoseconds is None else json_seconds(nanoseconds)


def _base64(content: bytes) -> str:
    return f'"{base64.b64encode(content).decode("ascii")}"'


def _original(side: str, address: tuple[str, int] | None) -> list[tuple[str, str]]:
    """The address before a proxy."""
    host, port = (None, None) if address is None else address
    return [
        (f"original_{side}_address", _optional(host)),
        (f"original_{side}_port", _number(port)),
    ]


def _headers(head: CapturedRequest | CapturedResponse | None) -> str:
    """The header fields in order, each as an object."""
    if head is None:
        return "null"
    pairs = (
        f'{{"name": {json_string(name)}, "value": {json_string(value.decode("utf-8", "replace"))}}}'
        for name, value in head.fields
    )
    return f"[{', '.join(pairs)}]"


def _counts(connection: CapturedConnection) -> str:
    """The messages by sender, type and status, each as an object."""
    counts = (
        f'{{"from_client": {json_bool(from_client)}, "type": "{type}", "status": "{status}", '
        f'"messages": {messages}, "bytes": {content}}}'
        for from_client, account in (
            (True, connection.from_client),
            (False, connection.from_server),
        )
        for (type, status), (messages, content) in account.counts.items()
    )
    return f"[{', '.join(counts)}]"


def _object(pairs: list[tuple[str, str]]) -> str:
    members = ", ".join(f'"{name}": {value}' for name, value in pairs)
    return f"{{{members}}}\n"
