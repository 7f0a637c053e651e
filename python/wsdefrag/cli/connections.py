"""The subcommand ``connections``: prints a row or a JSON line for each WebSocket of a capture.

A row has the number, client, server, messages and bytes of content in each direction, compression
ratio, end, and host and path. If bytes were lost, more lines follow: the account of the direction,
which assigns every byte, and the problems.

Rows are collected so that their columns can be aligned; for a live capture they appear at its end.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import closing
from typing import Any, Literal, TypeAlias

import click

from wsdefrag.capture.connection import address_text
from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, captures, live
from wsdefrag.cli.options import CONNECTION_FILTERS, READING, SUMMARY, format_option, selects
from wsdefrag.cli.output.printer import Printer, colours_wanted
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection
from wsdefrag.formats.shown import escaped, shown_text

_Connection: TypeAlias = dict[str, Any]

_SIDES = ("client", "server")
_COUNTERS = (
    *("bytes", "emitted", "control", "skipped", "lost", "trailing"),
    *("missing", "late", "gaps"),
)

# How many rows are aligned together.
_ROWS = 1000

# The most columns of a close reason on a terminal.
_REASON_COLUMNS = 24

_HEADS = ("#", "client", "server", "->", "bytes", "<-", "bytes", "ratio", "end", "host and path")
_RIGHT = {0, 3, 4, 5, 6, 7}
_LAST = len(_HEADS) - 1

_EPILOG = """
\b
Examples:
  wsdefrag connections day.pcapng
  wsdefrag connections *.pcap.gz --host 'api.*' --format jsonl
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(
    CONNECTION_FILTERS,
    (format_option("text", "jsonl"),),
    READING,
)
@SUMMARY
@click.pass_context
def connections(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    output_format: Literal["text", "jsonl"],
    summary: bool,
) -> None:
    """Print the WebSockets of packet captures, one on each line.

    CAPTURE is a pcap, pcapng, snoop, .mitm or .har file; - is standard input. If bytes were
    lost, the account of the direction follows.
    """
    reading = Reading(captures(inputs), selection)
    table = Table(colours=colours_wanted())
    options = {"table": "connections"}
    with live(reading.source), closing(reading.blocks("jsonl", options)) as blocks:
        for block in blocks:
            if output_format == "jsonl":
                click.echo(block, nl=False)
            else:
                table.add(map(json.loads, block.splitlines()))
    table.flush()
    reading.finish(context, summary=summary)


class Table:
    """Prints connections as rows of a table.

    Args:
        colours: Whether to use terminal colours.
    """

    def __init__(self, *, colours: bool) -> None:
        """Start with no row."""
        self._colours = colours
        self._room = _REASON_COLUMNS if sys.stdout.isatty() else sys.maxsize
        self._held: list[tuple[int, tuple[str, ...], list[str]]] = []
        self._widths = [len(head) for head in _HEADS]
        self._begun = False
        self._print: Printer[str] = Printer(str, jsonl=False)

    def add(self, connections: Iterable[_Connection]) -> None:
        """Add connections; prints all rows when there are enough.

        Args:
            connections: Connections that have ended, as JSON lines have them.
        """
        self._held += [
            (one["connection"], _row(one, self._room), _accounts(one)) for one in connections
        ]
        if len(self._held) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """Print the collected rows, sorted by number."""
        self._held.sort()
        for _, row, _ in self._held:
            self._widths = [max(*pair) for pair in zip(self._widths, map(len, row), strict=True)]
        lines = []
        if self._held and not self._begun:
            self._begun = True
            lines.append(self._style(self._aligned(_HEADS), bold=True))
        for _, row, accounts in self._held:
            lines.append(self._aligned(row))
            lines += [self._style(f"{'':>6}{line}\n", fg="yellow") for line in accounts]
        self._print(lines)
        self._held = []

    def _aligned(self, row: tuple[str, ...]) -> str:
        cells = [
            cell.rjust(width) if index in _RIGHT else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row[:_LAST], self._widths, strict=False))
        ]
        return f"{'  '.join([*cells, row[_LAST]])}\n"

    def _style(self, line: str, *, bold: bool | None = None, fg: str | None = None) -> str:
        return click.style(line, bold=bold, fg=fg) if self._colours else line


def _row(connection: _Connection, room: int) -> tuple[str, ...]:
    return (
        str(connection["connection"]),
        *(
            address_text((connection[f"{side}_address"], connection[f"{side}_port"]))
            for side in _SIDES
        ),
        *(
            f"{connection[f'{side}_{name}']:,}"
            for side in _SIDES
            for name in ("messages", "content")
        ),
        _ratio(connection),
        _end(connection, room),
        escaped(f"{connection['host'] or ''}{connection['path'] or ''}") or "(not captured)",
    )


def _ratio(connection: _Connection) -> str:
    """Size of the compressed messages on the wire, as a percentage of their inflated size."""
    compressed, inflated = (
        sum(connection[f"{side}_{name}"] for side in _SIDES) for name in ("compressed", "inflated")
    )
    return f"{compressed / inflated:.0%}" if inflated else "-"


def _end(connection: _Connection, room: int) -> str:
    if (status := connection["response_status"]) is not None:
        accepted = status == 101 if connection["stream_id"] is None else 200 <= status < 300
        if not accepted:
            return f"refused: {status}"
    if connection["close_time"] is None:
        return (connection["ended"] or "goes on").replace("_", " ")
    code = connection["close_code"]
    shown = "without a code" if code in (None, 1005) else str(code)
    reason = shown_text(connection["close_reason"].encode(), room)
    arrow = "->" if connection["close_from_client"] else "<-"
    return f"{arrow} {shown}{f' {reason}' if reason else ''}"


def _accounts(connection: _Connection) -> list[str]:
    """The accounts of directions with losses or violations, and the problems."""
    lines = []
    for arrow, side in zip(("->", "<-"), _SIDES, strict=True):
        count = {name: connection[f"{side}_{name}"] for name in _COUNTERS}
        # A gap inside TLS may be of unknown length, and counts no bytes.
        has_losses = any(count[name] for name in ("skipped", "lost", "missing", "late", "gaps"))
        if has_losses or connection[f"{side}_violation"] is not None:
            lines.append(
                f"{arrow} {count['bytes']:,} bytes = {count['emitted']:,} in messages "
                f"+ {count['control']:,} control + {count['skipped']:,} skipped "
                f"+ {count['lost']:,} lost + {count['trailing']:,} trailing"
            )
    return lines + list(map(escaped, connection["problems"]))
