"""The HTTP upgrade: which requests open a WebSocket, where its frames start, what was agreed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_conversation import (
    KEY_FIELD,
    Conversation,
    answer_head,
    capture_of,
    one_frame,
    request_head,
    text,
)
from capture_samples import answer, assert_talked, talked
from capture_seen import read
from wire_writer import KEY, TEXT, Deflater, cut, frame
from wsdefrag import DeflateParams

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])


def test_heads_are_read() -> None:
    talk = Conversation().open()
    talk.upgrade(
        "/feed?symbols=all",
        "feed.example:8080",
        fields=["Origin: https://example.com", "Sec-WebSocket-Protocol: one, two", "X-Odd: \xe9"],
        answers=["sec-websocket-protocol: two", "Server: nobody"],
    )
    found = talked(talk)
    assert_talked(found)
    connection = found.connection
    assert connection.host == "feed.example:8080"
    assert connection.path == "/feed?symbols=all"
    assert connection.subprotocol == "two"
    assert connection.extensions is None
    assert connection.deflate is None
    assert connection.accept_key_ok is True
    assert connection.midstream is False
    assert connection.request is not None
    assert connection.request.fields[0] == ("Host", b"feed.example:8080")
    assert connection.request.value("ORIGIN") == "https://example.com"
    assert connection.request.value("x-odd") is not None
    assert connection.request.value("absent") is None
    assert connection.response is not None
    assert connection.response.reason == "Switching Protocols"
    assert connection.response.value("Server") == "nobody"
    assert connection.request.timestamp_ns < connection.response.timestamp_ns


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://example.com/chat?x=1", "/chat?x=1"),
        ("ws://example.com", "/"),
        ("/", "/"),
        ("/a%20b//c", "/a%20b//c"),
    ],
)
def test_path_is_without_scheme_and_host(target: str, path: str) -> None:
    found = talked(Conversation().open().upgrade(target))
    assert found.connection.path == path


@given(
    request=st.lists(st.integers(0, len(request_head())), max_size=6),
    answered=st.lists(st.integers(0, len(answer_head())), max_size=6),
)
def test_heads_may_come_in_any_pieces(request: list[int], answered: list[int]) -> None:
    talk = Conversation().open()
    for side, head, points in (
        (True, request_head(), request),
        (False, answer_head(), answered),
    ):
        for piece in cut(head, points):
            if piece:
                talk.says(side, piece)
    found = talked(talk)
    assert_talked(found)
    assert found.connection.accept_key_ok is True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Upgrade: websocket", b"UPGRADE:WebSocket"),
        (b"Connection: Upgrade", b"connection: keep-alive, upgrade"),
        (b"\r\n", b"\r\n"),
        (b"Sec-WebSocket-Key", b"sec-websocket-key"),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 13\r\nCookie: a=b"),
    ],
)
def test_spelling_of_the_request_does_not_matter(old: bytes, new: bytes) -> None:
    talk = Conversation().open()
    talk.says(True, request_head().replace(old, new))
    talk.says(False, answer_head())
    found = talked(talk)
    assert_talked(found)
    assert found.connection.accept_key_ok is True


def test_frames_in_the_segment_of_the_answer_are_read() -> None:
    """Also one that ends in a later segment."""
    long = text(False, "long enough to be cut")
    glued = text(False, "one") + text(False, "two") + long[:7]
    talk = Conversation().open().upgrade(glued=glued)
    talk.says(False, long[7:])
    found = read(capture_of(talk.segments))
    assert found.contents() == [b"one", b"two", b"long enough to be cut"]
    assert found.messages[0].last_packet == found.messages[1].last_packet == 6
    assert found.connection.from_server.bytes == len(glued) + len(long) - 7


def test_frames_of_a_client_that_does_not_wait_are_read() -> None:
    """Violates RFC 6455 section 4.1, but the bytes can be read."""
    talk = Conversation().open()
    talk.says(True, request_head() + text(True, "hasty"))
    talk.says(False, answer_head())
    found = talked(talk)
    assert found.side(True) == [("ok", b"hasty"), ("ok", b"from client")]


def test_answer_captured_before_the_request_is_put_right() -> None:
    talk = Conversation().open()
    request = talk.says(True, request_head())
    response = talk.says(False, answer_head())
    talk.segments = talk.with_moved(request, response)
    found = talked(talk)
    assert_talked(found)
    assert found.connection.accept_key_ok is True


def test_100_continue_is_not_the_answer() -> None:
    talk = Conversation().open()
    talk.says(True, request_head())
    talk.says(False, b"HTTP/1.1 100 Continue\r\n\r\n" + answer_head())
    found = talked(talk)
    assert_talked(found)
    assert found.connection.response is not None
    assert found.connection.response.status == 101


@pytest.mark.parametrize("status", ["403 Forbidden", "401 Unauthorized", "200 OK", "302 Found"])
def test_refused_upgrade_is_a_connection_of_its_own(status: str) -> None:
    talk = Conversation().open()
    talk.says(True, request_head("/no"))
    talk.says(False, answer(b"\x81\x03abc", status=status))
    found = talked(talk.upgrade("/yes"))
    assert_talked(found)
    refused, granted = sorted(found.connections, key=lambda one: one.connection)
    assert refused.path == "/no"
    assert refused.ended == "refused"
    assert refused.response is not None
    assert refused.response.status == int(status[:3])
    assert refused.from_client.bytes == refused.from_server.bytes == 0
    assert granted.path == "/yes"
    assert granted.ended == "fin"
    assert all(message.connection is granted for message in found.messages)


@pytest.mark.parametrize("accept", ["AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "", KEY_FIELD])
def test_wrong_accept_key_is_said_and_not_enforced(accept: str) -> None:
    found = talked(Conversation().open().upgrade(accept=accept))
    assert_talked(found)
    assert found.connection.accept_key_ok is False


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ("permessage-deflate", DeflateParams()),
        (
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
            DeflateParams(server_no_context_takeover=True, client_max_window_bits=10),
        ),
        (
            'x-other, permessage-deflate; server_max_window_bits="9"',
            DeflateParams(server_max_window_bits=9),
        ),
        ("x-other; permessage-deflate", None),
    ],
)
def test_extensions_decide_deflate(extensions: str, expected: DeflateParams | None) -> None:
    found = talked(Conversation().open().upgrade(extensions=extensions))
    assert_talked(found)
    assert found.connection.extensions == extensions
    assert found.connection.deflate == expected


@pytest.mark.parametrize(
    "extensions",
    ["permessage-deflate server_no", 'permessage-deflate; server_max_window_bits="9'],
)
def test_invalid_extensions_are_said_and_nothing_is_inflated_on_a_guess(extensions: str) -> None:
    talk = Conversation().open().upgrade(extensions=extensions)
    talk.says(True, text(True, "plain"))
    talk.says(True, one_frame(True, TEXT, Deflater().compress(b"compressed"), rsv1=True))
    found = read(capture_of(talk.segments))
    assert found.rows()[0] == (True, "ok", b"plain")
    assert b"compressed" not in found.contents()
    assert found.connection.deflate is None
    assert any("invalid" in problem for problem in found.connection.problems)


@pytest.mark.parametrize(
    ("extensions", "says"),
    [
        ("permessage-deflate;", "empty parameter"),
        ("permessage-deflate; client_max_window_bits", "client_max_window_bits needs a value"),
        ("permessage-deflate; server_max_window_bits=77", "has to be 8 to 15"),
        ("=, permessage-deflate", "is no extension name"),
    ],
)
def test_odd_extensions_are_said_and_messages_inflated_all_the_same(
    extensions: str, says: str
) -> None:
    talk = Conversation().open().upgrade(extensions=extensions)
    talk.says(True, one_frame(True, TEXT, Deflater().compress(b"compressed"), rsv1=True))
    found = read(capture_of(talk.segments))
    assert found.rows() == [(True, "ok", b"compressed")]
    assert found.connection.deflate == DeflateParams()
    [problem] = found.connection.problems
    assert "odd permessage-deflate answer" in problem
    assert says in problem


def test_messages_of_an_unknown_extension_are_kept_as_they_were_sent() -> None:
    talk = Conversation().open().upgrade(extensions="permessage-deflate, x-packed; level=1")
    payload = Deflater().compress(b"compressed")
    talk.says(True, frame(TEXT, b"\xff\xfe", rsv2=True, key=KEY))
    talk.says(True, one_frame(True, TEXT, payload, rsv1=True))
    talk.says(False, text(False, "plain"))
    found = read(capture_of(talk.segments))
    assert found.rows() == [
        (True, "undecodable", b"\xff\xfe"),
        (True, "ok", b"compressed"),
        (False, "ok", b"plain"),
    ]
    assert found.connection.problems == (
        "client: messages with RSV2 are of the extension x-packed, which is not decoded",
    )


def test_context_kept_against_the_agreement_is_counted() -> None:
    extensions = "permessage-deflate; client_no_context_takeover"
    talk = Conversation().open().upgrade(extensions=extensions)
    deflater = Deflater()
    for _ in range(3):
        talk.says(True, one_frame(True, TEXT, deflater.compress(b"once more"), rsv1=True))
    found = read(capture_of(talk.segments))
    assert found.rows() == [(True, "ok", b"once more")] * 3
    assert found.connection.from_client.tolerated == {"no_context_takeover": 2}
