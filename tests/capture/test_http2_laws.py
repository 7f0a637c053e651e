"""HTTP/2 with losses, in clear and over TLS, measured with an independent reader of what was sent.

Nothing is yielded that was not sent, and in order. Of what the packets allow by `http2_oracle`, at
least as much is read as `LAWS` says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

from capture_conversation import binary, packets
from capture_craft import Captured
from capture_files import pcapng
from capture_packets import is_syn
from capture_seen import Seen, read
from http2_craft import Talk
from http2_oracle import IntactHttp2, Side
from tls_craft import TlsTalk
from tls_keys import SUITES
from tls_oracle import numbers
from tls_recordings import HTTP2, key_log, packets_of_recording, sent_of
from tls_streams import parts_of
from wsdefrag.capture import CapturedMessage

Packets = Sequence[Captured]


def talk(size: int | None = None) -> Talk:
    """Three WebSockets that begin at different times, between pages; all contents differ."""
    talk = Talk(size=size).open()
    streams: list[int] = []
    chance = random.Random(f"talk {size}")
    for turn in range(60):
        if turn in (0, 10, 25):
            streams.append(talk.websocket(f"/{turn}", fields=[("x-turn", str(turn))]))
        if turn % 7 == 3:
            talk.page(f"/page/{turn}", chance.randbytes(chance.choice([100, 3000])))
        for stream in streams:
            for from_client in (True, False):
                length = chance.choice([5, 40, 200, 1500]) if turn != 30 else 20_000
                content = chance.randbytes(length)
                key = chance.randbytes(4) if from_client else None
                talk.say(stream, from_client, masked(content, key))
    talk.tcp.end()
    return talk


def masked(content: bytes, key: bytes | None) -> bytes:
    """A binary message, with another key for each of a client."""
    if key is None:
        return binary(False, content)
    head = binary(True, content)
    head = head[: len(head) - len(content) - 4]
    return head + key + bytes(byte ^ key[index % 4] for index, byte in enumerate(content))


def in_clear(size: int | None) -> IntactHttp2:
    return IntactHttp2(packets(talk(size).tcp.segments))


def over_tls(suite: int) -> IntactHttp2:
    """The same in records, a record for each time that a side has something to send."""
    sealed = TlsTalk(SUITES[suite], seed=f"http2 {suite}", client=("192.0.2.10", 51_000))
    sealed.open().handshake(together=True)
    for segment in talk().tcp.segments:
        if segment.payload:
            sealed.say(segment.from_client, segment.payload)
    sealed.end()
    return IntactHttp2(packets(sealed.conversation.segments), sealed.key_log)


SCENARIOS: dict[str, Callable[[], IntactHttp2]] = {
    "Chromium": lambda: IntactHttp2(packets_of_recording(HTTP2), key_log(HTTP2)),
    "1.3 AES-128-GCM": lambda: over_tls(0x1301),
    "1.2 AES-256-GCM": lambda: over_tls(0xC030),
    "in clear": lambda: in_clear(None),
    "in clear, cut anywhere": lambda: in_clear(1000),
}


@cache
def intact(name: str) -> IntactHttp2:
    return SCENARIOS[name]()


def _places(whole: IntactHttp2) -> list[int]:
    known = {ends: connection.tcp for ends, connection in whole.connections.items()}
    return [part.packet for part in parts_of(whole.packets, known)]


def _without(whole: IntactHttp2, lost: set[int]) -> Packets:
    return [packet for index, packet in enumerate(whole.packets) if index not in lost]


def one_segment(whole: IntactHttp2) -> Iterator[Packets]:
    places = _places(whole)
    return (_without(whole, {place}) for place in places[:: max(len(places) // 40, 1)])


def some_segments(whole: IntactHttp2) -> Iterator[Packets]:
    for rate in (0.01, 0.02, 0.05):
        for run in range(4):
            chance = random.Random(f"segments {rate} {run}")
            yield _without(whole, {one for one in _places(whole) if chance.random() < rate})


def snapped(whole: IntactHttp2) -> Iterator[Packets]:
    yield [packet.snapped(900) for packet in whole.packets]


def from_the_middle(whole: IntactHttp2) -> Iterator[Packets]:
    late = [packet for packet in whole.packets if not is_syn(packet)]
    return (late[len(late) // part :] for part in (2, 3, 5))


@dataclass(frozen=True)
class Law:
    """A kind of damage, and how much of what the packets allow is read after it."""

    damage: Callable[[IntactHttp2], Iterator[Packets]]
    least: float


LAWS = {
    "nothing missing": Law(lambda whole: iter([whole.packets]), 1.0),
    "one segment missing": Law(one_segment, 0.99),
    "1 to 5 % of the segments missing": Law(some_segments, 0.92),
    "snap length 900": Law(snapped, 0.92),
    "captured from the middle": Law(from_the_middle, 0.92),
}

NO_KEYS = ("1.2 AES-256-GCM", "captured from the middle")
"""Without the ServerHello, TLS 1.2 has no keys."""


@dataclass
class Found:
    """Messages that were allowed, those of them that were read, and others that were read."""

    allowed: int = 0
    read: int = 0
    others: int = 0


def side_of(message: CapturedMessage) -> Side:
    connection = message.connection
    assert connection.stream_id is not None
    ends = connection.client_address, connection.server_address
    return (*ends, connection.stream_id, message.from_client)


def add(found: Found, whole: IntactHttp2, kept: Packets, seen: Seen) -> None:
    contents: dict[Side, list[bytes]] = {}
    for message in seen.messages:
        if message.status == "ok":
            contents.setdefault(side_of(message), []).append(message.content)
    for side, known in whole.allowed(kept).items():
        got = numbers(whole.sent[side], contents.pop(side, []))
        assert got is not None, f"{side}: a message was not sent, or not then"
        found.allowed += len(known)
        found.read += len(got & known)
        found.others += len(got - known)
    assert contents == {}, "a stream that is no WebSocket"


def check_accounts(whole: IntactHttp2, seen: Seen) -> None:
    """The accounts of TLS count the bytes of TCP; `read` looks at those of messages."""
    for row in seen.connections:
        assert row.http_version == "2"
        tcp = whole.connections[row.client_address, row.server_address].tcp
        if row.tls is not None:
            for from_client, account in ((True, row.tls.from_client), (False, row.tls.from_server)):
                assert 0 < account.bytes <= len(tcp.data[from_client])


@pytest.mark.parametrize("damage", LAWS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_packets_allow_is_read(
    name: str, damage: str, record_property: Callable[[str, object], None]
) -> None:
    whole, found = intact(name), Found()
    for kept in LAWS[damage].damage(whole):
        keys = whole.key_log or None
        seen = read(pcapng(kept), ordered=False, keylog=keys, resync=True)
        check_accounts(whole, seen)
        add(found, whole, kept, seen)
    rate = found.read / found.allowed if found.allowed else 1.0
    line = f"{damage:33} {name:23} {rate:7.1%} of {found.allowed:6,}, and {found.others:,} others"
    record_property("table messages of HTTP/2 read of what the packets allow", line)
    if (name, damage) == NO_KEYS:
        assert found.read == found.others == 0
    else:
        assert rate >= LAWS[damage].least


def test_the_oracle_finds_what_the_applications_sent() -> None:
    contents: dict[tuple[object, ...], list[bytes]] = {}
    for (client, server, _, from_client), sent in intact("Chromium").sent.items():
        contents.setdefault((client, server, from_client), []).extend(sent)
    for direction, messages in sent_of(HTTP2).items():
        found = contents.pop(direction)
        assert len(found) == len(messages)
        assert all(any(one.matches(content) for content in found) for one in messages)
    assert contents == {}


def test_the_middle_of_a_connection_is_recognised() -> None:
    """In clear, too: the streams have their numbers, and their messages are found."""
    for name in ("in clear", "1.3 AES-128-GCM"):
        whole = intact(name)
        for kept in from_the_middle(whole):
            keys = whole.key_log or None
            seen = read(pcapng(kept), ordered=False, keylog=keys, resync=True)
            found = {side_of(message) for message in seen.messages if message.status == "ok"}
            assert len(found) >= 2 * 2, name
