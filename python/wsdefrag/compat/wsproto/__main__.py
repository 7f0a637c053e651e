"""Runs a Python program with wsproto's classes replaced by this package's.

    python -m wsdefrag.compat.wsproto uvicorn app:app --ws wsproto
    python -m wsdefrag.compat.wsproto -m hypercorn app:app
    python -m wsdefrag.compat.wsproto script.py ...

The arguments are those of ``python``; a program may also be named by its command. The interpreter
is started again with the directory ``startup`` first in ``PYTHONPATH``. That directory contains a
``sitecustomize`` module, which each interpreter imports when it starts. So classes are also
replaced in the processes that the program starts, such as the workers of a server.
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
    """Return the path of a program; if it is not found, its name, so that Python reports it."""
    if Path(program).exists():
        return program
    directory = str(Path(sys.executable).parent)
    return shutil.which(program, path=directory) or shutil.which(program) or program


def _environment() -> dict[str, str]:
    path = os.environ.get("PYTHONPATH")
    # An empty entry would mean the current directory.
    entries = [str(_STARTUP), path] if path else [str(_STARTUP)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entries)}


def main(arguments: list[str]) -> int:
    """Run the program; on POSIX it replaces this process.

    Args:
        arguments: The arguments after ``python -m wsdefrag.compat.wsproto``.

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
