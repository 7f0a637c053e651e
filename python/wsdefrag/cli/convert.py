"""The subcommand ``convert``: writes a capture to a file for another program.

The writers are functions of ``wsdefrag.capture``; this module chooses one and opens the files. If
a capture is damaged, the file contains everything that was complete before the damage.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, Input, captures, live
from wsdefrag.cli.options import (
    CONNECTION_FILTERS,
    CONTENT_FILTERS,
    MESSAGE_FILTERS,
    NO_EVENTS,
    READING,
    SENDER,
    selects,
)
from wsdefrag.cli.output.errors import printable_name
from wsdefrag.cli.output.files import check_output, written
from wsdefrag.cli.passes.arrow_reading import ArrowReading
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection
from wsdefrag.formats.tables import write_arrow, write_parquet

Table = Literal["messages", "connections", "events"]

# Formats with one entry for each connection and its messages; they have no rows.
_CONVERSATION_FORMATS = ("har", "mitm")
_COLUMN_FORMATS: dict[str, Callable[..., int]] = {"parquet": write_parquet, "arrow": write_arrow}
_FORMATS = ["jsonl", *_CONVERSATION_FORMATS, *_COLUMN_FORMATS]

_EPILOG = """
\b
Formats:
  .jsonl            JSON lines
  .har              HTTP archive, for browsers
  .mitm             flows, for mitmproxy
  .parquet, .arrow  columns, for pyarrow, Polars, DuckDB

\b
Examples:
  wsdefrag convert day.pcapng -o day.har
  wsdefrag convert *.pcap.gz -o all.parquet --table connections
  wsdefrag convert - -o - --format jsonl < day.pcapng | jq .text
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(
    (
        click.option(
            "-o",
            "--output",
            type=click.Path(dir_okay=False, allow_dash=True),
            required=True,
            metavar="OUT",
            help="The file to write; - is standard output.",
        ),
        click.option(
            "--format",
            "output_format",
            type=click.Choice(_FORMATS),
            metavar="FORMAT",
            help="Format of OUT, if its name does not end in one.",
        ),
        click.option(
            "--table",
            type=click.Choice(["messages", "connections", "events"]),
            help="Rows to write (jsonl, parquet, arrow).  [default: messages]",
        ),
        click.option("--force", is_flag=True, help="Replace OUT if it exists."),
        click.option("--no-content", is_flag=True, help="Leave out contents (formats with rows)."),
        NO_EVENTS,
    ),
    SENDER,
    CONNECTION_FILTERS,
    MESSAGE_FILTERS,
    CONTENT_FILTERS,
    READING,
)
@click.option("--summary", is_flag=True, help="Print totals and speed at the end.")
@click.pass_context
def convert(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    output: str,
    output_format: str | None,
    table: Table | None,
    force: bool,
    no_content: bool,
    no_events: bool,
    summary: bool,
) -> None:
    """Convert packet captures to a file for other programs.

    CAPTURE is a pcap, pcapng, snoop, .mitm or .har file; - is standard input. OUT is created
    only when it is complete.
    """
    chosen = output_format or _format_of(output)
    if chosen in _CONVERSATION_FORMATS and (table is not None or no_content):
        option = "--table" if table is not None else "--no-content"
        raise click.UsageError(f"{option} needs a format with rows: jsonl, parquet, arrow.")
    if no_events and (chosen != "jsonl" or table not in (None, "messages")):
        raise click.UsageError("--no-events is only for messages as jsonl.")
    if chosen in _COLUMN_FORMATS and output == "-":
        raise click.UsageError(f"{chosen} cannot be written to standard output.")
    check_output(output, inputs, force=force)
    rows: Table = table or "messages"
    source, content = captures(inputs), not no_content
    if chosen in _COLUMN_FORMATS:
        columns = ArrowReading(source, selection, content=content)
        write_columns = _COLUMN_FORMATS[chosen]
        with columns.ended_by_signals(), written(output) as file:
            columns.run(lambda: write_columns(columns.table(rows), file))
            columns.check()
        columns.finish(context, summary=summary)
        return
    reading = Reading(source, selection, content=content)
    is_live = isinstance(source, Input) and source.is_live
    with live(source), written(output, is_live=is_live) as file:
        options = {
            "table": rows,
            "content": content,
            "events": not no_events,
            "control_frames": selection.type is None,
        }
        with closing(reading.written_blocks(chosen, options)) as blocks:
            for block in blocks:
                file.write(block)
    reading.finish(context, summary=summary)


def _format_of(output: str) -> str:
    """Return the format that a file's name ends in."""
    suffix = Path(output).suffix[1:].lower()
    if suffix not in _FORMATS:
        raise click.UsageError(
            f"{printable_name(output)} has no known format: give --format, or a name that ends in "
            f"{', '.join(f'.{name}' for name in _FORMATS)}."
        )
    return suffix
