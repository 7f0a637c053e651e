"""``Printer``: prints batches of messages or connections as lines on standard output."""

from __future__ import annotations

import codecs
import os
import sys
from typing import TYPE_CHECKING, Generic, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

# Writing each line alone costs a system call. Writing a whole batch at once costs memory: 1 MiB of
# tiny messages becomes tens of MiB of lines.
_LINES_PER_WRITE = 1024


class Printer(Generic[T]):
    """Prints items as lines, and flushes after each batch.

    Args:
        line: Formats an item as a line, with its line feed.
        jsonl: Whether lines are JSON, which is always UTF-8; other lines have the encoding of
            standard output.
    """

    def __init__(self, line: Callable[[T], str], *, jsonl: bool) -> None:
        """Store the options; prints nothing."""
        self._line = line
        self._jsonl = jsonl

    def __call__(self, batch: Sequence[T]) -> None:
        """Print a batch.

        Args:
            batch: The items; may be empty.
        """
        for start in range(0, len(batch), _LINES_PER_WRITE):
            lines = "".join(map(self._line, batch[start : start + _LINES_PER_WRITE]))
            # color=True keeps click from removing colours; `line` has decided about them.
            click.echo(lines.encode() if self._jsonl else lines, nl=False, color=True)


def print_block(block: bytes) -> None:
    """Print whole lines in UTF-8, and flush.

    Args:
        block: The lines; standard output gets them in its own encoding.
    """
    # Decoding and encoding again costs more than making the lines.
    is_utf8 = codecs.lookup(sys.stdout.encoding).name == "utf-8"
    # color=True keeps click from removing colours; the lines have them only where they are wanted.
    click.echo(block if is_utf8 else block.decode(), nl=False, color=True)


def colours_wanted() -> bool:
    """Whether standard output is a terminal with colours and NO_COLOR is unset or empty."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def columns(width: int | None) -> int:
    """Return the most columns of a line.

    Args:
        width: The value of ``--width``, or None if it was not given.

    Returns:
        The columns; 0 for no limit. Without ``--width``, lines are as wide as the terminal, and
        complete where standard output is a file or a pipe: another program reads those.
    """
    if width is not None:
        return width
    if not sys.stdout.isatty():
        return 0
    import shutil  # loads libraries for archives, which a pipe need not wait for

    return shutil.get_terminal_size().columns
