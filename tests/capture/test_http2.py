"""WebSockets over HTTP/2 (RFC 8441) in clear text, in captures without losses."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hpack import Encoder

from capture_conversation import (
    CLIENT,
    DEFLATE,
    SERVER,
    Conversation,
    Segment,
    binary,
    capture_of,
    close,
    ping,
    request_head,
    text,
)
from capture_seen import Seen, read
from capture_values import message_values
from http2_craft import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PREFACE,
    PRIORITY_FLAG,
    PUSH_PROMISE,
    RST_STREAM,
    Headers,
    Talk,
    frame,
    padded,
    settings,
    websocket_answer,
    websocket_request,
)
from wire_writer import FLUSH_TAIL, KEY, TEXT
from wire_writer import frame as websocket_frame
from wsdefrag.capture import Capture
from wsdefrag.cli.output.unfollowed import unfollowed


def contents(seen: Seen) -> list[tuple[int | None, bool, str, bytes]]:
    """The stream, the sender, the status and the content of each message."""
    return [
        (message.connection.stream_id, message.from_client, message.status, message.content)
        for message in seen.messages
    ]


def by_stream(seen: Seen) -> dict[tuple[int | None, bool], list[bytes]]:
    """The contents of whole messages by stream and sender."""
    found: dict[tuple[int | None, bool], list[bytes]] = {}
    for stream, from_client, status, content in contents(seen):
        assert status == "ok"
        found.setdefault((stream, from_client), []).append(content)
    return found


def busy() -> tuple[Talk, dict[tuple[int | None, bool], list[bytes]]]:
    """Three WebSockets among pages, and what each side says in them."""
    talk = Talk().open()
    talk.page("/index.html", fields=[("cookie", "a=1"), ("x-first", "one")])
    one = talk.websocket("/one", extensions=DEFLATE)
    two = talk.websocket("/two", fields=[("x-first", "one"), ("x-second", "two")])
    said: dict[tuple[int | None, bool], list[bytes]] = {}

    def say(stream: int, from_client: bool, content: bytes, padding: int | None = None) -> None:
        said.setdefault((stream, from_client), []).append(content)
        talk.say(stream, from_client, binary(from_client, content), padding=padding)

    say(one, True, b"hello")
    say(two, False, b"from two", padding=0)
    say(one, False, b"x" * 40_000)
    talk.page("/script.js", b"y" * 3000)
    say(two, True, b"padded", padding=200)
    three = talk.websocket("/three")
    say(three, False, b"")
    say(one, True, b"again")
    say(three, True, bytes(300), padding=1)
    talk.say(two, True, close(True))
    talk.say(two, False, close(False))
    talk.end(two)
    say(three, False, b"last")
    talk.tcp.end()
    return talk, said


def test_streams_are_connections_of_their_own() -> None:
    talk = Talk().open()
    page = talk.page()
    chat = talk.websocket("/chat?a=b://c", extensions=DEFLATE)
    talk.say(chat, True, text(True, "hi"))
    refused = talk.ask(websocket_request("/no", "other.example"))
    talk.answer(refused, [(":status", "403"), ("server", "h2")], end_stream=True)
    news = talk.ask(websocket_request("/news", fields=[("sec-websocket-protocol", "a, b")]))
    talk.answer(news, websocket_answer(fields=[("sec-websocket-protocol", "b")]))
    talk.say(news, False, text(False, "today"))
    talk.end(chat)
    talk.reset(news, False)
    talk.tcp.end()
    seen = read(capture_of(talk.tcp.segments))

    assert (page, chat, refused, news) == (1, 3, 5, 7)
    assert contents(seen) == [(3, True, "ok", b"hi"), (7, False, "ok", b"today")]
    rows = {connection.stream_id: connection for connection in seen.connections}
    assert {stream: row.connection for stream, row in rows.items()} == {3: 0, 5: 1, 7: 2}
    assert {stream: row.ended for stream, row in rows.items()} == {3: "fin", 5: "refused", 7: "rst"}
    assert [rows[stream].path for stream in (3, 5, 7)] == ["/chat?a=b://c", "/no", "/news"]
    assert [rows[stream].host for stream in (3, 5)] == ["example.com", "other.example"]
    assert len({row.uid for row in rows.values()}) == 3
    assert {row.http_version for row in rows.values()} == {"2"}
    assert {row.accept_key_ok for row in rows.values()} == {None}
    assert {row.client_address for row in rows.values()} == {CLIENT}
    assert {row.server_address for row in rows.values()} == {SERVER}
    assert not any(row.problems or row.midstream for row in rows.values())
    assert rows[3].deflate is not None
    assert rows[3].extensions == DEFLATE
    assert (rows[7].deflate, rows[7].subprotocol) == (None, "b")
    request, response = rows[5].request, rows[5].response
    assert request is not None
    assert response is not None
    assert (request.method, request.target) == ("CONNECT", "/no")
    assert request.fields[:2] == ((":method", b"CONNECT"), (":protocol", b"websocket"))
    assert (response.status, response.reason) == (403, "")
    assert seen.counts.tcp_connections["websocket"] == 1


def test_connection_of_a_stream_lasts_as_long_as_the_stream() -> None:
    talk = Talk().open()
    talk.page()
    before = len(talk.tcp.segments)
    stream = talk.websocket()
    talk.say(stream, True, text(True, "hi"))
    talk.end(stream)
    after = len(talk.tcp.segments)
    talk.page()
    talk.tcp.end()
    [connection] = read(capture_of(talk.tcp.segments)).connections
    assert before < connection.first_packet < connection.last_packet <= after
    segments = talk.tcp.segments
    assert connection.opened_ns == segments[connection.first_packet - 1].time
    assert connection.last_ns == segments[connection.last_packet - 1].time
    assert connection.opened_ns < connection.started_ns < connection.last_ns


def test_all_rows_of_a_stream_join_by_its_uid(tmp_path: Path) -> None:
    talk, said = busy()
    path = tmp_path / "talk.pcapng"
    path.write_bytes(capture_of(talk.tcp.segments))
    tables = Capture(path).to_arrow()
    connections, messages = (
        pa.table(table).to_pylist() for table in (tables.connections, tables.messages)
    )
    rows = {row["uid"]: row for row in connections}
    found: dict[tuple[int | None, bool], list[bytes]] = {}
    for message in messages:
        row = rows[message["uid"]]
        assert message["connection"] == row["connection"]
        assert message["path"] == row["path"]
        side = (row["stream_id"], message["from_client"])
        found.setdefault(side, []).append(message["content"])
    assert found == said
    assert {row["http_version"] for row in rows.values()} == {"2"}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 10, 11, 23, 24, 25, 100, 1460])
def test_size_of_the_segments_changes_nothing(size: int) -> None:
    talk, said = busy()
    if size < 100:
        # The large message would be as many packets.
        talk, said = small()
    resized = Conversation().open()
    for segment in talk.tcp.segments:
        if segment.payload:
            resized.say(segment.from_client, segment.payload, size=size)
    seen = read(capture_of(resized.end().segments))
    assert by_stream(seen) == said
    assert [row.ended for row in seen.connections] == ["fin"] * len(seen.connections)


def small() -> tuple[Talk, dict[tuple[int | None, bool], list[bytes]]]:
    """Two WebSockets with a few messages."""
    talk = Talk().open()
    one, two = talk.websocket("/one"), talk.websocket("/two")
    talk.say(one, True, text(True, "hello") + text(True, "again"))
    talk.say(two, False, text(False, "news"), padding=3)
    talk.say(one, False, text(False, "hi"))
    talk.end(one)
    talk.tcp.end()
    said: dict[tuple[int | None, bool], list[bytes]] = {
        (one, True): [b"hello", b"again"],
        (one, False): [b"hi"],
        (two, False): [b"news"],
    }
    return talk, said


def test_every_split_of_every_segment_changes_nothing() -> None:
    talk, said = small()
    segments = talk.tcp.segments
    for index, segment in enumerate(segments):
        for place in range(1, len(segment.payload)):
            halves = [
                segment.with_payload(segment.payload[:place]),
                segment.with_payload(segment.payload[place:]).moved(place),
            ]
            seen = read(capture_of([*segments[:index], *halves, *segments[index + 1 :]]))
            assert by_stream(seen) == said, (index, place)


@pytest.mark.parametrize("distance", [1, 2, 3, 8])
def test_displaced_segments_change_nothing(distance: int) -> None:
    talk, said = small()
    segments = talk.tcp.segments
    carrying = [segment for segment in segments if segment.payload]
    for segment in carrying:
        later = segments[segments.index(segment) + 1 :][:distance]
        if later:
            seen = read(capture_of(talk.tcp.with_moved(segment, later[-1])), ordered=False)
            assert by_stream(seen) == said, carrying.index(segment)
            assert {row.ended for row in seen.connections} <= {"fin", "end_of_capture"}
            assert not any(row.midstream for row in seen.connections)


def test_shuffled_windows_change_nothing() -> None:
    talk, said = busy()
    for seed in range(20):
        shuffle = random.Random(seed)
        segments = list(talk.tcp.segments)
        order = sorted(
            range(len(segments)), key=lambda index: (index < 3, index + shuffle.randrange(6))
        )
        shuffled = [segments[index] for index in [0, 1, 2, *[i for i in order if i > 2]]]
        times = sorted(segment.time for segment in shuffled)
        moved = [segment.at(time) for segment, time in zip(shuffled, times, strict=True)]
        assert by_stream(read(capture_of(moved), ordered=False)) == said, seed


def test_upgrade_from_http1_leads_to_http2() -> None:
    tcp = Conversation().open()
    upgrade = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: "
    request = b"GET / HTTP/1.1\r\nHost: example.com\r\n" + upgrade + b"AAMAAABkAAQAAP__\r\n\r\n"
    answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    tcp.says(True, request)
    # Stream 1 is the request; its response comes after the server's preface.
    encoder = Encoder()
    page = encoder.encode([(":status", "200")])
    body = frame(HEADERS, page, flags=END_HEADERS, stream=1)
    body += frame(DATA, b"page", flags=END_STREAM, stream=1)
    tcp.says(False, answer + settings((8, 1)) + body)
    request_block = Encoder().encode(websocket_request())
    tcp.says(
        True, PREFACE + settings() + frame(HEADERS, request_block, flags=END_HEADERS, stream=3)
    )
    block = encoder.encode(websocket_answer())
    tcp.says(False, frame(HEADERS, block, flags=END_HEADERS, stream=3))
    tcp.says(True, frame(DATA, text(True, "hi"), stream=3))
    data = tcp.end().segments
    assert contents(read(capture_of(data))) == [(3, True, "ok", b"hi")]
    # The answer was captured before the request.
    segment = next(segment for segment in data if segment.payload == request)
    later = next(segment for segment in data if segment.payload.startswith(answer))
    assert contents(read(capture_of(tcp.with_moved(segment, later)))) == [(3, True, "ok", b"hi")]


def test_proxy_preamble_may_stand_before_the_preface() -> None:
    tcp = Conversation().open()
    tcp.says(True, b"PROXY TCP4 203.0.113.5 203.0.113.6 1234 443\r\n")
    talk = Talk(tcp).open()
    stream = talk.websocket()
    talk.say(stream, True, text(True, "hi"))
    seen = read(capture_of(tcp.end().segments))
    assert contents(seen) == [(1, True, "ok", b"hi")]
    assert seen.connection.original_client_address == ("203.0.113.5", 1234)


class Raw:
    """A connection whose frames are written by hand."""

    def __init__(self) -> None:
        self.tcp = Conversation().open()
        self.encoders = {True: Encoder(), False: Encoder()}
        self.tcp.says(True, PREFACE + settings())
        self.tcp.says(False, settings((8, 1)))

    def block(self, from_client: bool, headers: Headers) -> bytes:
        encoded: bytes = self.encoders[from_client].encode(headers)
        return encoded

    def headers(self, from_client: bool, headers: Headers, *, stream: int, flags: int = 0) -> None:
        block = self.block(from_client, headers)
        self.send(from_client, frame(HEADERS, block, flags=END_HEADERS | flags, stream=stream))

    def websocket(self, stream: int = 1, extensions: str | None = None) -> Raw:
        self.headers(True, websocket_request(offers=extensions), stream=stream)
        self.headers(False, websocket_answer(extensions), stream=stream)
        return self

    def send(self, from_client: bool, data: bytes) -> Segment:
        return self.tcp.says(from_client, data)

    def read(self) -> Seen:
        return read(capture_of(self.tcp.end().segments))


@pytest.mark.parametrize("cut", [1, 2, 10, 40])
def test_header_block_may_span_frames(cut: int) -> None:
    raw = Raw()
    for from_client, headers in ((True, websocket_request()), (False, websocket_answer())):
        block = raw.block(from_client, headers)
        parts = [block[start : start + cut] for start in range(0, len(block), cut)]
        sent = frame(
            HEADERS, padded(bytes(5) + parts[0], 9), flags=PADDED | PRIORITY_FLAG, stream=1
        )
        for part in parts[1:]:
            sent += frame(CONTINUATION, part, stream=1)
        raw.send(from_client, sent + frame(CONTINUATION, b"", flags=END_HEADERS, stream=1))
    raw.send(True, frame(DATA, text(True, "hi"), stream=1))
    assert contents(raw.read()) == [(1, True, "ok", b"hi")]


def test_blocks_that_nobody_asks_for_go_through_hpack() -> None:
    raw = Raw()
    raw.headers(True, [(":method", "GET"), (":path", "/"), ("x-page", "one")], stream=1)
    pushed = raw.block(False, [(":method", "GET"), (":path", "/pushed"), ("x-pushed", "two")])
    raw.send(False, frame(PUSH_PROMISE, bytes([0, 0, 0, 2]) + pushed, flags=END_HEADERS, stream=1))
    raw.headers(False, [(":status", "200"), ("x-page", "three")], stream=1)
    raw.headers(False, [("x-trailer", "four")], stream=1, flags=END_STREAM)
    fields = [("x-page", "one"), ("x-pushed", "two"), ("x-trailer", "four")]
    raw.headers(True, websocket_request(fields=fields), stream=3)
    raw.headers(False, websocket_answer(fields=fields), stream=3)
    connection = raw.read().connection
    assert connection.request is not None
    assert connection.response is not None
    expected = [(name, value.encode()) for name, value in fields]
    assert list(connection.request.fields[-3:]) == expected
    assert list(connection.response.fields[-3:]) == expected


def test_other_tunnels_are_no_websockets() -> None:
    raw = Raw()
    raw.headers(True, [(":method", "CONNECT"), (":authority", "a:1")], stream=1)
    other = [(":method", "CONNECT"), (":protocol", "connect-udp"), (":path", "/")]
    raw.headers(True, other, stream=3)
    for stream in (1, 3):
        raw.headers(False, [(":status", "200")], stream=stream)
        for _ in range(4):
            raw.send(True, frame(DATA, text(True, "hi"), stream=stream))
    seen = raw.read()
    assert (seen.connections, seen.messages) == ([], [])
    assert seen.counts.tcp_connections["http2"] == 1


def test_interim_responses_are_passed_over() -> None:
    raw = Raw()
    raw.headers(True, websocket_request(), stream=1)
    raw.headers(False, [(":status", "103"), ("link", "</a>")], stream=1)
    raw.headers(False, websocket_answer(), stream=1)
    raw.send(False, frame(DATA, text(False, "hi"), stream=1))
    assert contents(raw.read()) == [(1, False, "ok", b"hi")]


def test_frame_of_the_largest_size_is_read() -> None:
    raw = Raw().websocket()
    content = random.Random(1).randbytes((1 << 24) - 1 - 10)
    data = frame(DATA, binary(False, content), stream=1)
    assert data[:3] == b"\xff\xff\xff"
    raw.tcp.say(False, data, size=60_000, acked=False)
    assert contents(raw.read()) == [(1, False, "ok", content)]


def test_unknown_frames_and_empty_ones_are_passed_over() -> None:
    raw = Raw().websocket()
    half = text(True, "hello")[:4]
    raw.send(True, frame(DATA, half, stream=1) + frame(0x42, b"grease", flags=0xFF, stream=1))
    raw.send(True, frame(DATA, b"", stream=1) + frame(DATA, padded(b"", 7), flags=PADDED, stream=1))
    raw.send(True, frame(DATA, text(True, "hello")[4:], flags=END_STREAM, stream=1))
    assert contents(raw.read()) == [(1, True, "ok", b"hello")]


def test_reset_ends_a_stream_after_what_was_under_way() -> None:
    raw = Raw().websocket()
    raw.send(True, frame(RST_STREAM, bytes(4), stream=1))
    raw.send(False, frame(DATA, text(False, "under way"), stream=1))
    raw.websocket(3)
    raw.tcp.wait(10**10)
    raw.send(True, frame(DATA, text(True, "later"), stream=3))
    raw.send(False, frame(DATA, text(False, "too late"), stream=1))
    seen = raw.read()
    assert contents(seen) == [(1, False, "ok", b"under way"), (3, True, "ok", b"later")]
    assert [(row.stream_id, row.ended) for row in seen.connections] == [(1, "rst"), (3, "fin")]


def test_request_without_an_answer_is_a_row() -> None:
    raw = Raw()
    raw.headers(True, websocket_request("/a"), stream=1)
    raw.headers(True, websocket_request("/b"), stream=3)
    raw.send(False, frame(RST_STREAM, bytes(4), stream=1))
    seen = raw.read()
    assert [(row.path, row.ended, row.response) for row in seen.connections] == [
        ("/a", "rst", None),
        ("/b", "fin", None),
    ]


@pytest.mark.parametrize("takeover", [True, False])
def test_compressed_messages_are_read(takeover: bool) -> None:
    alone = "; server_no_context_takeover; client_no_context_takeover"
    extensions = DEFLATE if takeover else DEFLATE + alone
    talk = Talk().open()
    stream = talk.websocket(extensions=extensions)
    expected = []
    for from_client in (True, False):
        compressor = zlib.compressobj(wbits=-15)
        for number in range(5):
            content = b"the same words again and again, %d" % number
            if not takeover:
                compressor = zlib.compressobj(wbits=-15)
            payload = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
            payload = payload.removesuffix(FLUSH_TAIL)
            key = KEY if from_client else None
            wire = websocket_frame(TEXT, payload, rsv1=True, key=key)
            # Each message spans two DATA frames.
            talk.say(stream, from_client, wire[:5])
            talk.say(stream, from_client, wire[5:], padding=number)
            expected.append((1, from_client, "ok", content))
    assert contents(read(capture_of(talk.tcp.end().segments))) == expected


def test_control_frames_and_gaps_stand_in_the_events_of_their_stream() -> None:
    talk = Talk().open()
    one, two = talk.websocket("/one"), talk.websocket("/two")
    talk.say(one, True, ping(True, b"1"))
    talk.say(two, True, ping(True, b"2"))
    talk.say(one, True, close(True, 1001, b"bye"))
    seen = read(capture_of(talk.tcp.end().segments))
    found = [(event.connection.stream_id, event.kind, event.payload) for event in seen.events]
    assert found == [
        (one, "ping", b"1"),
        (two, "ping", b"2"),
        (one, "close", b"\x03\xe9bye"),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"request_paths": ["/two"]}, {3}),
        ({"request_paths": ["/t*"]}, {3, 5}),
        ({"connections": [0]}, {1}),
        ({"connections": [1, 2]}, {3, 5}),
        ({"hosts": ["example.com"]}, {1, 3, 5}),
        ({"hosts": ["example.org"]}, set()),
        ({"ports": [80]}, {1, 3, 5}),
        ({"ports": [81]}, set()),
    ],
)
def test_filters_choose_streams(options: dict[str, Any], expected: set[int]) -> None:
    talk = Talk().open()
    for path in ("/one", "/two", "/three"):
        stream = talk.websocket(path)
        talk.say(stream, True, text(True, path))
    seen = read(capture_of(talk.tcp.end().segments), **options)
    assert {row.stream_id for row in seen.connections} == expected
    assert {message.connection.stream_id for message in seen.messages} == expected
    assert {row.stream_id: row.connection for row in seen.connections}.items() <= {
        1: 0,
        3: 1,
        5: 2,
    }.items()


def test_http1_and_http2_are_told_apart_in_one_capture() -> None:
    first = Conversation(("192.0.2.10", 50_001)).open().upgrade()
    first.says(True, text(True, "one"))
    talk = Talk(Conversation(time=first.time).open()).open()
    stream = talk.websocket()
    talk.say(stream, True, text(True, "two"))
    seen = read(capture_of([*first.segments, *talk.tcp.segments]))
    found = [(row.stream_id, row.http_version) for row in seen.connections]
    assert found == [(None, "1.1"), (1, "2")]


@pytest.mark.parametrize("request_bytes", [request_head(), b"PRI * HTTP/1.1\r\n\r\n"])
def test_bytes_that_are_no_preface_are_no_http2(request_bytes: bytes) -> None:
    tcp = Conversation().open()
    tcp.says(True, request_bytes)
    tcp.says(False, settings())
    assert read(capture_of(tcp.segments)).counts.tcp_connections["http2"] == 0


WRONG: dict[str, Callable[[Raw], object]] = {
    "an index to no entry": lambda raw: raw.send(
        True, frame(HEADERS, b"\xfe", flags=END_HEADERS, stream=3)
    ),
    "a Huffman code of ones": lambda raw: raw.send(
        True, frame(HEADERS, b"\x40\x84\xff\xff\xff\xff\x00", flags=END_HEADERS, stream=3)
    ),
    "an integer without an end": lambda raw: raw.send(
        True, frame(HEADERS, b"\xff" * 50, flags=END_HEADERS, stream=3)
    ),
    "a string that is cut": lambda raw: raw.send(
        True, frame(HEADERS, b"\x40\x05abc", flags=END_HEADERS, stream=3)
    ),
    "a block that does not end": lambda raw: raw.send(
        True, frame(HEADERS, raw.block(True, [("a", "b")]), stream=3)
    ),
    "a continuation of nothing": lambda raw: raw.send(
        True, frame(CONTINUATION, b"\x82", flags=END_HEADERS, stream=3)
    ),
    "a block of 80 kB": lambda raw: raw.tcp.say(
        True,
        frame(HEADERS, b"\x00\x01a\x7f\xe9\x06" + b"b" * 1000, stream=3)
        + frame(CONTINUATION, (b"\x00\x01a\x7f\xe9\x06" + b"b" * 1000) * 20, stream=3) * 4
        + frame(CONTINUATION, b"", flags=END_HEADERS, stream=3),
        size=50_000,
    ),
    "a block in a frame of 100 kB": lambda raw: raw.tcp.say(
        True, frame(HEADERS, bytes(100_000), flags=END_HEADERS, stream=3), size=50_000
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_header_blocks_cost_nothing_else(wrong: str) -> None:
    raw = Raw().websocket()
    raw.send(True, frame(DATA, text(True, "before"), stream=1))
    WRONG[wrong](raw)
    raw.send(True, frame(DATA, text(True, "after"), stream=1))
    # Literals are known, whatever the dynamic table has.
    fresh = Encoder()
    fresh.header_table_size = 0
    block = fresh.encode(websocket_request("/fresh"))
    raw.send(True, frame(HEADERS, block, flags=END_HEADERS, stream=5))
    raw.headers(False, websocket_answer(), stream=5)
    raw.send(False, frame(DATA, text(False, "fresh"), stream=5))
    seen = raw.read()
    assert contents(seen) == [
        (1, True, "ok", b"before"),
        (1, True, "ok", b"after"),
        (5, False, "ok", b"fresh"),
    ]
    problems = {problem for row in seen.connections for problem in row.problems}
    if wrong == "a continuation of nothing" or wrong == "a block that does not end":
        assert not problems
    elif "0 kB" in wrong:
        assert problems == {"HTTP/2: 1 header blocks over 64 KiB were read in part"}
    else:
        assert problems == {"HTTP/2: 1 header blocks break the rules of HPACK (RFC 7541)"}
    assert seen.counts.http2_unread_blocks == len(problems)
    said = unfollowed(seen.counts)
    assert said == ["1 header block of HTTP/2 not read whole: too long, or wrong"] * len(problems)


def test_streams_over_the_bound_are_counted() -> None:
    raw = Raw().websocket()
    for number in range(4_200):
        raw.headers(True, websocket_request(), stream=3 + 2 * number)
    seen = raw.read()
    # One is open already.
    assert seen.counts.http2_dropped_streams == 4_200 + 1 - 4_096
    assert unfollowed(seen.counts) == ["105 streams of HTTP/2 not read: there are too many"]


def test_messages_are_the_same_as_over_http1() -> None:
    wire = text(True, "a" * 200) + ping(True) + binary(True, b"b") + close(True)
    talk = Talk().open()
    stream = talk.websocket()
    talk.say(stream, True, wire)
    talk.tcp.end()
    plain = Conversation().open().upgrade()
    plain.says(True, wire)
    plain.end()
    seen = [read(capture_of(segments)) for segments in (talk.tcp.segments, plain.segments)]

    def values(of: Seen) -> list[tuple[object, ...]]:
        return [(m.type, m.content, m.frames, m.wire_length, m.seq) for m in of.messages]

    assert values(seen[0]) == values(seen[1])
    accounts = [one.connection.from_client for one in seen]
    assert accounts[0] == accounts[1]
    assert [message_values(message)[0] for message in seen[0].messages] == [0, 0]
