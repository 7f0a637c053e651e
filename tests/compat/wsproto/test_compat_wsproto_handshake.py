"""Defects of wsproto's handshake that the replacement does not have.

Each test first shows the defect in wsproto itself, and names the section of the RFC.
"""

from __future__ import annotations

from typing import Any

import pytest
import wsproto
import wsproto.extensions
from wsproto.connection import CLIENT, SERVER
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension
from wsproto.utilities import RemoteProtocolError, generate_accept_token

import wsdefrag.compat.wsproto as drop_in
from wsdefrag.compat.wsproto.extensions import PerMessageDeflate
from wsdefrag.compat.wsproto.utilities import split_comma_header

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
FIELDS = {
    "Host": "example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request(*more: str, line: str = "GET / HTTP/1.1", **changed: str | None) -> bytes:
    """A request with some fields changed (``_`` for ``-``), left out (None) or added."""
    fields = FIELDS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([line, *lines, *more, "", ""]).encode("latin-1")


def served(made: Any, *chunks: bytes) -> Any:
    """A server that has received these bytes, and the events that they gave."""
    server = made.WSConnection(SERVER)
    for chunk in chunks:
        server.receive_data(chunk)
    return server, list(server.events())


def refused(made: Any, *chunks: bytes) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as raised:
        served(made, *chunks)
    return raised.value


def asked(made: Any, *, before: bytes = b"", **response: Any) -> Any:
    """A client that has received a 101 with these fields."""
    client = made.WSConnection(CLIENT)
    extensions: list[Extension] = response.pop("offers", [])
    subprotocols: list[str] = response.pop("subprotocols", [])
    wire = client.send(
        Request(host="h", target="/", extensions=extensions, subprotocols=subprotocols)
    )
    key = next(line for line in wire.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
    accept = generate_accept_token(key.split(b": ")[1]).decode()
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
    fields |= {name.replace("_", "-"): value for name, value in response.items()}
    lines = [f"{name}: {value}" for name, value in fields.items()]
    client.receive_data(before + "\r\n".join(["HTTP/1.1 101 x", *lines, "", ""]).encode("latin-1"))
    return client, list(client.events())


def ours() -> list[Extension]:
    return [PerMessageDeflate()]


def theirs() -> list[Extension]:
    return [wsproto.extensions.PerMessageDeflate()]


def test_quoted_window_of_an_answer_is_read() -> None:
    """RFC 6455 section 9.1."""
    answer = 'permessage-deflate; server_max_window_bits="15"'
    with pytest.raises(ValueError, match="invalid literal"):
        asked(wsproto, offers=theirs(), Sec_WebSocket_Extensions=answer)
    _, (accepted,) = asked(drop_in, offers=ours(), Sec_WebSocket_Extensions=answer)
    assert accepted.extensions[0].server_max_window_bits == 15


def test_quoted_window_of_an_offer_is_read() -> None:
    """RFC 6455 section 9.1."""
    offer = 'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="10"'
    server, _ = served(wsproto, request(offer))
    with pytest.raises(ValueError, match="invalid literal"):
        server.send(AcceptConnection(extensions=theirs()))
    server, _ = served(drop_in, request(offer))
    head = server.send(AcceptConnection(extensions=ours()))
    assert b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n" in head


def test_quoted_string_offers_nothing() -> None:
    """RFC 6455 section 9.1, RFC 9110 section 5.6.4."""
    offer = 'Sec-WebSocket-Extensions: x; y=",permessage-deflate; client_max_window_bits,"'
    server, _ = served(wsproto, request(offer))
    assert b"permessage-deflate" in server.send(AcceptConnection(extensions=theirs()))
    server, (asking,) = served(drop_in, request(offer))
    assert asking.extensions == ['x; y=",permessage-deflate; client_max_window_bits,"']
    assert b"permessage-deflate" not in server.send(AcceptConnection(extensions=ours()))


@pytest.mark.parametrize("cut", range(18))
def test_bytes_after_the_request_are_kept(cut: int) -> None:
    """RFC 6455 section 4.2.2: they belong to the WebSocket."""
    frames = bytes.fromhex("81820000 0000796f 8980 00000000 8281 00000000 78".replace(" ", ""))
    early, late = frames[:cut], frames[cut:]
    for made in (wsproto, drop_in):
        server, _ = served(made, request() + early)
        server.send(AcceptConnection())
        seen = list(server.events())
        if late:
            server.receive_data(late)
            seen += list(server.events())
        text = "".join(event.data for event in seen if isinstance(event, TextMessage))
        others = [event for event in seen if not isinstance(event, TextMessage)]
        is_whole = (text, others) == ("yo", [Ping(b""), BytesMessage(b"x")])
        assert is_whole == (made is drop_in or cut == 0)


def test_bytes_between_the_request_and_the_answer_are_kept() -> None:
    """RFC 6455 section 4.2.2."""
    server, _ = served(drop_in, request(), b"\x81\x82\0\0")
    server.send(AcceptConnection())
    server.receive_data(b"\0\0yo")
    assert list(server.events()) == [TextMessage("yo")]


def test_connection_may_be_repeated() -> None:
    """RFC 9110 section 5.3."""
    wire = request("Connection: keep-alive")
    assert "Connection" in str(refused(wsproto, wire))
    _, (asking,) = served(drop_in, wire)
    assert isinstance(asking, Request)


def test_upgrade_may_name_several_protocols() -> None:
    """RFC 9110 section 7.8."""
    wire = request(Upgrade="websocket, h2c")
    assert "Upgrade" in str(refused(wsproto, wire))
    _, (asking,) = served(drop_in, wire)
    assert isinstance(asking, Request)


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (request(Sec_WebSocket_Key="AAAA"), 400),
        (request(Sec_WebSocket_Key="not base64 at all"), 400),
        (request(line="GET / HTTP/1.0"), 505),
        (request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), 400),
        (request("Content-Length: 5"), 400),
        (request("Transfer-Encoding: chunked"), 400),
        (request("Sec-WebSocket-Extensions: x; y="), 400),
        (request("Sec-WebSocket-Protocol: a, a"), 400),
        (request().replace(b"\r\n", b"\n"), 400),
    ],
    ids=[
        "short key",
        "no base64",
        "1.0",
        "two keys",
        "content",
        "coding",
        "grammar",
        "twice",
        "LF",
    ],
)
def test_request_that_wsproto_accepts_is_refused(wire: bytes, status: int) -> None:
    """RFC 6455 sections 4.2.1, 9.1 and 4.1, RFC 9112 sections 2.2 and 6."""
    _, (asking,) = served(wsproto, wire)
    assert isinstance(asking, Request)
    hint = refused(drop_in, wire).event_hint
    assert isinstance(hint, RejectConnection)
    assert hint.status_code == status


