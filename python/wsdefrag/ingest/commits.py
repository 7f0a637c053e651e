"""What an ingest has done for a capture point: numbered commits, each with its state, and a lock.

::

    _ingest/lock                    held while an ingest runs
    _ingest/POINT/commit-N.json     what commit N did; the commit is the rename to this name
    _ingest/POINT/state-N           the state of the capture after it
    _ingest/POINT/known-N.json      the files that are done after it, for some N (see ``known``)
    _ingest/POINT/temporary/        files that are not complete

A commit is made in this order: Parquet files under temporary names, their bytes on the disk, their
renames; the state; the commit's file under a temporary name, its bytes on the disk, its rename.
So a Parquet file whose number is higher than the last commit's is left over from a process that was
killed, and is removed. A commit may be of several files, which are read one after the other.

A commit's file says what this commit did, so its length does not grow with their number.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wsdefrag.ingest.known import KnownFiles
from wsdefrag.ingest.synced import sync_folder, write_synced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TABLES = ("messages", "connections", "events")

VERSION = 3
"""The version of a commit's file."""


class IngestLocked(RuntimeError):
    """Another ingest has the lake."""


class Lock:
    """The lock of a lake. The system releases it with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            IngestLocked: If another process has it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise IngestLocked(
                f"another ingest writes to {folder.parent}; stop it, or choose another lake"
            ) from None

    def release(self) -> None:
        """Release the lock."""
        os.close(self._file)


class Commits:
    """The commits of a capture point.

    Args:
        lake: The folder of the lake.
        point: The name of the capture point.
        keep: How many states are kept; older ones are removed.
    """

    def __init__(self, lake: Path, point: str, *, keep: int) -> None:
        self.lake = lake
        self.point = point
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", point).strip("-.") or "point"
        self.label = f"{readable[:40]}-{zlib.crc32(point.encode()):08x}"
        self.folder = lake / "_ingest" / self.label
        self._temporary = self.folder / "temporary"
        self._keep = keep
        self.folder.mkdir(parents=True, exist_ok=True)
        numbers = self._numbers()
        self.last: dict[str, Any] = {"commit": 0, "state": None}
        if numbers:
            self.last = self._read(numbers[-1])
        self._known = KnownFiles(self.folder, numbers, self._read)
        self.clean()

    @property
    def number(self) -> int:
        """The number of the last commit; 0 before the first."""
        return int(self.last["commit"])

    @property
    def state(self) -> bytes | None:
        """The state of the capture after the last commit; None if none is open."""
        name = self.last["state"]
        return None if name is None else (self.folder / name).read_bytes()

    @property
    def known(self) -> dict[str, list[int]]:
        """The files that are done, by name: size in bytes, and time of the last change (ns)."""
        return self._known.files

    def _numbers(self) -> list[int]:
        found = (re.fullmatch(r"commit-(\d+)\.json", path.name) for path in self.folder.iterdir())
        return sorted(int(match.group(1)) for match in found if match)

    def _path(self, number: int) -> Path:
        return self.folder / f"commit-{number:08d}.json"

    def _read(self, number: int) -> dict[str, Any]:
        path = self._path(number)
        commit: dict[str, Any] = json.loads(path.read_bytes())
        if commit["version"] != VERSION:
            found = commit["version"]
            raise ValueError(f"{path} has version {found}; this wsdefrag reads version {VERSION}")
        return commit

    def temporary(self) -> Path:
        """Return the folder of files that are not complete. It is made if need be."""
        self._temporary.mkdir(exist_ok=True)
        return self._temporary

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """Remove what a block made that fails, whatever ends it."""
        try:
            yield
        except BaseException:
            self.clean()
            raise

    def clean(self) -> None:
        """Remove what a process left that was killed, or a commit that failed."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        # A signal may have come when a commit had its name, and before its number was noted.
        committed = self.number + self._path(self.number + 1).exists()
        ours = re.compile(re.escape(self.label) + r"-(\d+)-\d+\.parquet")
        for table in TABLES:
            for path in (self.lake / table).rglob(f"{self.label}-*.parquet"):
                match = ours.fullmatch(path.name)
                if match and int(match.group(1)) > committed:
                    path.unlink()
        kept = {self.last["state"]}
        for path in self.folder.glob("state-*"):
            if path.name not in kept and int(path.name[6:] or 0) > committed:
                path.unlink()

    def commit(
        self, entry: dict[str, Any], state: bytes | None, forgotten: Sequence[str] = ()
    ) -> None:
        """Commit what was done.

        Args:
            entry: What it was: ``sources``, the files with ``name``, ``size``, ``mtime_ns`` and
                ``status``, and more. Its Parquet files are in their places already.
            state: The state of the capture after it.
            forgotten: Names of known files that are gone.
        """
        number = self.number + 1
        name = None
        if state is not None:
            name = f"state-{number:08d}"
            write_synced(self.folder / name, state)
        self._commit(number, entry, name, forgotten)
        numbers = range(max(1, number - self._keep - 16), number - self._keep + 1)
        for old in numbers:
            (self.folder / f"state-{old:08d}").unlink(missing_ok=True)

    def set_aside(self, source: dict[str, Any], forgotten: Sequence[str] = ()) -> None:
        """Commit what became of a file that leaves the state as it is."""
        entry = {"sources": [source], "ended": False, "files": []}
        self._commit(self.number + 1, entry, self.last["state"], forgotten)

    def _commit(
        self, number: int, entry: dict[str, Any], state: str | None, forgotten: Sequence[str]
    ) -> None:
        content = {
            "version": VERSION,
            "commit": number,
            "point": self.point,
            **entry,
            "state": state,
            "forgotten": list(forgotten),
        }
        temporary = self.temporary() / "commit"
        write_synced(temporary, json.dumps(content, indent=1).encode())
        temporary.replace(self._path(number))
        # It is done from here on, also if the disk cannot say that the name has reached it.
        self.last = content
        self._known.add(content, self.temporary())
        sync_folder(self.folder)
