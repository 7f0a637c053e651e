"""Conditions on contents: the rows that come are those that Python's `re` and `json` choose.

The expected rows are chosen from a pass without conditions.
"""

from __future__ import annotations

import io
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from capture_conversation import Conversation, binary, capture_of, close, merged, ping, text
from capture_recordings import LOADED
from wsdefrag.capture import (
    Capture,
    CapturedConnection,
    CapturedEvent,
    CapturedMessage,
    write_jsonl,
)

ONE = ("192.0.2.1", 50_001)
TWO = ("192.0.2.2", 50_002)
SERVER = ("192.0.2.80", 80)

Wanted = Callable[[CapturedMessage], bool]


def talks() -> bytes:
    """Two connections at once, each with forty messages, half of them JSON, and some pings."""
    both = [
        Conversation(client, SERVER).open().upgrade("/chat", "www.example") for client in (ONE, TWO)
    ]
    for name, talk in zip(("ann", "Bob"), both, strict=True):
        for number in range(20):
            said = {"user": name, "n": number, "tags": ["x"] * (number % 3)}
            talk.says(True, text(True, json.dumps(said)))
            talk.says(False, binary(False, bytes([number, 0xFF]) * number))
            if number % 5 == 0:
                talk.says(False, ping(False))
        talk.says(True, close(True))
        talk.end()
    return capture_of(merged(*both))


CAPTURE = talks()


