"""Flow files and HTTP archives are inputs: what was written of a capture is read back.

The expected values are those of the capture itself; mitmproxy writes a file in
`compat/mitmproxy/parity`.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import re
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from capture_recordings import LOADED
from cli_captures import DEMO, WHOLE, invoke_capture
from wsdefrag import CaptureError, WebSocketData, WebSocketMessage
from wsdefrag.capture import (
    Capture,
    CapturedConnection,
    CapturedEvent,
    CapturedMessage,
    CapturedRequest,
    CapturedResponse,
    Conversation,
    write_har,
    write_jsonl,
    write_mitm,
)

WRITERS = {"har": write_har, "mitm": write_mitm}


def archive(source: Any, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    WRITERS[format](Capture(source, **options), file)
    return file.getvalue()


def read(data: bytes | str, **options: Any) -> dict[Any, dict[str, Any]]:
    """What is read of each connection, by its client's port and its path."""
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    found: dict[Any, dict[str, Any]] = {}
    for item in Capture(source, **options).read():
        connection = item if isinstance(item, CapturedConnection) else item.connection
        key = (connection.client_address[1], connection.server_address, connection.path)
        known = found.setdefault(key, {"messages": [], "events": []})
        if isinstance(item, CapturedConnection):
            known["connection"] = item
        elif isinstance(item, CapturedEvent):
            known["events"].append((item.kind, item.from_client, item.seq, item.length))
        else:
            values = (item.from_client, item.type, item.content, item.timestamp_ns, item.status)
            known["messages"].append((*values, item.missing_bytes, item.seq))
    return found


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("name", [*WHOLE, "midstream", "snap-length", "snap-length-heads"])
def test_what_was_written_is_read_back(name: str, format: str) -> None:
    path = str(LOADED[name].path)
    expected = read(path, resync=True)
    found = read(archive(path, format, resync=True))
    assert found.keys() == expected.keys()
    for key, known in expected.items():
        one = found[key]
        assert one["messages"] == known["messages"]
        rows = [event for event in known["events"] if event[0] != "violation"]
        assert one["events"] == rows
        connection, original = one["connection"], known["connection"]
        assert connection.host == original.host
        assert connection.refused == original.refused
        assert (connection.close is None) == (original.close is None)
        if original.close is not None:
            for value in ("from_client", "close_code", "close_reason", "timestamp_ns"):
                assert getattr(connection.close, value) == getattr(original.close, value)
        if original.request is not None and format == "mitm":
            fields = [one for one in original.request.fields if not one[0].startswith(":")]
            read_fields = [one for one in connection.request.fields if not one[0].startswith(":")]
            assert read_fields == fields
            assert connection.client_address == original.client_address
            assert connection.request.timestamp_ns == original.request.timestamp_ns


def relayed(format: str) -> bytes:
    """A file with a connection whose messages a relay dropped, injected, or both."""
    messages = [
        WebSocketMessage(1, True, b"first", 1.5),
        WebSocketMessage(2, False, b"second", 2.5, dropped=True),
        WebSocketMessage(1, False, b"third", 3.5, injected=True),
        WebSocketMessage(1, True, b"fourth", 4.5, dropped=True, injected=True),
    ]
    request = CapturedRequest("/chat", (("Host", b"example.com"),), 1_000_000_000)
    response = CapturedResponse(101, "Switching Protocols", (), 1_250_000_000)
    conversation = Conversation.of_record(
        WebSocketData(messages),
        request,
        response,
        client_address=("127.0.0.1", 50_000),
        server_address=("127.0.0.2", 80),
    )
    file = io.BytesIO()
    WRITERS[format]([conversation], file)
    return file.getvalue()


@pytest.mark.parametrize("format", WRITERS)
def test_connection_that_is_longer_than_memory_is_passed_over_and_named(format: str) -> None:
    conversations = [
        Conversation.of_record(
            WebSocketData([WebSocketMessage(2, True, bytes(size), 1.5)]),
            CapturedRequest("/", (), 1_000_000_000),
            client_address=("127.0.0.1", 50_000),
            server_address=("127.0.0.2", 80),
        )
        for size in (10, 300_000, 20)
    ]
    file = io.BytesIO()
    WRITERS[format](conversations, file)
    with Capture(io.BytesIO(file.getvalue()), memory=200_000).read() as reader:
        messages = [item for item in reader if isinstance(item, CapturedMessage)]
        (warning,) = reader.warnings
    assert [len(one.content) for one in messages] == [10, 20]
    match = re.search(r"record 2 at byte (\d+): it is longer than `memory`; (\d+) bytes", warning)
    assert match is not None, warning
    start, length = map(int, match.groups())
    assert start + 300_000 <= start + length < len(file.getvalue())
    assert len(list(Capture(io.BytesIO(file.getvalue()), memory=1_000_000))) == 3


MARKS = [(False, False), (True, False), (False, True), (True, True)]
"""Whether each message was dropped, and whether it was injected."""


