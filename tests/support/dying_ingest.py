"""Ingests that die at every place in turn, each with a lake of its own.

`dying_ingest.py FOLDER LAKES` reads FOLDER into LAKES/0, LAKES/1 and so on. The process that writes
LAKES/N kills itself before its step N: bytes that are written, synced or get their names, or a file
that has ended. The program ends with the first process that has no step N, and prints N.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from wsdefrag.ingest import ingest, lake
from wsdefrag.ingest.group import Group


def dying(step: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What makes a function one that dies before so many calls of all such functions."""
    left = iter(range(step))

    def made(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments)

        return call

    return made


def die(folder: Path, made: Path, step: int) -> None:
    """Read the folder, and die before a step, if there is one."""
    step_of = dying(step)
    os.fsync = step_of(os.fsync)
    Path.replace = step_of(Path.replace)  # type: ignore[method-assign]
    Group.ended = step_of(Group.ended)  # type: ignore[method-assign]
    lake._Parts.write = step_of(lake._Parts.write)  # type: ignore[method-assign]
    ingest(folder, made, quiet=0, end=True, log=lambda *_, **__: None)


def main(folder: Path, lakes: Path) -> None:
    """Begin processes, one after the other, until one ends by itself."""
    for step in count():
        child = os.fork()
        if child == 0:
            die(folder, lakes / str(step), step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            print(step)
            return


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
