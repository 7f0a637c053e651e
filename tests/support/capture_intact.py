"""What an undamaged capture contains, and which rules the reading of a damaged one breaks.

Rules for each connection and direction: complete messages are those of the undamaged capture, in
order, possibly without some. The content of an incomplete message is the start of a sent message.
No more bytes are called missing than the packets lack.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from capture_craft import Endpoint
from capture_files import SECOND, pcapng
from capture_packets import Packets, flow, is_fin, payload_start, sequence
from capture_seen import Seen, read
from wsdefrag.capture import CapturedMessage

Direction = tuple[Endpoint, Endpoint, bool]
"""The client, the server, and whether the client sent it."""


@dataclass(frozen=True)
class Intact:
    """A capture without damage, and what is in it."""

    packets: Packets
    sent: dict[Direction, list[bytes]]

    @classmethod
    def of(cls, packets: Packets) -> Intact:
        seen = read(pcapng(packets))
        sent: dict[Direction, list[bytes]] = {}
        for message in seen.messages:
            assert message.status == "ok"
            sent.setdefault(direction(message), []).append(message.content)
        return cls(packets, sent)


def direction(message: CapturedMessage) -> Direction:
    connection = message.connection
    return connection.client_address, connection.server_address, message.from_client


def contents_by_direction(seen: Seen) -> dict[Direction, list[bytes]]:
    """The messages of each direction; a message that is not whole stands as its status."""
    found: dict[Direction, list[bytes]] = {}
    for message in seen.messages:
        content = message.content if message.status == "ok" else message.status.encode()
        found.setdefault(direction(message), []).append(content)
    return found


def violations(intact: Intact, seen: Seen) -> list[str]:
    """Which of the rules were broken, as texts; empty if none.

    One connection may be read as several, where a SYN comes late: each has to be in order.
    """
    found = []
    unread: dict[tuple[int, bool], Iterator[bytes]] = {}
    for message in seen.messages:
        sent = intact.sent.get(direction(message), [])
        side = (message.connection.connection, message.from_client)
        what = f"{direction(message)}: message {message.seq}, {message.content[:60]!r}"
        if message.status == "ok":
            rest = unread.setdefault(side, iter(sent))
            if not any(message.content == one for one in rest):
                found.append(f"{what}, whole, is not next")
        elif message.status == "incomplete":
            # Where its beginning was not captured, it is a part of something.
            if message.type and not any(one.startswith(message.content) for one in sent):
                found.append(f"{what}, incomplete, begins nothing")
        elif message.status != "undecodable":
            found.append(f"{what} was never sent, {message.status}")
    return found


def falsely_missing(intact: Intact, packets: Packets, seen: Seen) -> list[str]:
    """Directions of which more bytes are called missing than `packets` lack, as texts.

    A FIN takes a sequence number, so one that was not captured looks like a missing byte.
    """
    first: dict[bytes, int] = {}
    for packet in intact.packets:
        first.setdefault(flow(packet), sequence(packet))
    sent, captured = _ranges(intact.packets, first), _ranges(_in_good_time(packets), first)
    with_fin = {flow(packet) for packet in packets if is_fin(packet)}
    missing: Counter[bytes] = Counter()
    for connection in seen.connections:
        client, server = connection.client_address, connection.server_address
        missing[_flow_of(client, server)] += connection.from_client.missing
        missing[_flow_of(server, client)] += connection.from_server.missing
    found = []
    for side, ranges in sent.items():
        absent = _length(ranges) - _length(captured.get(side, [])) + (side not in with_fin)
        if missing[side] > absent:
            found.append(f"{side.hex()}: {missing[side]} bytes are called missing, {absent} are")
    return found


def _in_good_time(packets: Packets) -> Packets:
    """Those that a reader waits for: two seconds after it has seen later bytes of the direction."""
    later: dict[bytes, list[tuple[int, int]]] = {}
    found: Packets = []
    for packet in packets:
        earlier = later.setdefault(flow(packet), [])
        number = sequence(packet)
        since = [time for time, other in earlier if 0 < (other - number) % 2**32 < 2**31]
        if not since or packet.time - min(since) < 2 * SECOND:
            found.append(packet)
        if len(packet.data) > payload_start(packet):
            earlier.append((packet.time, number))
    return found


def _ranges(packets: Packets, first: dict[bytes, int]) -> dict[bytes, list[tuple[int, int]]]:
    """The captured ranges of each direction, as positions from its `first` sequence number on."""
    found: dict[bytes, list[tuple[int, int]]] = {}
    for packet in packets:
        length = len(packet.data) - payload_start(packet)
        if length > 0:
            start = (sequence(packet) - first[flow(packet)]) % 2**32
            found.setdefault(flow(packet), []).append((start, start + length))
    return found


def _length(ranges: list[tuple[int, int]]) -> int:
    """Bytes that are in at least one range."""
    total = end = 0
    for start, stop in sorted(ranges):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


def _flow_of(source: Endpoint, destination: Endpoint) -> bytes:
    addresses = b"".join(ip_address(end[0]).packed for end in (source, destination))
    return addresses + b"".join(end[1].to_bytes(2, "big") for end in (source, destination))
