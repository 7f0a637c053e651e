"""The subcommand ``messages``: prints a line for each message of a capture or a raw dump.

The first bytes of the input tell a capture from a raw dump (see ``inputs``). A capture contains
sender, extensions and times of the messages. A raw dump does not, so ``--from`` and the options of
``passes.dump.DumpOptions`` give them. Options that do not apply to the input are an error.
"""

from __future__ import annotations

from contextlib import closing
from typing import IO, Literal

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, Input, live, opened, what_it_is
from wsdefrag.cli.option_values import seconds
from wsdefrag.cli.options import (
    CONNECTION_FILTERS,
    CONTENT_FILTERS,
    MESSAGE_FILTERS,
    NO_EVENTS,
    READING,
    SUMMARY,
    WIDTH,
    format_option,
    selects,
)
from wsdefrag.cli.output.errors import UnusableInput
from wsdefrag.cli.output.printer import Printer, colours_wanted, columns, print_block
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection

_EPILOG = """
\b
Examples:
  wsdefrag messages day.pcapng --host '*.example' --type text
  wsdefrag messages day.pcapng | grep -n error
  tcpdump -U --immediate-mode -w - 'tcp port 80' | wsdefrag messages -
  wsdefrag messages server.bin --from server
"""


_SENDER = (
    click.option(
        "--from",
        "sender",
        type=click.Choice(["client", "server"]),
        help="Only this sender; required for a raw dump.",
    ),
)

_OUTPUT = (
    click.option("--no-content", is_flag=True, help="Leave out contents; do not inflate."),
    NO_EVENTS,
    format_option("text", "jsonl"),
    WIDTH,
)

_RAW = (
    click.option(
        "--timestamp",
        type=float,
        metavar="SECONDS",
        callback=seconds,
        help="Time of all messages.  [default: now]",
    ),
    click.option(
        "--times",
        type=click.File("rb"),
        metavar="FILE",
        help="JSON with the time of each chunk.",
    ),
    SUMMARY,
)


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(_SENDER, CONNECTION_FILTERS, MESSAGE_FILTERS, CONTENT_FILTERS, _OUTPUT, READING, _RAW)
@click.pass_context
def messages(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    no_content: bool,
    no_events: bool,
    output_format: Literal["text", "jsonl"],
    width: int | None,
    timestamp: float | None,
    times: IO[bytes] | None,
    summary: bool,
) -> None:
    """Print the messages of packet captures (pcap, pcapng, snoop, .mitm, .har).

    Gaps, control frames (ping, pong, close) and violations are lines in their places.
    With --from, CAPTURE may also be a raw dump: the bytes that one side sent after the handshake.
    - is standard input.
    """
    if timestamp is not None and times is not None:
        raise click.UsageError("--timestamp and --times exclude each other.")
    jsonl = output_format == "jsonl"
    source = opened(inputs)
    if isinstance(source, Input) and not source.is_capture:
        if selection.sender is None:
            hint = "for a raw dump of one direction, give --from client or --from server"
            raise UnusableInput(source.name, f"{what_it_is(source)}; {hint}")
        given = ["--no-content"] * no_content + ["--no-events"] * no_events
        _refuse(selection.of_captures() + given, "captures")
        # Captures are read without these modules.
        from wsdefrag.cli.output.render import TextLines, json_line
        from wsdefrag.cli.passes.dump import DumpOptions, print_dump

        plain = json_line if jsonl else TextLines(columns(width), colours=colours_wanted())
        raw = DumpOptions(timestamp=timestamp, times=times)
        print_dump(context, source, selection, raw, Printer(plain, jsonl=jsonl), summary=summary)
        return
    of_dumps = {"--timestamp": timestamp, "--times": times}
    _refuse([name for name, value in of_dumps.items() if value is not None], "raw dumps")
    options: dict[str, bool | int] = {
        "content": not no_content,
        "events": not no_events,
        # With --type, control frames, which have another type, are left out.
        "control_frames": selection.type is None,
    }
    if not jsonl:
        options |= {"width": columns(width), "colours": colours_wanted()}
    reading = Reading(source, selection, content=not no_content)
    with live(source), closing(reading.blocks(output_format, options)) as blocks:
        for block in blocks:
            if jsonl:
                click.echo(block, nl=False)
            else:
                print_block(block)
    reading.finish(context, summary=summary)


def _refuse(options: list[str], needed: str) -> None:
    if options:
        raise click.UsageError(f"{options[0]} is only for {needed}.")
