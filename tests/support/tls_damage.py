"""Damages captures of TLS, and measures how much of the rest was read.

One segment is missing, some packets are missing, packets are cut short, or the handshake or the
ServerHello was not captured. Each kind of damage is the same in every run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from capture_craft import Captured
from capture_files import pcapng
from capture_intact import Direction, direction
from capture_packets import is_syn
from capture_seen import Seen, read
from tls_oracle import Captures, Ends, IntactTls, numbers
from tls_streams import Part, TlsConnection, parts_of
from wsdefrag.capture import CapturedConnection

Packets = Sequence[Captured]
Damage = Callable[[IntactTls], Iterator[Packets]]
"""Gives captures that are damaged in this way."""


def _parts(whole: IntactTls) -> list[Part]:
    known = {ends: connection.tcp for ends, connection in whole.connections.items()}
    return parts_of(whole.packets, known)


def _without(packets: Packets, lost: set[int]) -> Packets:
    return [packet for index, packet in enumerate(packets) if index not in lost]


def one_segment(count: int) -> Damage:
    """One segment is missing: each of so many in turn."""

    def damaged(whole: IntactTls) -> Iterator[Packets]:
        places = [part.packet for part in _parts(whole)]
        chosen = random.Random("one segment").sample(places, min(count, len(places)))
        return (_without(whole.packets, {place}) for place in sorted(chosen))

    return damaged


def segments(rate: float, runs: int) -> Damage:
    """A share of the segments is missing."""

    def damaged(whole: IntactTls) -> Iterator[Packets]:
        places = [part.packet for part in _parts(whole)]
        for run in range(runs):
            chance = random.Random(f"segments {rate} {run}")
            lost = {place for place in places if chance.random() < rate}
            yield _without(whole.packets, lost)

    return damaged


def any_packets(rate: float, runs: int) -> Damage:
    """A share of all packets is missing."""

    def damaged(whole: IntactTls) -> Iterator[Packets]:
        for run in range(runs):
            chance = random.Random(f"packets {rate} {run}")
            yield [packet for packet in whole.packets if chance.random() >= rate]

    return damaged


def snapped(length: int) -> Damage:
    """Cut packets at a snap length."""
    return lambda whole: iter([[packet.snapped(length) for packet in whole.packets]])


def _from(whole: IntactTls, first: Callable[[TlsConnection, list[Part]], int]) -> Iterator[Packets]:
    """Begin each connection late, with the first packet that `first` says."""
    by_ends: dict[Ends, list[Part]] = {}
    for part in _parts(whole):
        by_ends.setdefault(part.connection, []).append(part)
    begins = {ends: first(whole.connections[ends], parts) for ends, parts in by_ends.items()}
    known = {ends: connection.tcp for ends, connection in whole.connections.items()}
    lost = {
        part.packet
        for part in parts_of(whole.packets, known)
        if part.packet < begins[part.connection]
    }
    lost |= {index for index, packet in enumerate(whole.packets) if is_syn(packet)}
    yield _without(whole.packets, lost)


def no_handshake(whole: IntactTls) -> Iterator[Packets]:
    """Begin with the first packet of a connection that has application data."""

    def first(connection: TlsConnection, _: list[Part]) -> int:
        return min(record.packet for record in connection.records if record.on_stream)

    return _from(whole, first)


def from_the_middle(whole: IntactTls) -> Iterator[Packets]:
    """Begin after a third of the packets of each connection."""
    return _from(whole, lambda _, parts: parts[len(parts) // 3].packet)


def no_server_hello(whole: IntactTls) -> Iterator[Packets]:
    """The packets with the ServerHello are missing."""
    lost = {
        part.packet
        for part in _parts(whole)
        if not part.from_client and part.start < whole.connections[part.connection].server_hello_end
    }
    yield _without(whole.packets, lost)


@dataclass
class Share:
    """How many messages could be read, how many of these were read, and how many others."""

    allowed: int = 0
    read: int = 0
    others: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(
            self.allowed + other.allowed, self.read + other.read, self.others + other.others
        )

    @property
    def rate(self) -> float:
        return self.read / self.allowed if self.allowed else 1.0

    @property
    def gain(self) -> float:
        return self.others / self.allowed if self.allowed else 0.0


def share(whole: IntactTls, packets: Packets, seen: Seen, label: str) -> Share:
    """Compare what was read with what the packets allow.

    Raises:
        AssertionError: a message was read that was not sent, or not in this order.
    """
    captures = whole.captures(packets)
    allowed = whole.allowed_by(captures)
    check_accounts(whole, captures, seen, label)
    contents: dict[Direction, list[bytes]] = {}
    for message in seen.messages:
        if message.status == "ok":
            contents.setdefault(direction(message), []).append(message.content)
    assert set(contents) <= set(allowed), label
    total = Share()
    for side, known in allowed.items():
        got = numbers(whole.sent[side], contents.get(side, []))
        assert got is not None, f"{label}, {side}: a message was not sent, or not then"
        total += Share(len(known), len(got & known), len(got - known))
    return total


def check_accounts(
    whole: IntactTls, captures: dict[Direction, Captures], seen: Seen, label: str
) -> None:
    """Check the accounts of TLS: they count the bytes of TCP, gaps included.

    That of messages is checked by `read`. A connection that was read as several is left out.
    """
    rows: dict[Ends, list[CapturedConnection]] = {}
    for connection in seen.connections:
        ends = (connection.client_address, connection.server_address)
        rows.setdefault(ends, []).append(connection)
    for ends, found in rows.items():
        tls = found[0].tls
        if len(found) > 1 or tls is None:
            continue
        for from_client, account in ((True, tls.from_client), (False, tls.from_server)):
            captured = captures[ends[0], ends[1], from_client]
            known = whole.connections[ends]
            total = len(known.tcp.data[from_client])
            # A connection without its beginning is one from the first segment that starts a record.
            starts = {record.start for record in known.of(from_client)}
            first = min((one for one in captured.starts if one in starts), default=captured.end)
            least = captured.end - (first if captured.start else 0)
            place = f"{label}, {ends}, {from_client}, {account}"
            assert least <= account.bytes <= total, place
            application = len(known.application(from_client))
            assert account.application <= application, place


def read_damaged(whole: IntactTls, packets: Packets, **options: Any) -> Seen:
    """Read a damaged capture with its keys, and look for frames after losses."""
    return read(pcapng(packets), ordered=False, keylog=whole.key_log, resync=True, **options)