@pytest.mark.parametrize(
    "wire",
    [request(Host="xn--\x80"), request(Host="xn--a"), request("Sec-WebSocket-Protocol: caf\xe9")],
)
def test_bytes_that_are_no_text_are_refused(wire: bytes) -> None:
    """RFC 9112 section 3.2, RFC 6455 section 4.1."""
    with pytest.raises(UnicodeError):
        served(wsproto, wire)
    assert isinstance(refused(drop_in, wire).event_hint, RejectConnection)


def test_bytes_that_are_no_text_are_ignored_in_a_list() -> None:
    """RFC 9110 section 5.5."""
    wire = request(Connection="Upgrade, caf\xe9")
    with pytest.raises(UnicodeError):
        served(wsproto, wire)
    _, (asking,) = served(drop_in, wire)
    assert isinstance(asking, Request)


@pytest.mark.parametrize(
    "parameters",
    ["; mode=1", "; server_no_context_takeover=1", "; server_no_context_takeover" * 2, ";"],
)
def test_answer_with_wrong_parameters_is_refused(parameters: str) -> None:
    """RFC 7692 section 7.1."""
    answer = f"permessage-deflate{parameters}"
    _, (accepted,) = asked(wsproto, offers=theirs(), Sec_WebSocket_Extensions=answer)
    assert isinstance(accepted, AcceptConnection)
    with pytest.raises(RemoteProtocolError):
        asked(drop_in, offers=ours(), Sec_WebSocket_Extensions=answer)
    with pytest.raises(RemoteProtocolError):
        PerMessageDeflate().finalize(answer)


