r"""One message, one line: for people (text) or for programs (JSON lines).

A text line is a running number, the time of day, an arrow (``->`` from the client, ``<-`` from
the server), the type, the size in bytes and the content, cut to the width of the terminal. What
a terminal might obey or not show, and the backslash, is escaped as in a Python string; a byte
that is not UTF-8 is ``\xNN``; binary content is in hexadecimal. Only the part that is shown is
looked at, so a message of many megabytes costs no more than a short one.

A JSON line keeps all of the content: as ``text``, or as ``base64`` where it is binary or is not
UTF-8 and so has no text. It is UTF-8; what could end a line or move a terminal's cursor is
escaped there too.

Invariants: a line holds exactly one line feed, its last character; a text line is no wider than
asked for, unless less than 16 columns would be left for the content.
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import click

from wsdefrag.formats.jsonl import json_bool, json_content

if TYPE_CHECKING:
    from wsdefrag.message import WebSocketMessage

_ELLIPSIS = "..."
LEAST_ROOM = 16

# UTF-8 needs up to four bytes for one character.
_LONGEST_CODE_POINT = 4

# Bytes that are not UTF-8 are decoded to these, U+DC80 for 0x80 and so on.
_FIRST_ESCAPED_BYTE = "\udc80"
_LAST_ESCAPED_BYTE = "\udcff"


def json_line(message: WebSocketMessage) -> str:
    """Write a message as a JSON object on one line.

    Args:
        message: The message.

    Returns:
        The line with its line feed.
    """
    is_text = message.is_text
    # The fields without a helper are numbers and words that need no escapes.
    return (
        f'{{"type": "{"text" if is_text else "binary"}", '
        f'"from_client": {json_bool(message.from_client)}, "timestamp": {message.timestamp!r}, '
        f"{json_content(message.content, is_text=is_text)}, "
        f'"dropped": {json_bool(message.dropped)}, "injected": {json_bool(message.injected)}}}\n'
    )


class TextLines:
    """Writes messages as lines for people, numbered from 1.

    Args:
        width: Columns of a line; 0 for as many as the content needs.
        colours: Whether to colour the line by terminal escape codes.
    """

    def __init__(self, width: int, *, colours: bool) -> None:
        """Start at number 1."""
        self._width = width or sys.maxsize
        self._colours = colours
        self._count = 0
        self._timestamp = -1.0
        self._clock = ""

    def __call__(self, message: WebSocketMessage) -> str:
        """Write the next message.

        Args:
            message: The message.

        Returns:
            The line with its line feed.
        """
        self._count += 1
        if message.timestamp != self._timestamp:  # it is the same for all messages of a read
            self._timestamp = message.timestamp
            local = datetime.fromtimestamp(message.timestamp)
            self._clock = local.isoformat(timespec="milliseconds")[11:]
        content = message.content
        start = f"{self._count:>5} {self._clock}"
        kind = f"{'->' if message.from_client else '<-'} {'text' if message.is_text else 'binary'}"
        size = f"{len(content):>7} B"
        room = max(self._width - len(f"{start} {kind:<9} {size}  "), LEAST_ROOM)
        shown = shown_text(content, room) if message.is_text else shown_binary(content, room)
        if self._colours:
            start = click.style(start, dim=True)
            padding = " " * (9 - len(kind))
            kind = click.style(kind, fg="green" if message.from_client else "cyan") + padding
        return f"{start} {kind:<9} {size}  {shown}".rstrip(" ") + "\n"


def shown_text(content: bytes, room: int) -> str:
    """Give as much of a text as fits.

    Args:
        content: The text in UTF-8, or what was taken for it.
        room: Columns, at least 3.

    Returns:
        Printable characters on one line; its last three are dots if something is missing.
    """
    # Every character takes a column at least, so one more than fits tells that not all do. Four
    # bytes for each leave a code point that this cut divides beyond them.
    text = content[: (room + 1) * _LONGEST_CODE_POINT].decode("utf-8", "surrogateescape")
    text = text[: room + 1]
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text if len(text) <= room else text[: room - len(_ELLIPSIS)] + _ELLIPSIS
    cells: list[str] = []
    used = kept = 0
    for char in text:
        cell, columns = _cell(char)
        used += columns
        if used > room:
            return "".join(cells[:kept]) + _ELLIPSIS
        cells.append(cell)
        if used <= room - len(_ELLIPSIS):
            kept = len(cells)
    return "".join(cells)


def shown_binary(content: bytes, room: int) -> str:
    """Give as many bytes as fit, in hexadecimal.

    Args:
        content: The bytes.
        room: Columns, at least 3.

    Returns:
        Two digits a byte; three dots at the end if bytes are missing.
    """
    if 2 * len(content) <= room:
        return content.hex()
    return content[: (room - len(_ELLIPSIS)) // 2].hex() + _ELLIPSIS


def counted(number: int, noun: str) -> str:
    """Write a number of things.

    Args:
        number: How many.
        noun: One of them; its plural ends in s.

    Returns:
        The number, in groups of three digits, and the noun.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def escaped(text: str) -> str:
    """Escape what a terminal might obey or not show.

    Args:
        text: Anything, from anybody.

    Returns:
        Printable characters on one line.
    """
    return "".join(_cell(char)[0] for char in text)


# A text rarely uses more than a few hundred different characters.
@lru_cache(maxsize=4096)
def _cell(char: str) -> tuple[str, int]:
    """Give what stands for a character and how many columns it takes."""
    if char.isprintable() and char != "\\":
        # A combining character takes none; to count one for it is on the safe side.
        return char, 2 if east_asian_width(char) in "FW" else 1
    if _FIRST_ESCAPED_BYTE <= char <= _LAST_ESCAPED_BYTE:
        return f"\\x{ord(char) & 0xFF:02x}", 4
    cell = char.encode("unicode_escape").decode("ascii")
    return cell, len(cell)
