"""What a table of Spark has to have: the rows of ``Capture``, in the types of Spark."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wsdefrag.capture import Capture

Columns = dict[str, list[Any]]

MICROSECONDS = pa.timestamp("us", tz="UTC")


def expected(files: Path | Iterable[Path], table: str, **options: Any) -> Columns:
    """The columns of a table of ``Capture``; times are numbers of nanoseconds, ``NAME_ns``."""
    read = pa.table(getattr(Capture(files, **options).to_arrow(), table))
    columns: Columns = {}
    for name in read.column_names:
        column = read.column(name)
        if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
            columns[f"{name}_ns"] = column.cast(pa.int64()).to_pylist()
        else:
            columns[name] = column.to_pylist()
    return columns


def found(rows: Any) -> Columns:
    """The columns of a data frame, without the times that are rounded; each is compared first."""
    read = rows if isinstance(rows, pa.Table) else rows.toArrow()
    columns: Columns = {}
    for name in read.column_names:
        column = read.column(name)
        if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
            if f"{name}_ns" in read.column_names:
                # A Parquet file of Spark's has nanoseconds, which are whole microseconds.
                unit = pa.duration("us") if pa.types.is_duration(column.type) else MICROSECONDS
                rounded = column.cast(unit).cast(pa.int64()).to_pylist()
                exact = read.column(f"{name}_ns").to_pylist()
                assert rounded == [None if ns is None else ns // 1000 for ns in exact]
        else:
            columns[name] = column.to_pylist()
    return columns


def joined(parts: Iterable[Columns]) -> Columns:
    """Columns one after the other."""
    whole: Columns = {}
    for part in parts:
        for name, values in part.items():
            whole.setdefault(name, []).extend(values)
    return whole


def of_connections(columns: Columns, uids: set[bytes]) -> Columns:
    """The rows of some connections, in their order."""
    rows = [row for row, uid in enumerate(columns["uid"]) if uid in uids]
    return {name: [values[row] for row in rows] for name, values in columns.items()}


def of_tasks(rows: Any) -> list[Columns]:
    """The columns of each task's rows, in their order; a task without rows is not there."""
    from pyspark.sql import functions as F  # noqa: N812  (as everybody calls it)

    read = rows.withColumn("task", F.spark_partition_id()).toArrow()
    tasks = sorted(set(read["task"].to_pylist()))
    return [found(read.filter(pc.field("task") == task).drop_columns("task")) for task in tasks]


def assert_spread(tasks: list[Columns], whole: Columns) -> None:
    """Assert that tasks have together the rows of one reader, each connection in one of them."""
    seen: set[bytes] = set()
    for task in tasks:
        uids = set(task["uid"])
        assert not uids & seen
        seen |= uids
        assert task == of_connections(whole, uids)
    assert seen == set(whole["uid"])
