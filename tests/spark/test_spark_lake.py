"""Spark reads the lake that an ingest wrote, table by table, as one table."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from capture_parts import rotated
from hang_guard import HANG_SECONDS
from spark_rows import Columns, expected
from wsdefrag.ingest import ingest

PROGRAM = Path(__file__).parents[1] / "support" / "killed_ingest.py"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A lake whose ingest was killed in the middle of a commit, and the captures in it."""
    folder, made = tmp_path_factory.mktemp("captures"), tmp_path_factory.mktemp("lake")
    files = rotated("demo", folder, 8)
    killed = subprocess.run(
        [sys.executable, PROGRAM, folder, made, "4"], check=False, timeout=HANG_SECONDS
    )
    assert killed.returncode == -signal.SIGKILL
    names = [path.name for path in made.rglob("*.parquet")]
    assert any("-00000005-" in name for name in names), "the commit was cut"
    ingest(folder, made, quiet=0, end=True, log=lambda *_, **__: None)
    return made, files


def plain(value: Any) -> Any:
    """A value of Spark's, with its decimals as numbers."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value


def rows(columns: Columns) -> list[str]:
    """Rows in an order of their own."""
    names = sorted(columns)
    return sorted(map(repr, zip(*(columns[name] for name in names), strict=True)))


def read(spark: Any, folder: Path) -> Any:
    """A table of a lake, as the tutorial says."""
    spark.conf.set("spark.sql.legacy.parquet.nanosAsLong", "true")
    return spark.read.parquet(str(folder))


@pytest.mark.parametrize("table", ["messages", "connections", "events"])
def test_table_of_a_lake_has_the_rows_of_capture(
    spark: Any, lake: tuple[Path, list[Path]], table: str
) -> None:
    folder, files = lake
    found = read(spark, folder / table).drop("date", "hour").toArrow()
    columns = {name: plain(found.column(name).to_pylist()) for name in found.column_names}
    whole = expected(files, table)
    assert rows(columns) == rows({name.removesuffix("_ns"): whole[name] for name in whole})


def test_hours_of_a_lake_are_columns(spark: Any, lake: tuple[Path, list[Path]]) -> None:
    folder, files = lake
    messages = read(spark, folder / "messages")
    first = min(expected(files, "messages")["timestamp_ns"])
    time = datetime.fromtimestamp(first // 10**9, timezone.utc)
    of_hour = messages.where(f"date = '{time:%Y-%m-%d}' and hour = {time.hour}")
    hour = 3600 * 10**9
    begin = first // hour * hour
    wanted = messages.where(f"timestamp >= {begin} and timestamp < {begin + hour}")
    assert 0 < of_hour.count() == wanted.count()
    times = messages.selectExpr("timestamp_micros(timestamp div 1000) as time")
    assert times.agg({"time": "min"}).first()[0].timestamp() == first // 1000 / 10**6
