"""The Arrow tables of a capture, read by pyarrow, Polars and DuckDB.

The tables are compared with `messages()` and `connections()` of the same capture; other tests
compare those with the applications' record.
"""

from __future__ import annotations

import gc
import io
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import timezone
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from capture_conversation import Conversation, capture_of, text
from capture_recordings import recordings
from capture_values import EVENT_FIELDS, MESSAGE_FIELDS
from wsdefrag import Strictness
from wsdefrag.capture import (
    ArrowTables,
    Capture,
    CapturedConnection,
    CapturedEvent,
    CapturedMessage,
    CapturedRequest,
    CapturedResponse,
    CapturedTls,
)

CAPTURES = recordings.DIRECTORY
NAMES = ["demo.pcapng", "lossy-many.pcapng", "snap-length.pcapng", "refused.pcapng"]

PLAIN = [name for name in MESSAGE_FIELDS if not name.endswith("_ns")]
"""What a message and its row call by the same name."""


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """The rows, with times as nanoseconds."""
    plain = table
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) or pa.types.is_duration(field.type):
            plain = plain.set_column(index, field.name, table.column(index).cast(pa.int64()))
    rows: list[dict[str, Any]] = plain.to_pylist()
    return rows


def message_row(message: CapturedMessage) -> dict[str, Any]:
    is_text = message.is_text and message.status == "ok"
    return {
        "uid": message.uid,
        "connection": message.connection.connection,
        "timestamp": message.timestamp_ns,
        "first_timestamp": message.first_timestamp_ns,
        "dropped": message.dropped,
        "injected": message.injected,
        **{name: getattr(message, name) for name in PLAIN},
        "type": {0: "continuation", 1: "text", 2: "binary"}[message.type],
        "text": message.content.decode() if is_text else None,
        "content": None if is_text else message.content,
        "length": len(message.content),
        "file": message.file,
        "host": message.connection.host,
        "path": message.connection.path,
    }


def header_pairs(head: CapturedRequest | CapturedResponse | None) -> list[dict[str, str]] | None:
    if head is None:
        return None
    return [{"name": name, "value": value.decode()} for name, value in head.fields]


def event_row(event: CapturedEvent) -> dict[str, Any]:
    return {
        "uid": event.uid,
        "connection": event.connection.connection,
        "timestamp": event.timestamp_ns,
        "first_timestamp": event.first_timestamp_ns,
        "file": event.file,
        "host": event.connection.host,
        "path": event.connection.path,
        **{name: getattr(event, name) for name in EVENT_FIELDS if not name.endswith("_ns")},
    }


TLS_FACTS = ("sni", "alpn", "resumed", "early_data", "key_updates", "key_source")
TLS_COUNTERS = ("application", "overhead", "handshake", "undecryptable", "missing")


def tls_row(tls: CapturedTls | None) -> dict[str, Any]:
    row = {f"tls_{name}": getattr(tls, name, None) for name in ("status", "version", "cipher")}
    row |= {name: getattr(tls, name, None) for name in (*TLS_FACTS, "bad_tags", "found_by_trial")}
    for side in ("client", "server"):
        account = getattr(tls, f"from_{side}", None)
        row |= {f"{side}_tls_{name}": getattr(account, name, None) for name in TLS_COUNTERS}
    return row


