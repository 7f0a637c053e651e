"""WebSockets over HTTP/2 in captures that miss packets: what a gap loses, and what is still read.

Follows RFC 9113, RFC 8441 and RFC 7541.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hpack import Encoder

from capture_conversation import Conversation, Segment, binary, capture_of, text
from capture_seen import Seen, read
from http2_craft import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PREFACE,
    Talk,
    frame,
    settings,
    websocket_answer,
    websocket_request,
)

Side = tuple[int | None, bool]


def whole(seen: Seen) -> dict[Side, list[bytes]]:
    """The contents of whole messages by stream and sender."""
    found: dict[Side, list[bytes]] = {}
    for message in seen.messages:
        if message.status == "ok":
            side = (message.connection.stream_id, message.from_client)
            found.setdefault(side, []).append(message.content)
    return found


def is_subsequence(found: list[bytes], said: list[bytes]) -> bool:
    left = iter(said)
    return all(content in left for content in found)


def talk_of(size: int | None = None) -> tuple[Talk, dict[Side, list[bytes]]]:
    """Two WebSockets and some pages, and what is said: all contents are different."""
    talk = Talk(size=size).open()
    talk.page("/first", b"a" * 500)
    one, two = talk.websocket("/one"), talk.websocket("/two")
    said: dict[Side, list[bytes]] = {}
    number = 0
    for turn in range(8):
        for stream, from_client in ((one, True), (two, False), (one, False), (two, True)):
            number += 1
            length = 20 + 700 * (turn == 3) + 30_000 * (number == 7)
            content = random.Random(number).randbytes(length)
            said.setdefault((stream, from_client), []).append(content)
            talk.say(stream, from_client, binary(from_client, content))
        if turn % 3 == 0:
            talk.page(f"/{turn}", bytes(300))
    talk.tcp.end()
    return talk, said


@pytest.mark.parametrize("resync", [False, True])
@pytest.mark.parametrize("size", [None, 1000])
def test_no_lost_segment_invents_anything(size: int | None, resync: bool) -> None:
    talk, said = talk_of(size)
    carrying = [segment for segment in talk.tcp.segments if segment.payload]
    for segment in carrying:
        seen = read(capture_of(talk.tcp.without(segment)), resync=resync, ordered=False)
        for side, contents in whole(seen).items():
            assert is_subsequence(contents, said[side]), (carrying.index(segment), side)


def test_lost_segments_at_random_invent_nothing() -> None:
    talk, said = talk_of(700)
    for seed in range(60):
        choose = random.Random(seed)
        kept = [segment for segment in talk.tcp.segments if choose.random() > 0.05]
        seen = read(capture_of(kept), resync=True, ordered=False)
        for side, contents in whole(seen).items():
            assert is_subsequence(contents, said[side]), (seed, side)


def test_gap_inside_a_stream_costs_only_that_stream() -> None:
    talk = Talk(size=1000).open()
    one, two = talk.websocket("/one"), talk.websocket("/two")
    large = random.Random(1).randbytes(9000)
    segments = talk.say(one, False, binary(False, large))
    talk.say(two, False, text(False, "two"))
    talk.say(one, False, text(False, "one"))
    talk.tcp.end()
    for index, segment in enumerate(segments[1:-1], 1):
        seen = read(capture_of(talk.tcp.without(segment)))
        first, *others = seen.messages
        assert (first.status, first.missing_bytes) == ("incomplete", 1000), index
        assert [(it.connection.stream_id, it.status, it.content) for it in others] == [
            (two, "ok", b"two"),
            (one, "ok", b"one"),
        ]
        rows = {row.stream_id: row for row in seen.connections}
        assert rows[one].from_server.missing == 1000
        assert (rows[two].from_server.gaps, rows[one].from_client.gaps) == (0, 0)


def test_lost_end_of_a_frame_is_found_again_at_the_next_segment() -> None:
    talk = Talk(size=1000).open()
    one = talk.websocket("/one")
    segments = talk.say(one, False, binary(False, bytes(8500)))
    two = talk.websocket("/two")
    talk.say(two, False, text(False, "two"))
    talk.tcp.end()
    # The last segment has the rest of the frame: only that of stream one.
    seen = read(capture_of(talk.tcp.without(segments[-1])))
    assert whole(seen) == {(two, False): [b"two"]}


def wire() -> Conversation:
    tcp = Conversation().open()
    tcp.says(True, PREFACE + settings())
    tcp.says(False, settings((8, 1)))
    return tcp


def headers(block: bytes, stream: int) -> bytes:
    return frame(HEADERS, block, flags=END_HEADERS, stream=stream)


def test_websocket_after_a_lost_header_block_is_recognised() -> None:
    tcp, client, server = wire(), Encoder(), Encoder()
    # The lost block inserts fields, so that later references mean others.
    lost = tcp.says(True, headers(client.encode([(":method", "GET"), ("x-lost", "1")]), 1))
    tcp.says(False, headers(server.encode([(":status", "200"), ("x-kept", "2")]), 1))
    fresh = Encoder()
    tcp.says(True, headers(fresh.encode(websocket_request("/chat"), huffman=False), 3))
    tcp.says(False, headers(server.encode(websocket_answer()), 3))
    tcp.says(True, frame(DATA, text(True, "hi"), stream=3))
    # Fields that were inserted after the loss are known.
    tcp.says(True, headers(fresh.encode(websocket_request("/again"), huffman=False), 5))
    tcp.says(False, headers(server.encode(websocket_answer()), 5))
    tcp.says(True, frame(DATA, text(True, "again"), stream=5))
    seen = read(capture_of([it for it in tcp.end().segments if it is not lost]))
    assert whole(seen) == {(3, True): [b"hi"], (5, True): [b"again"]}
    assert [row.path for row in seen.connections] == ["/chat", "/again"]
    assert not any(row.midstream for row in seen.connections)


def answered_after_a_loss(**options: Any) -> Seen:
    """The answer refers to fields that were lost; what follows is compressed."""
    tcp, client, server = wire(), Encoder(), Encoder()
    fields = websocket_answer("permessage-deflate", fields=[("x", "y")])
    lost = tcp.says(False, headers(server.encode(fields[1:]), 1))
    tcp.says(True, headers(client.encode(websocket_request("/chat")), 3))
    tcp.says(False, headers(server.encode(fields), 3))
    # "Hello" of RFC 7692 section 7.2.3.1.
    compressed = bytes.fromhex("c107f248cdc9c90700")
    tcp.says(False, frame(DATA, compressed + text(False, "plain"), stream=3))
    segments = [segment for segment in tcp.end().segments if segment is not lost]
    return read(capture_of(segments), **options)


def test_extensions_in_a_lost_header_block_are_unknown() -> None:
    seen = answered_after_a_loss()
    assert [(it.status, it.content) for it in seen.messages][1:] == [("ok", b"plain")]
    assert seen.messages[0].status == "undecodable"
    [connection] = seen.connections
    assert connection.deflate is None
    assert connection.problems[0] == (
        "2 header fields of the response refer to what was not captured"
    )


def test_option_says_what_extensions_were() -> None:
    seen = answered_after_a_loss(deflate="permessage-deflate")
    assert [it.content for it in seen.messages] == [b"Hello", b"plain"]


def test_lost_answer_leaves_the_request() -> None:
    tcp, client, server = wire(), Encoder(), Encoder()
    tcp.says(True, headers(client.encode(websocket_request("/chat")), 1))
    lost = tcp.says(False, headers(server.encode(websocket_answer()), 1))
    for number in range(6):
        tcp.says(True, frame(DATA, text(True, f"client {number}"), stream=1))
        tcp.says(False, frame(DATA, text(False, f"server {number}"), stream=1))
    seen = read(capture_of([it for it in tcp.end().segments if it is not lost]))
    [connection] = seen.connections
    assert connection.path == "/chat"
    assert (connection.response, connection.midstream) == (None, True)
    assert whole(seen) == {
        (1, True): [b"client %d" % number for number in range(6)],
        (1, False): [b"server %d" % number for number in range(6)],
    }


def test_stream_whose_request_was_lost_is_searched_for_frames() -> None:
    tcp, client, server = wire(), Encoder(), Encoder()
    tcp.says(True, headers(client.encode([(":method", "GET"), (":path", "/")]), 1))
    lost = tcp.says(True, headers(client.encode(websocket_request("/chat")), 3))
    tcp.says(False, headers(server.encode(websocket_answer()), 3))
    said: dict[Side, list[bytes]] = {}
    for number in range(20):
        for from_client in (True, False):
            content = random.Random(number).randbytes(30).hex()
            said.setdefault((3, from_client), []).append(content.encode())
            key = random.Random(f"{number}").randbytes(4)
            data = masked(content.encode(), key) if from_client else text(False, content)
            tcp.says(from_client, frame(DATA, data, stream=3))
    tcp.says(True, headers(client.encode([(":method", "GET"), (":path", "/")]), 5))
    page = frame(DATA, random.Random(2).randbytes(3000), stream=5)
    tcp.says(False, headers(server.encode([(":status", "200")]), 5) + page)
    seen = read(capture_of([it for it in tcp.end().segments if it is not lost]), ordered=False)
    [connection] = seen.connections
    assert (connection.stream_id, connection.request) == (3, None)
    assert whole(seen) == said


def masked(content: bytes, key: bytes) -> bytes:
    """A text of a client with another key than in the other tests."""
    payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(content))
    return bytes([0x81, 0x80 | len(content)]) + key + payload


def test_ordinary_streams_after_a_loss_are_no_websockets() -> None:
    talk = Talk(size=1000).open()
    pages: list[Segment] = []
    for number in range(30):
        before = len(talk.tcp.segments)
        talk.page(f"/{number}", random.Random(number).randbytes(2500))
        pages += [it for it in talk.tcp.segments[before:] if it.payload]
    talk.tcp.end()
    for segment in pages[::3]:
        seen = read(capture_of(talk.tcp.without(segment)), resync=True)
        assert (seen.connections, seen.messages) == ([], [])


def test_cut_header_block_costs_the_rest_of_its_fields() -> None:
    tcp, client, server = wire(), Encoder(), Encoder()
    block = client.encode([*websocket_request("/chat"), ("x-long", "v" * 3000)], huffman=False)
    tcp.says(True, frame(HEADERS, block[:1500], stream=1))
    lost = tcp.says(True, frame(CONTINUATION, block[1500:], flags=END_HEADERS, stream=1))
    tcp.says(False, headers(server.encode(websocket_answer()), 1))
    tcp.says(False, frame(DATA, text(False, "hi"), stream=1))
    tcp.says(True, frame(DATA, text(True, "no place is known"), stream=1))
    seen = read(capture_of([it for it in tcp.end().segments if it is not lost]))
    assert whole(seen)[1, False] == [b"hi"]
