"""Several tasks read one capture point, and have together exactly the rows of one task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812  (as everybody calls it)

from capture_parts import rotated
from recorded_captures import DIRECTORY
from spark_rows import assert_spread, expected, of_tasks
from wsdefrag.spark.options import ReadOptions
from wsdefrag.spark.stream import CaptureStreamReader

DEMO = DIRECTORY / "demo.pcapng"
MANY = DIRECTORY / "cable-many.pcapng"
POINT = r"^(.+)-\d+\.pcap"
TABLES = ("messages", "connections", "events")


def read(spark: Any, path: Path, tasks: int, **options: str) -> Any:
    return spark.read.format("wsdefrag").options(spread=str(tasks), **options).load(str(path))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_connections_that_span_all_files_are_whole(
    spark: Any, tmp_path: Path, table: str, tasks: int
) -> None:
    files = rotated("cable-many", tmp_path, 4)
    rows = read(spark, tmp_path, tasks, table=table)
    assert rows.rdd.getNumPartitions() == tasks
    given = of_tasks(rows)
    assert len(given) > 1 or tasks == 1
    assert_spread(given, expected(files, table))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["demo", "lossy-many", "deflate-fragments", "vlan"])
def test_recordings_have_the_rows_of_capture(spark: Any, name: str, table: str) -> None:
    path = DIRECTORY / f"{name}.pcapng"
    assert_spread(of_tasks(read(spark, path, 3, table=table)), expected(path, table))


@pytest.mark.parametrize("table", TABLES)
def test_keys_reach_all_tasks(spark: Any, table: str) -> None:
    path, keys = DIRECTORY / "tls.pcapng", DIRECTORY / "tls.keys.log"
    whole = expected(path, table, keylog=keys)
    assert len(set(whole["uid"])) > 1
    assert_spread(of_tasks(read(spark, path, 2, table=table, keylog=str(keys))), whole)


@pytest.mark.parametrize("table", TABLES)
def test_secrets_in_files_reach_all_tasks(spark: Any, table: str) -> None:
    path = DIRECTORY / "tls-secrets.pcapng"
    whole = expected(path, table)
    assert whole["uid"]
    assert_spread(of_tasks(read(spark, path, 3, table=table)), whole)


@pytest.mark.parametrize("table", TABLES)
def test_points_of_one_folder_are_spread_each(spark: Any, tmp_path: Path, table: str) -> None:
    """Both have the same packets, and equal addresses."""
    for point in ("east", "west"):
        made = tmp_path / f"_{point}"  # which is not read
        made.mkdir()
        for number, file in enumerate(rotated("cable-many", made, 3)):
            file.rename(tmp_path / f"{point}-{number}.pcapng")
    rows = read(spark, tmp_path, 3, table=table, capturePoint=POINT)
    assert rows.rdd.getNumPartitions() == 6
    for point in ("east", "west"):
        whole = expected(sorted(tmp_path.glob(f"{point}-*")), table, capture_point=point)
        whole["capture_point"] = [point] * len(whole["uid"])
        given = of_tasks(rows.where(F.col("capture_point") == point))
        assert len(given) > 1
        assert_spread(given, whole)


def test_conditions_are_applied_in_all_tasks(spark: Any) -> None:
    rows = read(spark, DEMO, 3).where("host like 'sensors%' and from_client")
    assert_spread(of_tasks(rows), expected(DEMO, "messages", hosts=["sensors*"], from_client=True))


def test_damaged_files_are_rows_once(spark: Any, tmp_path: Path) -> None:
    files = rotated("cable-many", tmp_path, 3)
    files[1].write_text("not packets")
    files[2].write_bytes(files[2].read_bytes()[:-5])
    rows = read(spark, tmp_path, 4, errors="rows")
    errors = [row.read_error for row in rows.where("read_error is not null").collect()]
    assert [error.split(": ")[0] for error in errors] == [str(files[1]), str(files[2])]
    good = rows.where("read_error is null").drop("read_error")
    assert_spread(of_tasks(good), expected(files, "messages"))


def test_damaged_file_fails_the_query(spark: Any, tmp_path: Path) -> None:
    files = rotated("cable-many", tmp_path, 3)
    files[1].write_text("not packets")
    with pytest.raises(PySparkException, match=r"part-001\.pcapng: not a capture file"):
        read(spark, tmp_path, 4).count()


def test_too_little_memory_for_shares_fails_the_query(spark: Any) -> None:
    """One task reads it, but what the tasks hold together is known to none of them."""
    memory = str(1 << 20)
    assert read(spark, MANY, 1, memory=memory).count() == len(expected(MANY, "messages")["uid"])
    text = r"their part of the memory.*options memory and spread"
    with pytest.raises(PySparkException, match=text):
        read(spark, MANY, 64, memory=memory).count()
    with pytest.raises(PySparkException, match=text):
        read(spark, MANY, 64, memory=memory, errors="rows").count()


def test_streams_are_not_spread(tmp_path: Path) -> None:
    options = {"path": str(tmp_path), "state": str(tmp_path / "state"), "spread": "2"}
    with pytest.raises(ValueError, match="the option spread is not for streams"):
        CaptureStreamReader(ReadOptions.of(options))
