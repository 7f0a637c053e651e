"""The subcommand ``report``: writes captures as one HTML page that shows them.

``wsdefrag.formats.report`` says what the page promises. If a capture is damaged, the report has
everything that was complete before the damage, and the error. What was not read of the packets is
in it as notes.
"""

from __future__ import annotations

from contextlib import closing

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.input.inputs import EXISTING, captures, live
from wsdefrag.cli.options import (
    CHOOSING,
    READING,
    SUMMARY,
    selects,
)
from wsdefrag.cli.output.files import check_output, written
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.selection import Selection

_EPILOG = """
\b
Examples:
  wsdefrag report day.pcapng -o day.html
  wsdefrag report *.pcap.gz -o api.html --host 'api.*' --title 'The API on Monday'
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
            help="The HTML file to write; - is standard output.",
        ),
        click.option("--title", metavar="TEXT", help="Heading.  [default: name of the capture]"),
        click.option("--force", is_flag=True, help="Replace OUT if it exists."),
        click.option("--no-content", is_flag=True, help="Leave out contents; do not inflate."),
    ),
    CHOOSING,
    READING,
    (SUMMARY,),
)
@click.pass_context
def report(
    context: click.Context,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    output: str,
    title: str | None,
    force: bool,
    no_content: bool,
    summary: bool,
) -> None:
    """Write packet captures as one HTML page that shows them in a browser.

    CAPTURE is a pcap, pcapng or snoop file, also compressed; - is standard input. The page has all
    connections, messages, gaps and accounts, and needs no network. It contains what was captured.
    """
    check_output(output, inputs, force=force)
    reading = Reading(captures(inputs), selection, content=not no_content)
    options = {
        "title": reading.name if title is None else title,
        "content": not no_content,
        "selection": selection.chosen(),
    }
    with (
        live(reading.source),
        written(output) as file,
        closing(reading.written_blocks("report", options)) as blocks,
    ):
        for block in blocks:
            file.write(block)
    reading.finish(context, summary=summary)
