"""`recordings`: what is played of a capture, a flow file and an HTTP archive."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from capture_conversation import (
    START,
    Conversation,
    binary,
    capture_of,
    close,
    ping,
    text,
    upgraded,
)
from capture_recordings import LOADED
from replay_samples import echoed, lossy, read, read_segments
from wsdefrag.capture import Capture, write_har, write_mitm
from wsdefrag.replay import RecordedConnection


def short(connection: RecordedConnection) -> list[str]:
    """Each turn in short."""
    shown = []
    for turn in connection.turns:
        what = turn.content.decode() if turn.kind != "gap" else turn.kind
        status = "" if turn.status == "ok" else f" {turn.status}"
        shown.append(f"{'->' if turn.from_client else '<-'} {what}{status}")
    return shown


def test_turns_of_both_sides_are_in_order() -> None:
    talk = Conversation().open().upgrade("/chat?room=1", fields=["Cookie: a=b", "TE: x"])
    talk.says(True, text(True, "one") + ping(True, b"two"))
    talk.says(False, text(False, "three"))
    talk.says(False, binary(False, b"four"))
    talk.says(True, close(True, 1001, b"five"))
    (connection,) = read_segments(talk.end().segments)
    assert short(connection) == ["-> one", "-> two", "<- three", "<- four", "-> five"]
    assert [turn.kind for turn in connection.turns] == [
        *("message", "ping", "message", "message", "close")
    ]
    assert connection.turns[-1].close_code == 1001
    assert connection.target == "/chat?room=1"
    assert ("Cookie", "a=b") in connection.fields
    assert not {"te", "upgrade", "connection"} & {name.lower() for name, _ in connection.fields}
    assert (connection.status, connection.response and connection.response.content) == (101, b"101")


def test_messages_that_were_not_captured_whole_are_turns() -> None:
    (connection,) = read(lossy())
    assert [turn.status for turn in connection.turns] == ["ok", "incomplete", "undecodable", "ok"]
    assert [turn.is_known for turn in connection.turns] == [True, False, False, True]


def test_gap_that_may_hide_messages_is_a_turn() -> None:
    talk = upgraded()
    talk.says(True, text(True, "one"))
    lost = talk.says(True, text(True, "two"))
    talk.says(True, text(True, "three"))
    talk.says(False, text(False, "four"))
    (connection,) = read_segments(talk.without(lost))
    assert short(connection) == ["-> one", "-> gap", "<- four"]


@pytest.mark.parametrize("write", [write_mitm, write_har])
def test_flow_files_and_archives_have_the_same_messages(write: object) -> None:
    source = LOADED["demo"].path
    file = io.BytesIO()
    write(Capture(source), file)  # type: ignore[operator]
    whole, again = [
        sorted(read(data), key=lambda one: one.captured.client_address)
        for data in (source.read_bytes(), file.getvalue())
    ]
    assert len(whole) == len(again) == 5
    for one, other in zip(whole, again, strict=True):
        messages = [
            [(turn.from_client, turn.type, turn.content) for turn in each.turns if turn.type]
            for each in (one, other)
        ]
        assert messages[0] == messages[1]
        assert one.target == other.target


def test_flows_of_one_connection_are_joined() -> None:
    talk, file = echoed("a", "b"), io.BytesIO()
    whole = capture_of(talk.segments)
    (connection,) = read(whole)
    middle = connection.turns[2].timestamp_ns / 1e9
    write_mitm(Capture(io.BytesIO(whole), until=middle), file)
    write_mitm(Capture(io.BytesIO(whole), since=middle), file)
    write_mitm(Capture(io.BytesIO(capture_of(echoed("c", port=50_001).segments))), file)
    joined, alone = read(file.getvalue())
    texts = [turn.content for turn in joined.turns if turn.kind == "message"]
    assert texts == [b"a", b"a", b"b", b"b"]
    assert [turn.content for turn in alone.turns if turn.kind == "message"] == [b"c", b"c"]


def test_dropped_and_injected_messages_are_played_as_the_other_side_got_them() -> None:
    (connection,) = read_segments(echoed("a").segments)
    sent, answer, *_ = connection.turns
    connection.turns = [
        replace(sent, dropped=True),
        replace(sent, content=b"b", injected=True),
        replace(answer, content=b"c", dropped=True),
        replace(answer, content=b"d", injected=True),
    ]
    as_client = [turn.content for turn in connection.seen_by(from_client=True)]
    assert as_client == [b"b", b"c"]
    as_server = [turn.content for turn in connection.seen_by(from_client=False)]
    assert as_server == [b"a", b"d"]


def test_refused_connection_has_its_status() -> None:
    refused = [one for one in read(LOADED["refused"].path.read_bytes()) if one.captured.refused]
    assert refused
    assert all(
        one.status == one.captured.response.status for one in refused if one.captured.response
    )


def test_order_of_a_side_is_kept_though_times_go_back() -> None:
    talk = upgraded()
    late = talk.says(True, text(True, "first"))
    early = talk.says(True, text(True, "second"))
    segments = [
        one.at(START + 10) if one is late else one.at(START) if one is early else one
        for one in talk.segments
    ]
    (connection,) = read_segments(segments)
    assert short(connection)[:2] == ["-> first", "-> second"]
