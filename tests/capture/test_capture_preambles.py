"""What proxies and their clients send before the request: PROXY headers, SOCKS, CONNECT."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from capture_conversation import (
    CLIENT,
    SERVER,
    Conversation,
    answer_head,
    capture_of,
    request_head,
    text,
)
from capture_samples import answer, assert_talked, talked
from capture_seen import Seen, read

Exchange = list[tuple[bool, bytes]]
"""Who says what, in turn."""

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
ORIGINAL = (("198.51.100.7", 40_001), ("203.0.113.9", 443))
ORIGINAL6 = (("2001:db8:7::1", 40_001), ("2001:db8:9::1", 443))


def proxy_v2(command: int, family: int, block: bytes) -> bytes:
    """HAProxy's PROXY protocol specification, section 2.2."""
    return SIGNATURE + bytes([0x20 | command, family]) + len(block).to_bytes(2, "big") + block


def address_block(ends: tuple[tuple[str, int], tuple[str, int]]) -> bytes:
    ips = b"".join(ip_address(ip).packed for ip, _ in ends)
    return ips + b"".join(port.to_bytes(2, "big") for _, port in ends)


TLVS = b"\x04\x00\x03abc" + b"\x02\x00\x0bexample.com"

PROXY: dict[str, tuple[bytes, tuple[tuple[str, int], tuple[str, int]] | None]] = {
    "v1, IPv4": (b"PROXY TCP4 198.51.100.7 203.0.113.9 40001 443\r\n", ORIGINAL),
    "v1, IPv6": (b"PROXY TCP6 2001:db8:7::1 2001:db8:9::1 40001 443\r\n", ORIGINAL6),
    "v1, unknown": (b"PROXY UNKNOWN\r\n", None),
    "v1, unknown with addresses": (
        b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
        None,
    ),
    "v2, IPv4": (proxy_v2(1, 0x11, address_block(ORIGINAL)), ORIGINAL),
    "v2, IPv6 with extensions": (proxy_v2(1, 0x21, address_block(ORIGINAL6) + TLVS), ORIGINAL6),
    "v2, local": (proxy_v2(0, 0x00, b""), None),
    "v2, UNIX": (proxy_v2(1, 0x31, b"/a".ljust(108, b"\0") + b"/b".ljust(108, b"\0")), None),
    "v2, long": (proxy_v2(1, 0x11, address_block(ORIGINAL) + bytes(60_000)), ORIGINAL),
    "two proxies": (
        proxy_v2(1, 0x11, address_block((("10.0.0.1", 1), ("10.0.0.2", 2))))
        + b"PROXY TCP4 198.51.100.7 203.0.113.9 40001 443\r\n",
        ORIGINAL,
    ),
}

SOCKS4_ANSWER = b"\x00\x5a\x00\x50\xcb\x00\x71\x09"
SOCKS5_REQUEST = b"\x05\x01\x00\x03\x0bexample.com\x00\x50"
SOCKS5_ANSWER = b"\x05\x00\x00\x01\xcb\x00\x71\x09\x00\x50"
CONNECT = b"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n"
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"

