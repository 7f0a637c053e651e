"""Handshakes between our own endpoints, and what they do with bytes that are cut anywhere."""

from __future__ import annotations

import pickle

import pytest

from wsdefrag import DeflateParams
from wsdefrag.deflate import DeflateOffer
from wsdefrag.handshake import (
    ClientHandshake,
    Fields,
    HandshakeFailed,
    HandshakeTap,
    ServerHandshake,
    accept_key,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
FRAME = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"


def test_request_of_rfc6455_is_answered_with_its_accept_key() -> None:
    server = ServerHandshake()
    request = server.receive_data(REQUEST)
    assert request is not None
    assert (request.method, request.target, request.http_version) == ("GET", "/chat", "HTTP/1.1")
    assert (request.host, request.key) == ("example.com", KEY)
    assert (request.subprotocols, request.extensions, request.head) == ([], [], REQUEST)
    assert server.accept() == ANSWER
    assert accept_key(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("cut", range(len(REQUEST + FRAME) + 1))
def test_server_keeps_all_bytes_after_the_head_wherever_they_are_cut(cut: int) -> None:
    server = ServerHandshake()
    wire = REQUEST + FRAME
    for data in (wire[:cut], wire[cut:]):
        server.receive_data(data)
    assert server.request is not None
    assert server.request.head == REQUEST
    assert server.take_leftover() == FRAME
    assert server.take_leftover() == b""


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_client_keeps_all_bytes_after_the_final_head_wherever_they_are_cut(cut: int) -> None:
    client = ClientHandshake("example.com", key=KEY)
    wire = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ANSWER + b"\x81\x02hi"
    for data in (wire[:cut], wire[cut:]):
        client.receive_data(data)
    assert client.is_accepted
    assert [response.status for response in client.informational] == [103]
    assert client.take_leftover() == b"\x81\x02hi"


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_tap_gives_the_bytes_after_both_heads_wherever_they_are_cut(cut: int) -> None:
    tap = HandshakeTap()
    for wire, receive, left in (
        (REQUEST + FRAME, tap.receive_from_client, FRAME),
        (ANSWER + b"\x81\x02hi", tap.receive_from_server, b"\x81\x02hi"),
    ):
        assert b"".join(receive(data) for data in (wire[:cut], wire[cut:])) == left
    assert tap.is_websocket is True
    assert (tap.deflate, tap.extension, tap.tolerated) == (None, None, {})


def test_refusal_is_a_response_and_its_body_is_left_over() -> None:
    server, client = ServerHandshake(), ClientHandshake("example.com")
    server.receive_data(client.data_to_send())
    response = client.receive_data(server.reject(403, body=b"no"))
    assert response is not None
    assert (response.status, response.reason) == (403, "Forbidden")
    assert response.fields.get("content-length") == "2"
    assert not client.is_accepted
    assert client.take_leftover() == b"no"
    client.receive_eof()


def test_deflate_is_agreed_on() -> None:
    client = ClientHandshake(
        "example.com", deflate=DeflateOffer(server_max_window_bits=12), subprotocols=["a", "b"]
    )
    server, tap = ServerHandshake(), HandshakeTap()
    wire = client.data_to_send()
    assert client.data_to_send() == b""
    tap.receive_from_client(wire)
    request = server.receive_data(wire)
    assert request is not None
    assert request.subprotocols == ["a", "b"]
    params = DeflateParams(server_max_window_bits=10, client_max_window_bits=9)
    answer = server.accept(subprotocol="b", deflate=params)
    client.receive_data(answer)
    tap.receive_from_server(answer)
    assert client.deflate == tap.deflate == params
    assert client.subprotocol == "b"


def test_answer_that_no_offer_allows_is_not_made() -> None:
    server = ServerHandshake()
    server.receive_data(REQUEST)
    with pytest.raises(ValueError, match="no offer of the client allows"):
        server.accept(deflate=DeflateParams())
    with pytest.raises(ValueError, match="did not offer the subprotocol"):
        server.accept(subprotocol="chat")
    with pytest.raises(ValueError, match="writes Upgrade itself"):
        server.accept(fields=[("Upgrade", "h2c")])
    with pytest.raises(ValueError, match="invalid value of X"):
        server.accept(fields=[("X", "a\r\nY: b")])
    server.accept(fields=[("X-Served-By", "a")])
    with pytest.raises(ValueError, match="has been answered"):
        server.reject()


def test_error_comes_again_and_pickles() -> None:
    server = ServerHandshake(max_head_size=100)
    for _ in range(2):
        with pytest.raises(HandshakeFailed) as raised:
            server.receive_data(REQUEST)
    error = raised.value
    assert (error.kind, error.status, error.offset) == ("head_too_large", 431, 100)
    copy = pickle.loads(pickle.dumps(error))
    assert (vars(copy), str(copy)) == (vars(error), str(error))
    assert server.error is not None
    assert server.reject().startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


def test_end_inside_a_head_is_an_error() -> None:
    for handshake in (ServerHandshake(), ClientHandshake("example.com")):
        with pytest.raises(HandshakeFailed, match="ended before the end of the head at byte 0"):
            handshake.receive_eof()


def test_fields_are_lists_over_repeated_lines_with_quoted_strings() -> None:
    fields = Fields([("Connection", 'x, "a, upgrade"'), ("CONNECTION", ", Upgrade")])
    assert fields.tokens("connection") == ["x", '"a, upgrade"', "upgrade"]
    assert fields.get("connection") == 'x, "a, upgrade", , Upgrade'
    assert fields.get_all("host") == []
    assert fields.get("host") is None
