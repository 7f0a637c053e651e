"""The command ``wsdefrag``, which needs the extra ``cli``.

``group`` defines the command. Each subcommand is a module: ``messages``, ``connections``,
``convert``, ``plot``, ``mitmproxy_addon``. The first four share

- ``help``: the layout of their help,
- ``options``: the filters and other options; ``option_values`` converts their texts, ``selection``
  has their values,
- ``passes``: ``reading`` reads captures; ``dump`` reads raw dumps,
- ``input``: ``inputs`` opens the arguments and recognises captures and raw dumps; ``source`` reads
  the bytes of a raw dump and their times,
- ``signals``: Ctrl-C and ``kill``; ``standard_streams``: standard streams that the shell closed,
- ``output``: lines on standard output (``printer``; ``render`` for raw dumps), files (``files``),
  lines on standard error (``errors``), counters of losses (``losses``), and what was not followed
  (``unfollowed``).

A raw dump is a file with the bytes that one side sent after the handshake.

Standard output has only the requested messages or connections; notes and errors go to standard
error. Exit status: 0 if everything was read; 1 if something was lost, damaged or not followed, or
broke a rule; 2 if nothing could be read or written (no such file, a wrong option, a full disk);
128 plus the number of a signal that ended the command.

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
    except KeyboardInterrupt:  # the modules of the command take some time to be imported
        sys.exit(130)
    run()
