"""A pass that makes an output file gives the rows of the reader, however it is read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import Conversation, binary, capture_of, text
from capture_recordings import LOADED
from cli_captures import DEMO, damaged
from wire_writer import KEY, frame
from wsdefrag import CaptureError
from wsdefrag.capture import Capture, CapturedMessage
from wsdefrag.formats.jsonl import write_jsonl
from wsdefrag.formats.shown import escaped


def blocks(capture: Capture, **options: Any) -> tuple[list[bytes], Any]:
    made = capture._output("jsonl", options)
    return list(iter(made.next_block, None)), made


@pytest.mark.parametrize("options", [{}, {"content": False}, {"table": "connections"}])
@pytest.mark.parametrize("name", sorted(LOADED))
def test_lines_are_those_of_the_items(name: str, options: dict[str, Any]) -> None:
    path = LOADED[name].path
    expected = io.BytesIO()
    count = write_jsonl(Capture(path).read(), expected, **options)
    found, made = blocks(Capture(path), **options)
    assert b"".join(found) == expected.getvalue()
    assert made.rows == count


@pytest.mark.parametrize("name", sorted(LOADED))
def test_events_are_those_of_the_items(name: str) -> None:
    path = LOADED[name].path
    expected = io.BytesIO()
    write_jsonl(Capture(path).read(), expected, table="events")
    found, _ = blocks(Capture(path), table="events")
    # Gaps of several directions become certain in an order that the items do not show.
    assert sorted(b"".join(found).splitlines()) == sorted(expected.getvalue().splitlines())


def test_events_can_be_left_out() -> None:
    rows = [json.loads(line) for line in b"".join(blocks(Capture(DEMO))[0]).splitlines()]
    for options, wanted in (
        ({"events": False}, set()),
        ({"control_frames": False}, {"gap", "violation"}),
    ):
        found, _ = blocks(Capture(DEMO), **options)
        kept = [row for row in rows if row.get("kind") in {None, *wanted}]
        assert [json.loads(line) for line in b"".join(found).splitlines()] == kept


class Slow(io.BytesIO):
    """A file object that has a few bytes at a time, and none at every other call."""

    waits = False

    def read1(self, size: int | None = -1, /) -> bytes:
        self.waits = not self.waits
        if self.waits:
            return None  # type: ignore[return-value]
        return super().read1(1000)


def test_file_object_without_data_is_read_again() -> None:
    expected = b"".join(blocks(Capture(DEMO))[0])
    made = Capture(Slow(DEMO.read_bytes()))._output("jsonl", {})
    found, waited = [], 0
    while True:
        try:
            block = made.next_block()
        except BlockingIOError:
            waited += 1
            continue
        if block is None:
            break
        found.append(block)
    assert waited
    assert b"".join(found) == expected.replace(str(DEMO).encode(), b"<stream>")


class Half(io.BytesIO):
    """The first half of a file, and then no data yet."""

    def read1(self, size: int | None = -1, /) -> bytes:
        left = len(self.getvalue()) // 2 - self.tell()
        return super().read1(min(size or 0, left)) if left else None  # type: ignore[return-value]


def test_lines_come_with_the_read_that_completed_them() -> None:
    made = Capture(Half(DEMO.read_bytes()))._output("jsonl", {"events": False})
    found: list[bytes] = []
    with pytest.raises(BlockingIOError):
        found.extend(iter(made.next_block, None))
    seen = [json.loads(line)["seq"] for line in b"".join(found).splitlines()]
    reader = Capture(Half(DEMO.read_bytes())).read()
    expected: list[int] = []
    with pytest.raises(BlockingIOError):
        expected.extend(one.seq for one in reader if isinstance(one, CapturedMessage))
    assert seen == expected
    assert len(seen) > 300


LONG = [
    "x" * 300_000,
    '\u2028\x85"' * 50_000,
    "水" * 60_000 + " " * 70_000,
    " " * 100_000,
    "\x00" * 65_536,
]


def long_capture() -> bytes:
    """Long messages, each with a ping and a short message in its last packet."""
    talk = Conversation().open().upgrade()
    for content in LONG:
        wire = text(True, content) + frame(9, b"ping", key=KEY) + text(True, "short")
        for from_client, data in ((True, wire), (False, binary(False, content.encode()))):
            for start in range(0, len(data), 60_000):
                talk.says(from_client, data[start : start + 60_000])
    return capture_of(talk.segments)


def test_long_lines_come_in_parts() -> None:
    data = long_capture()
    choices: list[dict[str, Any]] = [{}, {"content": False}]
    for options in choices:
        expected = io.BytesIO()
        count = write_jsonl(Capture(io.BytesIO(data)).read(), expected, **options)
        found, made = blocks(Capture(io.BytesIO(data)), **options)
        assert b"".join(found) == expected.getvalue()
        assert made.rows == count == 4 * len(LONG)
        assert max(map(len, found)) < 600_000


def test_long_lines_of_text_are_complete() -> None:
    made = Capture(io.BytesIO(long_capture()))._output("text", {})
    found = list(iter(made.next_block, None))
    assert max(map(len, found)) < 600_000
    lines = b"".join(found).decode().split("\n")
    expected = [escaped(content).rstrip(" ") for content in LONG]
    shown = [line[len("22:13:20.000    0/c0    -> text    300000 B  ") :] for line in lines[:-1]]
    assert shown[::4] == expected
    assert shown[1::4] == ["ping"] * len(LONG)
    assert shown[2::4] == ["short"] * len(LONG)
    assert shown[3::4] == [content.encode().hex() for content in LONG]


def test_failure_comes_after_all_lines(tmp_path: Path) -> None:
    path = tmp_path / "no capture"
    path.write_bytes(b"text")
    made = Capture(path)._output("jsonl", {})
    with pytest.raises(CaptureError, match="no capture: "):
        list(iter(made.next_block, None))
    assert made.next_block() is None


def test_tally_counts_what_the_reader_gives(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pcapng"
    path.write_bytes(damaged(DEMO.read_bytes()))
    capture = Capture(path, connections=[range(50), 99])
    messages = list(capture.messages())
    _, made = blocks(capture)
    tally = made.tally
    ended = list(capture.connections())
    accounts = [one for it in ended for one in (it.from_client, it.from_server)]
    assert tally["messages"] == len(messages)
    assert tally["content"] == sum(len(message.content) for message in messages)
    assert tally["statuses"]["ok"] == sum(message.status == "ok" for message in messages)
    assert tally["connections"] == len(ended)
    assert tally["missing"] == sum(account.missing for account in accounts)
    assert tally["lost"] == sum(account.lost for account in accounts) > 0
    assert tally["ends"] == sum(event.effect == "end" for event in capture.events()) > 0
    assert tally["not_found"] == [(99, 99)]
    assert made.bytes_read == path.stat().st_size
    assert made.counts["packets"] > 0


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="no format"):
        Capture(DEMO)._output("xml", {})
    with pytest.raises(ValueError, match="no table"):
        Capture(DEMO)._output("jsonl", {"table": "rows"})
