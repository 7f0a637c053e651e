"""Damages captures at random but repeatably, and checks what is read from them.

A mutation is an error of capturing: packets are missing, duplicated, late or in another order; the
capture starts late or stops early; packets are cut to a snap length; packets are captured at two
places, with other addresses of Ethernet, TTL, VLAN and lengths; or a faulty middlebox
retransmits other bytes after the original ones. There is no mutation with other bytes before the
original ones, because the first bytes to arrive are used. The packets may be in several files, in
any order, and records of a file may be damaged.

Rules for each connection and direction: complete messages are those of the undamaged capture, in
order, possibly without some. The content of an incomplete message is the start of a sent message.
Accounts balance (`capture_seen` checks this). No exception is raised.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from capture_craft import SYN, VLAN, Captured, Endpoint, Order
from capture_files import enhanced, pcap, pcap_record, pcapng, snoop, snoop_record
from capture_seen import Seen, read
from wsdefrag.capture import CapturedMessage

Packets = list[Captured]
Direction = tuple[Endpoint, Endpoint, bool]
"""The client, the server, and whether the client sent it."""


def drop(packets: Packets, chance: random.Random) -> Packets:
    """Miss single packets."""
    rate = chance.choice([0.01, 0.05, 0.2])
    return [packet for packet in packets if chance.random() >= rate]


def drop_run(packets: Packets, chance: random.Random) -> Packets:
    """Miss some in a row."""
    start = chance.randrange(len(packets))
    return packets[:start] + packets[start + chance.randint(1, 12) :]


def drop_one(packets: Packets, chance: random.Random) -> Packets:
    at = chance.randrange(len(packets))
    return packets[:at] + packets[at + 1 :]


def duplicate(packets: Packets, chance: random.Random) -> Packets:
    """See some twice, the second time later."""
    seen = list(packets)
    for _ in range(chance.randint(1, 10)):
        at = chance.randrange(len(seen))
        seen.insert(min(at + chance.randint(1, 30), len(seen)), seen[at])
    return seen


def reorder(packets: Packets, chance: random.Random) -> Packets:
    """See some later or earlier than they were sent."""
    seen = list(packets)
    for _ in range(chance.randint(1, 10)):
        packet = seen.pop(chance.randrange(len(seen)))
        at = chance.randrange(len(seen) + 1)
        seen.insert(at, packet)
    return seen


def shuffle(packets: Packets, chance: random.Random) -> Packets:
    """See all of them a little out of order."""
    reach = chance.choice([2, 4, 10])
    places = [(index + chance.uniform(0, reach), index) for index in range(len(packets))]
    return [packets[index] for _, index in sorted(places)]


def displace(packets: Packets, chance: random.Random) -> Packets:
    """See segments later, by 1 to 64 places among those of their direction."""
    seen = list(packets)
    for packet in chance.sample(packets, min(chance.randint(1, 10), len(packets))):
        at = seen.index(packet)
        rest = range(at + 1, len(seen))
        later = [place for place in rest if flow(seen[place]) == flow(packet)]
        if later:
            place = later[: chance.randint(1, 64)][-1]
            seen.insert(place, seen.pop(at))
    return seen


def start_late(packets: Packets, chance: random.Random) -> Packets:
    return packets[chance.randrange(len(packets)) :]


def stop_early(packets: Packets, chance: random.Random) -> Packets:
    return packets[: chance.randint(1, len(packets))]


def snap(packets: Packets, chance: random.Random) -> Packets:
    """Cut all packets, or some, to a length."""
    length = chance.randint(54, 400)
    rate = chance.choice([0.05, 0.3, 1.0])
    return [packet.snapped(length) if chance.random() < rate else packet for packet in packets]


def delay(packets: Packets, chance: random.Random) -> Packets:
    """Let time go by somewhere, less than makes a connection idle."""
    at = chance.randrange(len(packets))
    pause = chance.choice([1, 3, 50]) * 1_000_000_000
    late = [replace(packet, time=packet.time + pause) for packet in packets[at:]]
    return packets[:at] + late


def one_side(packets: Packets, chance: random.Random) -> Packets:
    """Capture what one side of each connection sends."""
    wanted = chance.random() < 0.5
    return [packet for packet in packets if (ports(packet)[0] < ports(packet)[1]) == wanted]


def overlap(packets: Packets, chance: random.Random) -> Packets:
    """See some again with other payload bytes, after the original."""
    seen = list(packets)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(seen))
        original = seen[at]
        start = payload_start(original)
        changed = bytearray(original.data)
        for place in range(start, len(changed)):
            changed[place] ^= chance.randrange(256)
        copy = replace(original, data=bytes(changed))
        seen.insert(min(at + chance.randint(1, 20), len(seen)), copy)
    return seen


def tap(packets: Packets, chance: random.Random) -> Packets:
    """See some at two places: the copies have other MAC addresses, TTL, VLAN, and may be cut."""
    rate = chance.choice([0.1, 0.5, 1.0])
    # A mirror has one VLAN, one for each direction, or none.
    vlans = chance.choice([(None, None), (12, 12), (12, 13), (12, None)])
    length = chance.choice([None, None, chance.randint(58, 400)])
    macs = bytes(chance.randrange(256) for _ in range(12))
    seen: Packets = []
    for packet in packets:
        if chance.random() >= rate:
            seen.append(packet)
            continue
        copy = tapped(packet, macs, vlans[ports(packet)[0] < ports(packet)[1]])
        if length is not None:
            copy = copy.snapped(length)
        at = max(0, len(seen) - chance.randint(0, 3)) if chance.random() < 0.3 else len(seen) + 1
        seen.append(packet)
        seen.insert(at, copy)
    return seen


def tapped(packet: Captured, macs: bytes, vlan: int | None) -> Captured:
    """The packet as another place has it."""
    ttl = ip_start(packet) + 8
    data = bytearray(packet.data)
    data[:12] = macs
    data[ttl] -= 1
    original = packet.original
    if vlan is not None:
        data[12:12] = VLAN.to_bytes(2, "big") + vlan.to_bytes(2, "big")
        original = None if original is None else original + 4
    return replace(packet, data=bytes(data), original=original)


def ip_start(packet: Captured) -> int:
    """Where the IP header of a packet on Ethernet begins, after any VLAN tags."""
    start = 14
    while packet.data[start - 2 : start] == VLAN.to_bytes(2, "big"):
        start += 4
    return start


def tcp_start(packet: Captured) -> int:
    """Where the TCP header of an IPv4 packet on Ethernet begins."""
    start = ip_start(packet)
    return start + (packet.data[start] & 0x0F) * 4


def payload_start(packet: Captured) -> int:
    """Where its TCP payload begins."""
    header = tcp_start(packet)
    return header + (packet.data[header + 12] >> 4) * 4


def is_syn(packet: Captured) -> bool:
    return bool(packet.data[tcp_start(packet) + 13] & SYN)


def flow(packet: Captured) -> bytes:
    """The addresses and ports of an IPv4 packet on Ethernet, the source's first."""
    start, header = ip_start(packet), tcp_start(packet)
    return packet.data[start + 12 : start + 20] + packet.data[header : header + 4]


