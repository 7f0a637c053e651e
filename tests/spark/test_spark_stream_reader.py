"""The reader of a stream, as Spark calls it: offsets, partitions, rows, commits; without a JVM."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadMaxFiles

from capture_parts import rotated
from spark_rows import Columns, expected, found
from wsdefrag.errors import CheckpointError
from wsdefrag.spark.options import ReadOptions
from wsdefrag.spark.stream import CaptureStreamReader
from wsdefrag.tasks.points import FileChanged
from wsdefrag.tasks.table_read import FilesUnread

ALL = ReadAllAvailable()


def continued(files: list[Path], table: str = "messages", **options: Any) -> Columns:
    """The rows of `Capture` of files after which the capture goes on."""
    return expected(files, table, continues=True, **options)


class Stream:
    """A query that calls a reader; each call of `batch` may be by another process."""

    def __init__(self, folder: Path, state: Path, **options: str) -> None:
        texts = {"path": str(folder), "state": str(state), "quiet": "0", **options}
        self.options = ReadOptions.of(texts)
        self.offset: Any = CaptureStreamReader(self.options).initialOffset()
        self.batches: list[Any] = []

    def batch(self, limit: Any = ALL, *, times: int = 1, commits: bool = True) -> int:
        """Read a micro-batch, with so many attempts at each task; return its rows."""
        end = CaptureStreamReader(self.options).latestOffset(self.offset, limit)
        made: list[Any] = []
        for partition in CaptureStreamReader(self.options).partitions(self.offset, end):
            reader = pickle.loads(pickle.dumps(CaptureStreamReader(self.options)))
            for _ in range(times):
                rows = list(reader.read(partition))
            made += rows
        if commits:
            self.batches += made
            self.offset = end
            CaptureStreamReader(self.options).commit(end)
        return sum(batch.num_rows for batch in made)

    def rows(self) -> Columns:
        return found(pa.Table.from_batches(self.batches))


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "captures"
    folder.mkdir()
    return rotated("demo", folder, 6)


@pytest.mark.parametrize("table", ["messages", "connections", "events"])
@pytest.mark.parametrize("most", [1, 2, 6])
def test_rows_do_not_depend_on_the_batches(
    tmp_path: Path, files: list[Path], table: str, most: int
) -> None:
    stream = Stream(files[0].parent, tmp_path / "state", table=table)
    for _ in range(6 // most):
        stream.batch(ReadMaxFiles(most))
    assert stream.batch() == 0
    assert stream.rows() == continued(files, table)


def test_batch_that_is_repeated_has_the_same_rows(tmp_path: Path, files: list[Path]) -> None:
    """Also if files came meanwhile: a batch has those that its offsets count."""
    later = [files.pop(), files.pop()]
    hidden = [Path(shutil.move(file, tmp_path)) for file in later]
    stream = Stream(files[0].parent, tmp_path / "state")
    stream.batch(ReadMaxFiles(2))
    start, end = stream.offset, CaptureStreamReader(stream.options).latestOffset(stream.offset, ALL)
    for file in reversed(hidden):
        files.append(Path(shutil.move(file, files[0].parent)))
    attempts = []
    for _ in range(3):
        (partition,) = CaptureStreamReader(stream.options).partitions(start, end)
        reader = CaptureStreamReader(stream.options)
        attempts.append(pa.Table.from_batches(list(reader.read(partition))))
    assert attempts[0].num_rows > 0
    assert attempts[0] == attempts[1] == attempts[2]
    stream.batch(commits=False)
    stream.batch(times=2)
    assert stream.rows() == continued(files)


def test_task_that_died_inside_leaves_nothing(tmp_path: Path, files: list[Path]) -> None:
    stream = Stream(files[0].parent, tmp_path / "state")
    end = CaptureStreamReader(stream.options).latestOffset(stream.offset, ALL)
    (partition,) = CaptureStreamReader(stream.options).partitions(stream.offset, end)
    rows = CaptureStreamReader(stream.options).read(partition)
    next(rows)
    del rows
    assert not list((tmp_path / "state").rglob("state-*"))
    stream.batch()
    assert stream.rows() == continued(files)


def test_states_that_were_lost_are_made_again(tmp_path: Path, files: list[Path]) -> None:
    stream = Stream(files[0].parent, tmp_path / "state")
    stream.batch(ReadMaxFiles(2))
    stream.batch(ReadMaxFiles(2))
    (state,) = (tmp_path / "state").rglob("state-*")
    assert state.stat().st_mode & 0o777 == 0o600
    state.unlink()
    stream.batch()
    assert stream.rows() == continued(files)


def test_points_have_states_of_their_own(tmp_path: Path, points: Path) -> None:
    stream = Stream(points, tmp_path / "state", capturePoint=r"^(.+)-\d+\.pcap")
    while stream.batch(ReadMaxFiles(3)):
        pass
    rows = stream.rows()
    for point in ("east", "west"):
        chosen = [at for at, name in enumerate(rows["capture_point"]) if name == point]
        of_point = {name: [values[at] for at in chosen] for name, values in rows.items()}
        del of_point["capture_point"]
        assert of_point == continued(sorted(points.glob(f"{point}-*")), capture_point=point)


def test_newest_file_waits_until_it_is_quiet(tmp_path: Path, files: list[Path]) -> None:
    stream = Stream(files[0].parent, tmp_path / "state", quiet="3600")
    stream.batch()
    assert stream.offset == {"points": {"": 5}}
    assert stream.rows() == continued(files[:5])


def test_bad_files_are_errors_or_rows(tmp_path: Path, files: list[Path]) -> None:
    files[2].write_text("not packets")
    with pytest.raises(FilesUnread, match=r"part-002\.pcapng: not a capture file"):
        Stream(files[0].parent, tmp_path / "state").batch()
    stream = Stream(files[0].parent, tmp_path / "other", errors="rows")
    stream.batch()
    errors = [error for error in stream.rows()["read_error"] if error is not None]
    assert [error.split(": ")[0] for error in errors] == [str(files[2])]


def test_changed_file_is_refused(tmp_path: Path, files: list[Path]) -> None:
    stream = Stream(files[0].parent, tmp_path / "state")
    end = CaptureStreamReader(stream.options).latestOffset(stream.offset, ALL)
    (partition,) = CaptureStreamReader(stream.options).partitions(stream.offset, end)
    files[3].write_bytes(files[3].read_bytes()[:-50])
    with pytest.raises(FileChanged, match=r"part-003\.pcapng: it had"):
        list(CaptureStreamReader(stream.options).read(partition))


def test_states_of_other_options_are_refused(tmp_path: Path, files: list[Path]) -> None:
    Stream(files[0].parent, tmp_path / "state").batch(ReadMaxFiles(2))
    other = Stream(files[0].parent, tmp_path / "state", resync="true")
    other.offset = {"points": {"": 2}}
    with pytest.raises(CheckpointError, match=r"state/point-: .*begin with a new folder"):
        other.batch()


def test_stream_without_a_folder_for_states_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a stream needs the option state"):
        CaptureStreamReader(ReadOptions.of({"path": str(tmp_path)}))
    options = ReadOptions.of({"path": str(tmp_path / "nowhere"), "state": str(tmp_path)})
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        CaptureStreamReader(options)
