"""`write_parquet` and `write_arrow`: what other libraries read back, and what is refused."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from capture_conversation import (
    Conversation,
    answer_head,
    binary,
    capture_of,
    ping,
    request_head,
    text,
)
from cli_captures import DEMO
from cli_command import environment
from hang_guard import HANG_SECONDS
from wsdefrag.capture import Capture, write_arrow, write_parquet
from wsdefrag.errors import CaptureError

TABLES = ("messages", "connections", "events")
WRITERS: dict[str, Callable[..., int]] = {"parquet": write_parquet, "arrow": write_arrow}
COMPRESSIONS: list[dict[str, Any]] = [
    {},
    {"compression": None},
    {"compression": "lz4"},
    {"compression": "zstd", "compression_level": 9},
]


def written(table: object, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    WRITERS[format](table, file, **options)
    return file.getvalue()


def read_back(data: bytes, format: str) -> pa.Table:
    if format == "parquet":
        return parquet.read_table(io.BytesIO(data))
    return ipc.open_file(io.BytesIO(data)).read_all()


@pytest.mark.parametrize("options", COMPRESSIONS, ids=str)
@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("name", TABLES)
def test_pyarrow_reads_the_table_back(name: str, format: str, options: dict[str, Any]) -> None:
    expected = pa.table(getattr(Capture(DEMO).to_arrow(), name))
    read = read_back(written(getattr(Capture(DEMO).to_arrow(), name), format, **options), format)
    assert read.schema.equals(expected.schema, check_metadata=True)
    assert read == expected


@pytest.mark.parametrize("name", TABLES)
def test_polars_and_duckdb_read_the_table_back(tmp_path: Path, name: str) -> None:
    table = pa.table(getattr(Capture(DEMO).to_arrow(), name))
    expected = pl.DataFrame(table)
    for format, read in (("parquet", pl.read_parquet), ("arrow", pl.read_ipc)):
        path = tmp_path / f"{name}.{format}"
        path.write_bytes(written(table, format))
        # Categories of a dictionary are numbered in each file.
        assert read(path).to_dicts() == expected.to_dicts()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        read_by_duckdb = connection.sql(
            "SELECT * FROM read_parquet(?)", params=[str(tmp_path / f"{name}.parquet")]
        )
        names = [
            field.name
            for field in table.schema
            if not pa.types.is_timestamp(field.type) and not pa.types.is_duration(field.type)
        ]
        rows = read_by_duckdb.to_arrow_table().select(names).to_pylist()
    assert rows == table.select(names).to_pylist()


@pytest.mark.parametrize("format", WRITERS)
def test_a_capture_is_its_messages_and_other_tables_can_be_written(format: str) -> None:
    expected = pa.table(Capture(DEMO))
    assert read_back(written(Capture(DEMO), format), format) == expected
    other = pa.table({"n": pa.array([1, None, 3]), "s": ["a", "b", "a"]})
    assert read_back(written(other, format), format) == other
    batches = other.to_batches(max_chunksize=1)
    stream = pa.RecordBatchReader.from_batches(other.schema, iter(batches))
    assert read_back(written(stream, format), format) == other


def test_failure_of_another_stream_comes_after_its_rows() -> None:
    def batches() -> Any:
        yield from pa.table({"n": [1, 2]}).to_batches()
        raise OSError("the source is gone")

    stream = pa.RecordBatchReader.from_batches(pa.schema({"n": pa.int64()}), batches())
    file = io.BytesIO()
    with pytest.raises(ValueError, match="the source is gone"):
        write_parquet(stream, file)
    assert parquet.read_table(io.BytesIO(file.getvalue())).to_pydict() == {"n": [1, 2]}


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"compression": "gzip"}, "compression must be 'zstd', 'lz4' or None, not \"gzip\""),
        ({"compression_level": 0}, "compression_level must be from 1 to 22, and is for zstd"),
        ({"compression_level": 23}, "compression_level must be from 1 to 22, and is for zstd"),
        ({"compression": "lz4", "compression_level": 1}, "and is for zstd"),
        ({"compression": None, "compression_level": 1}, "and is for zstd"),
    ],
)
def test_unknown_compression_is_refused(format: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        written(Capture(DEMO), format, **options)


def test_what_is_no_table_is_refused() -> None:
    class Wrong:
        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
            return "no capsule"

    with pytest.raises(AttributeError):
        write_parquet(object(), io.BytesIO())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write_parquet(Wrong(), io.BytesIO())


def test_column_that_the_format_cannot_hold_is_refused() -> None:
    nested = pa.array([["a"], ["b"]], pa.list_(pa.dictionary(pa.int8(), pa.string())))
    with pytest.raises(ValueError, match="has a dictionary inside"):
        write_arrow(pa.table({"n": nested}), io.BytesIO())


def test_parquet_has_statistics_and_metadata() -> None:
    data = written(Capture(DEMO), "parquet")
    metadata = parquet.read_metadata(io.BytesIO(data))
    assert metadata.created_by.startswith("wsdefrag ")
    assert metadata.metadata[b"wsdefrag.schema_version"] == b"4"
    table = parquet.read_table(io.BytesIO(data))
    group = metadata.row_group(0)
    found = {}
    for index in range(group.num_columns):
        column = group.column(index)
        assert column.compression == "ZSTD"
        assert column.statistics.null_count == table.column(index).null_count
        found[column.path_in_schema] = column.statistics
    assert (found["seq"].min, found["seq"].max) == (0, max(table["seq"].to_pylist()))
    assert found["status"].min == found["status"].max == "ok"
    assert not found["text"].has_min_max
    times = table["timestamp"].cast(pa.int64()).to_pylist()
    assert found["timestamp"].min_raw == min(times)


def hostile() -> bytes:
    """A path that is not UTF-8, texts that are not, empty messages, long ones."""
    talk = Conversation().open()
    talk.says(True, request_head("/PATH", "example.com").replace(b"PATH", b"\xff\xfe/caf\xe9"))
    talk.says(False, answer_head(None))
    talk.says(False, text(False, b"\xff\xfe not UTF-8"))
    other = Conversation(("192.0.2.9", 50_123)).open().upgrade()
    other.says(True, ping(True, b"\xff\0"))
    for content in ("", "x", "\0", "\U0001f600" * 1000):
        other.says(False, text(False, content))
        other.says(True, binary(True, content.encode()))
    return capture_of([*talk.segments, *other.segments])


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("name", TABLES)
def test_hostile_values_are_written(name: str, format: str) -> None:
    data = hostile()
    expected = pa.table(getattr(Capture(io.BytesIO(data)).to_arrow(), name))
    assert expected.num_rows > 0
    read = read_back(written(getattr(Capture(io.BytesIO(data)).to_arrow(), name), format), format)
    assert read.to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("name", TABLES)
def test_table_without_rows_is_a_file(name: str, format: str) -> None:
    data = capture_of(Conversation().open().segments)
    tables = Capture(io.BytesIO(data)).to_arrow()
    read = read_back(written(getattr(tables, name), format), format)
    assert read.num_rows == 0
    assert read.schema == pa.table(getattr(Capture(io.BytesIO(data)).to_arrow(), name)).schema


@pytest.mark.parametrize("format", WRITERS)
def test_chosen_columns_are_written(format: str) -> None:
    capture = Capture(DEMO, columns=["status", "text", "seq"], content=False)
    read = read_back(written(capture, format), format)
    assert read.column_names == ["status", "text", "seq"]
    assert read["text"].null_count == read.num_rows == 502


@pytest.mark.parametrize("format", WRITERS)
def test_capture_that_is_none_ends_the_file_and_raises(format: str) -> None:
    file = io.BytesIO()
    with pytest.raises(CaptureError, match="not a capture file"):
        WRITERS[format](Capture(io.BytesIO(b"\x81\x02hi")), file)
    assert read_back(file.getvalue(), format).num_rows == 0


def test_kept_tables_are_written_without_another_pass() -> None:
    tables = Capture(io.BytesIO(DEMO.read_bytes())).to_arrow()
    assert write_parquet(tables.messages, io.BytesIO()) == 502
    assert write_parquet(tables.connections, io.BytesIO()) == 5


def test_many_paths_make_dictionaries_that_grow(tmp_path: Path) -> None:
    talks = []
    for number in range(600):
        path = f"/{number}/{'p' * 200}"
        talk = Conversation(("192.0.2.9", 2_000 + number)).open().upgrade(path)
        talk.says(False, text(False, "x" * 4_000))
        talks.append(talk.end())
    # Connections one after the other, so that each batch has others.
    data = capture_of([segment for talk in talks for segment in talk.segments])
    expected = pa.table(Capture(io.BytesIO(data)))
    assert len(expected["path"].chunks) > 1
    for format in WRITERS:
        read = read_back(written(Capture(io.BytesIO(data)), format), format)
        assert read["path"].to_pylist() == expected["path"].to_pylist()


MEASURED = """
import os, sys
from pathlib import Path
import wsdefrag.formats.tables as tables
from wsdefrag.capture import Capture

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