def ports(packet: Captured) -> tuple[int, int]:
    header = tcp_start(packet)
    first, second = packet.data[header : header + 2], packet.data[header + 2 : header + 4]
    return int.from_bytes(first, "big"), int.from_bytes(second, "big")


MUTATIONS: Sequence[Callable[[Packets, random.Random], Packets]] = (
    drop,
    drop_run,
    drop_one,
    drop_one,
    duplicate,
    reorder,
    shuffle,
    displace,
    start_late,
    stop_early,
    snap,
    delay,
    one_side,
    tap,
    overlap,
)


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


def mutated(packets: Packets, seed: Any) -> Packets:
    """Damage a capture in one to three ways; the same seed gives the same damage."""
    chance = random.Random(seed)
    chosen = chance.choices(MUTATIONS, k=chance.randint(1, 3))
    # The last one, so that nothing puts the other bytes before the original.
    for mutation in sorted(chosen, key=lambda one: one is overlap):
        if packets:
            packets = mutation(packets, chance)
    return in_time(packets)


def in_time(packets: Packets) -> Packets:
    """The packets in their order, with times that never go back: a capture has one clock."""
    times = sorted(packet.time for packet in packets)
    return [replace(packet, time=time) for packet, time in zip(packets, times, strict=True)]


def disturbed(packets: Packets, seed: Any) -> Packets:
    """A capture in which nothing is missing: packets that come again, or two places late."""
    chance = random.Random(seed)
    repeat, late = chance.choice([(True, False), (False, True), (True, True)])
    if repeat:
        # A SYN that comes again when its connection is long over would begin another one.
        known = [packet for packet in packets if not is_syn(packet)]
        for _ in range(chance.randint(1, 10)):
            again = chance.choice(known)
            at = min(packets.index(again) + chance.randint(1, 30), len(packets))
            packets = [*packets[:at], again, *packets[at:]]
    if late:
        places = [(index + chance.uniform(0, 2), index) for index in range(len(packets))]
        packets = [packets[index] for _, index in sorted(places)]
    return in_time(packets)


