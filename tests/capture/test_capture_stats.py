"""`wsdefrag stats`: figures against those that Python computes from the messages."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import (
    START,
    Conversation,
    binary,
    capture_of,
    close,
    merged,
    one_frame,
    ping,
    text,
)
from capture_recordings import LOADED
from cli_captures import invoke_capture
from wire_writer import PONG
from wsdefrag.capture import Capture
from wsdefrag.formats.mitm import write_mitm

MS = 1_000_000


def stats(capture: Path, *options: str) -> dict[str, Any]:
    result = invoke_capture("stats", capture, "--format", "json", *options)
    assert result.exit_code in (0, 1), result.stderr
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


@pytest.mark.parametrize("name", sorted(LOADED))
def test_totals_are_those_of_the_messages(name: str) -> None:
    path = LOADED[name].path
    total = stats(path)["total"]
    messages = list(Capture(path))
    for side in ("client", "server"):
        mine = [message for message in messages if message.from_client == (side == "client")]
        sizes = sorted(len(message.content) for message in mine)
        figures = total[side]
        assert figures["messages"] == len(mine)
        assert figures["bytes"] == sum(sizes)
        assert figures["wire_bytes"] == sum(message.wire_length for message in mine)
        assert figures["not_whole"] == sum(message.status != "ok" for message in mine)
        accounts = [
            one.from_client if side == "client" else one.from_server
            for one in Capture(path).connections()
        ]
        for key in ("retransmissions", "overlaps"):
            assert figures[key] == sum(getattr(account, key) for account in accounts)
        for key in ("missing", "late", "lost"):
            assert figures[f"{key}_bytes"] == sum(getattr(account, key) for account in accounts)
        assert sum(count for _, count in figures["size_histogram"]) == len(mine)
        below = 0
        for end, count in figures["size_histogram"]:
            below += count
            assert sum(size < end for size in sizes) == below
        if not mine:
            assert figures["size"] is None
            continue
        assert (figures["size"]["min"], figures["size"]["max"]) == (sizes[0], sizes[-1])
        assert figures["size"]["mean"] == pytest.approx(statistics.fmean(sizes))
        for part in (50, 90, 99):
            exact = sizes[max(0, -(-len(sizes) * part // 100) - 1)]
            assert figures["size"][f"p{part}"] == pytest.approx(exact, rel=0.02, abs=1)
        packed = [one for one in mine if one.compressed and one.status == "ok"]
        deflated = sum(one.payload_length for one in packed)
        if deflated:
            ratio = sum(len(one.content) for one in packed) / deflated
            assert figures["compression_ratio"] == pytest.approx(ratio)
        else:
            assert figures["compression_ratio"] is None


@pytest.mark.parametrize("by", ["connection", "host", "path"])
def test_groups_add_up_to_the_total(by: str) -> None:
    for name in ("demo", "http-besides", "snap-length"):
        figures = stats(LOADED[name].path, "--by", by)
        groups, total = figures["groups"], figures["total"]
        assert figures["by"] == by
        for key in ("connections", "gaps", "reconnects"):
            assert sum(group[key] for group in groups) == total[key]
        for side in ("client", "server"):
            for key in ("messages", "bytes", "missing_bytes"):
                assert sum(group[side][key] for group in groups) == total[side][key]
        connections = list(Capture(LOADED[name].path).connections())
        keys = {
            "connection": {str(one.connection) for one in connections},
            "host": {one.host or "(unknown)" for one in connections},
            "path": {
                (one.host or "(unknown)") + (one.path or "").partition("?")[0]
                for one in connections
            },
        }
        assert {group["name"] for group in groups} == keys[by]


def at(talk: Conversation, milliseconds: int) -> Conversation:
    talk.time = START + milliseconds * MS
    return talk


def timed(tmp_path: Path) -> Path:
    """Requests with ids that are answered out of order, pings, a silence, and a reconnect."""
    one = (
        Conversation(("192.0.2.1", 50_001), ("192.0.2.80", 80))
        .open()
        .upgrade("/rpc?t=1", "rpc.example")
    )
    at(one, 1000).says(True, text(True, '{"id": 1, "m": "a"}'))
    at(one, 1010).says(True, text(True, '{"id": "1", "m": "b"}'))
    at(one, 1030).says(False, text(False, '{"id": "1", "r": 0}'))
    at(one, 1100).says(False, text(False, '{"r": 1, "id": 1}'))
    at(one, 2000).says(False, ping(False, b"x"))
    at(one, 2045).says(True, one_frame(True, PONG, b"x"))
    at(one, 42_045).says(False, binary(False, b"late"))
    at(one, 42_050).says(True, close(True))
    one.end()
    two = Conversation(("192.0.2.1", 50_002), ("192.0.2.80", 80), time=START + 60_000 * MS).open()
    two.upgrade("/rpc?t=1", "rpc.example")
    two.says(True, text(True, "hi"))
    path = tmp_path / "timed.pcapng"
    path.write_bytes(capture_of(merged(one, two)))
    return path


def test_latencies_round_trips_silence_and_reconnects(tmp_path: Path) -> None:
    total = stats(timed(tmp_path), "--by", "path")["total"]
    assert total["connections"] == 2
    assert total["reconnects"] == 1
    by_id = total["latency_by_id"]
    assert (by_id["count"], by_id["min"], by_id["max"]) == (2, 0.02, 0.1)
    by_turns = total["latency_by_turns"]
    assert (by_turns["count"], by_turns["min"]) == (1, 0.02)
    trip = total["ping_round_trip"]
    assert (trip["count"], trip["min"], trip["max"]) == (1, 0.045, 0.045)
    assert total["longest_silence"] == 40.0
    assert total["longest_silence_began"] == pytest.approx(START / 1e9 + 2.045)
    assert total["closes"] == [[1000, 1]]


def test_member_that_requests_and_answers_share_can_be_named(tmp_path: Path) -> None:
    talk = Conversation(("192.0.2.1", 50_001), ("192.0.2.80", 80)).open().upgrade()
    at(talk, 1000).says(True, text(True, '{"id": 7, "ref": "a"}'))
    at(talk, 1010).says(True, text(True, '{"id": 8, "ref": "b"}'))
    at(talk, 1200).says(False, text(False, '{"id": 8, "ref": "a"}'))
    path = tmp_path / "named.pcapng"
    path.write_bytes(capture_of(merged(talk)))
    for options, seconds in (((), 0.19), (("--id", "ref"), 0.2)):
        by_id = stats(path, *options)["total"]["latency_by_id"]
        assert (by_id["count"], by_id["min"]) == (1, seconds)
    assert stats(path, "--id", "none")["total"]["latency_by_id"] is None


def test_text_has_the_figures(tmp_path: Path) -> None:
    result = invoke_capture("stats", timed(tmp_path), "--by", "connection")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "connections          2, 1 reconnect"
    for start, text_there in (
        ("-> from the client", "3 messages, 42 B"),
        ("ping round trip", "min 45 ms, p50 45 ms"),
        ("latency by id", "min 20 ms"),
        ("longest silence", "40 s from "),
        ("closed with", "1000 (1)"),
        ("connection  connections", "latency  silence"),
        ("0 ", "ms"),
    ):
        assert any(line.startswith(start) and text_there in line for line in lines), start


def test_conditions_and_filters_choose_what_is_counted(tmp_path: Path) -> None:
    path = timed(tmp_path)
    assert stats(path, "--grep", '"m"')["total"]["client"]["messages"] == 2
    assert stats(path, "--from", "server")["total"]["client"]["messages"] == 0


def last_lines(tmp_path: Path, *, again: bytes = b"", lacks_one: bool = False) -> list[str]:
    """The last lines for a capture, one of whose segments comes twice, or is missing."""
    talk = Conversation(("192.0.2.1", 50_001), ("192.0.2.80", 80)).open().upgrade()
    first = talk.says(True, FIRST)
    if again:
        talk.segments.append(first.with_payload(again).at(talk.time))
    second = talk.says(True, text(True, "another message"))
    talk.says(True, text(True, "the last message"))
    talk.end()
    path = tmp_path / "losing.pcapng"
    kept = [segment for segment in talk.segments if not (lacks_one and segment is second)]
    path.write_bytes(capture_of(kept))
    return invoke_capture("stats", path).stdout.splitlines()[-2:]


FIRST = text(True, "a message")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ("nothing", "nothing")),
        ({"again": FIRST}, ("nothing", "1 segment, 0 of them with other bytes")),
        (
            {"again": FIRST[:-1] + bytes([FIRST[-1] ^ 1])},
            ("nothing", "1 segment, 1 of them with other bytes"),
        ),
        # 2 bytes of header, the masking key, 15 characters; the last frame has one more, and
        # nothing says where it begins.
        (
            {"lacks_one": True},
            (
                "1 gap, 21 bytes not captured, 43 bytes that cannot be assigned to frames",
                "nothing",
            ),
        ),
    ],
)
def test_text_says_what_was_lost_and_what_came_twice(
    tmp_path: Path, change: dict[str, Any], expected: tuple[str, str]
) -> None:
    """Nothing, too, so that silence is not taken for it."""
    lost, again = last_lines(tmp_path, **change)
    assert lost.split(maxsplit=1) == ["lost", expected[0]]
    assert again.split(maxsplit=1) == ["retransmitted", expected[1]]


def test_recording_without_packets_says_nothing_of_losses(tmp_path: Path) -> None:
    """A flow file does not know what was lost."""
    path = tmp_path / "demo.mitm"
    with path.open("wb") as file:
        write_mitm(Capture(LOADED["demo"].path), file)
    shown = invoke_capture("stats", path).stdout
    assert "connections          5" in shown
    assert "lost" not in shown
    assert "retransmitted" not in shown


def test_capture_without_websocket_has_zero_of_everything(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcapng"
    path.write_bytes(capture_of([]))
    total = stats(path)["total"]
    assert (total["connections"], total["client"]["messages"], total["first"]) == (0, 0, None)
