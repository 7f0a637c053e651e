"""``write_entries``: writes connections as an archive, formatted by the native module."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Literal

from wsdefrag._native import EntryWriter
from wsdefrag.capture.capture import Capture
from wsdefrag.formats.conversations import conversations
from wsdefrag.formats.output import write_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsdefrag.capture.connection import CapturedConnection
    from wsdefrag.data import WebSocketData
    from wsdefrag.formats.conversations import Conversation, Items

_TORN_DOWN = ("fin", "rst")


def write_entries(
    source: Capture | Items | Iterable[Conversation],
    file: IO[bytes],
    format: Literal["har", "mitm"],
) -> int:
    """Write connections as an archive.

    Args:
        source: A capture, the items that its reader yields, or conversations.
        file: A binary file, open for writing.
        format: The format.

    Returns:
        How many entries were written: one for each connection, in the order in which they ended.

    Raises:
        CaptureError: If the capture is damaged; raised after everything before the damage has been
            written, and the archive ended.
        OSError: If the file cannot be written.
    """
    if isinstance(source, Capture):
        return write_output(source, file, format, {})
    writer = EntryWriter(format)
    file.write(writer.start())
    count = 0
    try:
        for conversation in conversations(source):
            file.write(entry(writer, conversation))
            count += 1
    finally:
        file.write(writer.end())
    return count


def entry(writer: EntryWriter, conversation: Conversation) -> bytes:
    """Make the entry of a conversation.

    Args:
        writer: The writer of the archive.
        conversation: The conversation.

    Returns:
        The entry, and what separates it from the one before.
    """
    return writer.entry(
        _values(conversation.connection, conversation.record),
        list(conversation.messages),
        list(conversation.events),
        list(conversation.places),
    )


def _values(connection: CapturedConnection, record: WebSocketData | None) -> dict[str, Any]:
    request, response, close = connection.request, connection.response, connection.close
    values: dict[str, Any] = {
        "connection": connection.connection,
        "stream_id": connection.stream_id,
        "client": connection.client_address,
        "server": connection.server_address,
        "request": None,
        "response": None,
        "host": _bytes(connection.host),
        "path": _bytes(connection.path),
        "refused": connection.refused,
        "opened": connection.opened_ns,
        "last": connection.last_ns,
        "close": None,
        "torn_down": connection.ended in _TORN_DOWN,
        "problems": connection.problems,
        "record": None,
    }
    if request is not None:
        values["request"] = (request.method, request.fields, request.timestamp_ns)
    if response is not None:
        head = (response.status, response.reason, response.fields, response.timestamp_ns)
        values["response"] = head
    if close is not None:
        frame = (close.from_client, close.close_code, close.close_reason, close.timestamp_ns)
        values["close"] = frame
    if record is not None:
        end = (record.closed_by_client, record.close_code, record.close_reason)
        values["record"] = (*end, record.timestamp_end)
    return values


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")
