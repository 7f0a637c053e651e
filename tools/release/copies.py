"""Copies of the checkout to build in."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from release import address, commands
from release.part import Missing


def made(root: Path, to: Path) -> Path:
    """Copy what git would commit, and make it what the package index gets.

    Without the repository's address the copy keeps its relative links, so that a release can be
    rehearsed before there is one.
    """
    shutil.rmtree(to, ignore_errors=True)
    names = commands.output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], root
    )
    for name in filter(None, names.split("\0")):
        source = root / name
        if source.is_file():
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    with contextlib.suppress(Missing):
        address.whole(to)
    return to