def connection_row(connection: CapturedConnection) -> dict[str, Any]:
    close = connection.close
    originals = {
        "client": connection.original_client_address or (None, None),
        "server": connection.original_server_address or (None, None),
    }
    row: dict[str, Any] = {
        "uid": connection.uid,
        "connection": connection.connection,
        "stream_id": connection.stream_id,
        "http_version": connection.http_version,
        "client_address": connection.client_address[0],
        "client_port": connection.client_address[1],
        "server_address": connection.server_address[0],
        "server_port": connection.server_address[1],
        **{f"original_{side}_address": ends[0] for side, ends in originals.items()},
        **{f"original_{side}_port": ends[1] for side, ends in originals.items()},
        "method": connection.request and connection.request.method,
        "host": connection.host,
        "path": connection.path,
        "subprotocol": connection.subprotocol,
        "extensions": connection.extensions,
        "response_status": connection.response and connection.response.status,
        "request_headers": header_pairs(connection.request),
        "response_headers": header_pairs(connection.response),
        "accept_key_ok": connection.accept_key_ok,
        "midstream": connection.midstream,
        "opened": connection.opened_ns,
        "started": connection.started_ns,
        "last": connection.last_ns,
        "duration": connection.duration_ns,
        "first_packet": connection.first_packet,
        "last_packet": connection.last_packet,
        "file": connection.file,
        "close_code": close and close.close_code,
        "close_reason": close and close.close_reason,
        "close_from_client": close and close.from_client,
        "close_time": close and close.timestamp_ns,
        "ended": connection.ended,
        "encapsulation": list(connection.encapsulation),
        "problems": list(connection.problems),
        **tls_row(connection.tls),
    }
    accounts = {"client": connection.from_client, "server": connection.from_server}
    row["counts"] = [
        {
            "from_client": side == "client",
            "type": type,
            "status": status,
            "messages": messages,
            "bytes": size,
        }
        for side, account in accounts.items()
        for (type, status), (messages, size) in account.counts.items()
    ]
    for side, account in accounts.items():
        values = vars(account) | {
            f"tolerated_{field.name}": account.tolerated.get(field.name, 0)
            for field in fields(Strictness)
        }
        del values["tolerated"], values["counts"]
        row |= {f"{side}_{name}": value for name, value in values.items()}
    return row


@pytest.mark.parametrize("name", NAMES)
def test_messages_table_holds_the_messages(name: str) -> None:
    capture = Capture(CAPTURES / name)
    expected = [message_row(message) for message in capture]
    assert expected
    found = rows_of(pa.table(capture.to_arrow().messages))
    assert found == [{key: row[key] for key in found[0]} for row in expected]
    assert set(found[0]) == set(expected[0])


@pytest.mark.parametrize("columns", [["length"], ["text", "length"], ["length", "content", "text"]])
def test_lengths_do_not_depend_on_the_other_columns(columns: list[str]) -> None:
    path = CAPTURES / "demo.pcapng"
    table = pa.table(Capture(path, columns=columns))
    assert table["length"].to_pylist() == [len(message.content) for message in Capture(path)]


def test_lengths_are_null_without_contents() -> None:
    table = pa.table(Capture(CAPTURES / "demo.pcapng", content=False))
    assert table["length"].null_count == table.num_rows == 502


