"""The files of a folder of captures: capture points, their order, and which files are closed.

A file is closed if a newer file of its capture point exists, or if it has not changed for some
time.
Files whose names do not match, such as those that a program renames when it closes them, are not
looked at.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from wsdefrag.capture import Capture

FILES = r".*\.(pcap|pcapng|cap|snoop)\d*(\.(gz|zst|lz4|xz|bz2))?"
"""The names of captures, as a regular expression for the whole name."""


@dataclass(frozen=True, order=True)
class SourceFile:
    """A file of a capture point, as it was when it was looked at.

    Attributes:
        name: Its path below the folder, with ``/``.
        size: Bytes.
        mtime_ns: When it was changed last, in nanoseconds since the epoch.
    """

    name: str
    size: int
    mtime_ns: int


class Folder:
    """A folder of captures.

    Args:
        path: The folder; folders in it are looked at as well.
        files: A regular expression for whole names of captures, without their folders.
        point: A regular expression that is searched in the path below the folder. Its first group
            is the name of the capture point. None if the folder is one capture point.
        quiet: Seconds without a change after which a point's newest file is closed.
    """

    def __init__(self, path: Path, *, files: str, point: str | None, quiet: float) -> None:
        self.path = path
        self._files = re.compile(files)
        self._point = None if point is None else re.compile(point)
        if self._point is not None and self._point.groups == 0:
            raise ValueError("point needs a group, the name of the capture point")
        self._quiet = quiet
        self._seen: dict[str, tuple[SourceFile, float]] = {}
        self._first: dict[str, tuple[SourceFile, int]] = {}

    def points(self) -> dict[str, list[SourceFile]]:
        """Return the files of each capture point, in the order of their names."""
        points: dict[str, list[SourceFile]] = {}
        for path in sorted(self.path.rglob("*")):
            if not self._files.fullmatch(path.name):
                continue
            name = path.relative_to(self.path).as_posix()
            if any(part.startswith((".", "_")) for part in name.split("/")):
                continue
            point = ""
            if self._point is not None:
                found = self._point.search(name)
                if found is None:
                    continue
                point = found.group(1) or ""
            try:
                stat = path.stat()
            except FileNotFoundError:  # it was removed meanwhile
                continue
            if path.is_file():
                file = SourceFile(name, stat.st_size, stat.st_mtime_ns)
                points.setdefault(point, []).append(file)
        return points

    def in_order(self, files: list[SourceFile]) -> list[SourceFile]:
        """Sort files by the time of their first packet, or of their last change if it has none."""
        return sorted(files, key=lambda file: (self._first_ns(file), file.name))

    def _first_ns(self, file: SourceFile) -> int:
        known, first = self._first.get(file.name, (None, 0))
        if known != file:
            found = Capture._first_packet_ns(str(self.path / file.name))
            first = file.mtime_ns if found is None else found
            self._first[file.name] = (file, first)
        return first

    def is_quiet(self, file: SourceFile) -> bool:
        """Return whether a file has not changed for some time.

        A clock that was set back makes a file look new. So it is also quiet if it did not change
        while this process looked at it.
        """
        now = time.monotonic()
        seen, since = self._seen.get(file.name, (None, now))
        if seen != file:
            self._seen[file.name] = (file, now)
            since = now
        age = time.time() - file.mtime_ns / 1e9
        return abs(age) >= self._quiet or now - since >= self._quiet
