"""Runs Python code in processes of their own, for tests of how a process ends."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from hang_guard import HANG_SECONDS


def child(code: str, **options: Any) -> tuple[int, str, str]:
    """Run code in a new interpreter.

    Args:
        code: The program.
        options: Further arguments for ``subprocess.run``.

    Returns:
        The exit code (negative: minus the number of the signal that ended it), the output, and the
        error output.
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


def children(code: str, count: int) -> list[tuple[int, str]]:
    """Run the same code in several interpreters at the same time.

    Args:
        code: The program.
        count: How often to run it.

    Returns:
        The exit code and the error output of each.
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    ended = []
    for process in running:
        try:
            _, errors = process.communicate(timeout=HANG_SECONDS)
        finally:
            process.kill()
        ended.append((process.returncode, errors))
    return ended