def displaced(packets: Packets, seed: Any) -> Packets:
    """A capture in which nothing is missing: segments that come up to 64 places late.

    They keep the times at which they were sent, or get those of the places that they come to.
    """
    chance = random.Random(seed)
    moved = displace(packets, chance)
    return moved if chance.random() < 0.5 else in_time(moved)


def doubly_tapped(packets: Packets, seed: Any) -> Packets:
    """A capture in which nothing is missing, and each packet may be there twice."""
    return in_time(tap(packets, random.Random(seed)))


def told_apart(packets: Packets) -> Packets:
    """The packets in their order, each later than the one before by a nanosecond or more.

    So their order is the same after they were merged from files.
    """
    found: Packets = []
    for packet in packets:
        least = found[-1].time + 1 if found else packet.time
        found.append(replace(packet, time=max(packet.time, least)))
    return found


def rotated(packets: Packets, chance: random.Random) -> list[Packets]:
    """Begin another file at random packets; a file may have no packet."""
    ends = sorted(chance.randint(0, len(packets)) for _ in range(chance.randint(1, 12)))
    return [packets[start:end] for start, end in pairwise([0, *ends, len(packets)])]


def by_direction(packets: Packets, _: random.Random) -> list[Packets]:
    """Capture each direction in a file of its own, as a tap does it."""
    sides: list[Packets] = [[], []]
    for packet in packets:
        sides[ports(packet)[0] < ports(packet)[1]].append(packet)
    return sides


def scattered(packets: Packets, chance: random.Random) -> list[Packets]:
    """Capture each packet in one of some files, as queues of a network card do it."""
    files: list[Packets] = [[] for _ in range(chance.randint(2, 6))]
    for packet in packets:
        chance.choice(files).append(packet)
    return files


def in_files(packets: Packets, seed: Any) -> list[Packets]:
    """The packets in several files, whose order is random."""
    chance = random.Random(seed)
    files = chance.choice([rotated, by_direction, scattered])(packets, chance)
    if chance.random() < 0.3:
        # Those of a tap are rotated too.
        files = [part for one in files for part in rotated(one, chance)]
    chance.shuffle(files)
    return files


def damage_records(packets: Packets, seed: Any) -> tuple[bytes, Packets]:
    """A file with some records whose headers are damaged, and the packets of the others.

    A length is too large for any packet, or all of the header is random. At least three records in
    a row are not damaged: fewer between damaged ones are not believed, except in a pcapng file.
    """
    chance = random.Random(seed)
    form = chance.choice(["pcap", "pcapng", "snoop"])
    if form == "pcap":
        order: Order = chance.choice(["little", "big"])
        records = [pcap_record(packet, order, nanoseconds=True) for packet in packets]
        data, size, length = pcap([], order=order, nanoseconds=True), 16, 8
    elif form == "pcapng":
        records = [enhanced(packet) for packet in packets]
        data, size, length, order = pcapng([]), 28, 4, "little"
    else:
        records = [snoop_record(packet) for packet in packets]
        data, size, length, order = snoop([]), 24, 4, "big"
    damaged: set[int] = set()
    for _ in range(chance.choice([1, 1, 2, 5])):
        start = chance.randrange(len(packets))
        damaged.update(range(start, min(start + chance.choice([1, 1, 1, 4]), len(packets))))
    for start, end in pairwise(sorted(damaged)):
        if end - start <= 3:
            damaged.update(range(start, end))
    for index in damaged:
        record = bytearray(records[index])
        if chance.random() < 0.5:
            too_long = chance.randrange(0x7000_0000, 0xFFFF_FFFF)
            record[length : length + 4] = too_long.to_bytes(4, order)
        else:
            record[:size] = chance.randbytes(size)
        records[index] = bytes(record)
    left = [packet for index, packet in enumerate(packets) if index not in damaged]
    return data + b"".join(records), left


def corrupted(data: bytes, seed: Any) -> bytes:
    """A file with some bytes of it changed, headers or not."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.choice([1, 5, 50])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


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
