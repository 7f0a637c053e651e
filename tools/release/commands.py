"""Runs programs, and keeps what they print."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from release.part import Failed

_TAIL_LINES = 30


def output(command: Iterable[object], where: Path) -> str:
    """Run a program and return its standard output.

    Raises:
        Failed: If it is not there, or its exit status is not 0.
    """
    return _run(command, where, None).stdout


def logged(
    command: Iterable[object], where: Path, log: Path, env: Mapping[str, str] | None = None
) -> None:
    """Run a program that takes long; what it prints goes to a file.

    Args:
        command: The program and its arguments.
        where: Its directory.
        log: The file, which is replaced.
        env: What is added to the environment.

    Raises:
        Failed: If it is not there, or its exit status is not 0; the text has its last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = _run(command, where, env)
    except Failed as error:
        log.write_text(str(error), encoding="utf-8")
        raise
    log.write_text(done.stdout + done.stderr, encoding="utf-8")


def _run(
    command: Iterable[object], where: Path, env: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=where,
            env=os.environ | dict(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise Failed(f"{words[0]} is not there") from error
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-_TAIL_LINES:]
        raise Failed("\n".join([f"{' '.join(words)} ended with {done.returncode}:", *lines]))
    return done
