"""A capture's tables in Parquet and Arrow files, read back by pyarrow, Polars and DuckDB."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from capture_conversation import Conversation, capture_of, text
from capture_recordings import LOADED
from capture_tables import READERS, converted, parquet_rows
from cli_captures import DEMO, SIDES, WHOLE, gapped, truth
from cli_command import environment
from hang_guard import HANG_SECONDS
from wsdefrag.capture import Capture
from wsdefrag.formats.tables import write_arrow, write_parquet


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", WHOLE)
def test_tables_are_what_the_applications_sent(tmp_path: Path, name: str, reader: str) -> None:
    suffix, read = READERS[reader]
    path = LOADED[name].path
    messages = read(converted(path, tmp_path / f"messages.{suffix}"))
    rows = read(converted(path, tmp_path / f"connections.{suffix}", "--table", "connections"))
    expected = truth(name)
    assert len(rows) == len(expected)
    assert len(messages) == sum(
        len(known.messages[side]) for known in expected.values() for _, side in SIDES
    )
    for row in rows:
        known = expected[row["client_address"], row["client_port"], row["path"]]
        assert (row["host"], row["extensions"]) == (known.host, known.extensions)
        for from_client, side in SIDES:
            got = [
                message
                for message in messages
                if message["connection"] == row["connection"]
                and message["from_client"] is from_client
            ]
            got.sort(key=lambda message: message["seq"])
            assert len(got) == len(known.messages[side])
            for message, one in zip(got, known.messages[side], strict=True):
                assert message["type"] == one.type
                assert (message["text"] is None) == (one.type == "binary")
                whole = message["content"]
                assert one.matches(message["text"].encode() if whole is None else whole)
                assert message["status"] == "ok"


def test_columns_keep_their_types(tmp_path: Path) -> None:
    schema = parquet.read_schema(converted(DEMO, tmp_path / "m.parquet"))
    assert schema.field("content").type == pa.binary()
    assert schema.field("text").type == pa.string()
    assert schema.field("uid").type == pa.binary(16)
    assert schema.metadata[b"wsdefrag.schema_version"] == b"4"
    assert schema.field("timestamp").type == pa.timestamp("ns", tz="UTC")
    assert pa.types.is_dictionary(schema.field("status").type)
    assert schema.field("connection").type == pa.uint64()


def test_times_keep_the_nanoseconds(tmp_path: Path) -> None:
    table = parquet.read_table(converted(DEMO, tmp_path / "m.parquet"))
    times = table.column("timestamp").cast(pa.int64()).to_pylist()
    assert times == [message.timestamp_ns for message in Capture(DEMO)]
    at = datetime.fromtimestamp(times[0] / 1e9, timezone.utc)
    assert abs((at - LOADED["demo"].recorded).total_seconds()) < 3600


def test_duckdb_joins_the_tables(tmp_path: Path) -> None:
    converted(DEMO, tmp_path / "m.parquet")
    converted(DEMO, tmp_path / "c.parquet", "--table", "connections")
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT c.path, count(*) FROM read_parquet(?) m JOIN read_parquet(?) c "
            "USING (connection) WHERE m.from_client GROUP BY c.path",
            [str(tmp_path / "m.parquet"), str(tmp_path / "c.parquet")],
        ).fetchall()
    assert dict(found) == {
        key[2]: len(known.messages["client"]) for key, known in truth("demo").items()
    }


def test_filters_and_contents_can_be_left_out(tmp_path: Path) -> None:
    path = converted(
        DEMO, tmp_path / "m.parquet", "--from", "client", "--type", "text", "--no-content"
    )
    rows = parquet_rows(path)
    expected = sum(
        one.type == "text" for known in truth("demo").values() for one in known.messages["client"]
    )
    assert len(rows) == expected > 0
    found = {(row["text"], row["content"], row["type"], row["from_client"]) for row in rows}
    assert found == {(None, None, "text", True)}


@pytest.mark.parametrize(
    ("messages", "size", "expected"), [(600_000, 20, 2), (12_000, 10_000, 2), (6, 25_000_000, 2)]
)
def test_row_groups_end_at_64_mib_of_values(
    tmp_path: Path, messages: int, size: int, expected: int
) -> None:
    talk = Conversation().open().upgrade()
    together = max(60_000 // size, 1)
    whole, rest = divmod(messages, together)
    for count in [*([together] * whole), rest]:
        if count:
            talk.say(False, text(False, "x" * size) * count, size=60_000, acked=False)
    path = tmp_path / "capture.pcapng"
    path.write_bytes(capture_of(talk.segments))
    file, shared = io.BytesIO(), io.BytesIO()
    assert write_parquet(Capture(path).to_arrow().messages, file) == messages
    # Several threads, of which one encodes the contents, write the same bytes.
    assert write_parquet(Capture(path, threads=2).to_arrow().messages, shared) == messages
    assert shared.getvalue() == file.getvalue()
    metadata = parquet.read_metadata(file)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    assert len(groups) == expected
    # A row has at most 256 bytes of values beside its content.
    for group in groups[:-1]:
        assert group.num_rows * (size + 256) > 63 << 20
    # At most one batch too many, which is at most one message more than 1 MiB.
    assert max(group.num_rows for group in groups) * size < (65 << 20) + size


def test_library_writes_what_the_tables_hold() -> None:
    tables = Capture(DEMO).to_arrow()
    file = io.BytesIO()
    assert write_parquet(tables.messages, file) == 502
    read = parquet.read_table(io.BytesIO(file.getvalue()))
    assert read == pa.table(tables.messages)
    for compression in (None, "zstd", "lz4"):
        file = io.BytesIO()
        assert write_arrow(tables.connections, file, compression=compression) == 5
        read = ipc.open_file(io.BytesIO(file.getvalue())).read_all()
        assert read == pa.table(tables.connections)


@pytest.mark.parametrize(
    ("module", "output", "says"),
    [
        (
            "matplotlib",
            "m.png",
            "a .png: needs matplotlib: pip install 'wsdefrag[plot]'; .svg needs nothing",
        ),
    ],
)
def test_missing_package_is_named(tmp_path: Path, module: str, output: str, says: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from wsdefrag.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "plot", str(DEMO), "-o", str(tmp_path / output)],
        capture_output=True,
        env=environment(),
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.decode() == f"wsdefrag: {says}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_files_of_tables_need_no_pyarrow(tmp_path: Path, suffix: str) -> None:
    code = "import sys; sys.modules['pyarrow'] = None; from wsdefrag.cli import main; main()"
    output = tmp_path / f"m.{suffix}"
    subprocess.run(
        [sys.executable, "-c", code, "convert", DEMO, "-o", output],
        env=environment(),
        timeout=HANG_SECONDS,
        check=True,
    )
    _, read = READERS["pyarrow" if suffix == "parquet" else "pyarrow, arrow"]
    assert len(read(output)) == 502


def test_package_imports_neither_of_them() -> None:
    code = (
        "import sys, wsdefrag.capture, wsdefrag.formats.har, wsdefrag.formats.mitm, "
        "wsdefrag.formats.tables, wsdefrag.formats.plot; "
        "sys.exit(bool({'pyarrow', 'matplotlib', 'numpy', 'click'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], timeout=HANG_SECONDS, check=True)


MEASURED = """
import sys
from pathlib import Path
from wsdefrag.cli import main
try:
    main()
