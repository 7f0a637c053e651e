"""Writes the packets of one capture to several files, or to a file with damaged records.

All of it is random but repeatable: the same seed gives the same bytes.
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

from capture_craft import Order
from capture_files import enhanced, pcap, pcap_record, pcapng, snoop, snoop_record
from capture_packets import Packets, ports


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
