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

The native module formats the lines, of a capture without an object for a row.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal

from wsdefrag._native import json_content, json_line
from wsdefrag.capture.capture import Capture
from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.capture.reader import CapturedEvent
from wsdefrag.formats.output import write_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wsdefrag.capture.reader import CaptureItem
    from wsdefrag.formats.conversations import Items

__all__ = ["json_content", "json_line", "write_jsonl"]


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
    items: Iterable[CaptureItem] = capture
    if table == "events":
        items = _certain(items)
    for item in items:
        if isinstance(item, CapturedConnection) == (table == "connections"):
            file.write(json_line(item, content=content))
            count += 1
    return count


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
