"""Formats the messages of raw dumps as lines of text or as JSON lines.

A text line has a running number, the time of day, an arrow (``->`` from the client, ``<-`` from the
server), the type, the size in bytes and the content (see ``formats.shown``). On a terminal, or with
``--width``, the content is cut to the width of the line; in a pipe or a file it is complete.

A JSON line has the whole content: in ``text``, or in ``base64`` if it is binary or not UTF-8. Its
encoding is UTF-8, and control characters and line ends are escaped.

Invariants: a line contains exactly one line feed, its last character; a text line is not wider than
requested, unless less than 16 columns would be left for the content.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from wsdefrag.formats.jsonl import json_content
from wsdefrag.formats.shown import shown_binary, shown_text

if TYPE_CHECKING:
    from wsdefrag.message import WebSocketMessage

MIN_CONTENT_COLUMNS = 16


def json_line(message: WebSocketMessage) -> str:
    """Format a message as a JSON object on one line.

    Args:
        message: The message.

    Returns:
        The line, with its line feed.
    """
    is_text = message.is_text
    # Numbers and fixed words need no escapes.
    return (
        f'{{"type": "{"text" if is_text else "binary"}", '
        f'"from_client": {_json_bool(message.from_client)}, "timestamp": {message.timestamp!r}, '
        f"{json_content(message.content, is_text=is_text)}, "
        f'"dropped": {_json_bool(message.dropped)}, "injected": {_json_bool(message.injected)}}}\n'
    )


class TextLines:
    """Formats messages as lines of text, numbered from 1.

    Args:
        width: The most columns of a line; 0 for no limit.
        colours: Whether to use terminal colours.
    """

    def __init__(self, width: int, *, colours: bool) -> None:
        """Start at number 1."""
        self._width = width or sys.maxsize
        self._colours = colours
        self._count = 0
        self._timestamp = -1.0
        self._clock = ""

    def __call__(self, message: WebSocketMessage) -> str:
        """Format the next message.

        Args:
            message: The message.

        Returns:
            The line, with its line feed.
        """
        self._count += 1
        if message.timestamp != self._timestamp:  # messages of a chunk share their time
            self._timestamp = message.timestamp
            local = datetime.fromtimestamp(message.timestamp)
            self._clock = local.isoformat(timespec="milliseconds")[11:]
        content = message.content
        start = f"{self._count:>5} {self._clock}"
        kind = f"{'->' if message.from_client else '<-'} {'text' if message.is_text else 'binary'}"
        size = f"{len(content):>7} B"
        room = max(self._width - len(f"{start} {kind:<9} {size}  "), MIN_CONTENT_COLUMNS)
        shown = shown_text(content, room) if message.is_text else shown_binary(content, room)
        if self._colours:
            start = click.style(start, dim=True)
            padding = " " * (9 - len(kind))
            kind = click.style(kind, fg="green" if message.from_client else "cyan") + padding
        return f"{start} {kind:<9} {size}  {shown}".rstrip(" ") + "\n"


def _json_bool(value: bool) -> str:
    return "true" if value else "false"
