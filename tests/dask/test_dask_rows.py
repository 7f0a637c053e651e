"""A data frame of Dask has exactly the rows of `Capture`."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from capture_parts import rotated, two_points
from child_process import child
from dask_rows import (
    DEMO,
    MANY,
    POINT,
    TABLES,
    assert_equal,
    expected,
    found,
    in_order,
    with_point,
)
from recorded_captures import DIRECTORY
from spark_rows import assert_spread
from wsdefrag.dask import read_captures
from wsdefrag.tasks import table_read


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["demo", "lossy-many", "deflate-fragments"])
def test_rows_are_those_of_capture(name: str, table: Any) -> None:
    path = DIRECTORY / f"{name}.pcapng"
    frame = read_captures(path, table=table)
    assert_equal(in_order(frame), expected(path, table))
    assert_equal(frame.head(0, compute=False)._meta, expected(path, table).slice(0, 0))


@pytest.mark.parametrize("table", TABLES)
def test_connections_that_span_every_file_are_whole(tmp_path: Path, table: Any) -> None:
    files = rotated("demo", tmp_path, 12)
    whole = expected(files, table)
    assert_equal(in_order(read_captures(tmp_path, table=table)), whole)
    if table == "messages":
        counted = whole.group_by("uid").aggregate([("file", "count_distinct")])
        assert max(counted["file_count_distinct"].to_pylist()) == len(files)
        assert "incomplete" not in whole["status"].to_pylist()


@pytest.mark.parametrize("table", TABLES)
def test_points_of_one_folder_are_captures_of_their_own(tmp_path: Path, table: Any) -> None:
    """Their files are between each other, by name and by time."""
    folder = two_points(tmp_path, "{number:02}-{point}")
    frame = read_captures(folder, table=table, capture_point=r"^\d+-(.+)\.pcap")
    assert frame.npartitions == 2
    for part, point in zip(frame.partitions, ("east", "west"), strict=True):
        whole = expected(sorted(folder.glob(f"*-{point}.*")), table, capture_point=point)
        assert whole.num_rows
        assert_equal(in_order(part), with_point(whole, point))


@pytest.mark.parametrize("table", TABLES)
def test_tasks_that_share_a_point_have_its_rows(table: Any) -> None:
    frame = read_captures(MANY, table=table, spread=3)
    assert frame.npartitions == 3
    tasks = [found(in_order(part)).to_pydict() for part in frame.partitions]
    assert_spread(tasks, expected(MANY, table).to_pydict())


def both_points(folder: Path) -> Any:
    """The messages of both points, one after the other."""
    parts = [
        with_point(
            expected(sorted(folder.glob(f"{point}-*")), "messages", capture_point=point), point
        )
        for point in ("east", "west")
    ]
    return pa.concat_tables(parts)


def test_threads_read_the_same_rows(tmp_path: Path) -> None:
    folder = two_points(tmp_path)
    frame = read_captures(folder, capture_point=POINT)
    with ThreadPoolExecutor(2) as pool:
        rows = frame.compute(scheduler="threads", pool=pool)
    assert_equal(rows, both_points(folder))


def test_processes_read_the_same_rows(tmp_path: Path) -> None:
    """They start in a process of their own, because they leave one behind."""
    folder = two_points(tmp_path)
    code = (
        "from wsdefrag.dask import read_captures\n"
        f"frame = read_captures({str(folder)!r}, capture_point={POINT!r})\n"
        "rows = frame.compute(scheduler='processes', num_workers=2)\n"
        f"rows.to_pickle({str(tmp_path / 'rows')!r})"
    )
    assert child(code) == (0, "", "")
    assert_equal(pd.read_pickle(tmp_path / "rows"), both_points(folder))


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
def test_keys_decrypt_tls_in_every_task(kind: str) -> None:
    path, keys = DIRECTORY / "tls.pcapng", DIRECTORY / "tls.keys.log"
    given: Any = {"path": keys, "bytes": keys.read_bytes(), "file": io.BytesIO(keys.read_bytes())}
    frame = read_captures(path, keylog=given[kind], spread=2)
    whole = expected(path, "messages", keylog=keys)
    tasks = [found(in_order(part)).to_pydict() for part in frame.partitions]
    assert_spread(tasks, whole.to_pydict())
    assert whole.num_rows > expected(path, "messages").num_rows


def test_filters_and_options_are_those_of_capture() -> None:
    hosts = ["sensors.example"]
    frame = read_captures(DEMO, hosts=iter(hosts), content=False)
    whole = expected(DEMO, "messages", hosts=hosts, content=False)
    assert 0 < whole.num_rows < expected(DEMO, "messages").num_rows
    assert_equal(in_order(frame), whole)
    assert_equal(in_order(frame), whole)


def test_columns_are_chosen_and_ordered(tmp_path: Path) -> None:
    folder = two_points(tmp_path)
    whole = both_points(folder).select(["seq", "uid", "capture_point"])
    chosen = iter(["seq", "uid"])
    frame = read_captures(folder, columns=chosen, capture_point=POINT)
    assert_equal(in_order(frame), whole)
    assert_equal(in_order(frame[["capture_point", "seq"]]), whole.select(["capture_point", "seq"]))
    assert_equal(in_order(frame[["capture_point"]]), whole.select(["capture_point"]))


@pytest.mark.parametrize(
    ("used", "made"),
    [
        (lambda frame: frame.seq.sum(), ["seq"]),
        (lambda frame: frame[frame.host == "prices.example"].length.sum(), ["length", "host"]),
        (lambda frame: frame.capture_point.count(), []),
    ],
)
def test_columns_that_are_not_used_are_not_made(
    used: Any, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    read_share = table_read.read_share

    def seen(share: Any, like: Any, table: str, columns: list[str]) -> Any:
        asked.append(columns)
        return read_share(share, like, table, columns)

    monkeypatch.setattr(table_read, "read_share", seen)
    used(read_captures(DEMO, capture_point="^(.+).pcap")).compute(scheduler="synchronous")
    assert list(map(sorted, asked)) == [sorted(made)]


def test_rows_are_counted() -> None:
    assert in_order(read_captures(DEMO).shape[0]) == expected(DEMO, "messages").num_rows


def test_tables_are_joined_by_uid() -> None:
    messages = read_captures(DEMO, columns=["uid"]).groupby("uid").size()
    counts = ["uid", "client_messages", "server_messages"]
    connections = in_order(read_captures(DEMO, table="connections", columns=counts))
    counted = in_order(messages)
    for row in connections.itertuples():
        assert counted.get(row.uid, 0) == row.client_messages + row.server_messages
    assert len(counted) > 1
