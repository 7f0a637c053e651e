"""Handshakes that are odd, long, or captured in part: they are read, and `problems` says why."""

from __future__ import annotations

from typing import Any

import pytest

from capture_conversation import (
    DEFLATE,
    DEFLATE_ALONE,
    Conversation,
    Segment,
    answer_head,
    capture_of,
    close,
    one_frame,
    request_head,
    text,
    upgraded,
)
from capture_samples import answer, assert_talked, talked
from capture_seen import Seen, read
from wire_writer import TEXT, Deflater
from wsdefrag import DeflateParams

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])
ACCEPT = b"Sec-WebSocket-Accept"


def asked(request: bytes, response: bytes | None = None, **options: Any) -> Seen:
    talk = Conversation().open()
    talk.says(True, request)
    talk.says(False, answer_head() if response is None else response)
    return talked(talk, **options)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"GET /chat HTTP/1.1", b"POST /chat HTTP/1.1", "the request is a POST, not a GET"),
        (b"GET /chat HTTP/1.1", b"GET /chat HTTP/1.0", "the request is of HTTP/1.0"),
        (b"GET /chat HTTP/1.1", b"GET /chat HTTP/2.0", "the request is of HTTP/2.0"),
        (b"GET /chat", b"GET /chat room?a=b c", 'the request\'s target is "/chat room?a=b c"'),
        (b"GET /chat", b"GET chat", 'the request\'s target is "chat"'),
        (b"GET /chat", b"GET *", 'the request\'s target is "*"'),
        (b"GET /chat", b"GET ws://example.com/chat", 'target is "ws://example.com/chat"'),
        (b"GET /chat", b"GET http://example.com/chat", None),
        (b"GET /chat", b"GET /ch\xe4t", None),
    ],
)
def test_odd_request_is_read_and_said(old: bytes, new: bytes, problem: str | None) -> None:
    found = asked(request_head().replace(old, new))
    assert_talked(found)
    assert found.connection.accept_key_ok is True
    problems = found.connection.problems
    assert len(problems) == (0 if problem is None else 1)
    assert problem is None or problem in problems[0]


def test_method_of_the_request_is_what_the_client_sent() -> None:
    found = asked(request_head().replace(b"GET", b"POST"))
    assert found.connection.request is not None
    assert found.connection.request.method == "POST"


def test_odd_request_may_be_cut_at_every_byte() -> None:
    head = request_head().replace(b"GET /chat HTTP/1.1", b"POST /chat room HTTP/1.0")
    for at in range(1, len(head)):
        talk = Conversation().open()
        talk.says(True, head[:at])
        talk.says(True, head[at:])
        talk.says(False, answer_head())
        found = talked(talk)
        assert_talked(found)
        assert len(found.connection.problems) == 3


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (answer_head().replace(b"Upgrade: websocket", b"Upgrade: WebSocket/13, other/2"), None),
        (answer_head().replace(b"HTTP/1.1 101", b"HTTP/1.0 101"), None),
        (answer_head().replace(b"Connection: Upgrade\r\n", b""), None),
        (answer_head().replace(b"101 Switching Protocols", b"101"), None),
        (answer_head().replace(b"Upgrade: websocket\r\n", b""), "the response has no Upgrade"),
        (b"HTTP/1.1 101 OK\r\n\r\n", "the response has no Upgrade"),
    ],
)
def test_any_101_that_accepts_is_read(response: bytes, problem: str | None) -> None:
    found = asked(request_head(), response)
    assert_talked(found)
    problems = found.connection.problems
    assert len(problems) == (0 if problem is None else 1)
    assert problem is None or problem in problems[0]


