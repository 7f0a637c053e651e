"""``KnownFiles``: which files of a capture point are done.

Each commit says what it adds: its ``sources``, and what it takes away: ``forgotten``, files that
are gone. A snapshot has the sum of the commits up to its number, so that a start reads few of
them::

    _ingest/POINT/known-N.json      the sum of the commits 1 to N

A snapshot is written after as many commits as it has files, and at least ``EVERY``. So all
snapshots together are at most twice as long as all commits, and a start reads at most as many
commits as files are known, or ``EVERY``. A snapshot repeats what the commits say: one that is lost
costs time alone.

Invariant: ``files`` is the sum of all commits of the point.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from wsdefrag.ingest.synced import write_synced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

EVERY = 256
"""Commits between two snapshots, at least."""


class KnownFiles:
    """The files that are done.

    Args:
        folder: The folder of the capture point.
        numbers: The numbers of its commits, in order.
        read: Reads the commit with a number.

    Attributes:
        files: By name: size in bytes, and time of the last change in nanoseconds since the epoch.
    """

    def __init__(
        self, folder: Path, numbers: Sequence[int], read: Callable[[int], dict[str, Any]]
    ) -> None:
        self.files: dict[str, list[int]] = {}
        self._folder = folder
        self._snapshot = 0
        last = numbers[-1] if numbers else 0
        snapshots = [number for number in self._snapshots() if number <= last]
        if snapshots:
            self._snapshot = max(snapshots)
            self.files = json.loads(self._path(self._snapshot).read_bytes())["files"]
        for number in numbers:
            if number > self._snapshot:
                self._add(read(number))

    def _path(self, number: int) -> Path:
        return self._folder / f"known-{number:08d}.json"

    def _snapshots(self) -> list[int]:
        found = (re.fullmatch(r"known-(\d+)\.json", path.name) for path in self._folder.iterdir())
        return [int(match.group(1)) for match in found if match]

    def _add(self, commit: dict[str, Any]) -> None:
        for name in commit["forgotten"]:
            self.files.pop(name, None)
        for source in commit["sources"]:
            self.files[source["name"]] = [source["size"], source["mtime_ns"]]

    def add(self, commit: dict[str, Any], temporary: Path) -> None:
        """Add a commit, and maybe write a snapshot. A full disk only defers it."""
        self._add(commit)
        number = commit["commit"]
        if number - self._snapshot < max(EVERY, len(self.files)):
            return
        with suppress(OSError):
            content = {"commit": number, "files": self.files}
            write_synced(temporary / "known", json.dumps(content).encode())
            (temporary / "known").replace(self._path(number))
            self._snapshot = number
            for old in self._snapshots():
                if old < number:
                    self._path(old).unlink()
