"""A stream of files that are closed has the rows of `Capture`, however it is cut into batches."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyspark.errors import PySparkException

from capture_parts import rotated
from recorded_captures import DIRECTORY
from spark_rows import Columns, found
from wsdefrag.capture import Capture
from wsdefrag.ingest.folder import SourceFile
from wsdefrag.spark.stream_log import PointLog

POINT = r"^(.+)-\d+\.pcap"


class Query:
    """A streaming query, which ends when no file is left, and can be started again."""

    def __init__(self, spark: Any, scratch: Path, folder: Path, **options: str) -> None:
        self.spark, self.folder, self.out = spark, folder, scratch / "out"
        self.checkpoint, self.state = scratch / "checkpoint", scratch / "state"
        self.options = {"quiet": "0", "state": str(self.state), **options}

    def run(self, format: str = "wsdefrag") -> None:
        rows = self.spark.readStream.format(format).options(**self.options).load(str(self.folder))
        writer = rows.writeStream.format("parquet").option("path", str(self.out))
        writer = writer.option("checkpointLocation", str(self.checkpoint))
        query = writer.trigger(processingTime="0 seconds").start()
        try:
            query.processAllAvailable()
        finally:
            query.stop()

    def rows(self) -> Columns:
        """What was committed, in the order of the batches."""
        files: list[str] = []
        logs = self.out / "_spark_metadata"
        for log in sorted(logs.glob("[0-9]*"), key=lambda path: int(path.name.split(".")[0])):
            for line in log.read_text().splitlines()[1:]:
                path = json.loads(line)["path"].removeprefix("file://")
                if path not in files:
                    files.append(path)
        return found(pa.concat_tables([parquet.read_table(file) for file in files]))


def continued(files: list[Path], **options: Any) -> Columns:
    """The rows of `Capture` of files after which the capture goes on."""
    read = pa.table(Capture(files, continues=True, **options).to_arrow().messages)
    columns: Columns = {}
    for name in read.column_names:
        column = read.column(name)
        if pa.types.is_timestamp(column.type):
            columns[f"{name}_ns"] = column.cast(pa.int64()).to_pylist()
        else:
            columns[name] = column.to_pylist()
    return columns


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "later"
    folder.mkdir()
    return rotated("demo", folder, 6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "captures"
    made.mkdir()
    return made


def arrive(files: list[Path], folder: Path) -> list[Path]:
    return [Path(shutil.copy(file, folder)) for file in files]


@pytest.mark.parametrize("most", ["1", "4", None])
def test_rows_do_not_depend_on_the_batches(
    spark: Any, tmp_path: Path, folder: Path, files: list[Path], most: str | None
) -> None:
    options = {} if most is None else {"maxFilesPerTrigger": most}
    query = Query(spark, tmp_path, folder, **options)
    here = arrive(files, folder)
    query.run()
    assert query.rows() == continued(here)


def test_stopped_query_goes_on_with_files_that_came(
    spark: Any, tmp_path: Path, folder: Path, files: list[Path]
) -> None:
    query = Query(spark, tmp_path, folder)
    here = arrive(files[:2], folder)
    query.run()
    assert query.rows() == continued(here)
    query.run()  # nothing came
    here += arrive(files[2:3], folder)
    query.run()
    here += arrive(files[3:], folder)
    query.run()
    assert query.rows() == continued(here)


def test_query_that_died_inside_a_batch_repeats_it(
    spark: Any, tmp_path: Path, folder: Path, files: list[Path]
) -> None:
    """Its batch was planned, its tasks may have run, and nothing of it was committed."""
    query = Query(spark, tmp_path, folder)
    here = arrive(files[:3], folder)
    query.run()
    before = query.rows()
    here += arrive(files[3:5], folder)
    query.run()
    # As if it had died before the commit of its last batch.
    last = max(int(path.name) for path in (query.checkpoint / "commits").glob("[0-9]*"))
    for folder_of in (query.checkpoint / "commits", query.out / "_spark_metadata"):
        for path in (*folder_of.glob(f"{last}"), *folder_of.glob(f".{last}.*")):
            path.unlink()
    assert query.rows() == before
    here += arrive(files[5:], folder)
    query.run()
    assert query.rows() == continued(here)


def test_states_that_were_lost_are_made_again(
    spark: Any, tmp_path: Path, folder: Path, files: list[Path]
) -> None:
    query = Query(spark, tmp_path, folder)
    here = arrive(files[:3], folder)
    query.run()
    states = list(query.state.rglob("state-*"))
    assert len(states) == 1
    assert states[0].stat().st_mode & 0o777 == 0o600
    states[0].unlink()
    here += arrive(files[3:], folder)
    query.run()
    assert query.rows() == continued(here)


def test_points_have_states_of_their_own(spark: Any, tmp_path: Path, points: Path) -> None:
    query = Query(spark, tmp_path, points, capturePoint=POINT, maxFilesPerTrigger="3")
    query.run()
    rows = query.rows()
    for point in ("east", "west"):
        chosen = [at for at, name in enumerate(rows["capture_point"]) if name == point]
        of_point = {name: [values[at] for at in chosen] for name, values in rows.items()}
        del of_point["capture_point"]
        assert of_point == continued(sorted(points.glob(f"{point}-*")), capture_point=point)


def test_bad_files_are_errors_or_rows(
    spark: Any, tmp_path: Path, folder: Path, files: list[Path]
) -> None:
    here = arrive(files, folder)
    here[2].write_text("not packets")
    with pytest.raises(PySparkException, match=r"part-002\.pcapng: not a capture file"):
        Query(spark, tmp_path, folder).run()
    other = tmp_path / "other"
    other.mkdir()
    query = Query(spark, other, folder, errors="rows")
    query.run()
    rows = query.rows()
    errors = [error for error in rows.pop("read_error") if error is not None]
    assert [error.split(": ")[0] for error in errors] == [str(here[2])]


def test_states_of_other_options_are_refused(
    spark: Any, tmp_path: Path, folder: Path, files: list[Path]
) -> None:
    query = Query(spark, tmp_path, folder)
    arrive(files[:3], folder)
    query.run()
    arrive(files[3:], folder)
    query.options["resync"] = "true"
    with pytest.raises(PySparkException, match=r"(?s)state/point-: .*begin with a new folder"):
        query.run()


def test_stream_without_a_folder_for_states_is_refused(spark: Any, tmp_path: Path) -> None:
    rows = spark.readStream.format("wsdefrag").load(str(DIRECTORY))
    with pytest.raises(PySparkException, match="a stream needs the option state"):
        rows.writeStream.format("noop").option(
            "checkpointLocation", str(tmp_path)
        ).start().processAllAvailable()


def test_states_that_no_batch_needs_are_removed(tmp_path: Path) -> None:
    log = PointLog(str(tmp_path), "a/b")
    assert log.latest_state(9) == (0, None)
    log.append(SourceFile("x.pcap", 1, 2), 0)
    assert log.files() == [SourceFile("x.pcap", 1, 2)]
    for number in (1, 3, 7):
        log.save_state(number, b"%d" % number)
    assert log.latest_state(6) == (3, b"3")
    log.forget(4)
    assert log.latest_state(2) == (1, b"1")
    log.forget(7)
    assert log.latest_state(6) == (0, None)
    assert log.latest_state(7) == (7, b"7")