def said(message: CapturedMessage) -> dict[str, Any]:
    try:
        value = json.loads(message.content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def contains(pattern: bytes, flags: int = 0) -> Wanted:
    return lambda message: re.search(pattern, message.content, flags) is not None


CASES: list[tuple[dict[str, Any], Wanted]] = [
    ({"grep": ["ann"]}, contains(b"ann")),
    ({"grep": ["Bob"]}, contains(b"Bob")),
    ({"grep": ["bob"], "ignore_case": True}, contains(b"bob", re.IGNORECASE)),
    (
        {"grep": ["ann", '"n": 1[0-9]']},
        lambda m: contains(b"ann")(m) and contains(b'"n": 1[0-9]')(m),
    ),
    ({"grep_not": ["ann"]}, lambda m: not contains(b"ann")(m)),
    ({"grep": [r"(?-u)\x07\xff"]}, contains(rb"\x07\xff")),
    ({"json": ['.user == "ann"']}, lambda m: said(m).get("user") == "ann"),
    ({"json": [".n >= 7", ".n < 9"]}, lambda m: 7 <= said(m).get("n", -1) < 9),
    ({"json": ['.tags[] == "x"']}, lambda m: "x" in said(m).get("tags", ())),
    ({"json": [".tags | length == 2"]}, lambda m: len(said(m).get("tags", ())) == 2),
    ({"min_size": 20}, lambda m: len(m.content) >= 20),
    ({"max_size": 0}, lambda m: len(m.content) == 0),
    ({"min_size": 10, "max_size": 20}, lambda m: 10 <= len(m.content) <= 20),
    ({"grep": ["ann"], "from_client": False}, lambda m: False),
    (
        {"grep": ["ann"], "json": [".n == 3"], "min_size": 5},
        lambda m: said(m).get("n") == 3 and contains(b"ann")(m),
    ),
]


def key(message: CapturedMessage) -> tuple[bytes, bool, int]:
    return message.connection.uid, message.from_client, message.seq


def messages(options: dict[str, Any]) -> list[tuple[bytes, bool, int]]:
    return [key(message) for message in Capture(io.BytesIO(CAPTURE), **options)]


@pytest.mark.parametrize(("options", "wanted"), CASES, ids=[str(options) for options, _ in CASES])
def test_messages_are_those_that_python_chooses(options: dict[str, Any], wanted: Wanted) -> None:
    expected = [key(message) for message in Capture(io.BytesIO(CAPTURE)) if wanted(message)]
    assert messages(options) == expected
    assert 0 < len(expected) < 80 or "from_client" in options


@pytest.mark.parametrize(("options", "wanted"), CASES[:6])
def test_all_outputs_have_the_same_rows(
    options: dict[str, Any], wanted: Wanted, tmp_path: Path
) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(CAPTURE)
    capture = Capture(path, **options)
    expected = [key(message) for message in capture]
    table = pa.table(capture.to_arrow().messages).to_pylist()
    assert [(row["uid"], row["from_client"], row["seq"]) for row in table] == expected
    file = io.BytesIO()
    write_jsonl(capture, file)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    written = [
        (bytes.fromhex(row["uid"]), row["from_client"], row["seq"])
        for row in lines
        if "kind" not in row
    ]
    assert written == expected


@pytest.mark.parametrize("status", ["incomplete", "undecodable", "ok"])
def test_statuses_choose_messages(status: str) -> None:
    for recording in LOADED.values():
        every = [(key(message), message.status) for message in Capture(recording.path)]
        chosen = [key(message) for message in Capture(recording.path, statuses=[status])]
        assert chosen == [one for one, its_status in every if its_status == status]


def rows_of(options: dict[str, Any]) -> dict[bytes, list[CapturedMessage | CapturedEvent]]:
    """The rows of each connection, in order."""
    rows: dict[bytes, list[CapturedMessage | CapturedEvent]] = {}
    with Capture(io.BytesIO(CAPTURE), **options).read() as reader:
        for item in reader:
            if not isinstance(item, CapturedConnection):
                rows.setdefault(item.connection.uid, []).append(item)
    return rows


def identity(row: CapturedMessage | CapturedEvent) -> tuple[str, bool, int]:
    if isinstance(row, CapturedEvent):
        return row.kind, row.from_client, row.event
    return "message", row.from_client, row.seq


@pytest.mark.parametrize("around", [0, 1, 2, 5, 100])
def test_rows_around_are_those_next_to_the_wanted_ones(around: int) -> None:
    wanted = contains(b'"n": (4|5|17)\\b')
    expected = {}
    for uid, rows in rows_of({}).items():
        hits = [
            place
            for place, row in enumerate(rows)
            if isinstance(row, CapturedMessage) and wanted(row)
        ]
        near = [
            place for place in range(len(rows)) if any(abs(place - hit) <= around for hit in hits)
        ]
        expected[uid] = [identity(rows[place]) for place in near]
    found = rows_of({"grep": [r'"n": (4|5|17)\b'], "around": around})
    assert {uid: list(map(identity, rows)) for uid, rows in found.items()} == expected


def test_patterns_search_the_payload_of_control_frames() -> None:
    talk = Conversation(ONE, SERVER).open().upgrade("/", "www.example")
    talk.says(False, ping(False, b"heartbeat 7"))
    talk.says(True, text(True, "nothing"))
    talk.says(True, close(True, 1001, b"going home"))
    talk.end()
    capture = capture_of(talk.segments)
    for pattern, kind in (("beat 7", "ping"), ("home", "close")):
        rows = Capture(io.BytesIO(capture), grep=[pattern]).events()
        assert [row.kind for row in rows] == [kind]


@pytest.mark.parametrize("name", ["snap-length", "snap-length-heads"])
@pytest.mark.parametrize("around", [0, 1, 3])
def test_gaps_around_have_their_cost_at_the_end(name: str, around: int) -> None:
    capture = Capture(LOADED[name].path, statuses=["incomplete"], around=around)
    with capture.read() as reader:
        items = list(reader)
    gaps = [item for item in items if isinstance(item, CapturedEvent) and item.kind == "gap"]
    assert all(gap.lost is not None for gap in gaps)
    assert bool(gaps) == bool(around)
    columns = ["uid", "from_client", "event", "kind"]
    table = pa.table(capture.to_arrow().events).select(columns).to_pylist()
    in_table = {
        (row["uid"], row["from_client"], row["event"]) for row in table if row["kind"] == "gap"
    }
    assert in_table == {(gap.connection.uid, gap.from_client, gap.event) for gap in gaps}


def test_capture_with_conditions_pickles(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(CAPTURE)
    capture = Capture(path, grep=["ann"], json=[".n == 3"], around=1)
    again = pickle.loads(pickle.dumps(capture))
    assert [key(one) for one in again] == [key(one) for one in capture]
    assert "grep, json" in repr(again)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"grep": ["("]}, ValueError, "'(' is no regular expression"),
        ({"grep_not": ["(?=a)"]}, ValueError, "look-around"),
        ({"json": [".a = 1"]}, ValueError, "'.a = 1' is no condition: "),
        ({"statuses": ["fine"]}, ValueError, "'fine' is no status; there are ok, "),
        ({"min_size": -1}, ValueError, "min_size must be from 0"),
        ({"around": "1"}, TypeError, "around must be an int, not str"),
        ({"grep": "ann"}, TypeError, "grep must be several strings, not one"),
        ({"grep": ["a"], "content": False}, ValueError, "content is False"),
        ({"ignore_case": 1}, TypeError, "ignore_case must be a bool"),
    ],
)
def test_wrong_conditions_are_refused(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=re.escape(text).replace("'", "['\"]")):
        Capture("no file", **options)
