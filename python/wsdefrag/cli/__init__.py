"""The command ``wsdefrag``, which needs the extra ``cli``.

``group`` is the command itself, with one module for each of its subcommands: ``messages``,
``connections``, ``convert``, ``plot``, ``mitmproxy_addon``. The first four share

- ``options``: the options that say what is wanted of the input; ``selection``: their values,
- ``passes``: ``reading`` and ``arrow_reading`` read captures and say how that ended; ``dump``
  reads raw dumps,
- ``input``: what the arguments name, and whether it is a capture or a raw dump (``inputs``); the
  bytes of a raw dump and their times (``source``),
- ``output``: lines on standard output (``printer``, ``render``, ``capture_lines``), files that are
  written as a whole (``files``), lines on standard error (``complaint``), and what was lost on the
  way (``losses``).

Standard output carries messages and nothing else; everything said about them goes to standard
error. Exit status: 0 if all was read; 1 if something was lost or is wrong, or stops too early; 2 if
there was nothing to begin with: no such file, a bad option, no click.

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
