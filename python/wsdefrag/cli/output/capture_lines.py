"""Formats the messages and events of captures as lines of text.

A line has the time of day, the number of the connection, an arrow (``->`` from the client, ``<-``
from the server), the type (``?`` if the first frame was not captured), the size in bytes, and the
content as in ``render``. Before the content of an incomplete, invalid, resynced or unauthenticated
message, the problem is named in brackets.

The line of an event has its kind instead of a type: ``ping`` and ``pong`` with their payload,
``close`` with code and reason, ``gap`` with its length and what it cost, ``violation`` with the
broken rule. The time of a gap is that of the packet after it, or of the packet before it if none
follows.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from wsdefrag.capture import CapturedEvent
from wsdefrag.cli.output.render import MIN_CONTENT_COLUMNS, shown_binary, shown_text
from wsdefrag.formats.event_text import event_text

if TYPE_CHECKING:
    from wsdefrag.capture import CapturedMessage

_SECOND = 1_000_000_000
_TYPES = {0: "?", 1: "text", 2: "binary"}


# Columns of the type and the size of a message, which the kind of an event takes.
_KIND = 16


class CaptureLines:
    """Formats messages and events of captures as lines of text.

    Args:
        width: The most columns of a line; 0 for no limit.
        colours: Whether to use terminal colours.
        content: Whether to show contents; if False, the size is that of the payload on the wire.
    """

    def __init__(self, width: int, *, colours: bool, content: bool) -> None:
        """Store the options."""
        self._width = width or sys.maxsize
        self._colours = colours
        self._content = content
        self._timestamp_ns = -1
        self._clock = ""

    def __call__(self, item: CapturedMessage | CapturedEvent) -> str:
        """Format a message or an event.

        Args:
            item: The message or the event.

        Returns:
            The line, with its line feed.
        """
        return self._event(item) if isinstance(item, CapturedEvent) else self._message(item)

    def _message(self, message: CapturedMessage) -> str:
        if message.timestamp_ns != self._timestamp_ns:  # messages of a packet share their time
            self._timestamp_ns = message.timestamp_ns
            self._clock = _clock(message.timestamp_ns)
        content = message.content
        length = len(content) if self._content else message.payload_length
        start = f"{self._clock} {message.connection.connection:>4}"
        kind = f"{'->' if message.from_client else '<-'} {_TYPES[message.type]:<6}"
        size, mark = f"{length:>7} B", _mark(message)
        shown = ""
        if self._content:
            taken = len(f"{start} {kind} {size}  {mark}")
            room = max(self._width - taken, MIN_CONTENT_COLUMNS)
            is_text = message.is_text and message.status != "undecodable"
            shown = shown_text(content, room) if is_text else shown_binary(content, room)
        if self._colours:
            start = click.style(start, dim=True)
            kind = click.style(kind, fg="green" if message.from_client else "cyan")
            mark = click.style(mark, fg="yellow") if mark else ""
        return f"{start} {kind} {size}  {mark}{shown}".rstrip(" ") + "\n"

    def _event(self, event: CapturedEvent) -> str:
        time = event.timestamp_ns if event.timestamp_ns is not None else event.first_timestamp_ns
        clock = " " * len(_clock(0)) if time is None else _clock(time)
        start = f"{clock} {event.connection.connection:>4}"
        arrow = "->" if event.from_client else "<-"
        has_payload = event.kind in ("ping", "pong")
        kind = f"{event.kind:<6} {event.length:>7} B" if has_payload else event.kind.ljust(_KIND)
        mark = f"[{event.missing_bytes} B missing] " if has_payload and event.missing_bytes else ""
        taken = len(f"{start} {arrow} {kind}  {mark}")
        room = max(self._width - taken, MIN_CONTENT_COLUMNS)
        shown = ""
        if not has_payload:
            shown = shown_text(event_text(event).encode(), room)
        elif self._content:
            shown = shown_text(event.payload or b"", room)
        if self._colours:
            start = click.style(start, dim=True)
            arrow = click.style(arrow, fg="green" if event.from_client else "cyan")
            if event.kind in ("gap", "violation"):
                kind = click.style(kind, fg="yellow")
            mark = click.style(mark, fg="yellow") if mark else ""
        return f"{start} {arrow} {kind}  {mark}{shown}".rstrip(" ") + "\n"


def _clock(nanoseconds: int) -> str:
    """The time of day, in local time and with milliseconds."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    local = datetime.fromtimestamp(seconds)
    return f"{local:%H:%M:%S}.{rest // 1_000_000:03}"


def _mark(message: CapturedMessage) -> str:
    """The problems of a message in brackets and a space, or an empty text."""
    marks = []
    if message.status != "ok":
        marks.append(message.status.replace("_", " "))
    if message.missing_bytes:
        marks.append(f"{message.missing_bytes} B missing")
    if message.resynced:
        marks.append("resynced")
    if message.unauthenticated:
        marks.append("unauthenticated")
    return f"[{', '.join(marks)}] " if marks else ""
