"""The subcommand ``stats``: how much was sent, how fast, and how quickly it was answered."""

from __future__ import annotations

import json
from contextlib import closing

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, captures, live
from wsdefrag.cli.options import CHOOSING, READING, SUMMARY, format_option, selects
from wsdefrag.cli.output.figures import group_lines, total_lines
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection

_EPILOG = """
\b
Examples:
  wsdefrag stats day.pcapng
  wsdefrag stats day.pcapng --by host --id request_id
  wsdefrag stats day.pcapng --by path --format json | jq '.groups[0].latency_by_id'
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(
    (
        click.option(
            "--by",
            type=click.Choice(["connection", "host", "path"]),
            help="Also print a line for each of these.",
        ),
        click.option(
            "--id",
            "member",
            metavar="MEMBER",
            default="id",
            show_default=True,
            help="The JSON member that a message and its answer share.",
        ),
        format_option(
            "text", "json", help="Output format; json has all figures, in seconds and bytes."
        ),
    ),
    CHOOSING,
    READING,
    (SUMMARY,),
)
@click.pass_context
def stats(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    by: str | None,
    member: str,
    output_format: str,
    summary: bool,
) -> None:
    """Print rates, sizes, compression, round trips, latencies, silences and reconnects.

    A latency is the time from a client's message to the server's answer: to the message with the
    same JSON member "id" (--id names another), or, by turns, from the last of the client's messages
    in a row to the next message of the server. A reconnect is a connection that begins within a
    minute of the end of another one with the same client address, server, host and path.
    """
    source = captures(inputs)
    reading = Reading(source, selection)
    format = f"stats-by-{by}" if by else "stats"
    with live(source), closing(reading.blocks(format, {"id": member})) as blocks:
        document = b"".join(blocks)
    if output_format == "json":
        click.echo(document, nl=False)
    elif document:
        figures = json.loads(document)
        lines = total_lines(figures["total"])
        if by:
            lines += ["", *group_lines(by, figures["groups"])]
        click.echo("\n".join(lines))
    reading.finish(context, summary=summary)
