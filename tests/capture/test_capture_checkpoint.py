"""Checkpoints: a capture that is read file by file has exactly the rows of one pass."""

from __future__ import annotations

import io
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from capture_parts import rotated
from wsdefrag import CheckpointError, WebSocketError
from wsdefrag.capture import Capture, CapturedConnection, CapturedEvent, CapturedMessage

DEMO = "vectors/captures/demo.pcapng"
RECORDINGS = ["demo", "cable-many", "lossy-many", "deflate-fragments", "midstream", "ipv6"]


def facts(items: list[Any]) -> list[Any]:
    """What a caller sees of items, without the connections that are not over yet."""
    seen: list[Any] = []
    for item in items:
        if isinstance(item, CapturedMessage):
            state = item.get_state()
            seen.append((item.connection.connection, item.seq, item.status, item.frames, state))
        elif isinstance(item, CapturedEvent):
            seen.append((item.connection.connection, item.kind, item.offset, item.event))
        else:
            assert isinstance(item, CapturedConnection)
            accounts = item.from_client, item.from_server
            seen.append((item.connection, item.uid, item.host, item.ended, accounts, item.close))
    return seen


def in_parts(files: list[Path], **options: Any) -> list[Any]:
    """Read each file by a capture of its own, which goes on with the state after the one before."""
    seen: list[Any] = []
    state: bytes | None = None
    for file in [*files, None]:
        sources = [] if file is None else [file]
        more: dict[str, Any] = {**options, "continues": file is not None}
        capture = (
            Capture(sources, **more) if state is None else Capture.resume(state, sources, **more)
        )
        with capture.read() as reader:
            seen += facts(list(reader))
            if file is not None:
                state = reader.checkpoint()
    return seen


@pytest.mark.parametrize("name", RECORDINGS)
def test_files_read_one_by_one_have_the_rows_of_one_pass(name: str, tmp_path: Path) -> None:
    files = rotated(name, tmp_path, 12)
    for resync in (False, True):
        whole = facts(list(Capture(files, resync=resync).read()))
        assert in_parts(files, resync=resync) == whole


def test_lines_of_json_are_those_of_one_pass(tmp_path: Path) -> None:
    """File names, packets and connections are the same, too."""
    files = rotated("demo", tmp_path, 7)
    options = {"table": "messages"}
    lines = b"".join(_blocks(Capture(files)._output("jsonl", options)))
    made, state = b"", None
    for file in files:
        capture = (
            Capture(file, continues=True)
            if state is None
            else Capture.resume(state, file, continues=True)
        )
        made_now = capture._output("jsonl", options)
        made += b"".join(_blocks(made_now))
        state = made_now.checkpoint()
    assert state is not None
    made += b"".join(_blocks(Capture.resume(state, [])._output("jsonl", options)))
    assert [json.loads(line) for line in made.splitlines()] == [
        json.loads(line) for line in lines.splitlines()
    ]


def _blocks(made: Any) -> list[bytes]:
    blocks = []
    while (block := made.next_block()) is not None:
        blocks.append(block)
    return blocks


def test_resumed_capture_can_be_pickled_and_read_twice(tmp_path: Path) -> None:
    first, *others = rotated("demo", tmp_path, 3)
    state = Capture(first, continues=True).checkpoint()
    resumed = pickle.loads(pickle.dumps(Capture.resume(state, others)))
    assert facts(list(resumed.read())) == facts(list(resumed.read()))


def test_checkpoint_is_the_same_whatever_gives_the_rows(tmp_path: Path) -> None:
    first = rotated("demo", tmp_path, 3)[0]
    with Capture(first, continues=True).read() as reader:
        for _ in reader:
            pass
        assert reader.checkpoint() == Capture(first, continues=True).checkpoint()


def kind_of(state: bytes, **options: Any) -> str:
    """The kind of the error that a state raises."""
    with pytest.raises(CheckpointError) as raised:
        list(Capture.resume(state, DEMO, **options))
    assert isinstance(raised.value, WebSocketError)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.kind, str(again)) == (raised.value.kind, str(raised.value))
    return raised.value.kind


def test_states_that_cannot_be_read_are_refused() -> None:
    state = Capture(DEMO, continues=True, capture_point="tap").checkpoint()
    point = {"capture_point": "tap"}
    list(Capture.resume(state, DEMO, **point))
    assert kind_of(b"", **point) == "foreign"
    assert kind_of(b"\x89PNG" + state, **point) == "foreign"
    assert kind_of(state[:-1], **point) == "damaged"
    assert kind_of(state[:30], **point) == "damaged"
    for place in (20, len(state) // 2, len(state) - 1):
        changed = bytearray(state)
        changed[place] ^= 1
        assert kind_of(bytes(changed), **point) == "damaged"
    assert kind_of(state[:8] + (2).to_bytes(4, "little") + state[12:], **point) == "newer"
    assert kind_of(state) == "capture_point"
    assert kind_of(state, resync=True, **point) == "option"
    assert kind_of(state, hosts=["x"], **point) == "option"
    list(Capture.resume(state, DEMO, memory=64 << 20, max_connections=100, **point))


def test_checkpoint_needs_a_pass_that_continues_and_has_ended() -> None:
    with Capture(DEMO).read() as reader:
        list(reader)
        with pytest.raises(CheckpointError) as raised:
            reader.checkpoint()
    assert raised.value.kind == "not_resumable"
    with Capture(DEMO, continues=True).read() as reader:
        next(iter(reader))
        with pytest.raises(CheckpointError):
            reader.checkpoint()
    with pytest.raises(CheckpointError, match="closed"):
        reader.checkpoint()


def test_file_that_is_no_capture_leaves_no_checkpoint(tmp_path: Path) -> None:
    other = tmp_path / "other.pcap"
    other.write_bytes(b"no capture at all, certainly")
    with Capture(other, continues=True).read() as reader:
        with pytest.raises(WebSocketError):
            list(reader)
        with pytest.raises(CheckpointError):
            reader.checkpoint()


def test_key_log_that_cannot_be_read_ends_a_capture_that_has_no_files_left(tmp_path: Path) -> None:
    state = Capture(DEMO, continues=True).checkpoint()
    with pytest.raises(OSError, match="directory"):
        list(Capture.resume(state, [], keylog=tmp_path))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="state must be bytes"):
        Capture.resume("text", DEMO)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="continues"):
        Capture(DEMO, continues=1)  # type: ignore[arg-type]


def test_file_object_can_follow(tmp_path: Path) -> None:
    first, second = rotated("demo", tmp_path, 2)
    state = Capture(first, continues=True).checkpoint()
    by_path = facts(list(Capture.resume(state, second).read()))
    by_file = facts(list(Capture.resume(state, io.BytesIO(second.read_bytes())).read()))
    assert by_path == by_file
    assert os.fspath(second)


@pytest.mark.parametrize("path", sorted(Path("vectors/checkpoints").glob("*.state")), ids=str)
def test_state_of_an_earlier_version_is_read(path: Path, tmp_path: Path) -> None:
    """The states are of the first half of a recording; they stay as that version wrote them."""
    name = path.stem.split("-", 2)[2]
    files = rotated(name, tmp_path, 2)
    before = facts(list(Capture(files[0], continues=True).read()))
    after = facts(list(Capture.resume(path.read_bytes(), files[1:]).read()))
    assert before + after == facts(list(Capture(files).read()))
