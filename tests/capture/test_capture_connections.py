"""Connections: where one starts and ends, and that many at the same time are not mixed."""

from __future__ import annotations

import pytest

from capture_conversation import (
    CLIENT,
    SERVER,
    START,
    Conversation,
    capture_of,
    merged,
    packets,
    text,
    upgraded,
)
from capture_craft import Captured
from capture_files import SECOND, pcapng
from capture_samples import assert_all, spoken
from capture_seen import read

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])


def test_fin_of_one_side_leaves_the_other_going() -> None:
    talk = upgraded()
    talk.fin(True)
    talk.says(False, text(False, "still here"))
    talk.fin(False)
    found = read(capture_of(talk.segments))
    assert found.contents() == [b"still here"]
    assert found.connection.ended == "fin"


@SIDES
def test_reset_ends_the_connection(side: bool) -> None:
    talk, _ = spoken()
    talk.reset(side)
    found = read(capture_of(talk.segments))
    assert_all(found)
    assert found.connection.ended == "rst"


def test_reset_inside_a_message_leaves_it_incomplete() -> None:
    talk = upgraded()
    wire = text(True, "this was never sent to its end")
    talk.says(True, wire[:20])
    talk.reset(False)
    found = read(capture_of(talk.segments))
    ((status, content),) = found.side(True)
    assert status == "incomplete"
    assert b"this was never sent to its end".startswith(content)
    assert found.messages[0].wire_length >= 20 - len(content)


def test_capture_that_ends_is_said_to_have_ended() -> None:
    talk, _ = spoken()
    found = read(capture_of(talk.segments))
    assert_all(found)
    assert found.connection.ended == "end_of_capture"


@pytest.mark.parametrize("how", ["fin", "rst", "nothing"])
def test_used_ports_begin_a_new_connection(how: str) -> None:
    first, _ = spoken()
    if how == "fin":
        first.end()
    elif how == "rst":
        first.reset(True)
    second, _ = spoken(3, client_isn=90_000, server_isn=5_000, time=first.time + SECOND)
    found = read(capture_of(merged(first, second.end())))
    assert [one.ended for one in found.connections] == [
        "replaced" if how == "nothing" else how,
        "fin",
    ]
    one, other = found.connections
    assert (
        (one.client_address, one.server_address)
        == (other.client_address, other.server_address)
        == (CLIENT, SERVER)
    )
    assert len(found.contents_of(one, True)) == 6
    assert len(found.contents_of(other, True)) == 3


def test_same_ports_of_other_addresses_are_other_connections() -> None:
    talks = []
    for number in range(20):
        client = (f"198.51.100.{number + 1}", 50_000)
        talk = Conversation(client, time=START + number).open().upgrade(f"/{number}")
        talk.says(True, text(True, f"of {number}"))
        talks.append(talk)
    found = read(capture_of(merged(*talks)))
    assert len(found.connections) == 20
    for connection in found.connections:
        assert connection.path is not None
        assert found.contents_of(connection, True) == [f"of {connection.path[1:]}".encode()]


def test_thousands_of_connections_at_once_are_kept_apart() -> None:
    talks = []
    for number in range(3000):
        client = (f"10.0.{number % 200}.1", 20_000 + number)
        talk = Conversation(client, time=START + number * 300, step=SECOND // 50).open()
        talk.upgrade(f"/{number}")
        talk.says(True, text(True, f"one of {number}"))
        talk.says(False, text(False, f"two of {number}"))
        talks.append(talk.end())
    found = read(capture_of(merged(*talks)))
    assert len(found.connections) == 3000
    assert len(found.messages) == 6000
    for message in found.messages:
        path = message.connection.path or "/"
        side = "one" if message.from_client else "two"
        assert message.content == f"{side} of {path[1:]}".encode()
    assert {one.ended for one in found.connections} == {"fin"}


def test_most_connections_are_bounded_and_the_least_used_is_evicted() -> None:
    talks = [
        Conversation((f"10.0.0.{number + 1}", 50_000), time=START + number * SECOND)
        .open()
        .upgrade(f"/{number}")
        for number in range(20)
    ]
    for talk in talks:
        talk.says(True, text(True, "kept"))
    found = read(capture_of(merged(*talks)), max_connections=10)
    ended = {one.path: one.ended for one in found.connections}
    assert ended == {f"/{n}": "evicted" if n < 10 else "end_of_capture" for n in range(20)}
    assert found.contents() == [b"kept"] * 20


@pytest.mark.parametrize(("idle", "expected"), [(600.0, "idle"), (5000.0, "end_of_capture")])
def test_idle_connection_is_ended_by_the_clock_of_the_capture(idle: float, expected: str) -> None:
    quiet, _ = spoken()
    busy = upgraded(client=("10.0.0.7", 50_000))
    for number in range(80):
        busy.wait(10 * SECOND)
        busy.says(True, text(True, f"busy {number}"))
    found = read(capture_of(merged(quiet, busy)), idle_timeout=idle)
    ended = {one.client_address: one.ended for one in found.connections}
    assert ended == {CLIENT: expected, ("10.0.0.7", 50_000): "end_of_capture"}
    assert len(found.messages) == 12 + 80


def test_upgrade_after_a_long_silence_is_still_seen() -> None:
    """A connection that was forgotten before it became a WebSocket."""
    talk = Conversation().open()
    talk.says(True, b"GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n")
    talk.says(False, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    talk.wait(300 * SECOND)
    talk.upgrade()
    talk.says(True, text(True, "at last"))
    talk.says(False, text(False, "indeed"))
    found = read(capture_of(talk.end().segments))
    assert found.contents() == [b"at last", b"indeed"]
    assert not found.connection.midstream


def test_times_that_go_back_are_no_error() -> None:
    talk, _ = spoken()
    backwards = [
        Captured(START - index * SECOND * 50, packet.data)
        for index, packet in enumerate(packets(talk.end().segments))
    ]
    assert read(pcapng(backwards), timed=False).statuses() == ["ok"] * 12


def test_packets_of_a_finished_connection_that_come_again_begin_no_other() -> None:
    """Copies of them, SYN included, milliseconds later: a mirror port that saw them twice."""
    talk, _ = spoken()
    once = packets(talk.end().segments)
    again = [Captured(one.time + SECOND // 100, one.data) for one in once]
    found = read(pcapng([*once, *again]))
    assert_all(found)
    assert len(found.connections) == 1


def test_stray_syn_does_not_end_a_websocket() -> None:
    """A SYN that no other segment follows (RFC 9293 section 3.10.7.4)."""
    talk, _ = spoken()
    before = packets(talk.segments)
    stray = packets(Conversation(client_isn=77_777).open().segments)[0]
    talk.says(True, text(True, "going on"))
    rest = packets(talk.end().segments)[len(before) :]
    found = read(pcapng([*before, Captured(before[-1].time, stray.data), *rest]))
    assert found.connection.ended == "fin"
    assert found.contents()[-1] == b"going on"
