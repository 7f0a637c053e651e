"""JSON lines, Arrow tables and objects have the same values, for whole and damaged recordings."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from capture_files import pcapng
from capture_mutations import mutated
from capture_recordings import LOADED, packets_of
from capture_values import EVENT_FIELDS, MESSAGE_FIELDS, event_values, message_values
from wsdefrag.capture import Capture, CapturedConnection, CapturedEvent, CapturedMessage
from wsdefrag.formats.jsonl import write_jsonl
from wsdefrag.formats.tables import write_arrow, write_parquet

Row = dict[str, Any]
TABLES = ("messages", "connections", "events")


def arrow_rows(table: Any) -> list[Row]:
    """The rows of a table as JSON has them: times in nanoseconds, bytes as text."""
    read = pa.table(table)
    binary: dict[str, Callable[[bytes], str]] = {
        "uid": bytes.hex,
        "content": _base64,
        "payload": _base64,
    }
    for index, field in enumerate(read.schema):
        if pa.types.is_timestamp(field.type) or pa.types.is_duration(field.type):
            read = read.set_column(index, field.name, read.column(index).cast(pa.int64()))
    rows: list[Row] = read.to_pylist()
    for row in rows:
        for name, shown in binary.items():
            if isinstance(row.get(name), bytes):
                row[name] = shown(row[name])
    return rows


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


TIMES = ("timestamp", "first_timestamp", "opened", "started", "last", "duration", "close_time")


def json_rows(data: bytes, **options: Any) -> list[Row]:
    file = io.BytesIO()
    write_jsonl(Capture(io.BytesIO(data), **options.pop("read", {})), file, **options)
    rows = [json.loads(line, parse_float=Decimal) for line in file.getvalue().splitlines()]
    for row in rows:
        for name in TIMES:
            if row.get(name) is not None:
                row[name] = int(row[name] * 10**9)
    return rows


def assert_agree(data: bytes, **options: Any) -> None:
    tables = Capture(io.BytesIO(data), **options).to_arrow()
    arrow = {name: arrow_rows(getattr(tables, name)) for name in TABLES}
    place = ("connection", "from_client", "event")
    assert json_rows(data, table="connections", read=dict(options)) == arrow["connections"]
    # Rows of several directions may become certain at once.
    by_place = [
        sorted(rows, key=lambda row: [row[name] for name in place])
        for rows in (json_rows(data, table="events", read=dict(options)), arrow["events"])
    ]
    assert by_place[0] == by_place[1]
    lines = json_rows(data, read=dict(options))
    assert [line for line in lines if "kind" not in line] == arrow["messages"]
    # In their places, events lack only what was not certain yet.
    rows = {tuple(row[name] for name in place): row for row in arrow["events"]}
    shown = [line for line in lines if "kind" in line]
    assert len(shown) == len(rows)
    for line in shown:
        row = rows[tuple(line[name] for name in place)]
        later = {name: row[name] for name in ("undecodable", "lost") if line[name] is None}
        assert line | later == row
    with Capture(io.BytesIO(data), **options).read() as reader:
        items = list(reader)
    assert_objects(items, arrow, place)


def assert_objects(items: list[Any], arrow: dict[str, list[Row]], place: tuple[str, ...]) -> None:
    """Compare the objects with the rows by the attributes that they call alike."""
    messages = [item for item in items if isinstance(item, CapturedMessage)]
    alike = [name for name in MESSAGE_FIELDS if name not in ("type", "content")]
    _assert_alike(messages, arrow["messages"], alike, message_values, MESSAGE_FIELDS)
    events = [item for item in items if isinstance(item, CapturedEvent)]
    events.sort(key=lambda one: (one.connection.connection, one.from_client, one.event))
    rows = sorted(arrow["events"], key=lambda row: [row[name] for name in place])
    alike = [name for name in EVENT_FIELDS if name != "payload"]
    _assert_alike(events, rows, alike, event_values, EVENT_FIELDS)
    for event, row in zip(events, rows, strict=True):
        payload = event.payload
        assert (None if payload is None else _base64(payload)) == row["payload"]
    connections = [item for item in items if isinstance(item, CapturedConnection)]
    for connection, row in zip(connections, arrow["connections"], strict=True):
        assert connection.uid.hex() == row["uid"]
        assert (connection.started_ns, connection.duration_ns) == (row["started"], row["duration"])
        assert list(connection.encapsulation) == row["encapsulation"]
        assert list(connection.problems) == row["problems"]


def _assert_alike(
    objects: list[Any],
    rows: list[Row],
    alike: list[str],
    values_of: Callable[[Any], tuple[Any, ...]],
    fields: tuple[str, ...],
) -> None:
    assert len(objects) == len(rows)
    for one, row in zip(objects, rows, strict=True):
        number, *values = values_of(one)
        assert number == row["connection"]
        assert one.uid.hex() == row["uid"]
        named = dict(zip(fields, values, strict=True))
        assert {name: named[name] for name in alike} == {
            name: row[name.removesuffix("_ns")] for name in alike
        }


@pytest.mark.parametrize("name", sorted(LOADED))
def test_recording_is_the_same_in_all_three(name: str) -> None:
    data = LOADED[name].path.read_bytes()
    assert_agree(data)


@pytest.mark.parametrize("name", ["demo", "deflate-fragments", "deflate-directions", "lossy-many"])
@pytest.mark.parametrize("resync", [False, True])
def test_damaged_recording_is_the_same_in_all_three(name: str, resync: bool) -> None:
    _, packets = packets_of(LOADED[name].path.read_bytes())
    for run in range(4):
        assert_agree(pcapng(mutated(packets, f"{name} rows {run}")), resync=resync)


@pytest.mark.parametrize("name", ["demo", "snap-length", "midstream", "refused", "lossy-many"])
def test_files_of_all_three_tables_can_be_read_back(tmp_path: Path, name: str) -> None:
    tables = Capture(LOADED[name].path).to_arrow()
    for table in TABLES:
        expected = pa.table(getattr(tables, table))
        whole, columns = tmp_path / f"{table}.parquet", tmp_path / f"{table}.arrow"
        with whole.open("wb") as file:
            assert write_parquet(getattr(tables, table), file) == expected.num_rows
        with columns.open("wb") as file:
            assert write_arrow(getattr(tables, table), file) == expected.num_rows
        assert arrow_rows(parquet.read_table(whole)) == arrow_rows(expected)
        with pa.memory_map(str(columns)) as mapped:
            back = ipc.open_file(mapped).read_all()
            assert back.schema == expected.schema
            assert arrow_rows(back) == arrow_rows(expected)
        names = expected.schema.names
        frame = pl.DataFrame(getattr(tables, table))
        assert frame.columns == names
        assert frame.height == expected.num_rows
        assert frame["uid"].to_list() == expected["uid"].to_pylist()
        assert pl.read_parquet(whole).height == expected.num_rows
        with duckdb.connect() as database:
            database.register("given", getattr(tables, table))
            found = database.execute("select count(*), count(distinct uid) from given").fetchone()
            assert found == (expected.num_rows, len(set(expected["uid"].to_pylist())))


def test_dictionaries_of_many_batches_become_one_in_an_ipc_file() -> None:
    """Each batch has dictionaries of its own, which a file cannot replace."""
    data = LOADED["cable-many"].path.read_bytes()
    capture = Capture(io.BytesIO(data))
    batches = pa.table(capture).to_batches(max_chunksize=100)
    assert len(batches) > 2

    class Split:
        """A table whose batches have dictionaries in other orders."""

        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
            turned = [
                pa.RecordBatch.from_arrays(
                    [
                        column.dictionary_decode().dictionary_encode().cast(field.type)
                        if pa.types.is_dictionary(field.type)
                        else column
                        for field, column in zip(batch.schema, batch.columns, strict=True)
                    ],
                    schema=batch.schema,
                )
                for batch in reversed(batches)
            ]
            reader = pa.RecordBatchReader.from_batches(batches[0].schema, turned)
            return reader.__arrow_c_stream__(requested_schema)

    file = io.BytesIO()
    write_arrow(Split(), file)
    back = ipc.open_file(io.BytesIO(file.getvalue())).read_all()
    expected = pa.Table.from_batches(list(reversed(batches)))
    assert arrow_rows(back) == arrow_rows(expected)
