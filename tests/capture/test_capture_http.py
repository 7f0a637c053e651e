"""Other HTTP around the upgrade, other protocols, and connections captured on one side."""

from __future__ import annotations

import pytest

from capture_conversation import (
    CLIENT,
    DEFLATE,
    SERVER,
    Conversation,
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

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])


EXCHANGE = b"GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n"


def test_answer_to_another_request_captured_before_it_is_put_right() -> None:
    talk = Conversation().open()
    request = talk.says(True, EXCHANGE)
    response = talk.says(False, answer(b"a page"))
    talk.segments = talk.with_moved(request, response)
    found = talked(talk.upgrade())
    assert_talked(found)
    assert found.connection.accept_key_ok is True


def test_requests_before_the_upgrade_are_passed_over() -> None:
    talk = Conversation().open()
    for number in range(3):
        talk.says(True, EXCHANGE)
        talk.says(False, answer(b"body " * number))
    talk.says(True, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
    chunks = b"3\r\nabc\r\n5;x=y\r\nHTTP/\r\n0\r\nTrailer: x\r\n\r\n"
    talk.says(False, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    talk.says(True, b"HEAD / HTTP/1.1\r\n\r\n")
    talk.says(False, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    talk.says(True, EXCHANGE)
    talk.says(False, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n")
    found = talked(talk.upgrade())
    assert_talked(found)
    assert found.connection.path == "/chat"


@pytest.mark.parametrize("late", range(1, 9))
def test_responses_captured_before_their_requests_answer_them_in_their_order(late: int) -> None:
    """The server's segments come before the last `late` of the client's."""
    talk = Conversation().open()
    opening = len(talk.segments)
    talk.says(True, b"HEAD /page HTTP/1.1\r\n\r\n")
    talk.says(False, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    talk.says(True, request_head("/refused"))
    talk.says(False, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    talk.says(True, b"POST /page HTTP/1.1\r\nContent-Length: 4\r\n\r\n")
    talk.says(False, b"HTTP/1.1 100 Continue\r\n\r\n")
    talk.says(True, b"body")
    talk.says(False, answer(b"a page"))
    talk.upgrade("/accepted")
    talk.says(True, text(True, "of the client"))
    talk.says(False, text(False, "of the server"))
    opened, rest = talk.segments[:opening], talk.segments[opening:]
    client = [one for one in rest if one.from_client]
    server = [one for one in rest if not one.from_client]
    segments = [*opened, *client[: -late or None], *server, *client[-late:]]
    found = read(capture_of(segments), ordered=False, timed=False)
    assert [(one.path, one.response and one.response.status) for one in found.connections] == [
        ("/refused", 403),
        ("/accepted", 101),
    ]
    assert found.connections[1].accept_key_ok is True
    assert sorted(found.contents()) == [b"of the client", b"of the server"]
    assert not any(one.has_losses for one in found.connections)


@pytest.mark.parametrize("chunked", [False, True])
@SIDES
def test_gap_before_the_upgrade_does_not_hide_the_websocket(side: bool, chunked: bool) -> None:
    """In the body of an earlier request or response on the connection."""
    body = b"x" * 900
    field = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 900"
    coded = b"384\r\n" + body + b"\r\n0\r\n\r\n" if chunked else body
    page = field + b"\r\n\r\n" + coded
    talk = Conversation().open()
    talk.say(True, b"POST /page HTTP/1.1\r\n" + page if side else EXCHANGE, size=300)
    talk.say(False, answer(b"done") if side else b"HTTP/1.1 200 OK\r\n" + page, size=300)
    lost = [one for one in talk.segments if one.from_client == side and one.payload][1]
    talk.upgrade()
    for number in range(6):
        talk.says(True, text(True, f"client {number}"))
        talk.says(False, text(False, f"server {number}"))
    talk.says(True, close(True))
    found = read(capture_of(one for one in talk.end().segments if one is not lost), ordered=False)
    assert found.side(True) == [("ok", f"client {number}".encode()) for number in range(6)]
    assert found.side(False) == [("ok", f"server {number}".encode()) for number in range(6)]


@pytest.mark.parametrize("length", [10, 300, 100_000])
def test_lost_request_before_a_head_request_does_not_hide_the_websocket(length: int) -> None:
    """Answers may no longer be matched with requests, and one to HEAD has no body."""
    talk = Conversation().open()
    lost = talk.says(True, EXCHANGE)
    talk.says(False, answer(b"a page"))
    talk.says(True, EXCHANGE.replace(b"GET", b"HEAD"))
    talk.says(False, answer(b"x" * length).partition(b"x")[0])
    talk.upgrade()
    for number in range(6):
        talk.says(True, text(True, f"client {number}"))
        talk.says(False, text(False, f"server {number}"))
    found = read(capture_of(one for one in talk.end().segments if one is not lost), ordered=False)
    assert found.side(True) == [("ok", f"client {number}".encode()) for number in range(6)]
    assert found.side(False) == [("ok", f"server {number}".encode()) for number in range(6)]


def test_requests_sent_without_waiting_are_told_apart() -> None:
    talk = Conversation().open()
    talk.says(True, EXCHANGE + EXCHANGE + request_head())
    talk.says(False, answer(b"first") + answer(b"HTTP/1.1 101 no") + answer_head())
    found = talked(talk)
    assert_talked(found)
    assert found.connection.path == "/chat"
    assert found.connection.accept_key_ok is True


def test_other_http_gives_nothing() -> None:
    talk = Conversation().open()
    for _ in range(5):
        talk.says(True, EXCHANGE)
        talk.says(False, answer(b"\x81\x05hello" * 100))
    found = read(capture_of(talk.end().segments))
    assert found.messages == []
    assert found.connections == []


@pytest.mark.parametrize("first", [b"SSH-2.0-OpenSSH\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 50])
def test_other_protocols_give_nothing(first: bytes) -> None:
    talk = Conversation().open()
    for number in range(50):
        talk.says(True, first + bytes([number]) * number)
        talk.says(False, first + bytes([255 - number]) * number)
    found = read(capture_of(talk.end().segments))
    assert found.messages == []
    assert found.connections == []
    assert found.counts.tcp == len(talk.segments)


def test_upgrade_to_something_else_is_none() -> None:
    talk = Conversation().open()
    talk.says(True, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
    talk.says(False, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
    for number in range(5):
        talk.says(False, text(False, f"no frame {number}"))
    found = read(capture_of(talk.segments))
    assert found.messages == []


def test_head_that_never_ends_is_given_up() -> None:
    """One of less than 256 KiB is read: see `test_capture_handshake`."""
    talk = Conversation().open()
    talk.say(True, b"GET / HTTP/1.1\r\n" + b"X-More: of the same\r\n" * 20_000, size=1400)
    found = read(capture_of(talk.segments))
    assert found.messages == []


SENT = [f"message number {number}" for number in range(6)]


def sides_alone(talk: Conversation, side: bool) -> Seen:
    """Read what one side sent, and nothing of the other's packets."""
    for number, content in enumerate(SENT):
        talk.says(True, text(True, content))
        talk.says(False, text(False, content))
        assert number < len(SENT)
    talk.says(side, close(side))
    talk.end()
    return read(capture_of(one for one in talk.segments if one.from_client == side))


@SIDES
def test_one_side_alone_is_read(side: bool) -> None:
    found = sides_alone(upgraded(), side)
    assert found.side(side) == [("ok", content.encode()) for content in SENT]
    assert found.side(not side) == []
    connection = found.connection
    assert (connection.client_address, connection.server_address) == (CLIENT, SERVER)
    assert connection.accept_key_ok is None
    assert (connection.request is None) == (not side)
    assert (connection.response is None) == side
    assert connection.close is not None
    assert connection.close.from_client == side
    account = connection.from_client if side else connection.from_server
    assert account.lost == account.gaps == 0


@SIDES
def test_one_side_alone_inflates_only_what_is_known(side: bool) -> None:
    """The answer says what was agreed, and with the client alone it is not there."""
    talk = upgraded(DEFLATE)
    deflater = Deflater()
    for content in SENT:
        payload = deflater.compress(content.encode())
        talk.says(side, one_frame(side, TEXT, payload, rsv1=True))
    talk.end()
    found = read(capture_of(one for one in talk.segments if one.from_client == side))
    deflater = Deflater()
    if side:
        assert found.side(True) == [
            ("undecodable", deflater.compress(content.encode())) for content in SENT
        ]
    else:
        assert found.side(False) == [("ok", content.encode()) for content in SENT]
