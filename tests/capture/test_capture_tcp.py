"""TCP: segments in any order become one stream for each direction, without duplicates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture_conversation import (
    Conversation,
    Segment,
    answer_head,
    capture_of,
    close,
    request_head,
    text,
    upgraded,
)
from capture_craft import ACK, FIN, PSH, SYN
from capture_samples import assert_all, spoken
from capture_seen import read

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])


@pytest.mark.parametrize("isn", [0, 1, 2**31 - 200, 2**32 - 250, 2**32 - 200, 2**32 - 1])
def test_sequence_numbers_wrap(isn: int) -> None:
    talk, _ = spoken(60, client_isn=isn, server_isn=isn)
    found = read(capture_of(talk.end().segments))
    assert_all(found, 60)
    assert found.connection.ended == "fin"


def test_sequence_numbers_wrap_across_a_hole() -> None:
    isn = 2**32 - 250
    talk, sent = spoken(client_isn=isn)
    late = next(one for one in sent if one.seq > 2**32 - 40 or one.seq < 40)
    talk.segments = talk.with_moved(late, sent[sent.index(late) + 1])
    assert_all(read(capture_of(talk.segments)))


@pytest.mark.parametrize("distance", [1, 2])
def test_late_segment_is_put_in_its_place(distance: int) -> None:
    talk, sent = spoken()
    found = read(capture_of(talk.with_moved(sent[1], sent[1 + distance])))
    assert_all(found)


def test_message_after_a_hole_is_completed_by_what_fills_it() -> None:
    """Before that nobody could have read it."""
    talk = upgraded()
    first = talk.says(True, text(True, "first"), acked=False)
    second = talk.says(True, text(True, "second"), acked=False)
    moved = talk.with_moved(first, second)
    found = read(capture_of(moved))
    assert found.contents() == [b"first", b"second"]
    filled = moved.index(second) + 2
    assert [one.last_packet for one in found.messages] == [filled, filled]
    assert found.messages[1].first_packet == filled - 1


@SIDES
def test_segments_in_reverse_order_are_put_in_order(side: bool) -> None:
    talk = upgraded()
    sent = [talk.says(side, text(side, f"number {index}"), acked=False) for index in range(100)]
    times = [one.time for one in sent]
    backwards = [one.at(time) for one, time in zip(reversed(sent), times, strict=True)]
    found = read(capture_of([*talk.without(*sent), *backwards]))
    assert found.contents() == [f"number {index}".encode() for index in range(100)]


def test_retransmission_is_counted_and_dropped() -> None:
    talk, sent = spoken()
    again = [one.at(talk.time + index) for index, one in enumerate(sent)]
    found = read(capture_of([*talk.segments, *again]))
    assert_all(found)
    assert found.connection.from_client.retransmissions == len(sent)
    assert found.connection.from_client.overlaps == 0
    assert found.connection.from_server.retransmissions == 0


def test_first_to_arrive_wins_and_differing_copy_is_counted() -> None:
    talk, sent = spoken()
    for one in sent[:3]:
        copy = one.with_payload(bytes(len(one.payload))).at(talk.time)
        talk.segments.insert(talk.segments.index(one) + 1, copy)
    found = read(capture_of(packets_in_time(talk.segments)))
    assert found.side(True) == [("ok", f"client {number}".encode()) for number in range(6)]
    assert found.connection.from_client.overlaps == 3


def test_first_to_arrive_wins_after_a_hole_too() -> None:
    talk, sent = spoken()
    copy = sent[3].with_payload(bytes(len(sent[3].payload)))
    segments = talk.without(sent[2])
    segments.insert(segments.index(sent[3]) + 1, copy)
    segments.insert(segments.index(copy) + 1, sent[2])
    found = read(capture_of(packets_in_time(segments)))
    assert found.side(True) == [("ok", f"client {number}".encode()) for number in range(6)]
    assert found.connection.from_client.overlaps == 1


def packets_in_time(segments: list[Segment]) -> list[Segment]:
    times = sorted(segment.time for segment in segments)
    return [segment.at(time) for segment, time in zip(segments, times, strict=True)]


@pytest.mark.parametrize("shift", [-20, -7, -1])
@pytest.mark.parametrize("longer", [0, 1, 8])
def test_segment_that_begins_before_the_next_byte_adds_its_rest(shift: int, longer: int) -> None:
    """A retransmission with other segment boundaries."""
    talk = upgraded()
    wire = text(True, "one") + text(True, "two and more of it") + text(True, "three")
    middle = 20
    first = talk.says(True, wire[:middle])
    talk.says(True, wire[middle:])
    again = talk.segments[-2]
    start = middle + shift
    repacked = again.moved(shift).with_payload(wire[start : len(wire) - 8 + longer])
    tail = again.moved(len(wire) - 8 - middle).with_payload(wire[-8:])
    segments = [*talk.without(again, talk.segments[-1]), repacked, tail.at(talk.time)]
    assert first in segments
    found = read(capture_of(segments))
    assert found.contents() == [b"one", b"two and more of it", b"three"]
    assert found.connection.from_client.overlaps == 0


def test_keep_alive_probes_are_nothing() -> None:
    """They carry one byte, or none, from before the next one (RFC 9293 section 3.8.4)."""
    talk, _ = spoken(2)
    for payload in (b"", b"\0", b"\xff"):
        probe = talk.segment(True, ACK, b"").moved(-1).with_payload(payload)
        talk.segments[-1] = probe
        talk.segment(False, ACK)
    talk.says(True, text(True, "client 2"))
    talk.says(False, text(False, "server 2"))
    found = read(capture_of(talk.segments))
    assert_all(found, 3)
    assert found.connection.from_client.overlaps == 0


def test_repeated_syn_changes_nothing() -> None:
    talk, _ = spoken()
    syn, answer = talk.segments[0], talk.segments[1]
    for at, again in ((1, syn), (3, answer), (5, answer)):
        talk.segments.insert(at, again.at(talk.segments[at].time))
    assert_all(read(capture_of(talk.segments)))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 30])
def test_first_segments_that_come_later_lose_nothing(count: int) -> None:
    """SYNs, heads and first frames come after so many later segments, alone and in pairs."""
    talk, _ = spoken(12)
    sent = talk.end().segments
    for first in range(8):
        for second in range(8):
            moved = [one for index, one in enumerate(sent) if index not in (first, second)]
            for index in sorted({first, second}):
                moved.insert(index + count, sent[index].at(moved[index + count - 1].time))
            found = read(capture_of(moved), ordered=False)
            assert_all(found, 12)
            assert found.connection.from_client.missing == 0
            assert found.connection.from_server.missing == 0


def test_two_forged_syns_that_answer_each_other_end_nothing() -> None:
    """Their numbers are those at which both directions stand."""
    talk, sent = spoken(12)
    for place in range(talk.segments.index(sent[0]) + 1, len(talk.segments)):
        before = talk.segments[place - 1]
        standing = {before.from_client: before.seq + len(before.payload)}
        standing[not before.from_client] = before.ack
        client, server = standing[True], standing[False]
        syn = replace(sent[0], seq=client - 1, ack=0, flags=SYN, payload=b"", time=before.time)
        answer = talk.segments[1].at(before.time)
        answer = replace(answer, seq=server - 1, ack=client, flags=SYN | ACK)
        forged = [*talk.segments[:place], syn, answer, *talk.segments[place:]]
        found = read(capture_of(forged))
        assert_all(found, 12)
        assert not found.connection.has_losses


def test_syn_with_data_is_read() -> None:
    """TCP Fast Open: the request comes with the SYN."""
    talk = Conversation()
    talk.segment(True, SYN, request_head())
    talk.segment(False, SYN | ACK)
    talk.says(False, answer_head())
    talk.says(True, text(True, "fast"))
    assert read(capture_of(talk.segments)).rows() == [(True, "ok", b"fast")]


def test_fin_with_data_and_before_late_data_is_in_order() -> None:
    talk = upgraded()
    late = talk.says(True, text(True, "late"))
    fin = talk.segment(True, FIN | ACK | PSH, text(True, "last") + close(True))
    talk.segment(False, ACK)
    talk.fin(False)
    found = read(capture_of(talk.with_moved(late, fin)))
    assert found.contents() == [b"late", b"last"]
    assert found.connection.ended == "fin"
    assert found.connection.close is not None
    assert not found.connection.has_losses