class File:
    def write(self, data):
        return len(data)

way, path = sys.argv[1:]
if way == "read":
    for item in Capture(path):
        pass
else:
    getattr(tables, f"write_{way}")(Capture(path), File())
print(peak())
"""


def peak(way: str, path: Path) -> int:
    """The peak of a process that reads or writes, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, way, path],
        capture_output=True,
        env=environment(),
        timeout=HANG_SECONDS,
        check=True,
    )
    return int(done.stdout) << 10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
@pytest.mark.parametrize("format", WRITERS)
def test_writing_takes_less_than_64_mib_more_than_reading(tmp_path: Path, format: str) -> None:
    # Contents that no compression makes smaller, so that a row group holds most.
    noise = random.Random(6455).randbytes(50_000)
    talk = Conversation().open().upgrade()
    for _ in range(1_600):
        talk.say(False, binary(False, noise), size=60_000, acked=False)
    source = tmp_path / "noise.pcapng"
    source.write_bytes(capture_of(talk.segments))
    assert peak(format, source) < peak("read", source) + (64 << 20)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
@pytest.mark.parametrize("format", WRITERS)
def test_message_of_60_mib_takes_a_few_copies(tmp_path: Path, format: str) -> None:
    size = 60 << 20
    talk = Conversation().open().upgrade()
    content = random.Random(7).randbytes(1 << 20) * 60
    talk.say(False, binary(False, content), size=60_000, acked=False)
    source = tmp_path / "large.pcapng"
    source.write_bytes(capture_of(talk.segments))
    file = tmp_path / "out"
    with file.open("wb") as out:
        assert WRITERS[format](Capture(source), out) == 1
    read = read_back(file.read_bytes(), format)
    assert read["content"][0].as_py() == content
    assert peak(format, source) < peak("read", source) + 3 * size