EXCHANGES: dict[str, Exchange] = {
    "SOCKS4": [(True, b"\x04\x01\x00\x50\xcb\x00\x71\x09user\0"), (False, SOCKS4_ANSWER)],
    "SOCKS4a": [
        (True, b"\x04\x01\x00\x50\x00\x00\x00\x01\0example.com\0"),
        (False, SOCKS4_ANSWER),
    ],
    "SOCKS5": [
        (True, b"\x05\x01\x00"),
        (False, b"\x05\x00"),
        (True, SOCKS5_REQUEST),
        (False, SOCKS5_ANSWER),
    ],
    "SOCKS5, IPv6 with a name in the answer": [
        (True, b"\x05\x02\x00\x02"),
        (False, b"\x05\x00"),
        (True, b"\x05\x01\x00\x04" + ip_address("2001:db8::9").packed + b"\x00\x50"),
        (False, b"\x05\x00\x00\x03\x05proxy\x04\x38"),
    ],
    "SOCKS5, user and password": [
        (True, b"\x05\x03\x00\x01\x02"),
        (False, b"\x05\x02"),
        (True, b"\x01\x04user\x08password"),
        (False, b"\x01\x00"),
        (True, SOCKS5_REQUEST),
        (False, SOCKS5_ANSWER),
    ],
    "CONNECT": [(True, CONNECT), (False, CONNECTED)],
    "CONNECT, HTTP/1.0": [
        (True, b"CONNECT example.com:80 HTTP/1.0\r\n\r\n"),
        (False, b"HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n"),
    ],
    "CONNECT, a length that does not count": [
        (True, CONNECT),
        (False, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
    ],
    "CONNECT, 407 first": [
        (True, CONNECT),
        (False, answer(b"who are you?", status="407 Proxy Authentication Required")),
        (True, CONNECT.replace(b"\r\n\r\n", b"\r\nProxy-Authorization: Basic eA==\r\n\r\n")),
        (False, CONNECTED),
    ],
    "CONNECT through CONNECT": [
        (True, CONNECT),
        (False, CONNECTED),
        (True, CONNECT),
        (False, CONNECTED),
    ],
    "PROXY, then SOCKS5": [
        (True, PROXY["v1, IPv4"][0] + b"\x05\x01\x00"),
        (False, b"\x05\x00"),
        (True, SOCKS5_REQUEST),
        (False, SOCKS5_ANSWER),
    ],
}


def said(exchange: Exchange) -> Conversation:
    talk = Conversation().open()
    for from_client, data in exchange:
        talk.says(from_client, data)
    return talk


def assert_upgraded(found: Seen) -> None:
    assert_talked(found)
    connection = found.connection
    assert (connection.client_address, connection.server_address) == (CLIENT, SERVER)
    assert connection.path == "/chat"
    assert connection.accept_key_ok is True
    assert connection.midstream is False
    assert connection.problems == ()
    assert connection.from_client.lost == connection.from_server.lost == 0


@pytest.mark.parametrize("name", PROXY)
@pytest.mark.parametrize("joined", [False, True], ids=["alone", "with the request"])
def test_proxy_header_is_skipped_and_its_addresses_reported(name: str, joined: bool) -> None:
    header, original = PROXY[name]
    talk = Conversation().open()
    if joined:
        talk.says(True, header + request_head())
        talk.says(False, answer_head())
    else:
        talk.say(True, header, size=1400)
        talk.upgrade()
    found = talked(talk)
    assert_upgraded(found)
    connection = found.connection
    found_original = (connection.original_client_address, connection.original_server_address)
    assert found_original == (original or (None, None))


@pytest.mark.parametrize("name", [name for name in PROXY if "long" not in name])
def test_proxy_header_may_be_cut_at_every_byte(name: str) -> None:
    header, original = PROXY[name]
    stream = header + request_head()
    for at in range(1, len(header) + 3):
        talk = Conversation().open()
        talk.says(True, stream[:at])
        talk.says(True, stream[at:])
        talk.says(False, answer_head())
        found = talked(talk)
        assert_upgraded(found)
        assert found.connection.original_client_address == (original[0] if original else None)


@pytest.mark.parametrize("name", EXCHANGES)
def test_request_through_a_proxy_is_found(name: str) -> None:
    assert_upgraded(talked(said(EXCHANGES[name]).upgrade()))


@pytest.mark.parametrize("name", EXCHANGES)
def test_exchange_with_a_proxy_may_be_cut_at_every_byte(name: str) -> None:
    exchange = EXCHANGES[name]
    for index, (side, data) in enumerate(exchange):
        for at in range(1, len(data)):
            cut = [*exchange[:index], (side, data[:at]), (side, data[at:]), *exchange[index + 1 :]]
            assert_upgraded(talked(said(cut).upgrade()))


@pytest.mark.parametrize("name", EXCHANGES)
def test_client_that_does_not_wait_for_the_proxy_is_read(name: str) -> None:
    """All bytes of each side come in one segment."""
    exchange = EXCHANGES[name]
    talk = Conversation().open()
    client = b"".join(data for side, data in exchange if side)
    talk.says(True, client + request_head())
    talk.says(False, b"".join(data for side, data in exchange if not side) + answer_head())
    assert_upgraded(talked(talk))


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("side", [True, False], ids=["client", "server"])
def test_one_side_alone_is_read_through_a_proxy(name: str, side: bool) -> None:
    talk = said(EXCHANGES[name]).upgrade()
    for number in range(3):
        talk.says(True, text(True, f"message {number}"))
        talk.says(False, text(False, f"message {number}"))
    talk.end()
    found = read(capture_of(one for one in talk.segments if one.from_client == side))
    assert found.side(side) == [("ok", f"message {number}".encode()) for number in range(3)]


@pytest.mark.parametrize("name", EXCHANGES)
def test_request_through_a_proxy_is_found_without_the_tcp_handshake(name: str) -> None:
    talk = said(EXCHANGES[name]).upgrade()
    talk.segments = talk.segments[3:]
    found = talked(talk)
    assert_talked(found)
    assert found.connection.client_address == CLIENT
    assert found.connection.accept_key_ok is True


@pytest.mark.parametrize(
    "exchange",
    [
        [(True, b"PROXY TCP4 198.51.100.7 no 40001 443\r\n")],
        [(True, b"PROXY TCP4" + b" " * 200 + b"\r\n")],
        [(True, proxy_v2(2, 0x11, address_block(ORIGINAL)))],
        [(True, b"\x05\x01\x01"), (False, b"\x05\x01")],
        [(True, b"\x05\x01\x00"), (False, b"\x05\xff")],
        [(True, b"\x04\x01\x00\x50\xcb\x00\x71\x09\0"), (False, b"\x00\x5b\0\0\0\0\0\0")],
        [(True, CONNECT), (False, answer(b"no", status="502 Bad Gateway"))],
    ],
)
def test_what_a_proxy_refused_is_no_websocket(exchange: Exchange) -> None:
    """Nothing is invented from what follows."""
    talk = said(exchange)
    for number in range(4):
        talk.says(True, text(True, f"message {number}"))
        talk.says(False, text(False, f"message {number}"))
    found = read(capture_of(talk.end().segments))
    assert found.connections == []
    assert found.messages == []


def test_refused_connect_does_not_hide_a_later_websocket() -> None:
    talk = said([(True, CONNECT), (False, answer(b"no", status="502 Bad Gateway"))])
    assert_upgraded(talked(talk.upgrade()))
