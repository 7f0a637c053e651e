"""How large a head may be, what is tolerated on request, and how requests are refused."""

from __future__ import annotations

from typing import Any

import h11
import pytest

from wsdefrag.handshake import ClientHandshake, HandshakeFailed, HandshakeTap, ServerHandshake

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
FIELDS = (
    b"Host: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
REQUEST = b"GET / HTTP/1.1\r\n" + FIELDS + b"\r\n"
MIB = 1 << 20


def padded(size: int) -> bytes:
    """A valid request of this size."""
    padding = size - len(REQUEST) - len(b"X: \r\n")
    return REQUEST[:-2] + b"X: " + b"x" * padding + b"\r\n\r\n"


def failure(handshake: Any, *chunks: bytes) -> HandshakeFailed:
    try:
        for chunk in chunks:
            handshake.receive_data(chunk)
    except HandshakeFailed as error:
        return error
    raise AssertionError("no error")


@pytest.mark.parametrize("limit", [300, 65536, MIB])
def test_head_of_exactly_the_limit_passes_and_one_byte_more_does_not(limit: int) -> None:
    server = ServerHandshake(max_head_size=limit)
    request = server.receive_data(padded(limit) + b"\x81\x00")
    assert request is not None
    assert len(request.head) == limit
    assert server.take_leftover() == b"\x81\x00"
    wire = padded(limit + 1)
    for chunks in ([wire], [wire[at : at + 4099] for at in range(0, len(wire), 4099)]):
        server = ServerHandshake(max_head_size=limit)
        error = failure(server, *chunks)
        assert (error.kind, error.offset, error.status) == ("head_too_large", limit, 431)
        assert server.bytes_buffered <= limit


@pytest.mark.parametrize(
    ("wire", "kind", "status"),
    [
        (b"GET /" + b"x" * MIB, "target_too_long", 414),
        (b"\r\n" * MIB, "target_too_long", 414),
        (b"x" * MIB, "target_too_long", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * MIB, "head_too_large", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * MIB, "head_too_large", 431),
    ],
)
def test_endless_head_is_refused_and_not_kept(wire: bytes, kind: str, status: int) -> None:
    for size in (len(wire), 1000):
        server = ServerHandshake()
        error = failure(server, *[wire[at : at + size] for at in range(0, len(wire), size)])
        assert (error.kind, error.status) == (kind, status)
        assert server.bytes_buffered <= 65536
        tap = HandshakeTap()
        with pytest.raises(HandshakeFailed):
            tap.receive_from_client(wire)


def test_endless_response_is_refused() -> None:
    client = ClientHandshake("example.com", max_head_size=1000)
    error = failure(client, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2000)
    assert (error.kind, error.status) == ("head_too_large", 502)
    client = ClientHandshake("example.com")
    error = failure(client, b"HTTP/1.1 103 x\r\n\r\n" * MIB)
    assert error.kind == "too_many_responses"
    assert len(client.informational) == 16


def test_lenient_server_counts_what_it_reads() -> None:
    server = ServerHandshake(strict=False)
    request = server.receive_data(
        b"GET /a#b HTTP/1.0\n"
        + FIELDS.replace(b"\r\n", b"\n")
        + b"host: x\nContent-Length: 5\nX : y\n\nhello"
    )
    assert request is not None
    assert (request.target, request.host) == ("/a#b", "example.com")
    assert server.tolerated == {
        "bare_line_feed": 10,
        "content": 1,
        "host": 1,
        "http_version": 1,
        "request_target": 1,
        "space_before_colon": 1,
    }
    assert server.take_leftover() == b"hello"
    assert server.accept().startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("left_out", [b"Upgrade", b"Sec-WebSocket-Key"])
def test_lenient_server_needs_what_the_answer_is_made_of(left_out: bytes) -> None:
    fields = [line for line in FIELDS.split(b"\r\n") if not line.startswith(left_out)]
    failure(ServerHandshake(strict=False), b"GET / HTTP/1.1\r\n" + b"\r\n".join(fields) + b"\r\n")


def test_lenient_client_counts_what_it_reads() -> None:
    client = ClientHandshake("example.com", key=KEY, strict=False)
    client.receive_data(
        b"HTTP/1.1 101 x\nUpgrade: websocket\nConnection: x\nSec-WebSocket-Protocol: a\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n"
    )
    assert client.is_accepted
    assert client.tolerated == {"bare_line_feed": 6, "connection": 1, "subprotocol": 1}


REFUSALS: list[tuple[bytes, int, dict[bytes, bytes]]] = [
    (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405, {b"allow": b"GET"}),
    (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        426,
        {
            b"upgrade": b"websocket",
            b"connection": b"close, Upgrade",
            b"sec-websocket-version": b"13",
        },
    ),
    (REQUEST.replace(b"13", b"8"), 426, {b"sec-websocket-version": b"13"}),
    (b"GET / HTTP/2.0\r\n", 505, {b"connection": b"close"}),
    (b"\x16\x03\x01", 400, {b"content-type": b"text/plain; charset=utf-8"}),
]


@pytest.mark.parametrize(("wire", "status", "fields"), REFUSALS)
def test_refusal_says_why(wire: bytes, status: int, fields: dict[bytes, bytes]) -> None:
    server = ServerHandshake()
    error = failure(server, wire)
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(server.reject())
    response = client.next_event()
    assert isinstance(response, h11.Response)
    assert response.status_code == status
    headers = dict(response.headers)
    assert fields.items() <= headers.items()
    body = client.next_event()
    assert isinstance(body, h11.Data)
    assert body.data.decode() == f"{error}\n"
    assert isinstance(client.next_event(), h11.EndOfMessage)
    assert client.their_state is h11.MUST_CLOSE


def test_refusal_is_what_the_caller_wants() -> None:
    server = ServerHandshake()
    wire = server.reject(
        401, reason="Who are you?", fields=[("WWW-Authenticate", "Basic"), ("X", b"\xe9")], body=b""
    )
    assert wire == (
        b"HTTP/1.1 401 Who are you?\r\nConnection: close\r\nContent-Length: 0\r\n"
        b"WWW-Authenticate: Basic\r\nX: \xe9\r\n\r\n"
    )
    assert b"Content-Length" not in ServerHandshake().reject(304)
    assert ServerHandshake().reject(418).startswith(b"HTTP/1.1 418 Client Error\r\n")


@pytest.mark.parametrize(
    "arguments",
    [
        {"status": 101},
        {"status": 600},
        {"status": 204, "body": b"x"},
        {"reason": "a\r\nb"},
        {"fields": [("a b", "c")]},
        {"fields": [("a", "b\0")]},
        {"fields": [("Content-Length", "5")]},
        {"fields": [("a", "\u20ac")]},
    ],
)
def test_refusal_that_cannot_be_written_is_an_error(arguments: dict[str, Any]) -> None:
    server = ServerHandshake()
    with pytest.raises(ValueError, match=r"."):
        server.reject(**arguments)
    server.reject()


@pytest.mark.parametrize(
    "arguments",
    [
        {"host": ""},
        {"host": "a b"},
        {"target": "x"},
        {"target": "/a b"},
        {"target": "/\u20ac"},
        {"key": "AAAA"},
        {"origin": "a\nb"},
        {"subprotocols": ["a b"]},
        {"fields": [("Host", "x")]},
        {"fields": [("Origin", "x")], "origin": "y"},
        {"max_head_size": -1},
    ],
)
def test_request_that_cannot_be_written_is_an_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        ClientHandshake(**({"host": "example.com"} | arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        {"host": b"x"},
        {"target": None},
        {"subprotocols": "chat"},
        {"subprotocols": [1]},
        {"deflate": "permessage-deflate"},
        {"fields": [(b"a", "b")]},
        {"strict": 1},
        {"max_head_size": True},
    ],
)
def test_argument_of_a_wrong_type_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        ClientHandshake(**({"host": "example.com"} | arguments))


def test_each_client_has_a_key_of_its_own() -> None:
    wires = {ClientHandshake("example.com").data_to_send() for _ in range(10)}
    assert len(wires) == 10


def test_request_has_what_was_asked_for() -> None:
    client = ClientHandshake(
        "example.com:8080",
        "/chat?x=1",
        fields=[("Cookie", "a=b"), ("User-Agent", b"\xe9")],
        subprotocols=["v2", "v1"],
        origin="https://example.com",
        key=KEY,
    )
    assert client.data_to_send() == (
        b"GET /chat?x=1 HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\nOrigin: https://example.com\r\n"
        b"Sec-WebSocket-Protocol: v2, v1\r\nCookie: a=b\r\nUser-Agent: \xe9\r\n\r\n"
    )


def test_reprs_show_the_state() -> None:
    server, client, tap = ServerHandshake(), ClientHandshake("h", key=KEY), HandshakeTap()
    assert repr(server) == "<ServerHandshake bytes_buffered=0>"
    server.receive_data(REQUEST)
    tap.receive_from_client(REQUEST)
    assert repr(server) == "<ServerHandshake <HandshakeRequest 'GET' '/' HTTP/1.1 fields=5>>"
    client.receive_data(server.reject(403))
    assert "<HandshakeResponse 403 'Forbidden' HTTP/1.1 fields=2>" in repr(client)
    assert "HandshakeRequest" in repr(tap)
    assert server.request is not None
    assert repr(server.request.fields).startswith("<Fields 5: Host, Upgrade")
