"""The stream of a folder whose captures go on: micro-batches of closed files.

A file is closed if a newer file of its capture point exists, or if it has not changed for some
time. Each file is read by itself, with the state of the capture after the one before it, so rows do
not depend on which files a batch has. It is read once for its rows, and once for the state after
it. Connections that are open wait for the files that follow.

An offset counts the files of each capture point; ``PointLog`` says which they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql.datasource import DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadLimit, ReadMaxFiles

from wsdefrag.capture import Capture
from wsdefrag.errors import CheckpointError
from wsdefrag.ingest.folder import Folder, SourceFile
from wsdefrag.spark.batches import converted
from wsdefrag.spark.options import ReadOptions
from wsdefrag.spark.schema import TableSchema
from wsdefrag.spark.stream_log import PointLog
from wsdefrag.tasks.points import PointFiles, point_of
from wsdefrag.tasks.table_read import TableRead

Offset = dict[str, dict[str, int]]
"""Under ``"points"``: files that are done, by capture point."""


@dataclass(frozen=True)
class _Batch:
    """The files of a capture point from one number up to another one."""

    point: str
    start: int
    end: int


class CaptureStreamReader(DataSourceStreamReader):
    """Reads the files of a folder that are closed, in micro-batches."""

    def __init__(self, options: ReadOptions) -> None:
        if not options.state:
            raise ValueError(
                "a stream needs the option state: a folder that all machines see, for what goes on "
                "from file to file; one for each query, beside its checkpointLocation"
            )
        if options.tasks > 1:
            raise ValueError(
                "the option spread is not for streams: the state between their micro-batches is "
                "that of one reader"
            )
        self._options = options
        root = Path(options.path).absolute()
        if not root.is_dir():
            raise FileNotFoundError(f"{root}: no such folder; all machines must see it there")
        self._root = root
        self._state = str(Path(options.state).absolute())
        self._folder = Folder(root, files=options.files, point=None, quiet=options.quiet)
        self._taken: dict[str, list[SourceFile]] = {}

    def initialOffset(self) -> Offset:  # noqa: N802  (Spark's name, as are the following)
        """Begin before the first file."""
        return {"points": {}}

    def getDefaultReadLimit(self) -> ReadLimit:  # noqa: N802
        """Limit the files of a batch, if the query does."""
        most = self._options.max_files
        return ReadAllAvailable() if most is None else ReadMaxFiles(most)

    def latestOffset(self, start: Offset, limit: ReadLimit) -> Offset:  # noqa: N802
        """Look for files that were closed, and count them."""
        self._take_closed()
        left = limit.max_files if isinstance(limit, ReadMaxFiles) else None
        points = dict(start["points"])
        for point in sorted({*points, *self._points()}):
            done = points.get(point, 0)
            more = len(self._log(point)) - done
            if left is not None:
                more = min(more, left)
                left -= more
            if done + more:
                points[point] = done + more
        return {"points": points}

    def _points(self) -> dict[str, list[SourceFile]]:
        points: dict[str, list[SourceFile]] = {}
        for file in self._folder.points().get("", []):
            points.setdefault(point_of(file, self._options.point), []).append(file)
        return points

    def _log(self, point: str) -> list[SourceFile]:
        """Return the files that were taken, of which this process has read most before."""
        taken = self._taken.setdefault(point, [])
        taken += PointLog(self._state, point).files(len(taken))
        return taken

    def _take_closed(self) -> None:
        for point, files in self._points().items():
            taken = self._log(point)
            names = {file.name for file in taken}
            waiting = self._folder.in_order([file for file in files if file.name not in names])
            if waiting and not self._folder.is_quiet(waiting[-1]):
                waiting.pop()
            for number, file in enumerate(waiting, len(taken)):
                PointLog(self._state, point).append(file, number)

    def partitions(self, start: Offset, end: Offset) -> Sequence[InputPartition]:
        """Return the capture points that have files between two offsets."""
        before = start["points"]
        batches = [
            _Batch(point, before.get(point, 0), files) for point, files in end["points"].items()
        ]
        return [InputPartition(batch) for batch in batches if batch.start < batch.end]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Read the files of a capture point, and keep the state after them."""
        batch: _Batch = partition.value
        log = PointLog(self._state, batch.point)
        number, state = log.latest_state(batch.start)
        for file in log.files(number, batch.start):
            # The state after them was lost, or never written.
            state = yield from self._read(batch.point, file, state, gives_rows=False)
        for file in log.files(batch.start, batch.end):
            state = yield from self._read(batch.point, file, state, gives_rows=True)
        if state is not None:
            log.save_state(batch.end, state)

    def _read(self, point: str, file: SourceFile, state: bytes | None, *, gives_rows: bool) -> Any:  # noqa: ANN401  (a generator that returns the state after the file)
        options = self._options
        files = PointFiles(point, str(self._root), (file,))
        files.check()
        schema = TableSchema(options)
        arguments = {
            **options.capture,
            "capture_point": point,
            "continues": True,
            "columns": {options.table: schema.sources()},
        }
        paths = files.paths()
        capture = (
            Capture(paths, **arguments)
            if state is None
            else Capture.resume(state, paths, **arguments)
        )
        read = TableRead(capture, files, options.table)
        try:
            for batch in converted(read, options, schema, point):
                if gives_rows:
                    yield batch
        except CheckpointError as error:
            folder = PointLog(self._state, point).folder
            raise CheckpointError(
                f"{folder}: {error}; the option state names the folder of another query, or the "
                "options have changed: begin with a new folder and a new checkpointLocation",
                kind=error.kind,
            ) from error
        # A file that could not be read changes nothing.
        after = _state_after(capture) if read.is_ended else state
        files.check()
        if read.errors and gives_rows:
            yield schema.error_batch(read.errors, point)
        return after

    def commit(self, end: Offset) -> None:
        """Remove the states that no batch will need."""
        for point, files in end["points"].items():
            PointLog(self._state, point).forget(files)


def _state_after(capture: Capture) -> bytes:
    """Read a capture again for its state alone, by way of the output that has the fewest rows."""
    made = capture._output("jsonl", {"table": "connections"})
    while made.next_block() is not None:
        pass
    return made.checkpoint()
