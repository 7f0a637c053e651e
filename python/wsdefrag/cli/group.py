"""The command itself: what all subcommands have in common.

Each subcommand is a module of this package and is added to ``wsdefrag`` below.
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
Shell completion (bash; zsh and fish likewise):
  eval "$(_WSDEFRAG_COMPLETE=bash_source wsdefrag)"
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="wsdefrag", message="%(prog)s %(version)s")
def wsdefrag() -> None:
    """Read WebSockets out of packet captures, and out of raw bytes."""


for command in (messages, connections, convert, plot, mitmproxy_addon):
    wsdefrag.add_command(command)


def run() -> None:
    """Run the command as a program of its own, and end the process."""
    if sys.platform != "win32":
        # Python ignores this signal. With it, `wsdefrag ... | head` ends as any filter does.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character gets it escaped and not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        wsdefrag(prog_name="wsdefrag")
    except OSError as error:
        # Trouble with the input has been told by now. What Python still holds of the output
        # goes nowhere, so that it does not fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"wsdefrag: standard output: {error.strerror or error}", err=True)
        sys.exit(2)
