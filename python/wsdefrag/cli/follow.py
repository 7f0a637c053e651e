"""The subcommand ``follow``: prints a conversation, both sides in order, with whole contents."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, captures, live
from wsdefrag.cli.options import (
    CONTENT_FILTERS,
    MESSAGE_FILTERS,
    READING,
    SENDER,
    SUMMARY,
    selects,
)
from wsdefrag.cli.output.errors import printable_name
from wsdefrag.cli.output.printer import colours_wanted, print_block
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection

_EPILOG = """
\b
Examples:
  wsdefrag follow day.pcapng 3
  wsdefrag follow day.pcapng 3 --hex --from server | less
  wsdefrag follow day.pcapng 3 --raw --from client > sent.bin
  tcpdump -U --immediate-mode -w - port 80 | wsdefrag follow - 0
"""

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE... CONNECTION", nargs=-1, required=True)
@selects(
    (
        click.option("--hex", "view", flag_value="follow-hex", help="Show all contents as dumps."),
        click.option(
            "--raw",
            "view",
            flag_value="follow-raw",
            help="Print contents alone, joined and unchanged.",
        ),
    ),
    SENDER,
    MESSAGE_FILTERS,
    CONTENT_FILTERS,
    READING,
    (SUMMARY,),
)
@click.pass_context
def follow(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    view: str | None,
    summary: bool,
) -> None:
    """Print what both sides of a connection said, in order and whole.

    CONNECTION is its number, which `wsdefrag connections` shows. c17 is the client's message 17,
    s17 the server's; `wsdefrag extract CAPTURE 3/c17` writes its content. Gaps, control frames and
    violations stand in their places. What comes through a pipe is printed as it arrives.
    """
    paths, number = _split(inputs)
    source = captures([os.fsdecode(EXISTING.convert(path, None, context)) for path in paths])
    reading = Reading(source, selection.of_connection(number))
    options = {"colours": colours_wanted(), "control_frames": selection.type is None}
    with live(source), closing(reading.blocks(view or "follow", options)) as blocks:
        for block in blocks:
            if view == "follow-raw":
                click.echo(block, nl=False)
            else:
                print_block(block)
    reading.finish(context, summary=summary)


def _split(inputs: tuple[str, ...]) -> tuple[list[str], int]:
    """Split the arguments into the captures and the number of a connection.

    Raises:
        click.UsageError: If one of them is missing, or they are in another order.
    """
    *paths, last = inputs
    if _NUMBER.fullmatch(last):
        if not paths:
            raise click.UsageError(
                f"{last} is the number of a connection; the captures come first."
            )
        return paths, int(last)
    if paths and _NUMBER.fullmatch(paths[0]) and not Path(paths[0]).exists():
        raise click.UsageError(
            f"the captures come before the number of the connection: {printable_name(last)} "
            f"{paths[0]}."
        )
    raise click.UsageError(
        f"{printable_name(last)} is not the number of a connection; give one at the end "
        "(`wsdefrag connections` lists them)."
    )
