"""`vectors/heads.jsonl`, read by both endpoints and by a bystander.

Each head is read whole, byte by byte and cut in two at every place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vectors import Line, lines, read_bytes
from wsdefrag import DeflateParams
from wsdefrag.handshake import ClientHandshake, HandshakeFailed, HandshakeTap, ServerHandshake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEADS = lines("heads")
REQUESTS = [line for line in HEADS if line["from"] == "client"]
RESPONSES = [line for line in HEADS if line["from"] == "server"]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def named(line: Line) -> str:
    return str(line["name"])


def splits(wire: bytes) -> Iterator[list[bytes]]:
    """The bytes whole, one by one, and cut in two at every place."""
    yield [wire]
    yield [wire[at : at + 1] for at in range(len(wire))]
    for cut in range(1, len(wire)):
        yield [wire[:cut], wire[cut:]]


def feed(receive: Callable[[bytes], object], chunks: list[bytes]) -> HandshakeFailed:
    """The error that these bytes end in."""
    try:
        for chunk in chunks:
            receive(chunk)
    except HandshakeFailed as error:
        return error
    raise AssertionError("no error")


def expected_error(line: Line) -> tuple[object, ...]:
    error = line["error"]
    return error["kind"], error["offset"], error["status"]


def seen_error(error: HandshakeFailed) -> tuple[object, ...]:
    return error.kind, error.offset, error.status


def asking(line: Line) -> ClientHandshake:
    """The client that a response of the vectors answers."""
    asked = line.get("asked", {"subprotocols": [], "extensions": ""})
    extensions = asked["extensions"]
    fields = [("Sec-WebSocket-Extensions", extensions)] if extensions else []
    return ClientHandshake(
        "example.com", "/chat", key=KEY, subprotocols=asked["subprotocols"], fields=fields
    )


def params(line: Line) -> DeflateParams | None:
    return DeflateParams(**line["deflate"]) if "deflate" in line else None


def test_table_is_large_and_has_all_sorts() -> None:
    assert len(HEADS) >= 60
    kinds = {line["error"]["kind"] for line in HEADS if "error" in line}
    # The others depend on sizes, on the end of the bytes, or on memory.
    assert len(kinds) == 23
    assert sum("error" not in line for line in HEADS) > 40


@pytest.mark.parametrize("line", REQUESTS, ids=named)
def test_server_reads_or_refuses_a_request(line: Line) -> None:
    head, after = read_bytes(line["bytes"]), read_bytes(line.get("after", ""))
    for chunks in splits(head + after):
        server = ServerHandshake()
        if "error" in line:
            error = feed(server.receive_data, chunks)
            assert seen_error(error) == expected_error(line)
            assert str(error).endswith(f"({error.rfc_section})")
            assert server.reject().startswith(b"HTTP/1.1 %d " % error.status)
            continue
        for chunk in chunks:
            server.receive_data(chunk)
        request = server.request
        assert request is not None
        assert request.head == head[line.get("skipped", 0) :]
        assert (request.method, request.target) == ("GET", line["target"])
        assert request.subprotocols == line.get("subprotocols", [])
        assert server.take_leftover() == after
        if "chosen" in line:
            chosen = DeflateParams.choose(request.extensions)
            assert (chosen and chosen[1]) == line["chosen"]
        server.accept()


@pytest.mark.parametrize("line", RESPONSES, ids=named)
def test_client_reads_or_refuses_a_response(line: Line) -> None:
    head, after = read_bytes(line["bytes"]), read_bytes(line.get("after", ""))
    for chunks in splits(head + after):
        client = asking(line)
        if "error" in line:
            assert seen_error(feed(client.receive_data, chunks)) == expected_error(line)
            continue
        for chunk in chunks:
            client.receive_data(chunk)
        response = client.response
        assert response is not None
        assert head.endswith(response.head)
        assert response.status == line["status"]
        assert client.is_accepted == (line["status"] == 101)
        assert [other.status for other in client.informational] == line.get("informational", [])
        assert client.subprotocol == line.get("subprotocol")
        assert client.deflate == params(line)
        assert client.take_leftover() == after


@pytest.mark.parametrize("line", HEADS, ids=named)
def test_bystander_counts_what_an_endpoint_refuses(line: Line) -> None:
    head, after = read_bytes(line["bytes"]), read_bytes(line.get("after", ""))
    fails = "error" in line and line.get("tolerated") is None
    for chunks in splits(head + after):
        tap = HandshakeTap()
        receive = tap.receive_from_client
        if line["from"] == "server":
            tap.receive_from_client(asking(line).data_to_send())
            receive = tap.receive_from_server
        if fails:
            assert feed(receive, chunks).kind in {"not_http", "too_many_responses"}
            continue
        assert b"".join(receive(chunk) for chunk in chunks) == after
        assert tap.tolerated == line.get("tolerated", {})
        if line["from"] == "client":
            assert tap.request is not None
        else:
            assert (
                tap.is_websocket == (line.get("status", 101) == 101) or "upgrade" in tap.tolerated
            )
            assert tap.deflate == params(line)


@pytest.mark.parametrize(
    "line", [line for line in HEADS if "known_after" in line.get("error", {})], ids=named
)
def test_garbage_is_refused_at_its_first_byte(line: Line) -> None:
    wire, known_after = read_bytes(line["bytes"]), line["error"]["known_after"]
    side = ServerHandshake() if line["from"] == "client" else asking(line)
    side.receive_data(wire[: known_after - 1])
    with pytest.raises(HandshakeFailed):
        side.receive_data(wire[known_after - 1 : known_after])