@pytest.mark.parametrize(
    "parameters", ["; mode=1", "; client_no_context_takeover=1", "; server_max_window_bits"]
)
def test_offer_with_wrong_parameters_is_declined(parameters: str) -> None:
    """RFC 7692 section 7.1: the next offer is accepted."""
    offer = f"permessage-deflate{parameters}, permessage-deflate; server_max_window_bits=9"
    wire = request(f"Sec-WebSocket-Extensions: {offer}")
    server, _ = served(drop_in, wire)
    head = server.send(AcceptConnection(extensions=ours()))
    assert b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n" in head
    assert wsproto.extensions.PerMessageDeflate().accept(offer.partition(",")[0]) is not None
    assert PerMessageDeflate().accept(offer.partition(",")[0]) is None


def test_first_of_several_offers_is_accepted() -> None:
    """RFC 7692 section 5.1."""
    offers = "permessage-deflate; server_max_window_bits=10, permessage-deflate"
    wire = request(f"Sec-WebSocket-Extensions: {offers}")
    for made, extensions, bits in (
        (wsproto, theirs(), b"\r\n"),
        (drop_in, ours(), b"; server_max"),
    ):
        server, _ = served(made, wire)
        head = server.send(AcceptConnection(extensions=extensions))
        assert b"Sec-WebSocket-Extensions: permessage-deflate" + bits in head


def test_deflate_twice_in_an_answer_is_refused() -> None:
    """RFC 7692 section 7: the second would not be what was offered."""
    answer = "permessage-deflate, permessage-deflate"
    _, (accepted,) = asked(wsproto, offers=theirs(), Sec_WebSocket_Extensions=answer)
    assert len(accepted.extensions) == 2
    with pytest.raises(RemoteProtocolError):
        asked(drop_in, offers=ours(), Sec_WebSocket_Extensions=answer)


@pytest.mark.parametrize("status", [100, 102, 103])
def test_client_goes_on_after_an_informational_response(status: int) -> None:
    """RFC 9110 section 15.2, RFC 8297 section 2."""
    before = b"HTTP/1.1 %d x\r\nLink: </x>\r\n\r\n" % status
    _, (first, *_) = asked(wsproto, before=before)
    assert isinstance(first, RejectConnection)
    _, events = asked(drop_in, before=before)
    assert events == [AcceptConnection()]


def test_refusal_has_its_body() -> None:
    client = drop_in.WSConnection(CLIENT)
    client.send(Request(host="h", target="/"))
    wire = b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 403 No\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
    for byte in wire + b"2\r\nno\r\n0\r\n\r\n":
        client.receive_data(bytes([byte]))
    reject, *data = client.events()
    assert isinstance(reject, RejectConnection)
    assert (reject.status_code, reject.has_body) == (403, True)
    assert b"".join(part.data for part in data if isinstance(part, RejectData)) == b"no"


def test_repeated_extensions_of_an_answer_are_one_list() -> None:
    """RFC 6455 section 11.3.2."""
    with pytest.raises(RemoteProtocolError, match="unrecognized extension x"):
        asked(
            drop_in,
            offers=ours(),
            Sec_WebSocket_Extensions="x\r\nSec-WebSocket-Extensions: permessage-deflate",
        )


def test_end_inside_the_head_is_an_error_as_in_wsproto() -> None:
    for made in (wsproto, drop_in):
        assert str(refused(made, b"GET / HT", None)) == "Bad HTTP message"  # type: ignore[arg-type]
        assert served(made, None)[1] == []  # type: ignore[arg-type]


def test_list_keeps_quoted_strings() -> None:
    """RFC 9110 section 5.6.4."""
    value = b'x; y="a, b", z'
    assert wsproto.utilities.split_comma_header(value) == ['x; y="a', 'b"', "z"]
    assert split_comma_header(value) == ['x; y="a, b"', "z"]
