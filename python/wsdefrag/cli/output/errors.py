"""Errors and notes on standard error: ``wsdefrag: NAME: text``.

NAME is the input or output that the line is about. File names and texts from the input are escaped,
so a line has no line feed except its last character.
"""

from __future__ import annotations

from typing import IO, Any

import click


class _OneLine(click.ClickException):
    """Ends the command with one line on standard error."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line to ``file``, or to standard error if None."""
        click.echo(f"wsdefrag: {self.message}", file=file, err=file is None)


class CommandError(_OneLine):
    """Ends the command because of an input or output.

    Args:
        stream: The printable name of the input or output.
        text: The problem.
    """

    def __init__(self, stream: str, text: str) -> None:
        """Store the line; click prints it."""
        super().__init__(f"{stream}: {text}")


class WrongUsage(_OneLine):
    """Ends the command because of its arguments, with one line that names the help.

    Args:
        error: What click found.
    """

    exit_code = 2

    def __init__(self, error: click.UsageError) -> None:
        """Compose the line."""
        text = " ".join(error.format_message().split())
        if isinstance(error, click.MissingParameter) and "CAPTURE" in text:
            text += " - is standard input."
        if error.ctx is not None:
            text += f" Try {error.ctx.command_path} --help."
        super().__init__(text)


class BadStream(CommandError):
    """The bytes break a rule, exceed a limit or end too early."""

    exit_code = 1


class UnusableInput(CommandError):
    """The input cannot be read or does not fit the options; same exit status as wrong usage."""

    exit_code = 2


def note(stream: str, text: str) -> None:
    """Print a line on standard error; the command continues.

    Args:
        stream: The printable name of the input or output.
        text: The text.
    """
    click.echo(f"wsdefrag: {stream}: {text}", err=True)


def stream_name(stream: object) -> str:
    """Return the printable name of a file object.

    Args:
        stream: Any file object.

    Returns:
        The name of its file, or ``<stdin>``.
    """
    # The replacement of standard input in a test has no name.
    return printable_name(getattr(stream, "name", "<stdin>"))


def printable_name(path: str) -> str:
    """Return the printable name of a file.

    Args:
        path: The path of the file.

    Returns:
        The path on one line, without control characters.
    """
    name = click.format_filename(path)
    return name if name.isprintable() else repr(name)
