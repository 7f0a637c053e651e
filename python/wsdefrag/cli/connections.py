"""The subcommand ``connections``: prints a row or a JSON line for each WebSocket of a capture.

A row has the number, client, server, messages and bytes of content in each direction, compression
ratio, end, and host and path. If bytes were lost, more lines follow: the account of the direction,
which assigns every byte, and the problems.

Rows are collected so that their columns can be aligned; for a live capture they appear at its end.
"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import click

from wsdefrag.capture import CapturedConnection
from wsdefrag.capture.connection import address_text
from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, captures, live
from wsdefrag.cli.options import CONNECTION_FILTERS, READING, selects
from wsdefrag.cli.output.printer import Printer, colours_wanted
from wsdefrag.cli.output.render import escaped, shown_text
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection
from wsdefrag.formats.jsonl import connection_line

if TYPE_CHECKING:
    from wsdefrag.capture import Account

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
    (
        click.option(
            "--format",
            "output_format",
            type=click.Choice(["text", "jsonl"]),
            default="text",
            show_default=True,
            help="Output format.",
        ),
    ),
    READING,
)
@click.option("--summary", is_flag=True, help="Print totals and speed at the end.")
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

    CAPTURE is a pcap, pcapng or snoop file, also compressed; - is standard input. If bytes were
    lost, the account of the direction follows.
    """
    reading = Reading(captures(inputs), selection)
    jsonl = output_format == "jsonl"
    table = Table(colours=colours_wanted())
    write_lines = Printer(connection_line, jsonl=True)
    with live(reading.source), closing(reading.batches()) as batches:
        for batch in batches:
            ended = [item for item in batch if isinstance(item, CapturedConnection)]
            if jsonl:
                write_lines(ended)
            else:
                table.add(ended)
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

    def add(self, connections: list[CapturedConnection]) -> None:
        """Add connections; prints all rows when there are enough.

        Args:
            connections: Connections that have ended.
        """
        self._held += [
            (one.connection, _row(one, self._room), _accounts(one)) for one in connections
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


def _row(connection: CapturedConnection, room: int) -> tuple[str, ...]:
    client, server = connection.from_client, connection.from_server
    return (
        str(connection.connection),
        address_text(connection.client_address),
        address_text(connection.server_address),
        f"{client.messages:,}",
        f"{client.content:,}",
        f"{server.messages:,}",
        f"{server.content:,}",
        _ratio(client, server),
        _end(connection, room),
        escaped(f"{connection.host or ''}{connection.path or ''}") or "(not captured)",
    )


def _ratio(client: Account, server: Account) -> str:
    """Size of the compressed messages on the wire, as a percentage of their inflated size."""
    inflated = client.inflated + server.inflated
    return f"{(client.compressed + server.compressed) / inflated:.0%}" if inflated else "-"


def _end(connection: CapturedConnection, room: int) -> str:
    response, close = connection.response, connection.close
    if response is not None and connection.refused:
        return f"refused: {response.status}"
    if close is None:
        return (connection.ended or "goes on").replace("_", " ")
    code = "without a code" if close.close_code in (None, 1005) else str(close.close_code)
    reason = shown_text(close.close_reason.encode(), room)
    return f"{'->' if close.from_client else '<-'} {code}{f' {reason}' if reason else ''}"


def _accounts(connection: CapturedConnection) -> list[str]:
    """The accounts of directions with losses or violations, and the problems."""
    lines = []
    for arrow, account in (("->", connection.from_client), ("<-", connection.from_server)):
        if account.has_losses or account.violation is not None:
            lines.append(
                f"{arrow} {account.bytes:,} bytes = {account.emitted:,} in messages "
                f"+ {account.control:,} control + {account.skipped:,} skipped "
                f"+ {account.lost:,} lost + {account.trailing:,} trailing"
            )
    return lines + list(map(escaped, connection.problems))
