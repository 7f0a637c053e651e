"""The subcommand ``ingest``: a lake of Parquet files from a folder of captures."""

from __future__ import annotations

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.metrics import METRICS, metrics_address
from wsdefrag.cli.option_values import duration, positive_size
from wsdefrag.cli.options import KEYLOG, RESYNC
from wsdefrag.cli.output.errors import UnusableInput, printable_name
from wsdefrag.ingest import Ingest, IngestLocked, IngestMetrics
from wsdefrag.ingest.folder import FILES
from wsdefrag.ingest.ingest import COMMIT_BYTES, COMMIT_SECONDS

_EPILOG = """
\b
The lake has LAKE/TABLE/date=YYYY-MM-DD/hour=HH/*.parquet for messages,
connections and events, and LAKE/_ingest with commits, which name files, and
the state of the capture after them. A run that is ended or killed loses nothing
and doubles nothing: the next one reads again what was not committed.

\b
Examples:
  wsdefrag ingest captures --to lake
  wsdefrag ingest captures --to lake --follow --metrics 9464
  wsdefrag ingest captures --to lake --point '^([^/]+)/' --keylog keys.log
"""


def _unusable(lake: str, error: Exception) -> UnusableInput:
    """Return the error that ends the command, with the file that it is about if one is known."""
    if not isinstance(error, OSError):
        return UnusableInput(printable_name(lake), str(error))
    return UnusableInput(printable_name(error.filename or lake), error.strerror or str(error))


@click.command(cls=Command, epilog=_EPILOG)
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, readable=True)
)
@click.option(
    "--to",
    "lake",
    metavar="LAKE",
    required=True,
    type=click.Path(file_okay=False),
    help="The folder of the lake; it is made if need be.",
)
@click.option("--follow", is_flag=True, help="Wait for further files, until Ctrl-C.")
@click.option("--end", is_flag=True, help="End the captures: write connections that are open, too.")
@KEYLOG
@click.option(
    "--files",
    metavar="REGEX",
    default=FILES,
    help="Whole names of captures.  [default: *.pcap*, ...]",
)
@click.option(
    "--point",
    metavar="REGEX",
    help="Finds the capture point in a path below DIR; its first group is the name.",
)
@click.option(
    "--quiet",
    metavar="SECONDS",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="A point's newest file is closed after so long without a change.",
)
@click.option(
    "--compression",
    type=click.Choice(["zstd", "lz4", "none"]),
    default="zstd",
    show_default=True,
    help="How columns are compressed.",
)
@RESYNC
@click.option(
    "--keep-states",
    metavar="COUNT",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="States that are kept for each capture point.",
)
@click.option(
    "--commit-bytes",
    metavar="BYTES",
    callback=positive_size,
    default=f"{COMMIT_BYTES >> 20}M",
    help="Files that are waiting are committed together, up to so much; K, M, G may follow."
    f"  [default: {COMMIT_BYTES >> 20}M]",
)
@click.option(
    "--commit-seconds",
    metavar="SECONDS",
    type=float,
    callback=duration,
    default=COMMIT_SECONDS,
    show_default=True,
    help="A commit begins no further file after so long.",
)
@METRICS
@click.pass_context
def ingest(
    context: click.Context,
    *,
    folder: str,
    lake: str,
    follow: bool,
    end: bool,
    keylog: tuple[str, ...],
    files: str,
    point: str | None,
    quiet: float,
    compression: str,
    resync: bool,
    keep_states: int,
    commit_bytes: int,
    commit_seconds: float,
    metrics: str | None,
) -> None:
    """Read a folder of captures into a lake of Parquet files, exactly once.

    DIR is where a capture point puts its files. Those that are closed are read in order, and
    connections go on from file to file. What is done is written to standard error, a JSON object a
    line.
    """
    if follow and end:
        raise click.UsageError(
            "--end is for a capture that has ended, --follow for one that goes on."
        )
    try:
        made = Ingest(
            folder,
            lake,
            files=files,
            point=point,
            quiet=quiet,
            compression=None if compression == "none" else compression,
            keep_states=keep_states,
            commit_bytes=commit_bytes,
            commit_seconds=commit_seconds,
            keylog=list(keylog) or None,
            resync=resync,
        )
    except (IngestLocked, ValueError, OSError) as error:
        raise _unusable(lake, error) from None
    with made:
        server = None
        if metrics is not None:
            try:
                address = metrics_address(metrics)
                server = IngestMetrics(made).serve(address.host or "", address.port)
            except (ImportError, OSError, ValueError) as error:
                raise UnusableInput(f"--metrics {metrics}", str(error)) from None
        try:
            made.run(follow=follow, end=end)
            if end:
                made.end()
        except (OSError, MemoryError) as error:
            raise _unusable(lake, error) from None
        finally:
            if server is not None:
                server.shutdown()
                server.server_close()
    if made.counts.set_aside or made.counts.changed:
        context.exit(1)
