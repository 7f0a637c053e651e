"""A query has exactly the rows of `Capture`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F  # noqa: N812  (as everybody calls it)

from capture_parts import rotated
from recorded_captures import DIRECTORY
from spark_rows import expected, found, joined

DEMO = DIRECTORY / "demo.pcapng"
POINT = r"^(.+)-\d+\.pcap"
TABLES = ("messages", "connections", "events")


def read(spark: Any, path: Path, **options: str) -> Any:
    return spark.read.format("wsdefrag").options(**options).load(str(path))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["demo", "lossy-many", "deflate-fragments"])
def test_rows_are_those_of_capture(spark: Any, name: str, table: str) -> None:
    path = DIRECTORY / f"{name}.pcapng"
    assert found(read(spark, path, table=table)) == expected(path, table)


@pytest.mark.parametrize("table", TABLES)
def test_connections_that_span_files_are_whole(spark: Any, tmp_path: Path, table: str) -> None:
    files = rotated("demo", tmp_path, 12)
    columns = found(read(spark, tmp_path, table=table))
    assert columns == expected(files, table)
    assert "incomplete" not in columns.get("status", [])


def test_keys_decrypt_tls(spark: Any) -> None:
    path, keys = DIRECTORY / "tls.pcapng", DIRECTORY / "tls.keys.log"
    columns = found(read(spark, path, keylog=str(keys)))
    assert columns == expected(path, "messages", keylog=keys)
    assert columns["seq"]


@pytest.mark.parametrize("table", TABLES)
def test_points_of_one_folder_are_captures_of_their_own(
    spark: Any, points: Path, table: str
) -> None:
    rows = read(spark, points, table=table, capturePoint=POINT)
    assert rows.rdd.getNumPartitions() == 2
    parts = []
    for point in ("east", "west"):
        part = expected(sorted(points.glob(f"{point}-*")), table, capture_point=point)
        part["capture_point"] = [point] * len(part["uid"])
        parts.append(part)
    assert found(rows) == joined(parts)


def test_columns_are_chosen_and_ordered(spark: Any) -> None:
    rows = read(spark, DEMO, columns="seq, uid,timestamp_ns")
    assert rows.columns == ["seq", "uid", "timestamp_ns"]
    whole = expected(DEMO, "messages")
    assert found(rows) == {name: whole[name] for name in rows.columns}


def test_contents_are_left_out(spark: Any) -> None:
    rows = read(spark, DEMO, content="false")
    assert found(rows) == expected(DEMO, "messages", content=False)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "condition",
    [
        "host = 'sensors.example:8080'",
        "host = 'SENSORS.example:8080'",
        "host = 'sensors.example'",
        "host like 'sensors%'",
        "host like '%8080'",
        "host like '%ens%'",
        "host in ('sensors.example:8080', 'chat.example:8080')",
        "host is null or path = '/chat'",
        "not host = 'sensors.example:8080'",
        "path = '/readings'",
        "path like '/re%' and host like 'sensors%'",
        "from_client",
        "not from_client",
        "from_client = false and path = '/chat'",
        "timestamp >= timestamp'MIDDLE'",
        "timestamp < timestamp'MIDDLE'",
        "timestamp = timestamp'MIDDLE'",
        "timestamp_ns > NANO",
        "timestamp_ns <= NANO",
        "timestamp_ns = NANO",
        "timestamp > timestamp'2030-01-01'",
    ],
)
def test_conditions_choose_the_rows_that_spark_would(
    spark: Any, table: str, condition: str
) -> None:
    rows = read(spark, DEMO, table=table)
    if table == "connections" and ("from_client" in condition or "timestamp" in condition):
        pytest.skip("it has no such column")
    whole = rows.toArrow()
    if "timestamp" in rows.columns:
        middle = whole.slice(len(whole) // 2, 1).to_pylist()[0]
        condition = condition.replace("MIDDLE", middle["timestamp"].isoformat(" "))
        condition = condition.replace("NANO", str(middle["timestamp_ns"]))
    # Spark cannot push what it has as rows already.
    kept = spark.createDataFrame(whole).where(condition)
    assert found(rows.where(condition)) == found(kept)


def test_conditions_reach_the_capture(spark: Any) -> None:
    """The others are not read and thrown away."""
    from pyspark.sql.datasource import EqualTo, GreaterThan

    from wsdefrag.spark.options import ReadOptions
    from wsdefrag.spark.source import CaptureSourceReader

    reader = CaptureSourceReader(ReadOptions.of({"path": str(DEMO)}))
    conditions = [EqualTo(("host",), "sensors.example:8080"), EqualTo(("from_client",), True)]
    assert reader.pushFilters([*conditions, GreaterThan(("seq",), 3)])[:2] == conditions
    (partition,) = reader.partitions()
    rows = sum(batch.num_rows for batch in reader.read(partition))
    only = expected(DEMO, "messages", hosts=["sensors.example:8080"], from_client=True)
    assert 0 < rows == len(only["seq"]) < len(expected(DEMO, "messages")["seq"])


def test_rows_are_counted_without_columns(spark: Any) -> None:
    assert read(spark, DEMO).count() == len(expected(DEMO, "messages")["uid"])


def test_tables_are_joined_by_uid(spark: Any) -> None:
    messages, connections = (read(spark, DEMO, table=table) for table in TABLES[:2])
    counted = messages.groupBy("uid").agg(F.count("*").alias("counted"))
    both = counted.join(connections, "uid")
    right = both.where("counted = client_messages + server_messages")
    assert right.count() == both.count() > 0
