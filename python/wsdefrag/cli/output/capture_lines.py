"""Formats the messages of captures as lines of text.

A line has the time of day, the number of the connection, an arrow (``->`` from the client, ``<-``
from the server), the type (``?`` if the first frame was not captured), the size in bytes, and the
content as in ``render``. Before the content of an incomplete, invalid or resynced message, the
problem is named in brackets.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from wsdefrag.cli.output.render import MIN_CONTENT_COLUMNS, shown_binary, shown_text

if TYPE_CHECKING:
    from wsdefrag.capture import CapturedMessage

_SECOND = 1_000_000_000
_TYPES = {0: "?", 1: "text", 2: "binary"}


class CaptureLines:
    """Formats messages of captures as lines of text.

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

    def __call__(self, message: CapturedMessage) -> str:
        """Format a message.

        Args:
            message: The message.

        Returns:
            The line, with its line feed.
        """
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
    return f"[{', '.join(marks)}] " if marks else ""
