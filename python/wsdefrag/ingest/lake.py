"""Writes the rows of one file to a lake: a Parquet file for each hour of each table."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

from wsdefrag.ingest.synced import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from wsdefrag.capture import Capture
    from wsdefrag.ingest.commits import Commits


def write(capture: Capture, commits: Commits, *, compression: str | None) -> dict[str, Any]:
    """Write what a capture has to the lake, as files of the next commit.

    Returns:
        What was written: ``files`` (path below the lake and rows), ``warnings``, ``tally``,
        ``packets``, ``bytes``, and ``state``, the state of the capture, or None if it has ended.

    Raises:
        CaptureError: If the file is no capture.
        OSError: If a file cannot be read or written.
    """
    made = capture._lake_files({"compression": compression, "compression_level": None})
    number = commits.number + 1
    temporary = commits.temporary()
    with ExitStack() as stack:
        files: dict[int, IO[bytes]] = {}
        while (part := made.next_part()) is not None:
            which, block = part
            if not block:
                continue
            if which not in files:
                path = temporary / f"{which}.parquet"
                files[which] = stack.enter_context(path.open("wb"))
            files[which].write(block)
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    state = made.checkpoint() if capture._arguments["continues"] else None
    written = []
    folders = set()
    for which, (folder, rows) in enumerate(made.part_names):
        name = f"{folder}/{commits.label}-{number:08d}-{which:04d}.parquet"
        path = commits.lake / name
        folders.update(_made(path.parent))
        (temporary / f"{which}.parquet").replace(path)
        written.append({"path": name, "rows": rows})
    for folder_path in folders:
        sync_folder(folder_path)
    tally = made.tally
    return {
        "files": written,
        "warnings": made.warnings,
        "messages": tally["messages"],
        "missing": tally["missing"],
        "lost": tally["lost"],
        "packets": made.counts["packets"],
        "bytes": made.bytes_read,
        "state": state,
    }


def _made(folder: Path) -> set[Path]:
    """Make a folder and those above it; return which have new names in them, or will have."""
    there = folder
    folders = {folder}
    while not there.exists():
        there = there.parent
        folders.add(there)
    folder.mkdir(parents=True, exist_ok=True)
    return folders
