"""Writes the rows of a commit's files to a lake: a Parquet file for each hour of each table."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import IO, TYPE_CHECKING, Any

from wsdefrag.ingest.synced import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from wsdefrag.capture import Capture
    from wsdefrag.ingest.commits import Commits
    from wsdefrag.ingest.group import Group

MOST_OPEN = 16
"""Temporary files that are open at a time; the rows of as many hours are encoded at a time."""


class _Parts:
    """The temporary Parquet files of a commit, by number. Few of them are open.

    - when a file is closed, its bytes are on the disk
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[int, IO[bytes]] = OrderedDict()
        self._begun: set[int] = set()

    def path(self, number: int) -> Path:
        return self._folder / f"{number}.parquet"

    def write(self, number: int, block: bytes) -> None:
        """Append to a file, which is made at its first block."""
        if number not in self._open:
            if len(self._open) == MOST_OPEN:
                self._close(next(iter(self._open)))
            mode = "ab" if number in self._begun else "wb"
            self._open[number] = self.path(number).open(mode)
            self._begun.add(number)
        self._open.move_to_end(number)
        self._open[number].write(block)

    def _close(self, number: int) -> None:
        with self._open.pop(number) as file:
            file.flush()
            os.fsync(file.fileno())

    def sync(self) -> None:
        """Have the bytes of all files reach the disk."""
        while self._open:
            self._close(next(iter(self._open)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the files, which are complete unless there was an error."""
        while self._open:
            self._open.popitem()[1].close()


def write(
    capture: Capture, commits: Commits, *, compression: str | None, group: Group | None = None
) -> dict[str, Any]:
    """Write what a capture has to the lake, as files of the next commit.

    Args:
        capture: A capture of the group's files, or one without files, which ends.
        commits: The commits of its capture point.
        compression: How columns are compressed.
        group: Is told of each file that was read to its end, and says whether to go on, and whether
            the capture ends.

    Returns:
        What was written: ``files`` (path below the lake and rows), ``messages``, ``missing``,
        ``lost``, ``packets``, ``bytes``, ``warnings`` that are of no file, and ``state``, the state
        of the capture, or None if it has ended.

    Raises:
        CaptureError: If a file is no capture: the one after those that the group was told of.
        OSError: If a file cannot be read or written.
    """
    made = capture._lake_files({"compression": compression, "compression_level": None})
    files_read = messages = size = warnings = 0
    continues = capture._arguments["continues"]
    with _Parts(commits.temporary()) as parts:
        while (part := made.next_part()) is not None:
            if part[1]:
                parts.write(*part)
            if group is not None and made.files_read > files_read:
                files_read = made.files_read
                so_far = made.tally["messages"], made.bytes_read, made.warnings
                counted = {
                    "messages": so_far[0] - messages,
                    "bytes": so_far[1] - size,
                    "warnings": so_far[2][warnings:],
                }
                messages, size, warnings = *so_far[:2], len(so_far[2])
                if not group.ended(counted):
                    made.skip_rest()
                elif group.ends_capture():
                    made.end_capture()
                    continues = False
        parts.sync()
    state = made.checkpoint() if continues else None
    tally = made.tally
    return {
        "files": _moved(made.part_names, parts, commits),
        "messages": tally["messages"],
        "missing": tally["missing"],
        "lost": tally["lost"],
        "packets": made.counts["packets"],
        "bytes": made.bytes_read,
        "warnings": made.warnings[warnings:],
        "state": state,
    }


def _moved(names: list[tuple[str, int]], parts: _Parts, commits: Commits) -> list[dict[str, Any]]:
    """Give the temporary files their names in the lake; return these with the number of rows."""
    written = []
    folders = set()
    for which, (folder, rows) in enumerate(names):
        name = f"{folder}/{commits.label}-{commits.number + 1:08d}-{which:04d}.parquet"
        path = commits.lake / name
        folders.update(_made(path.parent))
        parts.path(which).replace(path)
        written.append({"path": name, "rows": rows})
    for folder_path in folders:
        sync_folder(folder_path)
    return written


def _made(folder: Path) -> set[Path]:
    """Make a folder and those above it; return which have new names in them, or will have."""
    there = folder
    folders = {folder}
    while not there.exists():
        there = there.parent
        folders.add(there)
    folder.mkdir(parents=True, exist_ok=True)
    return folders