@pytest.mark.parametrize("format", WRITERS)
def test_messages_say_what_a_relay_did_with_them(tmp_path: Path, format: str) -> None:
    data = relayed(format)
    capture = Capture(io.BytesIO(data))
    messages = list(capture)
    assert [(one.dropped, one.injected) for one in messages] == MARKS
    (connection,) = Capture(io.BytesIO(data)).connections()
    assert connection.problems == ()
    table = pa.table(Capture(io.BytesIO(data))).select(["dropped", "injected"])
    assert list(zip(*table.to_pydict().values(), strict=True)) == MARKS
    lines = io.BytesIO()
    write_jsonl(Capture(io.BytesIO(data)), lines)
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(one["dropped"], one["injected"]) for one in rows] == MARKS
    by_items = io.BytesIO()
    write_jsonl(messages, by_items)
    assert by_items.getvalue() == lines.getvalue()
    assert pickle.loads(pickle.dumps(messages[1])).dropped
    for one, marks in zip(messages, MARKS, strict=True):
        assert one.get_state()[4:] == one.message.get_state()[4:] == marks
    file = tmp_path / f"relayed.{format}"
    file.write_bytes(data)
    shown = invoke_capture("messages", file).stdout.splitlines()
    assert ["[" in line for line in shown] == [False, True, True, True]
    assert shown[3].endswith("[dropped, injected] fourth")


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("other", WRITERS)
def test_marks_of_a_relay_are_written_again(format: str, other: str) -> None:
    again = archive(io.BytesIO(relayed(format)), other)
    found = list(Capture(io.BytesIO(again)))
    assert [(one.dropped, one.injected) for one in found] == MARKS


@pytest.mark.parametrize("format", WRITERS)
def test_archive_is_the_same_after_another_pass(format: str) -> None:
    once = archive(DEMO, format)
    again = archive(io.BytesIO(once), format)
    first, second = read(once), read(again)
    assert [one["messages"] for one in first.values()] == [
        one["messages"] for one in second.values()
    ]


@pytest.mark.parametrize("format", WRITERS)
def test_compressed_files_and_pipes_are_read(tmp_path: Path, format: str) -> None:
    data = archive(DEMO, format)
    expected = [len(one["messages"]) for one in read(data).values()]
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(data))
    assert [len(one["messages"]) for one in read(str(packed)).values()] == expected
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert [len(one["messages"]) for one in read(str(pipe)).values()] == expected
    writer.join()


@pytest.mark.parametrize("format", WRITERS)
def test_command_reads_and_converts_them(tmp_path: Path, format: str) -> None:
    file = tmp_path / f"day.{format}"
    file.write_bytes(archive(DEMO, format))
    lines = invoke_capture("messages", file, "--format", "jsonl", "--no-events").stdout
    original = invoke_capture("messages", DEMO, "--format", "jsonl", "--no-events").stdout
    texts = [json.loads(line)["text"] for line in lines.splitlines()]
    assert sorted(map(str, texts)) == sorted(
        str(json.loads(line)["text"]) for line in original.splitlines()
    )
    out = tmp_path / "out.jsonl"
    invoke_capture("convert", file, "-o", out)
    assert len(out.read_bytes().splitlines()) >= len(texts)


def test_flow_that_is_cut_is_a_warning_after_the_flows_before() -> None:
    data = archive(DEMO, "mitm")
    whole = read(data)
    first = int(data.split(b":", 1)[0]) + len(data.split(b":", 1)[0]) + 2
    with Capture(io.BytesIO(data[: first + 1000])).read() as reader:
        ended = [item for item in reader if isinstance(item, CapturedConnection)]
        assert len(ended) == 1 < len(whole)
        (warning,) = reader.warnings
    assert f"record 2 at byte {first}: the file ends after 1000 bytes" in warning


def test_flow_that_cannot_be_read_costs_itself() -> None:
    data = archive(DEMO, "mitm")
    first = int(data.split(b":", 1)[0]) + len(data.split(b":", 1)[0]) + 2
    broken = data[:first].replace(b"8:messages;", b"8:massages;") + data[first:]
    with Capture(io.BytesIO(broken)).read() as reader:
        ended = [item for item in reader if isinstance(item, CapturedConnection)]
        (warning,) = reader.warnings
    assert len(ended) == len(read(data)) - 1
    assert "record 1 at byte 0: its messages are no list" in warning


@pytest.mark.parametrize(
    "data", [b'{"kind": "gap"}', b"123 apples", b"{", b"99999999999999:", b"12"]
)
def test_other_files_are_refused(data: bytes) -> None:
    file = io.BytesIO(data)
    if data.startswith(b"9"):
        with Capture(file).read() as reader:
            assert list(reader) == []
            assert "the file ends after 15 bytes" in reader.warnings[0]
        return
    with pytest.raises(CaptureError, match="not a capture file"):
        list(Capture(file))
