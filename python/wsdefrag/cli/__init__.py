"""The command ``wsdefrag``, which needs the extra ``cli``.

``group`` is the command itself, with one module for each of its subcommands (``messages``).
They share ``parameters`` (what options take), ``source`` (bytes and their times), ``render``
(messages as lines) and ``complaint`` (lines on standard error).

Standard output carries messages and nothing else; everything said about them goes to standard
error. Exit status: 0 if all was read, 1 if the bytes are wrong or stop too early, 2 if there was
nothing to begin with: no such file, a bad option, no click.

Invariant: nothing outside this package imports click.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of this process, and end the process."""
    try:
        from wsdefrag.cli.group import run
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print("wsdefrag: the command needs click: pip install 'wsdefrag[cli]'", file=sys.stderr)
        sys.exit(2)
    run()
