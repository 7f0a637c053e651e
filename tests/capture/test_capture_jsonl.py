"""Messages and connections as JSON lines: one line each, with the complete content."""

from __future__ import annotations

import base64
import io
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_conversation import Conversation, capture_of, text
from capture_recordings import LOADED
from cli_captures import DEMO, damaged, gapped, plain
from wsdefrag.capture import Capture
from wsdefrag.formats.jsonl import json_content, write_jsonl


def lines(source: Any, **options: Any) -> list[dict[str, Any]]:
    file = io.BytesIO()
    capture = Capture(io.BytesIO(source) if isinstance(source, bytes) else source)
    count = write_jsonl(capture, file, **options)
    found = file.getvalue().decode().split("\n")
    assert found.pop() == ""
    assert len(found) == count
    return [json.loads(line, parse_float=Decimal) for line in found]


@pytest.mark.parametrize("name", sorted(LOADED))
def test_line_is_the_message_as_the_reader_gives_it(name: str) -> None:
    path = LOADED[name].path
    messages = list(Capture(path).messages())
    rows = [line for line in lines(path) if "kind" not in line]
    for message, line in zip(messages, rows, strict=True):
        for key in (
            "seq", "from_client", "frames", "wire_length", "payload_length", "compressed",
            "status", "missing_bytes", "resynced", "unauthenticated", "first_packet",
            "last_packet",
        ):  # fmt: skip
            assert line[key] == getattr(message, key), key
        assert line["connection"] == message.connection.connection
        assert (line["host"], line["path"]) == (message.connection.host, message.connection.path)
        assert line["timestamp"] * 10**9 == message.timestamp_ns
        assert line["first_timestamp"] * 10**9 == message.first_timestamp_ns
        assert (bytes.fromhex(line["uid"]), line["file"]) == (message.uid, message.file)
        assert (line["text"] is None) != (line["content"] is None)
        text = line["text"]
        known = base64.b64decode(line["content"]) if text is None else text.encode()
        assert known == message.content
        assert line["length"] == len(message.content)
        assert (text is not None) == (message.is_text and message.status == "ok")
        assert {0: "continuation", 1: "text", 2: "binary"}[message.type] == line["type"]


def test_compressed_bytes_are_never_a_text() -> None:
    found = lines(LOADED["midstream"].path)
    undecodable = [line for line in found if line.get("status") == "undecodable"]
    assert undecodable
    assert all(line["content"] and line["text"] is None for line in undecodable)


def test_tables_and_contents_can_be_chosen() -> None:
    assert len(lines(DEMO, table="connections")) == 5
    bare = lines(DEMO, content=False)
    assert sum("kind" not in line for line in bare) == 502
    assert len(lines(DEMO, table="events")) == len(bare) - 502 == 92
    assert not any(line.keys() & {"text", "content"} for line in bare)


def test_message_whose_beginning_is_unknown_has_a_null_for_host_and_path() -> None:
    blind = lines(LOADED["snap-length-heads"].path)
    assert {(line["host"], line["path"]) for line in blind} == {(None, None)}
    assert any("kind" not in line for line in blind)


def test_gap_is_told() -> None:
    (_, gap, lossy, _) = lines(gapped())
    assert (gap["kind"], gap["length"], gap["seq"], gap["from_client"]) == ("gap", 100, 1, True)
    assert (gap["effect"], gap["incomplete"], gap["lost"]) == ("frame", 1, 0)
    assert (lossy["status"], lossy["missing_bytes"]) == ("incomplete", 100)
    (row,) = lines(gapped(), table="connections")
    assert (row["client_missing"], row["client_gaps"], row["client_skipped"]) == (100, 1, 508)


def test_violation_is_quoted() -> None:
    talk = Conversation().open().upgrade()
    talk.says(False, b"\x83\x00")
    (row,) = lines(capture_of(talk.segments), table="connections")
    assert "RFC 6455 section 5.2" in row["server_violation"]
    assert row["client_violation"] is None
    assert row["problems"] == [f"server: {row['server_violation']}"]


def test_damaged_record_is_a_gap_and_the_rest_is_written() -> None:
    found = lines(damaged(DEMO.read_bytes()))
    statuses = [line["status"] for line in found if "kind" not in line]
    assert 100 < len(statuses) < 502
    assert set(statuses) == {"ok"}
    (gap,) = [line for line in found if line.get("kind") == "gap"]
    assert gap["effect"] == "end"


def test_line_of_a_hostile_message_stays_one_line() -> None:
    talk = Conversation().open().upgrade("/\u2028x", 'quo"te\\.example')
    talk.says(True, text(True, 'a\u2028b\x1b[2J\r\n"\\\x7f\x85'))
    file = io.BytesIO()
    write_jsonl(Capture(io.BytesIO(capture_of(talk.segments))), file)
    assert len(file.getvalue().decode().splitlines()) == 1
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", file.getvalue())
    line = json.loads(file.getvalue())
    assert line["text"] == 'a\u2028b\x1b[2J\r\n"\\\x7f\x85'
    assert (line["host"], line["path"]) == ('quo"te\\.example', "/\u2028x")


@given(st.text())
def test_text_is_kept_on_one_line(content: str) -> None:
    written = json_content(content.encode(), is_text=True)
    assert json.loads(f"{{{written}}}") == {"text": content, "content": None}
    assert len(written.splitlines()) == 1


@given(st.binary(), st.booleans())
def test_content_is_kept(content: bytes, is_text: bool) -> None:
    found = json.loads(f"{{{json_content(content, is_text=is_text)}}}")
    (name,) = (name for name, value in found.items() if value is not None)
    assert found.keys() == {"text", "content"}
    value = found[name]
    assert (value.encode() if name == "text" else base64.b64decode(value)) == content
    assert name == "content" or is_text


def test_plain_messages_are_texts_and_base64() -> None:
    messages = [line for line in lines(plain()) if "kind" not in line]
    assert [line["text"] or line["content"] for line in messages] == [
        "one",
        "AP8=",
        "drei €",
        "four\n",
    ]
