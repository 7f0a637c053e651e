"""Lines on standard output, a batch at a time."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Generic, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

# Lines are written in bunches: one by one costs a system call each, and a MiB of tiny messages
# at once would be tens of MiB of lines.
_BUNCH = 1024


class Printer(Generic[T]):
    """Prints things as lines, and flushes after each batch of them.

    Args:
        line: Makes a line, with its line feed.
        jsonl: Whether it is JSON, which is UTF-8 wherever it goes; text is in the encoding of
            the terminal.
    """

    def __init__(self, line: Callable[[T], str], *, jsonl: bool) -> None:
        """Print nothing yet."""
        self._line = line
        self._jsonl = jsonl

    def __call__(self, batch: Sequence[T]) -> None:
        """Print a batch.

        Args:
            batch: What to print; it may be empty.
        """
        for start in range(0, len(batch), _BUNCH):
            lines = "".join(map(self._line, batch[start : start + _BUNCH]))
            # What is coloured has been decided, so click is to leave it as it is.
            click.echo(lines.encode() if self._jsonl else lines, nl=False, color=True)


def colours_wanted() -> bool:
    """Colours are for terminals, and not for those who set NO_COLOR to anything but nothing."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def columns(width: int | None) -> int:
    """Give the columns of a line.

    Args:
        width: As asked for; None for those of the terminal.

    Returns:
        The columns; 0 for as many as it takes.
    """
    return shutil.get_terminal_size().columns if width is None else width
