"""Lines on standard error, each with the name of the stream it is about.

A line looks as those of other filters do: ``wsdefrag: STREAM: text``. Whatever comes from
outside, such as a file's name, is escaped, so that one line stays one line.
"""

from __future__ import annotations

from typing import IO, Any

import click


class Complaint(click.ClickException):
    """Ends the command with one line on standard error.

    Args:
        stream: The name of the stream.
        text: What is wrong with it.
    """

    def __init__(self, stream: str, text: str) -> None:
        """Keep the line until click shows it."""
        super().__init__(f"{stream}: {text}")

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line, on standard error unless told otherwise."""
        click.echo(f"wsdefrag: {self.message}", file=file, err=file is None)


class BadStream(Complaint):
    """The bytes break a rule, pass a limit or stop too early."""

    exit_code = 1


class UnusableInput(Complaint):
    """The input cannot be read, or is not what the options say; as wrong usage in click."""

    exit_code = 2


def note(stream: str, text: str) -> None:
    """Print a line that ends nothing.

    Args:
        stream: The name of the stream.
        text: What is to be said about it.
    """
    click.echo(f"wsdefrag: {stream}: {text}", err=True)


def stream_name(stream: object) -> str:
    """Give the name of an open stream, fit to be printed.

    Args:
        stream: Any file object.

    Returns:
        Its file's name, or ``<stdin>``.
    """
    # What stands in for standard input in a test has no name.
    return printable_name(getattr(stream, "name", "<stdin>"))


def printable_name(path: str) -> str:
    """Give the name of a file, fit to be printed.

    Args:
        path: Its path.

    Returns:
        The path on one line, without what a terminal might obey.
    """
    name = click.format_filename(path)
    return name if name.isprintable() else repr(name)
