"""Silence: no connection ends because nothing is sent for a long time.

Heartbeats may be hours apart. A connection is ended only where there is no room for another one,
and its later packets are counted.
"""

from __future__ import annotations

import pytest

from capture_conversation import (
    CLIENT,
    DEFLATE,
    START,
    Conversation,
    answer_head,
    capture_of,
    merged,
    one_frame,
    request_head,
    text,
    upgraded,
)
from capture_files import SECOND
from capture_seen import read
from wire_writer import TEXT, Deflater

BUSY = ("10.0.0.7", 50_000)


def busy_for(seconds: int) -> Conversation:
    """Another connection, which sends something every ten seconds."""
    talk = upgraded(client=BUSY)
    for number in range(seconds // 10):
        talk.wait(10 * SECOND)
        talk.says(True, text(True, f"busy {number}"))
    return talk


@pytest.mark.parametrize("pause", [700, 7_000])
def test_exchanges_far_apart_beside_other_traffic_are_all_read(pause: int) -> None:
    talk = upgraded()
    for number in range(4):
        talk.wait(pause * SECOND)
        talk.says(True, text(True, f"client {number}"))
        talk.says(False, text(False, f"server {number}"))
    found = read(capture_of(merged(talk.end(), busy_for(5 * pause))))
    of_talk = [one for one in found.messages if one.connection.client_address == CLIENT]
    expected = [f"{side} {number}".encode() for number in range(4) for side in ("client", "server")]
    assert [one.content for one in of_talk] == expected
    assert of_talk[0].connection.ended == "fin"
    assert of_talk[0].connection.problems == ()


@pytest.mark.parametrize("pause", [90, 3_600])
def test_answer_long_after_its_request_belongs_to_it(pause: int) -> None:
    talk = Conversation().open()
    talk.says(True, request_head("/slow"))
    talk.wait(pause * SECOND)
    talk.says(False, answer_head())
    talk.says(True, text(True, "at last"))
    found = read(capture_of(merged(talk.end(), busy_for(pause + 60))))
    (connection,) = (one for one in found.connections if one.client_address == CLIENT)
    assert (connection.path, connection.midstream) == ("/slow", False)
    assert found.contents_of(connection, True) == [b"at last"]


def test_rare_messages_of_a_connection_without_handshake_are_read() -> None:
    """One message every 120 s; none of them would be found if the connection were forgotten."""
    talk = Conversation().open().upgrade()
    handshake = len(talk.segments)
    for number in range(12):
        talk.wait(120 * SECOND)
        talk.says(True, text(True, f"number {number} of a sensor"))
    segments = talk.segments[handshake:]
    others = busy_for(1_600).segments
    found = read(capture_of(sorted([*segments, *others], key=lambda one: one.time)), ordered=False)
    (connection,) = (one for one in found.connections if one.client_address == CLIENT)
    sent = [f"number {number} of a sensor".encode() for number in range(12)]
    assert found.contents_of(connection, True) == sent


def test_compressed_messages_after_a_silence_are_inflated() -> None:
    """The window of the messages before the silence is needed for those after it."""
    talk = upgraded(DEFLATE)
    deflater = Deflater()
    sent = []
    for number in range(200):
        if number == 20:
            talk.wait(660 * SECOND)
        content = f"the same words every time, number {number}".encode()
        sent.append(content)
        talk.says(True, one_frame(True, TEXT, deflater.compress(content), rsv1=True))
    found = read(capture_of(merged(talk.end(), busy_for(800))))
    (connection,) = (one for one in found.connections if one.client_address == CLIENT)
    assert found.contents_of(connection, True) == sent
    assert connection.problems == ()


def test_what_follows_of_an_evicted_connection_is_counted() -> None:
    quiet = upgraded()
    quiet.says(True, text(True, "before"))
    others = []
    for number in range(20):
        client = (f"10.0.1.{number}", 50_000)
        other = Conversation(client, time=quiet.time + number * SECOND).open().upgrade()
        other.says(True, text(True, f"other {number}"))
        others.append(other)
    quiet.wait(100 * SECOND)
    quiet.says(True, text(True, "not read"))
    quiet.says(False, text(False, "not read either"))
    found = read(capture_of(merged(quiet, *others)), max_connections=10)
    (evicted, *_) = (one for one in found.connections if one.client_address == CLIENT)
    assert evicted.ended == "evicted"
    assert found.contents_of(evicted, True) == [b"before"]
    assert found.counts.evicted_connections == 11
    assert found.counts.evicted_packets == 2


def test_many_handshakes_do_not_evict_websockets() -> None:
    """A scan opens a port a packet. Those connections go before WebSockets do."""
    quiet = upgraded()
    quiet.says(True, text(True, "before"))
    scan = []
    for number in range(3_000):
        client = ("10.0.2.1", 1_024 + number)
        talk = Conversation(client, time=quiet.time + number * SECOND // 1_000)
        scan.append(talk.segment(True, 2))
    quiet.wait(100 * SECOND)
    quiet.says(True, text(True, "after"))
    segments = sorted([*quiet.segments, *scan], key=lambda one: one.time)
    found = read(capture_of(segments), max_connections=100)
    assert found.contents() == [b"before", b"after"]


def test_closing_connection_is_reported_before_the_capture_ends() -> None:
    """A RST after which nothing follows ends the connection once the clock has gone on."""
    reset = upgraded()
    reset.says(True, text(True, "before"))
    reset.reset(True)
    found = read(capture_of(merged(reset, busy_for(1_000))))
    assert [one.client_address for one in found.connections] == [CLIENT, BUSY]
    assert found.connections[0].ended == "rst"


def test_connection_that_goes_on_long_after_a_reset_is_another_one() -> None:
    """It was reported as reset. Its frames are found, as in any capture that starts late."""
    talk = upgraded()
    talk.says(True, text(True, "before"))
    talk.reset(True)
    talk.wait(2_000 * SECOND)
    sent = [f"number {number} after the reset".encode() for number in range(8)]
    for content in sent:
        talk.says(True, text(True, content))
    found = read(capture_of(merged(talk, busy_for(1_000))), ordered=False)
    first, second = (one for one in found.connections if one.client_address == CLIENT)
    assert (first.ended, second.midstream) == ("rst", True)
    assert found.contents_of(second, True) == sent


@pytest.mark.parametrize("idle", [None, 0.5])
def test_numbers_do_not_depend_on_the_filter(idle: float | None) -> None:
    """Connections are numbered by their first packets, whatever they carry."""
    talks = []
    for number in range(12):
        client = (f"10.0.3.{number}", 40_000 + number)
        talk = Conversation(client, time=START + number * SECOND).open()
        if number % 3 == 0:
            talk.says(True, b"SSH-2.0-other\r\n")
        else:
            talk.upgrade(f"/{number}")
            talk.says(True, text(True, f"of {number}"))
        talks.append(talk.end())
    data = capture_of(merged(*talks))
    whole = {
        one.client_address: one.connection for one in read(data, idle_timeout=idle).connections
    }
    assert whole == {
        (f"10.0.3.{number}", 40_000 + number): number for number in range(12) if number % 3
    }
    for chosen in (
        {"ports": [40_004, 40_007]},
        {"addresses": ["10.0.3.4", "10.0.3.7"]},
        {"request_paths": ["/4", "/7"]},
        {"connections": [4, 7]},
    ):
        found = read(data, idle_timeout=idle, **chosen).connections
        assert [one.connection for one in found] == [4, 7], chosen
