"""``Ingest``: reads the closed files of capture points in order, and commits them to a lake.

Files that are waiting share commits (``group``). Where one of them cannot be read, those before it
are read again and committed without it; then it is alone, and is set aside.

Invariant: whatever ends the process, each file is in the lake once or not at all, and the state
that is committed is the one after the last of them.
"""

from __future__ import annotations

import errno
import json
import math
import sys
import time
from datetime import datetime, timezone
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsdefrag.capture import Capture
from wsdefrag.errors import CaptureError
from wsdefrag.ingest import lake as lakes
from wsdefrag.ingest.commits import Commits, Lock
from wsdefrag.ingest.counts import IngestCounts
from wsdefrag.ingest.folder import FILES, Folder, SourceFile
from wsdefrag.ingest.group import Bounds, Group, source

if TYPE_CHECKING:
    import os
    import threading
    from collections.abc import Callable

    from typing_extensions import Self

WAIT = 1.0
"""Seconds between two looks at the folder."""

COMMIT_BYTES = 512 << 20
"""Bytes of the files of a commit: a second or two of reading, beside which its price is small."""

COMMIT_SECONDS = 30.0
"""Seconds of a commit, so that slow files are not read again for long after a kill."""

_MAY_PASS = "ENOENT EMFILE ENFILE ENOMEM EAGAIN ESTALE ETIMEDOUT EHOSTDOWN"
MAY_PASS = {getattr(errno, name) for name in _MAY_PASS.split() if hasattr(errno, name)}
"""Errors that say nothing of a file: it is gone, or the system or a server has no more now."""