@pytest.mark.parametrize("name", NAMES)
def test_connections_table_holds_the_connections(name: str) -> None:
    capture = Capture(CAPTURES / name)
    expected = [connection_row(connection) for connection in capture.connections()]
    assert rows_of(pa.table(capture.to_arrow().connections)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_events_table_holds_the_events(name: str) -> None:
    capture = Capture(CAPTURES / name)
    # The objects are in their places, the rows in the order in which they became certain.
    expected = [event_row(event) for event in list(capture.events())]
    found = rows_of(pa.table(capture.to_arrow().events))
    assert {tuple(row) for row in found} <= {tuple(pa.schema(capture.to_arrow().events).names)}
    order = ("connection", "from_client", "event")
    for rows in (expected, found):
        rows.sort(key=lambda row: [row[name] for name in order])
    assert found == expected


def test_connections_need_no_second_pass_once_messages_have_been_read() -> None:
    data = (CAPTURES / "demo.pcapng").read_bytes()
    tables = Capture(io.BytesIO(data)).to_arrow()
    assert pa.table(tables.messages).num_rows == 502
    assert pa.table(tables.connections).num_rows == 5
    assert pa.table(tables.events).num_rows == 92
    assert pa.table(tables.connections).num_rows == 5
    with pytest.raises(ValueError, match="has been read"):
        pa.table(tables.messages)


def test_polars_and_duckdb_read_the_same() -> None:
    tables = Capture(CAPTURES / "demo.pcapng").to_arrow()
    expected = rows_of(pa.table(tables.messages))
    frame = pl.DataFrame(tables.messages)
    assert frame.schema["timestamp"] == pl.Datetime("ns", "UTC")
    for name in ("text", "content"):
        assert frame[name].to_list() == [row[name] for row in expected]
    assert frame["host"].cast(pl.String).to_list() == [row["host"] for row in expected]
    assert frame["status"].cast(pl.String).to_list() == [row["status"] for row in expected]
    assert frame["timestamp"].to_physical().to_list() == [row["timestamp"] for row in expected]

    with duckdb.connect() as database:
        database.register("messages", tables.messages)
        database.register("connections", tables.connections)
        joined = database.execute(
            "select c.host, count(*), sum(coalesce(octet_length(content), strlen(text))) "
            "from messages m join connections c using (uid) group by c.host order by c.host"
        ).fetchall()
    counted: dict[str, tuple[int, int]] = {}
    for connection in Capture(CAPTURES / "demo.pcapng").connections():
        assert connection.host is not None
        count, size = counted.get(connection.host, (0, 0))
        contents = [message.content for message in connection.websocket.messages]
        counted[connection.host] = (count + len(contents), size + sum(map(len, contents)))
    assert joined == [(host, *counted[host]) for host in sorted(counted)]


def test_capture_is_the_table_of_its_messages() -> None:
    capture = Capture(CAPTURES / "demo.pcapng", hosts=["prices.example"])
    expected = pa.table(capture.to_arrow().messages)
    assert 0 < expected.num_rows < 502
    assert pa.table(capture).equals(expected)
    assert pa.RecordBatchReader.from_stream(capture).read_all().equals(expected)
    assert pa.schema(capture) == expected.schema
    frame = pl.DataFrame(capture)
    assert frame.equals(pl.DataFrame(capture.to_arrow().messages))
    assert frame.shape == expected.shape
    with duckdb.connect() as database:
        database.register("messages", capture)
        counted = database.execute(
            "select count(*), sum(coalesce(octet_length(content), strlen(text))) from messages"
        )
        sizes = sum(
            len(row["text"].encode()) if row["content"] is None else len(row["content"])
            for row in expected.select(["text", "content"]).to_pylist()
        )
        assert counted.fetchall() == [(expected.num_rows, sizes)]


def test_capture_of_a_file_object_is_a_table_once() -> None:
    capture = Capture(io.BytesIO((CAPTURES / "demo.pcapng").read_bytes()))
    assert pa.table(capture).num_rows == 502
    with pytest.raises(ValueError, match="has been read"):
        pa.table(capture)


def test_breaches_of_rules_that_are_off_have_columns() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, b"\xff") + text(True, b"\xfe"))
    talk.says(False, text(True, b"masked"))
    lax = Strictness(utf8=False, mask_direction=False)
    capture = Capture(io.BytesIO(capture_of(talk.end().segments)), strictness=lax)
    (row,) = rows_of(pa.table(capture.to_arrow().connections))
    counted = {name: value for name, value in row.items() if "tolerated" in name and value}
    assert counted == {"client_tolerated_utf8": 2, "server_tolerated_mask_direction": 1}


def test_times_are_utc_to_the_nanosecond() -> None:
    table = pa.table(Capture(CAPTURES / "demo.pcapng").to_arrow().messages)
    assert table.schema.field("timestamp").type == pa.timestamp("ns", tz="UTC")
    first = next(iter(Capture(CAPTURES / "demo.pcapng")))
    instant = table["timestamp"].cast(pa.timestamp("us", tz="UTC"), safe=False)[0].as_py()
    assert instant.tzinfo is not None
    assert instant.astimezone(timezone.utc).timestamp() == pytest.approx(
        first.timestamp_ns / 1e9, abs=1e-6
    )


