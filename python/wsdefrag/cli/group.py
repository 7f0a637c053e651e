"""The command ``wsdefrag``: its version, its subcommands, and how the process ends.

Each subcommand is a module of this package.
"""

from __future__ import annotations

import io
import os
import signal
import sys

import click

from wsdefrag import __version__
from wsdefrag.cli.connections import connections
from wsdefrag.cli.convert import convert
from wsdefrag.cli.messages import messages
from wsdefrag.cli.mitmproxy_addon import mitmproxy_addon
from wsdefrag.cli.plot import plot

_EPILOG = """
\b
Shell completion (bash; for zsh or fish, replace bash):
  eval "$(_WSDEFRAG_COMPLETE=bash_source wsdefrag)"
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="wsdefrag", message="%(prog)s %(version)s")
def wsdefrag() -> None:
    """Read WebSocket messages from packet captures and from raw bytes."""


for command in (messages, connections, convert, plot, mitmproxy_addon):
    wsdefrag.add_command(command)


def run() -> None:
    """Run the command with the arguments of this process, and end the process."""
    if sys.platform != "win32":
        # Python ignores SIGPIPE. By default it ends `wsdefrag ... | head` when head ends.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Escapes characters that the terminal's encoding lacks, instead of raising.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        wsdefrag(prog_name="wsdefrag")
    except OSError as error:
        # Only writing to standard output can fail here. Python writes its buffer once more at
        # exit, so standard output is replaced to keep that from failing too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"wsdefrag: standard output: {error.strerror or error}", err=True)
        sys.exit(2)
