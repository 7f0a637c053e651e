"""Whatever happens to a task, what is committed has the rows of `Capture`, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from pyspark.errors import PySparkException

from spark_rows import Columns, assert_spread, expected, found, joined
from spark_sessions import session

POINT = r"^(.+)-\d+\.pcap"
MASTERS = ["local[2,4]", "local-cluster[2,1,1024]"]


@pytest.fixture(scope="module", params=MASTERS)
def spark(request: pytest.FixtureRequest) -> Iterator[Any]:
    with session(request.param, **{"spark.executor.memory": "512m"}) as made:
        yield made


def faulty(spark: Any, points: Path, marker: Path, fault: str, **more: str) -> Any:
    marker.mkdir()
    options = {"capturePoint": POINT, "fault": fault, "marker": str(marker), **more}
    return spark.read.format("faulty").options(**options).load(str(points))


def of_points(points: Path) -> Columns:
    parts = []
    for point in ("east", "west"):
        part = expected(sorted(points.glob(f"{point}-*")), "messages", capture_point=point)
        part["capture_point"] = [point] * len(part["uid"])
        parts.append(part)
    return joined(parts)


def committed(folder: Path) -> list[Columns]:
    """The rows of a folder of Parquet files, by tasks."""
    assert (folder / "_SUCCESS").exists()
    return [found(parquet.read_table(file)) for file in sorted(folder.glob("*.parquet"))]


def attempts(marker: Path) -> list[str]:
    return sorted(path.name for path in marker.iterdir())


@pytest.mark.parametrize("fault", ["none", "raise", "kill worker"])
def test_committed_rows_are_exact(spark: Any, points: Path, tmp_path: Path, fault: str) -> None:
    rows = faulty(spark, points, tmp_path / "marker", fault)
    rows.write.parquet(str(tmp_path / "out"))
    assert joined(committed(tmp_path / "out")) == of_points(points)
    tried = attempts(tmp_path / "marker")
    assert {"east-1", "west-1"} < set(tried) or fault == "none"


@pytest.mark.parametrize("fault", ["raise", "kill worker"])
def test_committed_rows_of_spread_points_are_exact(
    spark: Any, points: Path, tmp_path: Path, fault: str
) -> None:
    rows = faulty(spark, points, tmp_path / "marker", fault, spread="3")
    rows.write.parquet(str(tmp_path / "out"))
    assert_spread(committed(tmp_path / "out"), of_points(points))
    tried = attempts(tmp_path / "marker")
    assert {name[:4] for name in tried if name.endswith("-2")} == {"east", "west"}


def test_changed_file_fails_the_query_and_nothing_is_committed(
    spark: Any, points: Path, tmp_path: Path
) -> None:
    rows = faulty(spark, points, tmp_path / "marker", "change file")
    with pytest.raises(
        PySparkException, match=r"east-04\.pcapng: it had \d+ bytes|west-04\.pcapng"
    ):
        rows.write.parquet(str(tmp_path / "out"))
    assert not list((tmp_path / "out").glob("*.parquet"))
    assert not (tmp_path / "out" / "_SUCCESS").exists()


@pytest.mark.parametrize("tasks", ["1", "3"])
def test_killed_executor_changes_nothing(
    spark: Any, points: Path, tmp_path: Path, tasks: str
) -> None:
    if not spark.sparkContext.master.startswith("local-cluster"):
        pytest.skip("in one process, the executor is the driver")
    rows = faulty(spark, points, tmp_path / "marker", "kill executor", spread=tasks)
    rows.write.parquet(str(tmp_path / "out"))
    assert_spread(committed(tmp_path / "out"), of_points(points))
    tried = attempts(tmp_path / "marker")
    assert {name[:4] for name in tried if name.endswith("-2")} == {"east", "west"}