finally:
    # That of `resource` would be the peak of the process that started this one, if it is higher.
    print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
@pytest.mark.parametrize("suffix", ["parquet", "arrow", "jsonl"])
def test_memory_does_not_grow_with_the_capture(tmp_path: Path, suffix: str) -> None:
    peaks = []
    # Each is more than one row group.
    for megabytes in (20, 60):
        talk = Conversation().open().upgrade()
        for _ in range(megabytes * 20):
            talk.says(False, text(False, "x" * 1000) * 50, acked=False)
        source = tmp_path / "any.pcapng"
        source.write_bytes(capture_of(talk.segments))
        output = tmp_path / f"{megabytes}.{suffix}"
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "convert", source, "-o", output],
            capture_output=True,
            env=environment(),
            timeout=HANG_SECONDS,
            check=True,
        )
        peaks.append(int(done.stderr.split()[-1]))
    # In KiB: one batch, and memory that the allocators keep.
    assert peaks[1] < peaks[0] + 24 * 1024


def test_gap_is_a_status(tmp_path: Path) -> None:
    rows = parquet_rows(converted(gapped(), tmp_path / "m.parquet", code=1))
    assert [(row["status"], row["missing_bytes"]) for row in rows] == [
        ("ok", 0),
        ("incomplete", 100),
        ("ok", 0),
    ]
