"""Errors of other capture readers, case by case.

Each was seen in a tool that is in use: it leaves a message out without a warning, takes payload
bytes for frames, or prints one user's message as another's.
"""

from __future__ import annotations

import pytest

from capture_conversation import (
    DEFLATE,
    Conversation,
    binary,
    capture_of,
    close,
    one_frame,
    ping,
    text,
    upgraded,
)
from capture_seen import read
from wire_writer import BINARY, CONTINUATION, TEXT, Deflater

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])


@SIDES
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_lost_segment_is_reported(side: bool, place: int) -> None:
    """A message that was not captured is reported."""
    talk = upgraded()
    sent = [talk.says(side, text(side, f"message {number}")) for number in range(4)]
    found = read(capture_of(talk.without(sent[place])))
    account = found.connection.from_client if side else found.connection.from_server
    assert found.connection.has_losses
    assert account.missing == len(sent[place].payload)
    assert account.gaps == 1
    assert found.connection.problems != ()
    assert found.side(side) == [("ok", f"message {number}".encode()) for number in range(place)]


@SIDES
def test_lost_header_makes_no_frames_of_payload(side: bool) -> None:
    """The payload consists of bytes that are valid frames."""
    inner = b"".join(text(False, f"never sent {number}") for number in range(40))
    talk = upgraded()
    talk.says(side, text(side, "before"))
    wire = binary(side, inner)
    lost = talk.says(side, wire[:8])
    talk.says(side, wire[8:])
    talk.says(side, text(side, "after"))
    for resync in (False, True):
        found = read(capture_of(talk.without(lost)), resync=resync, ordered=False)
        contents = [content for _, content in found.side(side)]
        assert contents[0] == b"before"
        if not resync:
            assert contents == [b"before"]
            account = found.connection.from_client if side else found.connection.from_server
            assert account.lost > len(inner)


@SIDES
def test_gap_of_one_side_leaves_the_other_whole(side: bool) -> None:
    talk = upgraded()
    lost = talk.says(side, text(side, "lost"))
    for number in range(10):
        talk.says(not side, text(not side, f"message {number}"))
        talk.says(side, text(side, "unreadable"))
    found = read(capture_of(talk.without(lost)))
    assert found.side(not side) == [("ok", f"message {number}".encode()) for number in range(10)]
    assert found.side(side) == []


RECORDS = [
    f'{{"user": "{name}", "balance": {number}}}'
    for number, name in enumerate(["first", "second", "third", "fourth"], 1000)
]


@SIDES
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("resync", [False, True])
def test_no_wrong_text_is_read_after_a_loss_under_deflate(
    side: bool, place: int, resync: bool
) -> None:
    """Inflating with a window that lacks a message would give text that was never sent."""
    talk = upgraded(DEFLATE)
    deflater = Deflater()
    sent = [
        talk.says(side, one_frame(side, TEXT, deflater.compress(record.encode()), rsv1=True))
        for record in RECORDS * 2
    ]
    data = capture_of(talk.without(sent[place]))
    found = read(data, resync=resync, ordered=False)
    rows = found.side(side)
    assert [row for row in rows if row[0] == "ok"] == [
        ("ok", record.encode()) for record in RECORDS[:place]
    ]
    assert {status for status, _ in rows[place:]} <= {"undecodable"}


@SIDES
def test_segments_out_of_order_lose_nothing_without_being_asked(side: bool) -> None:
    talk = upgraded()
    content = bytes(range(256)) * 40
    sent = talk.say(side, binary(side, content), size=1400)
    talk.says(side, text(side, "next"))
    found = read(capture_of(talk.with_moved(sent[2], sent[4])))
    assert found.side(side) == [("ok", content), ("ok", b"next")]


def test_capture_that_starts_late_shows_what_it_holds() -> None:
    talk = upgraded()
    start = len(talk.segments)
    for number in range(5):
        talk.says(True, text(True, f"message {number}"))
        talk.says(False, text(False, f"message {number}"))
    found = read(capture_of(talk.segments[start:]), ordered=False)
    assert len(found.messages) == 10
    assert set(found.statuses()) == {"ok"}


@SIDES
def test_many_frames_in_one_packet_are_all_read(side: bool) -> None:
    contents = [f"number {number}".encode() for number in range(60)]
    talk = upgraded()
    talk.says(side, b"".join(text(side, content) + ping(side) for content in contents))
    found = read(capture_of(talk.segments))
    assert [content for _, content in found.side(side)] == contents
    assert len({one.last_packet for one in found.messages}) == 1


@SIDES
def test_empty_first_fragment_is_read(side: bool) -> None:
    talk = upgraded()
    talk.says(side, one_frame(side, TEXT, b"", fin=False))
    talk.says(side, one_frame(side, CONTINUATION, b"the rest"))
    talk.says(side, one_frame(side, BINARY, b"", fin=False) + one_frame(side, CONTINUATION))
    found = read(capture_of(talk.segments))
    assert found.side(side) == [("ok", b"the rest"), ("ok", b"")]
    assert [one.type for one in found.messages] == [TEXT, BINARY]
    assert [one.frames for one in found.messages] == [2, 2]


def test_frame_in_the_packet_of_the_answer_is_read() -> None:
    talk = Conversation().open().upgrade(glued=text(False, "hello") + close(False))
    found = read(capture_of(talk.segments))
    assert found.rows() == [(False, "ok", b"hello")]
    assert found.connection.close is not None


@pytest.mark.parametrize("size", [(256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3 << 20])
def test_large_masked_message_is_unmasked_to_its_end(size: int) -> None:
    content = bytes(number % 251 for number in range(1000)) * (size // 1000 + 1)
    talk = upgraded()
    talk.say(True, binary(True, content[:size]), size=60_000)
    (message,) = read(capture_of(talk.segments)).messages
    assert message.content == content[:size]


def test_pings_between_compressed_fragments_change_nothing() -> None:
    talk = upgraded(DEFLATE)
    deflater = Deflater()
    for number in range(3):
        payload = deflater.compress(f"some words, some words, number {number}".encode())
        third = len(payload) // 3
        parts = [payload[:third], payload[third : 2 * third], payload[2 * third :]]
        for index, part in enumerate(parts):
            opcode = TEXT if index == 0 else CONTINUATION
            wire = one_frame(False, opcode, part, fin=index == 2, rsv1=index == 0)
            talk.says(False, wire + ping(False, b"tick"))
    found = read(capture_of(talk.segments))
    assert found.contents() == [
        f"some words, some words, number {number}".encode() for number in range(3)
    ]
    assert found.connection.from_server.pings == 9


def test_payloads_are_what_was_sent_and_inflated() -> None:
    """Other tools show records without payloads, or without inflating them."""
    talk = upgraded(DEFLATE)
    content = bytes(range(256)) * 100
    payload = Deflater().compress(content)
    talk.says(True, one_frame(True, BINARY, payload, rsv1=True))
    found = read(capture_of(talk.segments))
    (message,) = found.messages
    assert message.content == content
    assert message.compressed
    assert message.payload_length == len(payload)
    assert message.get_state()[:3] == (BINARY, True, content)
    assert message.message.content == content
    assert message.message.timestamp == pytest.approx(message.timestamp_ns / 1e9, abs=1e-6)
    account = found.connection.from_client
    assert (account.compressed, account.inflated) == (len(payload), len(content))
