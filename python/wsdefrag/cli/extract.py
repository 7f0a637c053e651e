"""The subcommand ``extract``: writes the contents of messages to files.

A message is named by its connection and its number, counted from 0: ``3/c17`` is the client's
message 17 in connection 3 (its ``seq``), ``3/17`` is message 17 over both sides, as in reports.
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from wsdefrag.capture import CapturedMessage
from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import captures
from wsdefrag.cli.options import (
    CHOOSING,
    READING,
    SUMMARY,
    selects,
)
from wsdefrag.cli.output.errors import UnusableInput, printable_name
from wsdefrag.cli.output.files import check_output, written
from wsdefrag.cli.output.message_files import MessageFiles
from wsdefrag.cli.output.numbers import counted
from wsdefrag.cli.passes.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Generator

    from wsdefrag.cli.selection import Selection

_EPILOG = """
\b
Examples:
  wsdefrag extract day.pcapng 3/c17 -o order.json    the client's message 17
  wsdefrag extract day.pcapng 3/s0 -o - | jq .       the server's first message
  wsdefrag extract day.pcapng 3 -o talk/             all of connection 3
  wsdefrag extract day.pcapng -o all/ --type binary  a file for each message
"""


class Name(NamedTuple):
    """Which message of a connection is wanted.

    Attributes:
        connection: The number of the connection.
        from_client: Whose messages are counted; None for both sides together.
        number: The number of the message; None for all messages.
    """

    connection: int
    from_client: bool | None
    number: int | None


def parsed(text: str) -> Name | None:
    """Read the name of a message, or of all messages of a connection.

    Args:
        text: ``3``, ``3/17``, ``3/c17`` or ``3/s17``.

    Returns:
        The name; None if the text is no name.
    """
    match = re.fullmatch(r"(\d{1,18})(?:/([cs]?)(\d{1,18}))?", text, re.ASCII)
    if match is None:
        return None
    side = {"c": True, "s": False}.get(match[2] or "")
    return Name(int(match[1]), side, None if match[3] is None else int(match[3]))


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE... [MESSAGE]", nargs=-1, required=True)
@selects(
    (
        click.option(
            "-o",
            "--output",
            type=click.Path(allow_dash=True),
            required=True,
            metavar="OUT",
            help="The file for a message, - for standard output; a folder for several.",
        ),
        click.option("--force", is_flag=True, help="Replace files that exist."),
    ),
    CHOOSING,
    READING,
    (SUMMARY,),
)
@click.pass_context
def extract(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    output: str,
    force: bool,
    summary: bool,
) -> None:
    """Write the contents of messages to files.

    MESSAGE is a connection and a message in it, both counted from 0: 3/c17 is the client's message
    17, 3/s17 the server's, 3/17 that of both sides together. OUT gets its content. With a
    connection alone, or without MESSAGE, each message becomes a file in the folder OUT, and
    index.jsonl there lists them.
    """
    paths, name = _split(inputs)
    if name is not None:
        selection = selection.of_connection(name.connection)
    reading = Reading(captures(paths), selection)
    wrote = None
    if name is not None and name.number is not None:
        if given := selection.row_filters():
            reason = f"{inputs[-1]} names one message; {given[0]} chooses among several."
            raise click.UsageError(reason)
        check_output(output, paths, force=force)
        size = _write_one(reading, name, output)
        wrote = f"1 message with {counted(size, 'byte')} written"
    else:
        _write_all(reading, output, force=force)
    reading.finish(context, summary=summary, written=wrote)


def _split(inputs: tuple[str, ...]) -> tuple[list[str], Name | None]:
    """Split the arguments into the captures and the name of a message."""
    *paths, last = inputs
    name = None if Path(last).exists() else parsed(last)
    if name is None:
        paths.append(last)
    elif not paths:
        raise click.UsageError(f"{last} names a message; give a capture before it.")
    for path in paths:
        if path != "-" and not Path(path).exists():
            if parsed(path) is not None:
                raise click.UsageError(f"{path} names a message; the captures come before it.")
            raise click.UsageError(f"{printable_name(path)} does not exist, and names no message.")
        if Path(path).is_dir():
            raise click.UsageError(f"{printable_name(path)} is a directory; give its files.")
    return paths, name


def _write_one(reading: Reading, name: Name, output: str) -> int:
    """Write the content of a message.

    Returns:
        Its length in bytes.

    Raises:
        UnusableInput: If there is no such message.
    """
    found = None
    count = 0
    # All of the capture is read, because losses are reported for all of it.
    for message in _messages(reading):
        if name.from_client in (None, message.from_client):
            if count == name.number:
                found = message
            count += 1
    if found is None:
        side = {True: " of the client", False: " of the server", None: ""}[name.from_client]
        reason = reading.losses.not_found() or (
            f"connection {name.connection} has no message {name.number}{side}; it has {count:,}"
        )
        raise UnusableInput(reading.name, reason)
    with written(output) as file:
        file.write(found.content)
    return len(found.content)


def _write_all(reading: Reading, output: str, *, force: bool) -> None:
    """Write all messages to files in a folder."""
    if output == "-":
        raise click.UsageError("Several messages need a folder; give the name of one message.")
    with MessageFiles(Path(output), force=force) as files:
        for message in _messages(reading):
            files.write(message)


def _messages(reading: Reading) -> Generator[CapturedMessage, None, None]:
    with closing(reading.items()) as items:
        yield from (item for item in items if isinstance(item, CapturedMessage))
