"""The command ``wsdefrag``: its version, its subcommands, and how the process ends.

Each subcommand is a module of this package, which is imported when it is used: the start of the
command takes longer than reading a small capture.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from wsdefrag import __version__
from wsdefrag.cli.output.errors import UnusableInput, WrongUsage, note
from wsdefrag.cli.signals import Stopped, handled, received
from wsdefrag.cli.standard_streams import discard_stdout, open_standard_streams

if TYPE_CHECKING:
    from collections.abc import Generator

_EPILOG = """
\b
Shell completion (bash; for zsh or fish, replace bash):
  eval "$(_WSDEFRAG_COMPLETE=bash_source wsdefrag)"
"""


# The subcommands, by name, and the first sentence of the help of each: the help of the group
# shows it without importing them. Each is an object of the module with its name.
_COMMANDS = {
    "connections": "Print the WebSockets of packet captures, one on each line.",
    "convert": "Convert packet captures to files for other programs.",
    "extract": "Write the contents of messages to files.",
    "follow": "Print what both sides of a connection said, in order and whole.",
    "ingest": "Read a folder of captures into a lake of Parquet files, exactly once.",
    "messages": "Print the messages of packet captures (pcap, pcapng, snoop, .mitm, .har).",
    "mitmproxy-addon": (
        "Print the path of a script that makes mitmproxy use wsdefrag for WebSockets."
    ),
    "mock": "Play the server of recorded connections for clients that connect.",
    "plot": "Draw the messages and bytes of the busiest WebSockets over time.",
    "proxy": "Stand between WebSocket clients and a server.",
    "replay": "Send one side of recorded connections to a server, and compare its answers.",
    "report": "Write packet captures as one HTML page that shows them in a browser.",
    "stats": "Print rates, sizes, compression, round trips, latencies, silences and reconnects.",
}


@contextmanager
def _usage_on_one_line() -> Generator[None, None, None]:
    """Have wrong arguments end the command with one line; click would print four."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise WrongUsage(error) from None


class _Group(click.Group):
    """The group of the subcommands, which imports those that are used."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401
    ) -> click.Context:
        """Parse the options before the subcommand."""
        with _usage_on_one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand."""
        with _usage_on_one_line():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand; None if there is none of this name."""
        if cmd_name not in _COMMANDS:
            # It takes longer to import than to use.
            from difflib import get_close_matches

            if close := get_close_matches(cmd_name, _COMMANDS):
                reason = f"No such command '{cmd_name}'. Did you mean '{close[0]}'?"
                raise click.UsageError(reason, ctx)
            return super().get_command(ctx, cmd_name)
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"wsdefrag.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the subcommands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="wsdefrag", message="%(prog)s %(version)s")
def wsdefrag() -> None:
    """Read WebSocket messages from packet captures and from raw bytes."""


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
