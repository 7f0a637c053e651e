"""``Group``: files of a capture point that are read one after the other and committed together.

A commit has a price that does not depend on how much is in it: Parquet files of tables and hours,
and the state of the capture, which has all that is unfinished. So the files that are waiting share
commits.

- a group has at least one file, and a file that follows it is in another one
- ``len(read) <= len(files)``
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from wsdefrag.ingest.folder import SourceFile

MOST_FILES = 1024
"""Files of a commit, at most: all their names are in its file."""


@dataclass(frozen=True)
class Bounds:
    """When a commit ends, if more files are waiting.

    Attributes:
        size: Bytes of files, as stored. The file that reaches it is the commit's last one.
        seconds: Time since its first file was begun; no further file is begun then.
    """

    size: int
    seconds: float


class Group:
    """The files of a commit.

    Args:
        waiting: Files that are waiting, in order; at least one. The group takes the first ones.
        bounds: How many it takes, and for how long it reads.
        stop: Once it is set, no further file is begun.
        ends: Is asked after the last file whether the capture ends with these files.

    Attributes:
        files: The files.
        read: What was counted of each file that was read to its end: ``messages``, ``bytes`` and
            ``warnings``.
    """

    def __init__(
        self,
        waiting: Sequence[SourceFile],
        bounds: Bounds,
        stop: threading.Event | None = None,
        ends: Callable[[list[SourceFile]], bool] | None = None,
    ) -> None:
        self.files: list[SourceFile] = []
        self.read: list[dict[str, Any]] = []
        self._seconds = bounds.seconds
        self._stop = stop
        self._ends = ends
        self._begun = time.monotonic()
        size = 0
        for file in waiting[:MOST_FILES]:
            self.files.append(file)
            size += file.size
            if size >= bounds.size:
                break

    def ended(self, counted: dict[str, Any]) -> bool:
        """Note what was counted of the file that has ended; return whether to read the next one."""
        self.read.append(counted)
        if self._stop is not None and self._stop.is_set():
            return False
        return time.monotonic() - self._begun < self._seconds

    def ends_capture(self) -> bool:
        """Return whether the capture ends here: all files were read, and no others are waiting."""
        is_read = len(self.read) == len(self.files)
        return self._ends is not None and is_read and self._ends(self.files)

    def sources(self) -> list[dict[str, Any]]:
        """Return what a commit says of each file that was read to its end."""
        return [
            {**source(file), "status": "damaged" if counted["warnings"] else "read", **counted}
            for file, counted in zip(self.files, self.read, strict=False)
        ]


def source(file: SourceFile) -> dict[str, Any]:
    """Return what a commit says of a file, whatever became of it."""
    return {"name": file.name, "size": file.size, "mtime_ns": file.mtime_ns}