BODIES: dict[str, tuple[str, bytes]] = {
    "length": ("Content-Length: 7", b"\x81\x85body"[:7].ljust(7, b"!")),
    "no length": ("Content-Length: 0", b""),
    "invalid length": ("Content-Length: none", b""),
    "chunked": ("Transfer-Encoding: chunked", b"4;a=b\r\n\x81\x02ab\r\n0\r\nTrailer: x\r\n\r\n"),
    "long": ("Content-Length: 300000", b"\x82" * 300_000),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("when", ["before the answer", "after the answer", "cut by the answer"])
def test_body_of_the_request_is_not_frames(name: str, when: str) -> None:
    field, body = BODIES[name]
    request = request_head(fields=[field])
    before = {"before the answer": len(body), "after the answer": 0}.get(when, len(body) // 2)
    talk = Conversation().open()
    talk.say(True, request + body[:before], size=1400)
    talk.says(False, answer_head() + text(False, "early"))
    talk.say(True, body[before:] + text(True, "first"), size=1400)
    talk.says(True, text(True, "second"))
    found = read(capture_of(talk.end().segments))
    assert found.side(True) == [("ok", b"first"), ("ok", b"second")]
    assert found.side(False) == [("ok", b"early")]
    account = found.connection.from_client
    assert account.bytes == account.emitted == len(text(True, "first") + text(True, "second"))
    assert found.connection.problems == ()


@pytest.mark.parametrize("name", [name for name in BODIES if name != "long"])
def test_request_with_a_body_may_be_cut_at_every_byte(name: str) -> None:
    field, body = BODIES[name]
    stream = request_head(fields=[field]) + body + text(True, "first")
    for at in range(len(stream) - len(body) - 20, len(stream)):
        talk = Conversation().open()
        talk.says(True, stream[:at])
        talk.says(False, answer_head())
        talk.says(True, stream[at:])
        found = read(capture_of(talk.end().segments))
        assert found.side(True) == [("ok", b"first")]


def test_gap_in_the_body_of_the_request_costs_nothing() -> None:
    body = b"\x82" * 3000
    talk = Conversation().open()
    talk.says(True, request_head(fields=["Content-Length: 3000"]))
    lost = talk.say(True, body, size=1000)[1]
    talk.says(False, answer_head())
    found = read(capture_of(talk_on(talk).without(lost)))
    assert found.side(True) == [("ok", f"client {number}".encode()) for number in range(6)]
    assert found.connection.from_client.lost == found.connection.from_client.missing == 0


def talk_on(talk: Conversation, count: int = 6) -> Conversation:
    for number in range(count):
        talk.says(True, text(True, f"client {number}"))
        talk.says(False, text(False, f"server {number}"))
    return talk.end()


def test_request_without_upgrade_is_read_if_it_is_accepted() -> None:
    request = request_head().replace(b"Upgrade: websocket\r\n", b"")
    assert_talked(asked(request))
    refused = asked(request, answer(b"no"))
    assert refused.connections == []


@pytest.mark.parametrize("interim", [1, 3])
def test_interim_responses_come_before_the_101(interim: int) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    found = asked(request_head(), early * interim + answer_head())
    assert_talked(found)
    assert found.connection.problems == ()


@SIDES
def test_head_of_almost_256_kib_is_read(side: bool) -> None:
    filler = [f"X-Filler-{number}: {'x' * 990}" for number in range(255)]
    talk = Conversation().open()
    talk.say(True, request_head(fields=filler if side else []), size=1400)
    talk.say(False, answer_head(fields=[] if side else filler), size=1400)
    assert_talked(talked(talk))


def lacking(talk: Conversation, *lost: Segment, **options: Any) -> Seen:
    return read(capture_of(talk.without(*lost)), ordered=False, **options)


@pytest.mark.parametrize("before", ["nothing", "the request", "the TCP handshake and the request"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_client_is_read_from_where_the_101_acknowledges(before: str, count: int) -> None:
    """Its first frame begins there, so one is enough."""
    talk = Conversation().open()
    request = talk.says(True, request_head())
    talk.says(False, answer_head(DEFLATE))
    deflater = Deflater()
    sent = [f"message {number}".encode() for number in range(count)]
    for content in sent:
        talk.says(True, one_frame(True, TEXT, deflater.compress(content), rsv1=True))
    talk.end()
    if before == "the request":
        talk.segments = talk.without(request)
    elif before != "nothing":
        talk.segments = talk.segments[talk.segments.index(request) + 1 :]
    found = read(capture_of(talk.segments), ordered=False)
    assert found.side(True) == [("ok", content) for content in sent]
    connection = found.connection
    assert (connection.request is None) == (before != "nothing")
    account = connection.from_client
    assert account.lost == account.missing == account.skipped == 0
    assert not any(message.resynced for message in found.messages)


@pytest.mark.parametrize("size", [40, 100, 150])
def test_part_of_the_request_before_where_the_101_acknowledges_is_skipped(size: int) -> None:
    talk = Conversation().open()
    first, *_ = talk.say(True, request_head(), size=size)
    talk.says(False, answer_head())
    talk.says(True, text(True, "only"))
    talk.end()
    found = lacking(talk, first)
    assert found.side(True) == [("ok", b"only")]
    assert found.connection.from_client.lost == 0


def test_gap_from_the_request_into_the_frames_costs_the_direction() -> None:
    """Nothing says where a frame begins after it."""
    talk = Conversation().open()
    lost = [talk.says(True, request_head())]
    talk.says(False, answer_head())
    lost.append(talk.says(True, text(True, "lost too")))
    talk.says(True, text(True, "only"))
    talk.end()
    found = lacking(talk, *lost)
    assert found.side(True) == []
    account = found.connection.from_client
    assert account.bytes == account.lost == len(text(True, "lost too") + text(True, "only"))
    assert account.missing == len(text(True, "lost too"))


def test_retry_after_a_401_is_read() -> None:
    talk = Conversation().open()
    talk.says(True, request_head())
    talk.says(False, answer(b"who are you?", status="401 Unauthorized"))
    talk.says(True, request_head(fields=["Authorization: Basic eA=="]))
    talk.says(False, answer_head())
    found = talked(talk)
    assert_talked(found)
    assert sorted(str(one.ended) for one in found.connections) == ["fin", "refused"]


COMPRESSED = [b"a message that is compressed", b"a message that is compressed again"]


def compressed(talk: Conversation, alone: bool) -> Conversation:
    for side in (True, False):
        deflater = Deflater()
        for content in COMPRESSED:
            if alone:
                deflater = Deflater()
            talk.says(side, one_frame(side, TEXT, deflater.compress(content), rsv1=True))
    for side in (True, False):
        talk.says(side, close(side))
    return talk.end()


@pytest.mark.parametrize("given", [DEFLATE, DeflateParams()])
@pytest.mark.parametrize("header", [None, "permessage-deflate server_no", "x-other"])
def test_deflate_option_says_what_the_101_does_not(
    header: str | None, given: str | DeflateParams
) -> None:
    talk = compressed(Conversation().open().upgrade(extensions=header), alone=False)
    found = read(capture_of(talk.segments), deflate=given)
    for side in (True, False):
        assert found.side(side) == [("ok", content) for content in COMPRESSED]
    assert found.connection.deflate == DeflateParams()


def test_deflate_option_is_not_used_where_the_101_is_clear() -> None:
    talk = compressed(upgraded(DEFLATE_ALONE), alone=True)
    found = read(capture_of(talk.segments), deflate=DEFLATE)
    assert found.connection.deflate == DeflateParams.from_header(DEFLATE_ALONE)
    assert all(message.status == "ok" for message in found.messages)


def test_deflate_option_reads_the_client_without_the_101() -> None:
    talk = Conversation().open().upgrade(extensions=DEFLATE)
    response = next(one for one in talk.segments if ACCEPT in one.payload)
    compressed(talk, alone=False)
    assert lacking(talk, response).side(True) == [
        ("undecodable", Deflater().compress(COMPRESSED[0])),
        *lacking(talk, response).side(True)[1:],
    ]
    found = lacking(talk, response, deflate=DEFLATE)
    assert found.side(True) == [("ok", content) for content in COMPRESSED]


@pytest.mark.parametrize("deflate", ["", "x-other", "permessage-deflate; server_max_window_bits=7"])
def test_deflate_option_has_to_name_valid_parameters(deflate: str) -> None:
    with pytest.raises(ValueError, match="deflate"):
        read(b"", deflate=deflate)
