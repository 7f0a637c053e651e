"""The subcommand ``convert``: captures in, a file for another program out.

The formats are functions of ``wsdefrag.capture``; here is only which one, from what, to where.
A damaged capture gives a file with all that was complete before the damage.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal

import click

from wsdefrag.cli.input.inputs import EXISTING, captures
from wsdefrag.cli.options import (
    CONNECTION_FILTERS,
    MESSAGE_FILTERS,
    READING,
    SENDER,
    selects,
)
from wsdefrag.cli.output.complaint import printable_name
from wsdefrag.cli.output.files import check_output, written
from wsdefrag.cli.passes.arrow_reading import ArrowReading
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection
from wsdefrag.formats.har import write_har
from wsdefrag.formats.jsonl import write_jsonl
from wsdefrag.formats.mitm import write_mitm
from wsdefrag.formats.tables import write_arrow, write_parquet

Table = Literal["messages", "connections"]

# Formats that hold connections with their messages, and so are no tables.
_WHOLE: dict[str, Callable[..., int]] = {"har": write_har, "mitm": write_mitm}
_COLUMNS: dict[str, Callable[..., int]] = {"parquet": write_parquet, "arrow": write_arrow}
_FORMATS = ["jsonl", *_WHOLE, *_COLUMNS]

_EPILOG = """
\b
Formats:
  .jsonl            JSON lines
  .har              HTTP archive, for the network panels of browsers
  .mitm             flows, for mitmproxy
  .parquet, .arrow  columns, for pyarrow, Polars, DuckDB and others

\b
Examples:
  wsdefrag convert day.pcapng -o day.har
  wsdefrag convert *.pcap.gz -o all.parquet --table connections
  wsdefrag convert - -o - --format jsonl < day.pcapng | jq .text
"""


@click.command(epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(
    (
        click.option(
            "-o",
            "--output",
            type=click.Path(dir_okay=False, allow_dash=True),
            required=True,
            metavar="OUT",
            help="What to write; - is standard output.",
        ),
        click.option(
            "--format",
            "output_format",
            type=click.Choice(_FORMATS),
            metavar="FORMAT",
            help="What it is to be, if its name does not tell.",
        ),
        click.option(
            "--table",
            type=click.Choice(["messages", "connections"]),
            help="Which rows, of a format with rows.  [default: messages]",
        ),
        click.option("--force", is_flag=True, help="Replace OUT if it exists."),
        click.option("--no-content", is_flag=True, help="Leave contents out, of rows."),
    ),
    SENDER,
    CONNECTION_FILTERS,
    MESSAGE_FILTERS,
    READING,
)
@click.option("--summary", is_flag=True, help="Say at the end how much and how fast.")
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
    summary: bool,
) -> None:
    """Write what packet captures hold as a file for other programs.

    The captures are pcap or pcapng, also gzipped; - is standard input. OUT appears when it is
    complete. Exit status 1: written, but bytes were lost or the captures are damaged.
    """
    chosen = output_format or _format_of(output)
    if chosen in _WHOLE and (table is not None or no_content):
        option = "--table" if table is not None else "--no-content"
        raise click.UsageError(f"{option} is for formats with rows: jsonl, parquet, arrow.")
    if chosen in _COLUMNS and output == "-":
        raise click.UsageError(f"{chosen} cannot be written to standard output.")
    check_output(output, inputs, force=force)
    rows: Table = table or "messages"
    source, content = captures(inputs), not no_content
    if chosen in _COLUMNS:
        columns = ArrowReading(source, selection, content=content)
        with written(output) as file:
            _COLUMNS[chosen](columns.table(rows), file)
            columns.check()
        columns.finish(context, summary=summary)
        return
    reading = Reading(source, selection, content=content)
    write = _WHOLE.get(chosen) or partial(write_jsonl, table=rows, content=content)
    with written(output) as file, closing(reading.items()) as items:
        write(items, file)
    reading.finish(context, summary=summary)


def _format_of(output: str) -> str:
    """Tell the format from a file's name."""
    suffix = Path(output).suffix[1:].lower()
    if suffix not in _FORMATS:
        raise click.UsageError(
            f"{printable_name(output)} does not tell its format: give --format, or a name that "
            f"ends in {', '.join(f'.{name}' for name in _FORMATS)}."
        )
    return suffix
