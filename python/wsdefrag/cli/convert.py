"""The subcommand ``convert``: writes a capture to files for another program.

If a capture is damaged, the files contain everything that was complete before the damage.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Literal

import click

from wsdefrag.capture._arguments import TABLES
from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, Input, captures, live
from wsdefrag.cli.options import (
    CHOOSING,
    NO_EVENTS,
    READING,
    SUMMARY,
    selects,
)
from wsdefrag.cli.output.errors import printable_name
from wsdefrag.cli.output.files import (
    check_folder,
    check_output,
    errors_of,
    folder,
    is_folder,
    written,
)
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection

Table = Literal["messages", "connections", "events"]

# Formats with one entry for each connection and its messages; they have no rows.
_CONVERSATION_FORMATS = ("har", "mitm")
_COLUMN_FORMATS = ("parquet", "arrow")
_FORMATS = ["jsonl", *_CONVERSATION_FORMATS, *_COLUMN_FORMATS]

_EPILOG = """
\b
Formats:
  .jsonl            JSON lines
  .har              HTTP archive, for browsers
  .mitm             flows, for mitmproxy
  .parquet, .arrow  columns, for pyarrow, Polars, DuckDB

If OUT is a folder, which exists or whose name ends in /, the messages, the
connections and the events are written to files in it, in one pass.

\b
Examples:
  wsdefrag convert day.pcapng -o day.har
  wsdefrag convert *.pcap.gz -o all.parquet --table connections
  wsdefrag convert day.pcapng -o tables/ --format parquet
  wsdefrag convert - -o - --format jsonl < day.pcapng | jq .text
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(
    (
        click.option(
            "-o",
            "--output",
            type=click.Path(allow_dash=True),
            required=True,
            metavar="OUT",
            help="The file or the folder to write; - is standard output.",
        ),
        click.option(
            "--format",
            "output_format",
            type=click.Choice(_FORMATS),
            metavar="FORMAT",
            help="Format of OUT, if its name does not end in one; of FOLDER/, parquet.",
        ),
        click.option(
            "--table",
            type=click.Choice(["messages", "connections", "events"]),
            help="Rows to write (jsonl, parquet, arrow).  [default: messages]",
        ),
        click.option(
            "--compression",
            type=click.Choice(["zstd", "lz4", "none"]),
            help="How columns are compressed (parquet, arrow).  [default: zstd]",
        ),
        click.option(
            "--compression-level",
            type=click.IntRange(1, 22),
            metavar="LEVEL",
            help="Level of zstd, from 1 to 22.  [default: 1]",
        ),
        click.option("--force", is_flag=True, help="Replace files that exist."),
        click.option("--no-content", is_flag=True, help="Leave out contents (formats with rows)."),
        NO_EVENTS,
    ),
    CHOOSING,
    READING,
    (SUMMARY,),
)
@click.pass_context
def convert(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    output: str,
    output_format: str | None,
    table: Table | None,
    compression: str | None,
    compression_level: int | None,
    force: bool,
    no_content: bool,
    no_events: bool,
    summary: bool,
) -> None:
    """Convert packet captures to files for other programs.

    CAPTURE is a pcap, pcapng, snoop, .mitm or .har file; - is standard input. OUT is created
    only when it is complete.
    """
    into = is_folder(output)
    chosen = output_format or _format_of(output, is_folder=into)
    if chosen in _CONVERSATION_FORMATS and (table is not None or no_content or into):
        option = "--table" if table is not None else "A folder" if into else "--no-content"
        raise click.UsageError(f"{option} needs a format with rows: jsonl, parquet, arrow.")
    if into and table is not None:
        raise click.UsageError("--table is for a file; into a folder, all tables are written.")
    if no_events and (chosen != "jsonl" or into or table not in (None, "messages")):
        raise click.UsageError("--no-events is only for messages as jsonl.")
    if chosen in _COLUMN_FORMATS and output == "-":
        raise click.UsageError(f"{chosen} cannot be written to standard output.")
    if chosen in _COLUMN_FORMATS and not (into or Path(output).suffix or Path(output).exists()):
        name = printable_name(output)
        raise click.UsageError(f"{name} has no suffix: give {name}/ or {name}.{chosen}.")
    options = _compression(chosen, compression, compression_level)
    rows: Table = table or "messages"
    tables = TABLES if into else (rows,)
    outputs = [f"{Path(output) / name}.{chosen}" for name in tables] if into else [output]
    if into:
        check_folder(output)
    for path in outputs:
        check_output(path, inputs, force=force, in_folder=into)
    source, content = captures(inputs), not no_content
    reading = Reading(source, selection, content=content)
    is_live = isinstance(source, Input) and source.is_live
    with live(source), ExitStack() as stack:
        if into:
            stack.enter_context(folder(output))
        files = [stack.enter_context(written(path, is_live=is_live)) for path in outputs]
        if chosen in _COLUMN_FORMATS or into:
            places = dict(zip(tables, zip(outputs, files, strict=True), strict=True))
            with closing(reading.table_blocks(chosen, tables, options)) as parts:
                for name, block in parts:
                    path, file = places[name]
                    with errors_of(path):
                        file.write(block)
        else:
            rows_options = {
                "table": rows,
                "content": content,
                "events": not no_events,
                "control_frames": selection.type is None,
            }
            with closing(reading.written_blocks(chosen, rows_options)) as blocks:
                for block in blocks:
                    files[0].write(block)
    reading.finish(context, summary=summary)


def _compression(chosen: str, name: str | None, level: int | None) -> dict[str, Any]:
    """Return the options of a pass over tables."""
    if chosen not in _COLUMN_FORMATS:
        if name is not None or level is not None:
            option = "--compression" if name is not None else "--compression-level"
            raise click.UsageError(f"{option} is only for parquet and arrow.")
        return {"compression": None, "compression_level": None}
    if level is not None and name not in (None, "zstd"):
        raise click.UsageError("--compression-level is only for zstd.")
    compression = None if name == "none" else name or "zstd"
    return {"compression": compression, "compression_level": level}


def _format_of(output: str, *, is_folder: bool) -> str:
    """Return the format that a file's name ends in."""
    if is_folder:
        if output.endswith(("/", os.sep)):
            return "parquet"
        name = printable_name(output)
        raise click.UsageError(f"{name} is a directory: give --format jsonl, parquet or arrow.")
    suffix = Path(output).suffix[1:].lower()
    if suffix not in _FORMATS:
        raise click.UsageError(
            f"{printable_name(output)} has no known format: give --format, or a name that ends in "
            f"{', '.join(f'.{name}' for name in _FORMATS)}."
        )
    return suffix
