"""The command ``wsdefrag``: its version, its subcommands, and how the process ends.

Each subcommand is a module of this package.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading

import click

from wsdefrag import __version__
from wsdefrag.cli.connections import connections
from wsdefrag.cli.convert import convert
from wsdefrag.cli.extract import extract
from wsdefrag.cli.follow import follow
from wsdefrag.cli.messages import messages
from wsdefrag.cli.mitmproxy_addon import mitmproxy_addon
from wsdefrag.cli.output.errors import UnusableInput, note
from wsdefrag.cli.plot import plot
from wsdefrag.cli.signals import Stopped, handled, received
from wsdefrag.cli.standard_streams import discard_stdout, open_standard_streams
from wsdefrag.cli.stats import stats

_EPILOG = """
\b
Shell completion (bash; for zsh or fish, replace bash):
  eval "$(_WSDEFRAG_COMPLETE=bash_source wsdefrag)"
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="wsdefrag", message="%(prog)s %(version)s")
def wsdefrag() -> None:
    """Read WebSocket messages from packet captures and from raw bytes."""


for command in (messages, connections, follow, convert, extract, stats, plot, mitmproxy_addon):
    wsdefrag.add_command(command)


def run() -> None:
    """Run the command with the arguments of this process, and end the process."""
    with handled():
        status = _status()
        if threading.active_count() > 1:
            # A signal came while a thread reads captures; it must not go on while Python ends.
            sys.stderr.flush()
            os._exit(status)
        sys.exit(status)


def _status() -> int:
    """Run the command.

    Returns:
        The exit status.
    """
    if sys.platform != "win32":
        # Python ignores SIGPIPE. By default it ends `wsdefrag ... | head` when head ends.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    with_stdout = open_standard_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Escapes characters that the terminal's encoding lacks, instead of raising.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        wsdefrag(prog_name="wsdefrag")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Stopped as stopped:
        discard_stdout()
        return stopped.exit_status
    except Exception as error:
        # A signal, which a library may have turned into another exception.
        if (signalled := received()) is not None:
            discard_stdout()
            return signalled.exit_status
        if not isinstance(error, OSError):
            raise
        # Only writing to standard output can fail here.
        discard_stdout()
        reason = (error.strerror or str(error)) if with_stdout else "is closed"
        note("standard output", reason)
        return UnusableInput.exit_code
    return 0
