"""The subcommand ``plot``: draws the traffic of captures as a PNG or SVG picture."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Literal, cast

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, captures, live
from wsdefrag.cli.options import (
    CHOOSING,
    READING,
    SUMMARY,
    selects,
)
from wsdefrag.cli.output.errors import UnusableInput, printable_name
from wsdefrag.cli.output.files import check_output, written
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection
from wsdefrag.formats.plot import write_plot

_EPILOG = """
\b
Examples:
  wsdefrag plot day.pcapng -o day.png
  wsdefrag plot day.pcapng -o feed.svg --path '/feed*' --connections 3
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(
    (
        click.option(
            "-o",
            "--output",
            type=click.Path(dir_okay=False),
            required=True,
            metavar="OUT",
            help="The file to write, .png or .svg.",
        ),
        click.option(
            "--connections",
            "most",
            type=click.IntRange(min=1, max=50),
            default=6,
            show_default=True,
            metavar="COUNT",
            help="How many connections, the busiest first.",
        ),
        click.option("--force", is_flag=True, help="Replace OUT if it exists."),
    ),
    CHOOSING,
    READING,
    (SUMMARY,),
)
@click.pass_context
def plot(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    output: str,
    most: int,
    force: bool,
    summary: bool,
) -> None:
    """Draw the messages and bytes of the busiest WebSockets over time.

    CAPTURE is a pcap, pcapng, snoop, .mitm or .har file; - is standard input. Incomplete and
    invalid messages are marked.
    """
    suffix = Path(output).suffix[1:].lower()
    if suffix not in ("png", "svg"):
        raise click.UsageError(f"{printable_name(output)} ends neither in .png nor in .svg.")
    try:
        if suffix == "png":
            import matplotlib as mpl  # noqa: F401  (fail before reading, if it is not installed)
    except ModuleNotFoundError:
        reason = "needs matplotlib: pip install 'wsdefrag[plot]'; .svg needs nothing"
        raise UnusableInput("a .png", reason) from None
    check_output(output, inputs, force=force)
    reading = Reading(captures(inputs), selection)
    format = cast("Literal['png', 'svg']", suffix)
    with live(reading.source), written(output) as file, closing(reading.items()) as items:
        write_plot(items, file, format=format, connections=most)
    reading.finish(context, summary=summary)
