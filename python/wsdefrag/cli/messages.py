"""The subcommand ``messages``: captures, or the bytes of one direction, in; a line a message out.

What the input is, its first bytes tell (``inputs``). A capture says itself who sent what, what was
agreed and when; of a raw dump ``--from`` and the options of ``DumpOptions`` have to say it. Options
that mean nothing for the input at hand are refused.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import IO, TYPE_CHECKING, Literal

import click

from wsdefrag.capture import CapturedConnection
from wsdefrag.cli.input.inputs import EXISTING, Input, opened
from wsdefrag.cli.options import (
    CONNECTION_FILTERS,
    MESSAGE_FILTERS,
    READING,
    deflate_header,
    seconds,
    selects,
)
from wsdefrag.cli.output.capture_lines import CaptureLines
from wsdefrag.cli.output.printer import Printer, colours_wanted, columns
from wsdefrag.cli.output.render import TextLines, json_line
from wsdefrag.cli.passes.dump import DumpOptions, print_dump
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection
from wsdefrag.formats.jsonl import message_line

if TYPE_CHECKING:
    from wsdefrag.capture import CapturedMessage
    from wsdefrag.deflate import DeflateParams

_EPILOG = """
\b
Examples:
  wsdefrag messages day.pcapng --host '*.example' --type text
  tcpdump -w - 'tcp port 80' | wsdefrag messages - --format jsonl
  wsdefrag messages server.bin --from server
"""


_SENDER = (
    click.option(
        "--from",
        "sender",
        type=click.Choice(["client", "server"]),
        help="Who sent it; for raw bytes, required.",
    ),
)

_OUTPUT = (
    click.option("--no-content", is_flag=True, help="Leave contents out, and do not inflate."),
    click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "jsonl"]),
        default="text",
        show_default=True,
        help="For people or programs.",
    ),
    click.option(
        "--width",
        type=click.IntRange(min=0),
        metavar="COLUMNS",
        help="Of a text line; 0: no limit.  [default: the terminal's]",
    ),
)

_RAW = (
    click.option(
        "--deflate",
        metavar="HEADER",
        callback=deflate_header,
        help="Raw: Sec-WebSocket-Extensions of the answer.",
    ),
    click.option(
        "--timestamp",
        type=float,
        metavar="SECONDS",
        callback=seconds,
        help="Raw: time of all messages; else now.",
    ),
    click.option(
        "--times",
        type=click.File("rb"),
        metavar="FILE",
        help="Raw: when each chunk arrived, in JSON.",
    ),
    click.option("--summary", is_flag=True, help="Say at the end how much and how fast."),
)


@click.command(epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(_SENDER, CONNECTION_FILTERS, MESSAGE_FILTERS, _OUTPUT, READING, _RAW)
@click.pass_context
def messages(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    no_content: bool,
    output_format: Literal["text", "jsonl"],
    width: int | None,
    deflate: DeflateParams | None,
    timestamp: float | None,
    times: IO[bytes] | None,
    summary: bool,
) -> None:
    """Print the messages of packet captures (pcap or pcapng, also gzipped).

    With --from, CAPTURE may also be a raw dump: the bytes one side sent after the handshake.
    - is standard input. Exit status 1: something was lost, broken or cut off.
    """
    raw = DumpOptions(deflate=deflate, timestamp=timestamp, times=times)
    if timestamp is not None and times is not None:
        raise click.UsageError("--timestamp and --times exclude each other.")
    jsonl = output_format == "jsonl"
    source = opened(inputs)
    if isinstance(source, Input) and not source.is_capture:
        if selection.sender is None:
            raise click.UsageError(
                f"{source.name} is no capture (pcap or pcapng). If it holds the raw bytes of one "
                "direction, say whose: --from client or --from server."
            )
        _refuse(selection.of_captures() + ["--no-content"] * no_content, "captures")
        plain = json_line if jsonl else TextLines(columns(width), colours=colours_wanted())
        print_dump(context, source, selection, raw, Printer(plain, jsonl=jsonl), summary=summary)
        return
    _refuse(raw.given(), "raw dumps")
    content = not no_content
    captured = (
        partial(message_line, content=content)
        if jsonl
        else CaptureLines(columns(width), colours=colours_wanted(), content=content)
    )
    reading = Reading(source, selection, content=content)
    _print_capture(context, reading, Printer(captured, jsonl=jsonl), summary=summary)


def _refuse(options: list[str], what: str) -> None:
    if options:
        raise click.UsageError(f"{options[0]} is for {what}.")


def _print_capture(
    context: click.Context, reading: Reading, write: Printer[CapturedMessage], *, summary: bool
) -> None:
    """Print the messages of a capture.

    Args:
        context: The command's.
        reading: Reads the capture.
        write: Prints messages.
        summary: Whether to say at the end how much and how fast.

    Raises:
        BadStream: If the capture is damaged.
        UnusableInput: If it cannot be read.
    """
    with closing(reading.batches()) as batches:
        for batch in batches:
            write([item for item in batch if not isinstance(item, CapturedConnection)])
    reading.finish(context, summary=summary)
