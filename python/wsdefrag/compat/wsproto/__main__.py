"""Runs a Python program with this package's classes in the place of wsproto's.

    python -m wsdefrag.compat.wsproto uvicorn app:app --ws wsproto
    python -m wsdefrag.compat.wsproto -m hypercorn app:app
    python -m wsdefrag.compat.wsproto script.py ...

The arguments are those of ``python`` itself, but that a program may be named as it is in a shell.
The interpreter is started anew, with the directory ``startup`` in front of ``PYTHONPATH``. What
stands in it is run by every interpreter at its start, so the processes that the program starts,
such as a server's workers, are covered as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_STARTUP = Path(__file__).with_name("startup")
_USAGE = "usage: python -m wsdefrag.compat.wsproto (PROGRAM | -m MODULE | -c CODE) [ARGUMENTS ...]"


def _find(program: str) -> str:
    """The path of a program; its name if there is none, for Python to complain of."""
    if Path(program).exists():
        return program
    beside = str(Path(sys.executable).parent)
    return shutil.which(program, path=beside) or shutil.which(program) or program


def _environment() -> dict[str, str]:
    path = os.environ.get("PYTHONPATH")
    # An empty entry would be the current directory.
    entries = [str(_STARTUP), path] if path else [str(_STARTUP)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entries)}


def main(arguments: list[str]) -> int:
    """Run the program; where the system can, as this very process.

    Args:
        arguments: What stands behind ``python -m wsdefrag.compat.wsproto``.

    Returns:
        The exit status.
    """
    if not arguments:
        print(_USAGE, file=sys.stderr)
        return 2
    program, *rest = arguments
    if not program.startswith("-"):
        program = _find(program)
    command = [sys.executable, program, *rest]
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, command, _environment())
    return subprocess.run(command, env=_environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
