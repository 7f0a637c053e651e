r"""Formats the messages of raw dumps as lines of text or as JSON lines; escapes texts.

A text line has a running number, the time of day, an arrow (``->`` from the client, ``<-`` from the
server), the type, the size in bytes and the content. On a terminal, or with ``--width``, the
content is cut to the width of the line; in a pipe or a file it is complete. In the content,
characters that are not printable, and the backslash, are escaped as in a Python string; a byte that
is not UTF-8 is ``\xNN``; binary content is hexadecimal. Only the part that is shown is decoded.

A JSON line has the whole content: in ``text``, or in ``base64`` if it is binary or not UTF-8. Its
encoding is UTF-8, and control characters and line ends are escaped.

Invariants: a line contains exactly one line feed, its last character; a text line is not wider than
requested, unless less than 16 columns would be left for the content.
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
MIN_CONTENT_COLUMNS = 16

# UTF-8 needs up to four bytes for one character.
_LONGEST_CODE_POINT = 4

# A text rarely uses more than a few hundred different characters.
_KEPT_CELLS = 4096

# No byte takes more columns than an escape such as ``\x00``.
_COLUMNS_OF_A_BYTE = 4

# The error handler "surrogateescape" decodes bytes that are not UTF-8 to this range: 0x80 to
# U+DC80, and so on.
_FIRST_ESCAPED_BYTE = "\udc80"
_LAST_ESCAPED_BYTE = "\udcff"


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
        f'"from_client": {json_bool(message.from_client)}, "timestamp": {message.timestamp!r}, '
        f"{json_content(message.content, is_text=is_text)}, "
        f'"dropped": {json_bool(message.dropped)}, "injected": {json_bool(message.injected)}}}\n'
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


def shown_text(content: bytes, room: int) -> str:
    """Escape a text and cut it to a number of columns.

    Args:
        content: Text in UTF-8; other bytes are allowed.
        room: Columns, at least 3.

    Returns:
        Printable characters on one line; the last three are dots if the text was cut.
    """
    if room >= _COLUMNS_OF_A_BYTE * len(content):
        return escaped(content.decode("utf-8", "surrogateescape"))
    # Each character takes at least one column, so room + 1 characters show whether all fit. Each
    # takes at most four bytes, so a code point divided by the cut below comes after those.
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
    """Format bytes in hexadecimal and cut them to a number of columns.

    Args:
        content: The bytes.
        room: Columns, at least 3.

    Returns:
        Two digits for each byte; three dots at the end if bytes were cut.
    """
    if 2 * len(content) <= room:
        return content.hex()
    return content[: (room - len(_ELLIPSIS)) // 2].hex() + _ELLIPSIS


def counted(number: int, noun: str) -> str:
    """Format a number and a noun.

    Args:
        number: The number.
        noun: The singular of the noun; its plural must end in s.

    Returns:
        The number in groups of three digits, and the singular or plural.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def escaped(text: str) -> str:
    """Escape characters that are not printable, and the backslash.

    Args:
        text: Any text.

    Returns:
        Printable characters on one line.
    """
    if text.isprintable() and "\\" not in text:
        return text
    return text.translate(_ESCAPES)


@lru_cache(maxsize=_KEPT_CELLS)
def _cell(char: str) -> tuple[str, int]:
    """Return a character or its escape, and how many columns it takes."""
    if char.isprintable() and char != "\\":
        # A combining character takes no column but is counted as one, so lines are never too wide.
        return char, 2 if east_asian_width(char) in "FW" else 1
    if _FIRST_ESCAPED_BYTE <= char <= _LAST_ESCAPED_BYTE:
        return f"\\x{ord(char) & 0xFF:02x}", 4
    cell = char.encode("unicode_escape").decode("ascii")
    return cell, len(cell)


class _Escapes(dict[int, str]):
    """The escapes of characters by code point, for ``str.translate``; made on first use."""

    def __missing__(self, code: int) -> str:
        """Make a character's escape, and keep at most a few thousand of them."""
        cell = _cell(chr(code))[0]
        if len(self) < _KEPT_CELLS:
            self[code] = cell
        return cell


_ESCAPES = _Escapes()
