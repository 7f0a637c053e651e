"""``Ingest``: reads the closed files of capture points in order, and commits each to a lake.

Invariant: whatever ends the process, each file is in the lake once or not at all, and the state
that is committed is the one after it.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsdefrag.capture import Capture
from wsdefrag.errors import CaptureError
from wsdefrag.ingest import lake as lakes
from wsdefrag.ingest.commits import Commits, Lock
from wsdefrag.ingest.folder import FILES, Folder, SourceFile

if TYPE_CHECKING:
    import os
    import threading
    from collections.abc import Callable

    from typing_extensions import Self

WAIT = 1.0
"""Seconds between two looks at the folder."""


@dataclass
class IngestCounts:
    """What an ingest has done since it began.

    Attributes:
        files: Files that were committed.
        bytes: Bytes of them, as stored.
        packets: Packets that were read in the capture so far, by capture point.
        messages: Messages that were written.
        rows: Rows of all tables.
        set_aside: Files that could not be read.
        changed: Files that changed after they were read.
        failures: Commits that failed, such as for a full disk.
        lag: Seconds between the last commit's file's last change and its commit.
    """

    files: int = 0
    bytes: int = 0
    packets: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    rows: int = 0
    set_aside: int = 0
    changed: int = 0
    failures: int = 0
    lag: float = 0.0


def _log_line(event: str, **values: object) -> None:
    """Write an event as a line of JSON to standard error."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, "event": event, **values}), file=sys.stderr, flush=True)


def _source(file: SourceFile) -> dict[str, Any]:
    """Return what a commit says of a file."""
    return {"source": file.name, "size": file.size, "mtime_ns": file.mtime_ns}


class Ingest:
    """Reads a folder of captures into a lake of Parquet files, exactly once.

    Each closed file of a capture point is read in the order of their first packets, with the state
    of the capture after the file before it, so connections span files. Its rows go to
    ``LAKE/TABLE/date=YYYY-MM-DD/hour=HH/``, and the commit names its files and the state together.
    A process that is killed at any moment loses nothing and doubles nothing.

    Args:
        folder: The folder of captures.
        lake: The folder of the lake; it is made if it does not exist.
        files: A regular expression for whole names of captures.
        point: A regular expression that is searched in a file's path below ``folder``, whose first
            group is the name of its capture point. None if the folder is one capture point.
        quiet: Seconds without a change after which the newest file of a point is closed.
        compression: How columns are compressed: ``"zstd"``, ``"lz4"`` or None.
        keep_states: How many states of each capture point are kept.
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
        log: Callable[..., None] | None = None,
        **options: Any,  # noqa: ANN401  (they are those of Capture)
    ) -> None:
        if keep_states < 1:
            raise ValueError("keep_states must be at least 1")
        self._folder = Folder(Path(folder), files=files, point=point, quiet=quiet)
        self._lake = Path(lake)
        self._compression = compression
        self._keep = keep_states
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

    def run(self, *, follow: bool = False, stop: threading.Event | None = None) -> None:
        """Read the files that are closed.

        Args:
            follow: Whether to wait for further files, until ``stop`` is set. Then a failure, such
                as a full disk, is logged and tried again.
            stop: Ends the run after the file that is being read.

        Raises:
            OSError: If a file cannot be read or written; only without ``follow``.
        """
        while True:
            is_idle = True
            try:
                while self.step(stop):
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

    def step(self, stop: threading.Event | None = None) -> bool:
        """Look at the folder, and commit the files that are closed; whether there was one."""
        did = False
        for point, files in self._folder.points().items():
            commits = self._of(point)
            self._note_changes(commits, files)
            waiting = [file for file in files if file.name not in commits.known]
            if not waiting:
                continue
            waiting = self._folder.in_order(waiting)
            closed = waiting if self._folder.is_quiet(waiting[-1]) else waiting[:-1]
            present = {file.name for file in files}
            gone = [name for name in commits.known if name not in present]
            for file in closed:
                if stop is not None and stop.is_set():
                    return False
                self._take(commits, file, gone)
                gone = []
                did = True
        return did

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
                commits.commit({"source": None, "status": "ended", **made}, None)
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
            entry = {**_source(file), "status": f"{kind} after it was read", "files": []}
            commits.set_aside(entry)

    def _take(self, commits: Commits, file: SourceFile, gone: list[str]) -> None:
        """Read a file and commit it, or set it aside. Files that are gone are forgotten."""
        path = self._folder.path / file.name
        options = {**self._options, "capture_point": commits.point, "continues": True}
        state = commits.state
        capture = (
            Capture(path, **options) if state is None else Capture.resume(state, path, **options)
        )
        source = _source(file)
        try:
            with commits.cleaning():
                made = lakes.write(capture, commits, compression=self._compression)
        except (CaptureError, OSError) as error:
            is_readable = isinstance(error, OSError) and error.filename != str(path)
            if is_readable or isinstance(error, FileNotFoundError):
                raise
            self.counts.set_aside += 1
            self._log("set_aside", file=file.name, error=str(error))
            commits.set_aside(
                {**source, "status": "set aside", "error": str(error), "files": []}, gone
            )
            return
        new_state = made.pop("state")
        status = "damaged" if made["warnings"] else "read"
        with commits.cleaning():
            commits.commit({**source, "status": status, **made}, new_state, gone)
        self._count(commits.point, made)
        self.counts.files += 1
        self.counts.lag = max(0.0, time.time() - file.mtime_ns / 1e9)
        self._log(
            "committed",
            file=file.name,
            point=commits.point,
            commit=commits.number,
            status=status,
            messages=made["messages"],
            rows=sum(it["rows"] for it in made["files"]),
            warnings=made["warnings"],
        )

    def _count(self, point: str, made: dict[str, Any]) -> None:
        self.counts.bytes += made["bytes"]
        self.counts.packets[point] = made["packets"]
        self.counts.messages += made["messages"]
        self.counts.rows += sum(file["rows"] for file in made["files"])


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
        made.run(follow=follow)
        if end:
            made.end()
        return made.counts
