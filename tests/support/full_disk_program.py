"""Ingests into a disk that is full at one place after another, and goes on once there is room.

`full_disk_program.py FOLDER EMPTY SIZE` reads the captures of FOLDER, in commits of SIZE bytes, and
mounts small file systems at EMPTY. It needs the right to mount, so run it in a mount namespace of
its own: `unshare --mount`. It prints how many pages and how many files were too little, and fails
if anything was committed by half, was lost or doubled.
"""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, takewhile
from pathlib import Path

from ingest_lakes import (
    commits,
    committed_files,
    expected,
    lake_rows,
    parquet_files,
    quietly,
    run_child,
)
from night import NIGHT
from wsdefrag.ingest import Ingest, ingest

ROOM = "size=64m,nr_inodes=100000"

Rows = dict[str, list[str]]
"""Rows by table."""


def mount(options: str, folder: Path) -> None:
    """Mount a file system in memory, or change its options (`remount`)."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True, timeout=600
    )


@contextmanager
def disk(options: str, folder: Path) -> Iterator[Path]:
    """A folder on a file system with these options."""
    mount(options, folder)
    try:
        yield folder / "lake"
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=600)


def check_commits(lake: Path) -> None:
    """What is committed is there, and nothing else."""
    made = commits(lake)
    assert [commit["commit"] for commit in made] == list(range(1, len(made) + 1))
    assert parquet_files(lake) == committed_files(lake)
    assert sum(map(len, lake_rows(lake).values())) == sum(
        file["rows"] for commit in made for file in commit["files"]
    )
    states = {path.name for path in lake.glob("_ingest/*/state-*")}
    assert not made or made[-1]["state"] in {None, *states}


def runs_out(work: Callable[[], object]) -> bool:
    """Whether the disk is too full for some work."""
    try:
        work()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return True
    return False


def is_full(folder: Path, empty: Path, options: str, size: int, whole: Rows) -> bool:
    """Ingest with so much room, then with enough; return whether the first room was too little.

    ``size`` is that of a commit's files.
    """
    with disk(options, empty) as lake:
        begins = partial(Ingest, folder, lake, quiet=0, commit_bytes=size, log=quietly)
        was_full = runs_out(lambda: begins().close())
        if was_full:
            mount(f"remount,{ROOM}", empty)
        with begins() as made:
            if runs_out(made.run):
                was_full = True
                check_commits(lake)
            mount(f"remount,{ROOM}", empty)
            made.run()
            made.end()
        check_commits(lake)
        assert lake_rows(lake) == whole
    return was_full


def check_command(folder: Path, empty: Path, whole: Rows) -> None:
    """The command says in one line what is wrong, and the next one goes on."""
    with disk("size=40k", empty) as lake:
        child = run_child(folder, lake, "--quiet", "0")
        _, errors = child.communicate(timeout=600)
        assert child.returncode == 2, errors
        said = [line for line in errors.splitlines() if not line.startswith("{")]
        assert len(said) == 1, errors
        assert re.fullmatch(rf"wsdefrag: {lake}\S*: No space left on device", said[0]), errors
        check_commits(lake)
        mount(f"remount,{ROOM}", empty)
        ingest(folder, lake, quiet=0, end=True, log=quietly)
        assert lake_rows(lake) == whole


def main(folder: Path, empty: Path, size: int) -> None:
    """Try one room after another until it is enough: so many pages, and so many files."""
    whole = expected(sorted(folder.iterdir()))
    check_command(folder, empty, whole)
    stride = 1 if NIGHT else 3
    for options, first, step in (
        ("size={}k,nr_inodes=100000", 4, 4),
        ("size=64m,nr_inodes={}", 2, 1),
    ):
        rooms = (options.format(room) for room in count(first, stride * step))
        is_too_little = partial(is_full, folder, empty, size=size, whole=whole)
        print(stride * sum(1 for _ in takewhile(is_too_little, rooms)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