def _log_line(event: str, **values: object) -> None:
    """Write an event as a line of JSON to standard error."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, "event": event, **values}), file=sys.stderr, flush=True)


class Ingest:
    """Reads a folder of captures into a lake of Parquet files, exactly once.

    The closed files of a capture point are read in the order of their first packets, each with the
    state of the capture after the file before it, so connections span files. Their rows go to
    ``LAKE/TABLE/date=YYYY-MM-DD/hour=HH/``, and a commit names files and the state together. A
    process that is killed at any moment loses nothing and doubles nothing.

    Files that are waiting are committed together. How many are has no effect on the rows.

    Args:
        folder: The folder of captures.
        lake: The folder of the lake; it is made if it does not exist.
        files: A regular expression for whole names of captures.
        point: A regular expression that is searched in a file's path below ``folder``, whose first
            group is the name of its capture point. None if the folder is one capture point.
        quiet: Seconds without a change after which the newest file of a point is closed.
        compression: How columns are compressed: ``"zstd"``, ``"lz4"`` or None.
        keep_states: How many states of each capture point are kept.
        commit_bytes: Bytes of files, as stored, that a commit has at most, but for its last file.
        commit_seconds: Seconds after which a commit begins no further file.
        log: Called with the name of an event and its values; None for lines of JSON on standard
            error.
        **options: Options of ``Capture``, such as ``keylog`` and ``resync``.

    Raises:
        IngestLocked: If another ingest writes to the lake.
        ValueError: If an argument has none of its values.

    Example:
        >>> import tempfile
        >>> from wsdefrag.ingest import Ingest
        >>> lake, quiet = tempfile.mkdtemp(), {"log": lambda *_, **__: None}
        >>> with Ingest("vectors/captures", lake, files="demo.pcapng", **quiet) as it:
        ...     it.run()
        >>> it.counts.files
        1
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        lake: str | os.PathLike[str],
        *,
        files: str = FILES,
        point: str | None = None,
        quiet: float = 10.0,
        compression: str | None = "zstd",
        keep_states: int = 2,
        commit_bytes: int = COMMIT_BYTES,
        commit_seconds: float = COMMIT_SECONDS,
        log: Callable[..., None] | None = None,
        **options: Any,  # noqa: ANN401  (they are those of Capture)
    ) -> None:
        if keep_states < 1:
            raise ValueError("keep_states must be at least 1")
        if commit_bytes < 1:
            raise ValueError("commit_bytes must be at least 1")
        if not commit_seconds >= 0:
            raise ValueError("commit_seconds must be at least 0")
        self._folder = Folder(Path(folder), files=files, point=point, quiet=quiet)
        self._lake = Path(lake)
        self._compression = compression
        self._keep = keep_states
        self._bounds = Bounds(commit_bytes, commit_seconds)
        self._log = _log_line if log is None else log
        self._options = options
        self._commits: dict[str, Commits] = {}
        self._told: set[SourceFile] = set()
        self.counts = IngestCounts()
        Capture("-", **options)
        self._lock = Lock(self._lake / "_ingest")

    def __enter__(self) -> Self:
        """Return the ingest itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Release the lake."""
        self.close()

    def close(self) -> None:
        """Release the lake; may be called again."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None  # type: ignore[assignment]

    def run(
        self, *, follow: bool = False, stop: threading.Event | None = None, end: bool = False
    ) -> None:
        """Read the files that are closed.

        Args:
            follow: Whether to wait for further files, until ``stop`` is set. Then a failure, such
                as a full disk, is logged and tried again.
            stop: Ends the run after the file that is being read, and commits it.
            end: Whether a capture ends with the last file that is closed. Then the rows of its open
                connections are in the same commit, which needs no state. ``end`` ends the others:
                those without a new file.

        Raises:
            ValueError: If both ``follow`` and ``end`` are true.
            OSError: If a file cannot be read or written; only without ``follow``.
        """
        if follow and end:
            raise ValueError("a capture that is followed does not end")
        while True:
            is_idle = True
            try:
                while self.step(stop, end=end):
                    is_idle = False
            except (OSError, MemoryError) as error:
                self.counts.failures += 1
                self._log("failed", error=str(error))
                if not follow:
                    raise
            if not follow or (stop is not None and stop.is_set()):
                return
            if is_idle:
                (time.sleep if stop is None else stop.wait)(WAIT)

    def step(self, stop: threading.Event | None = None, *, end: bool = False) -> bool:
        """Look at the folder, and commit the files that are closed; whether there was one.

        ``end`` is that of ``run``.
        """
        did = False
        for point, files in self._folder.points().items():
            commits = self._of(point)
            self._note_changes(commits, files)
            closed = self._closed(commits, files)
            if not closed:
                continue
            present = {file.name for file in files}
            gone = [name for name in commits.known if name not in present]
            while closed:
                if stop is not None and stop.is_set():
                    return False
                ends = partial(self._are_last, commits) if end else None
                group = Group(closed, self._bounds, stop, ends)
                closed = closed[self._take(commits, group, gone) :]
                gone = []
                did = True
        return did

    def _closed(self, commits: Commits, files: list[SourceFile]) -> list[SourceFile]:
        """Return those of a point's files that are closed and were not read, in order."""
        waiting = [file for file in files if file.name not in commits.known]
        if not waiting:
            return []
        waiting = self._folder.in_order(waiting)
        return waiting if self._folder.is_quiet(waiting[-1]) else waiting[:-1]

    def _are_last(self, commits: Commits, files: list[SourceFile]) -> bool:
        """Return whether no file is closed now but these, which are not committed yet."""
        names = {file.name for file in files}
        there = self._folder.points().get(commits.point, [])
        return all(file.name in names for file in self._closed(commits, there))

    def end(self) -> None:
        """End the captures: write the rows of all connections that are open.

        Files that come later begin new captures.
        """
        for point in self._points():
            commits = self._of(point)
            state = commits.state
            if state is None:
                continue
            options = {**self._options, "capture_point": point}
            with commits.cleaning():
                made = lakes.write(
                    Capture.resume(state, [], **options), commits, compression=self._compression
                )
                del made["state"]
                commits.commit({"sources": [], "ended": True, **made}, None)
            self._count(point, made)
            self._log("ended", point=point, rows=sum(file["rows"] for file in made["files"]))

    def _points(self) -> list[str]:
        """Return the capture points that have commits."""
        points = set(self._commits)
        for folder in (self._lake / "_ingest").glob("*/"):
            # Any commit has the name of the point.
            for path in islice(folder.glob("commit-*.json"), 1):
                points.add(json.loads(path.read_bytes())["point"])
        return sorted(points)

    def _of(self, point: str) -> Commits:
        if point not in self._commits:
            self._commits[point] = Commits(self._lake, point, keep=self._keep)
        return self._commits[point]

    def _note_changes(self, commits: Commits, files: list[SourceFile]) -> None:
        """Tell of files that changed after they were read. Their rows stay as they were."""
        for file in files:
            known = commits.known.get(file.name)
            if known is None or known == [file.size, file.mtime_ns] or file in self._told:
                continue
            self._told.add(file)
            self.counts.changed += 1
            kind = "truncated" if file.size < known[0] else "changed"
            self._log("changed", file=file.name, kind=kind, size=file.size, size_when_read=known[0])
            commits.set_aside({**source(file), "status": f"{kind} after it was read"})

    def _take(self, commits: Commits, group: Group, gone: list[str]) -> int:
        """Read a group and commit it; return of how many files it consisted.

        If one of its files cannot be read, those before it are the group; if there are none, it is
        set aside, unless it may be read later. Files that are gone are forgotten.
        """
        paths = [self._folder.path / file.name for file in group.files]
        options = {**self._options, "capture_point": commits.point, "continues": True}
        state = commits.state
        capture = (
            Capture(paths, **options) if state is None else Capture.resume(state, paths, **options)
        )
        try:
            with commits.cleaning():
                made = lakes.write(capture, commits, compression=self._compression, group=group)
        except (CaptureError, OSError) as error:
            read = len(group.read)
            if read == len(paths) or not _is_of(error, paths[read]):
                raise
            if read:
                without_limits = Bounds(sys.maxsize, math.inf)
                return self._take(commits, Group(group.files[:read], without_limits), gone)
            if getattr(error, "errno", None) in MAY_PASS:
                raise
            self._set_aside(commits, group.files[0], error, gone)
            return 1
        new_state = made.pop("state")
        with commits.cleaning():
            ended = new_state is None
            commits.commit({"sources": group.sources(), "ended": ended, **made}, new_state, gone)
        self._tell(commits, group, made)
        return len(group.read)

    def _set_aside(
        self, commits: Commits, file: SourceFile, error: Exception, gone: list[str]
    ) -> None:
        self.counts.set_aside += 1
        self._log("set_aside", file=file.name, error=str(error))
        commits.set_aside({**source(file), "status": "set aside", "error": str(error)}, gone)

    def _tell(self, commits: Commits, group: Group, made: dict[str, Any]) -> None:
        """Count and log a commit."""
        self._count(commits.point, made)
        files = group.files[: len(group.read)]
        self.counts.files += len(files)
        self.counts.lag = max(0.0, time.time() - files[-1].mtime_ns / 1e9)
        self._log(
            "committed",
            files=[file.name for file in files],
            point=commits.point,
            commit=commits.number,
            messages=made["messages"],
            rows=sum(it["rows"] for it in made["files"]),
            warnings=[warning for counted in group.read for warning in counted["warnings"]],
        )

    def _count(self, point: str, made: dict[str, Any]) -> None:
        self.counts.commits += 1
        self.counts.bytes += made["bytes"]
        self.counts.packets[point] = made["packets"]
        self.counts.messages += made["messages"]
        self.counts.rows += sum(file["rows"] for file in made["files"])


def _is_of(error: Exception, path: Path) -> bool:
    """Return whether an error of reading is one of this file, and not of the lake."""
    return isinstance(error, CaptureError) or getattr(error, "filename", None) == str(path)


def ingest(
    folder: str | os.PathLike[str],
    lake: str | os.PathLike[str],
    *,
    follow: bool = False,
    end: bool = False,
    **options: Any,  # noqa: ANN401  (they are those of Ingest)
) -> IngestCounts:
    """Read the closed files of a folder of captures into a lake of Parquet files, exactly once.

    Args:
        folder: The folder of captures.
        lake: The folder of the lake.
        follow: Whether to wait for further files, without an end.
        end: Whether the captures end after these files.
        **options: As for ``Ingest``.

    Returns:
        What was done.

    Raises:
        IngestLocked: If another ingest writes to the lake.
        OSError: If a file cannot be read or written.
    """
    with Ingest(folder, lake, **options) as made:
        made.run(follow=follow, end=end)
        if end:
            made.end()
        return made.counts
