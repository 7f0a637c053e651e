"""Filters: which messages and connections of a capture are yielded."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import (
    DEFLATE,
    START,
    STEP,
    Conversation,
    binary,
    capture_of,
    close,
    merged,
    one_frame,
    ping,
    text,
)
from capture_files import SECOND
from capture_seen import read
from wire_writer import TEXT, Deflater
from wsdefrag import Limits
from wsdefrag.capture import Capture

ONE = ("192.0.2.1", 50_001)
TWO = ("192.0.2.2", 50_002)
SIX = ("2001:db8::3", 50_003)


def talks() -> list[Conversation]:
    one = Conversation(ONE, ("192.0.2.80", 80)).open().upgrade("/chat?room=1", "www.example.com")
    two = Conversation(TWO, ("192.0.2.80", 8080), time=START + STEP // 3).open()
    two.upgrade("/feed", "Feed.example.com:8080")
    six = Conversation(SIX, ("2001:db8::80", 80), time=START + STEP // 2).open()
    six.upgrade("/chat", "other.example.org")
    for name, talk in (("one", one), ("two", two), ("six", six)):
        for number in range(3):
            talk.says(True, text(True, f"{name} client {number}"))
            talk.says(False, binary(False, f"{name} server {number}".encode()))
            talk.says(False, ping(False))
        talk.says(True, close(True))
        talk.end()
    return [one, two, six]


CAPTURE = capture_of(merged(*talks()))
ALL = {
    f"{name} {side} {number}"
    for name in ("one", "two", "six")
    for side in ("client", "server")
    for number in range(3)
}


def of(*names: str) -> set[str]:
    return {content for content in ALL if content.split()[0] in names}


def test_nothing_asked_for_gives_all() -> None:
    assert {content.decode() for content in read(CAPTURE).contents()} == ALL


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"hosts": ["www.example.com"]}, of("one")),
        ({"hosts": ["WWW.Example.COM"]}, of("one")),
        ({"hosts": ["feed.example.com"]}, of("two")),
        ({"hosts": ["feed.example.com:8080"]}, of("two")),
        ({"hosts": ["*.example.com"]}, of("one", "two")),
        ({"hosts": ["*example*"]}, ALL),
        ({"hosts": ["example.com"]}, of()),
        ({"hosts": ["www.example.com", "other.*"]}, of("one", "six")),
        ({"request_paths": ["/feed"]}, of("two")),
        ({"request_paths": ["/chat"]}, of("six")),
        ({"request_paths": ["/chat*"]}, of("one", "six")),
        ({"request_paths": ["*room=1"]}, of("one")),
        ({"request_paths": ["/CHAT"]}, of()),
        ({"ports": [8080]}, of("two")),
        ({"ports": [50_001]}, of("one")),
        ({"ports": [80]}, of("one", "six")),
        ({"ports": [8080, 50_003]}, of("two", "six")),
        ({"ports": [443]}, of()),
        ({"connections": [1]}, of("two")),
        ({"connections": [0, 2]}, of("one", "six")),
        ({"connections": [range(1, 3)]}, of("two", "six")),
        ({"connections": [range(1, 2**63 - 1), 0]}, ALL),
        ({"connections": [3]}, of()),
        ({"connections": [1], "hosts": ["www.*"]}, of()),
        ({"addresses": ["192.0.2.1"]}, of("one")),
        ({"addresses": ["192.0.2.80"]}, of("one", "two")),
        ({"addresses": ["2001:db8::3"]}, of("six")),
        ({"addresses": ["2001:0db8:0:0::80"]}, of("six")),
        ({"addresses": ["192.0.2.2", "2001:db8::3"]}, of("two", "six")),
        ({"hosts": ["*.example.com"], "ports": [80]}, of("one")),
        ({"hosts": ["www.example.com"], "request_paths": ["/feed"]}, of()),
        ({"from_client": True}, {one for one in ALL if "client" in one}),
        ({"from_client": False}, {one for one in ALL if "server" in one}),
        ({"types": ["text"]}, {one for one in ALL if "client" in one}),
        ({"types": ("binary",)}, {one for one in ALL if "server" in one}),
        ({"types": ["text", "binary"]}, ALL),
    ],
)
def test_filter_lets_what_matches_through(options: dict[str, Any], expected: set[str]) -> None:
    found = read(CAPTURE, **options)
    assert {content.decode() for content in found.contents()} == expected
    assert len(found.messages) == len(expected)
    whole = {one.last_packet: one.content for one in read(CAPTURE).messages}
    assert all(whole[one.last_packet] == one.content for one in found.messages)


@pytest.mark.parametrize(
    "options", [{"hosts": ["www.*"]}, {"request_paths": ["/chat?*"]}, {"ports": [50_001]}]
)
def test_filter_of_connections_leaves_others_out(options: dict[str, Any]) -> None:
    assert [one.client_address for one in read(CAPTURE, **options).connections] == [ONE]


def test_filter_of_messages_leaves_accounts_whole() -> None:
    found = read(CAPTURE, from_client=True, types=["binary"])
    assert found.messages == []
    assert len(found.connections) == 3
    for connection in found.connections:
        assert connection.from_client.messages == connection.from_server.messages == 3
        assert connection.close is not None


@pytest.mark.parametrize("first", range(0, 10, 3))
@pytest.mark.parametrize("last", range(3, 13, 3))
def test_time_filter_includes_its_start_and_not_its_end(first: int, last: int) -> None:
    times = [START + index * SECOND for index in range(12)]
    talk = Conversation().open().upgrade()
    for index, time in enumerate(times):
        talk.time = time + SECOND
        talk.says(index % 2 == 0, text(index % 2 == 0, str(index)))
    since = (times[first] + SECOND) / SECOND
    until = (times[last - 1] + 2 * SECOND) / SECOND if last < 13 else None
    found = read(capture_of(talk.segments), since=since, until=until)
    assert found.contents() == [str(index).encode() for index in range(first, last)]
    found = read(capture_of(talk.segments), since=since)
    assert found.contents() == [str(index).encode() for index in range(first, 12)]
    found = read(capture_of(talk.segments), until=since)
    assert found.contents() == [str(index).encode() for index in range(first)]


def test_time_filter_does_not_lose_the_context_before_it() -> None:
    """Messages before that time are read but not yielded."""
    talk = Conversation().open().upgrade(extensions=DEFLATE)
    deflater = Deflater()
    for number in range(6):
        payload = deflater.compress(f"the same words, number {number}".encode())
        talk.time = START + (number + 1) * SECOND
        talk.says(False, one_frame(False, TEXT, payload, rsv1=True))
    found = read(capture_of(talk.segments), since=START / SECOND + 4)
    assert found.contents() == [f"the same words, number {number}".encode() for number in (3, 4, 5)]


def test_without_contents_frames_are_walked_over() -> None:
    whole = read(CAPTURE)
    found = read(CAPTURE, content=False)
    assert found.contents() == [b""] * len(whole.messages)
    for one, expected in zip(found.messages, whole.messages, strict=True):
        assert (one.type, one.from_client, one.seq) == (
            expected.type,
            expected.from_client,
            expected.seq,
        )
        assert one.timestamp_ns == expected.timestamp_ns
        assert one.wire_length == expected.wire_length
        assert one.payload_length == expected.payload_length == len(expected.content)
        assert one.status == "ok"


@pytest.mark.parametrize(
    "options",
    [
        {"ports": [70_000]},
        {"ports": [-1]},
        {"connections": [-1]},
        {"connections": [range(3, 3)]},
        {"connections": [range(0, 6, 2)]},
        {"connections": [2**70]},
        {"addresses": ["somewhere"]},
        {"types": ["words"]},
        {"types": ["TEXT"]},
        {"types": ["close"]},
        {"types": ["text", "ping"]},
        {"types": ["continuation"]},
        {"idle_timeout": -1},
        {"idle_timeout": -0.5},
        {"idle_timeout": float("nan")},
        {"ports": [2**70]},
        {"max_connections": 2**70},
        {"max_connections": 0},
    ],
)
def test_option_out_of_its_range_is_a_value_error(options: dict[str, Any]) -> None:
    ((name, _),) = options.items()
    says = "somewhere" if name == "addresses" else name
    with pytest.raises(ValueError, match=rf"\b{says}\b"):
        Capture("nowhere", **options)


@pytest.mark.parametrize("seconds", [None, 0, 0.0, 2**70, float("inf")])
def test_idle_time_may_be_none_or_endless(seconds: float | None) -> None:
    Capture("nowhere", idle_timeout=seconds)


@pytest.mark.parametrize(
    "options",
    [
        {"hosts": "www.example.com"},
        {"from_client": 1},
        {"content": "no"},
        {"resync": 1},
        {"limits": 3},
        {"strictness": 1},
        {"strictness": Limits()},
        {"types": "text"},
        {"types": [1]},
        {"max_connections": 1.5},
        {"idle_timeout": "long"},
    ],
)
def test_option_of_a_wrong_type_is_a_type_error(options: dict[str, Any]) -> None:
    """A str in place of a list would be a list of one-letter patterns."""
    with pytest.raises(TypeError):
        Capture("nowhere", **options)


def test_description_is_pickled_with_its_filter(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    path.write_bytes(CAPTURE)
    capture = Capture(path, hosts=["www.*"], from_client=True)
    copy = pickle.loads(pickle.dumps(capture))
    contents = [message.content for message in capture]
    assert contents == [message.content for message in copy]
    assert contents == [f"one client {number}".encode() for number in range(3)]