def test_filters_apply_to_tables_too() -> None:
    capture = Capture(CAPTURES / "demo.pcapng", hosts=["prices.example"], from_client=True)
    table = pa.table(capture.to_arrow().messages)
    assert table.num_rows == len(list(capture)) > 0
    assert table["from_client"].unique().to_pylist() == [True]


def test_damaged_file_gives_what_is_whole_and_a_warning() -> None:
    data = bytearray((CAPTURES / "demo.pcapng").read_bytes())
    data[60_000:60_400] = b"\xff" * 400
    tables = Capture(io.BytesIO(data)).to_arrow()
    rows = pa.table(tables.messages).num_rows
    (warning,) = tables.messages.warnings
    assert "record" in warning
    assert "skipped" in warning
    assert rows == len(list(Capture(io.BytesIO(data)))) > 0


def test_warnings_are_those_of_the_last_pass_that_ended(tmp_path: Path) -> None:
    path = tmp_path / "demo.pcapng"
    path.write_bytes((CAPTURES / "demo.pcapng").read_bytes() + b"a few bytes")
    capture = Capture(path)
    with capture.read() as reader:
        list(reader)
        (warning,) = reader.warnings
    tables = capture.to_arrow()
    stream = pa.RecordBatchReader.from_stream(tables.messages)
    assert tables.messages.warnings == tables.connections.warnings == []
    assert stream.read_all().num_rows == 502
    assert tables.messages.warnings == tables.connections.warnings == [warning]
    assert pa.table(tables.connections).num_rows == 5
    assert tables.connections.warnings == [warning]
    assert capture.to_arrow().messages.warnings == []
    # The file is complete again; read it once more.
    path.write_bytes((CAPTURES / "demo.pcapng").read_bytes())
    pa.table(tables.messages)
    assert tables.messages.warnings == tables.connections.warnings == []


def test_capture_of_a_file_object_that_raises_says_so() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("the line is dead")

    with pytest.raises(OSError, match="the line is dead"):
        pa.table(Capture(Broken()).to_arrow().messages)


def test_file_object_that_has_nothing_yet_ends_a_table_after_its_rows() -> None:
    data = (CAPTURES / "demo.pcapng").read_bytes()

    class Waiting(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 50_000:
                raise BlockingIOError("nothing yet")
            return super().read1(min(size or 0, 10_000))

    stream = pa.RecordBatchReader.from_stream(Capture(Waiting(data)).to_arrow().messages)
    batches: list[pa.RecordBatch] = []
    with pytest.raises(OSError, match="nothing yet"):
        batches.extend(stream)
    assert sum(batch.num_rows for batch in batches) > 100


def tables_of(pickled: bytes) -> ArrowTables:
    capture = pickle.loads(pickled)
    assert isinstance(capture, Capture)
    return capture.to_arrow()


def test_unit_of_work_is_the_same_wherever_it_is_read() -> None:
    """A pickled capture gives the same rows in another process, each time it is read."""
    pickled = pickle.dumps(Capture([CAPTURES / "demo.pcapng", CAPTURES / "ipv6.pcapng"]))
    first, again = (pa.table(tables_of(pickled).messages) for _ in range(2))
    assert first.equals(again)
    columns = (first[name].to_pylist() for name in ("connection", "from_client", "seq"))
    keys = list(zip(*columns, strict=True))
    assert len(keys) == len(set(keys))


def test_threads_read_captures_side_by_side() -> None:
    captures = [Capture(CAPTURES / name) for name in NAMES] * 4
    expected = [len(list(capture)) for capture in captures]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda capture: pa.table(capture.to_arrow().messages).num_rows, captures)
        assert list(found) == expected
        assert list(pool.map(lambda capture: len(list(capture)), captures)) == expected


def test_stream_nobody_reads_is_given_back() -> None:
    capture = Capture(CAPTURES / "demo.pcapng")
    before = threading.active_count()
    for _ in range(200):
        capture.to_arrow().messages.__arrow_c_stream__()
    gc.collect()
    assert threading.active_count() == before
