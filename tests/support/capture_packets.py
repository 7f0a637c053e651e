"""Packets of a capture as the tests change them: where their headers begin, and what they say.

All of them are TCP in IPv4 on Ethernet, with or without VLAN tags.
"""

from __future__ import annotations

from dataclasses import replace

from capture_craft import FIN, SYN, VLAN, Captured

Packets = list[Captured]


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


def payload_length(packet: Captured) -> int:
    """Bytes of its TCP payload, captured or not."""
    start = ip_start(packet)
    total = int.from_bytes(packet.data[start + 2 : start + 4], "big")
    return start + total - payload_start(packet)


def sequence(packet: Captured) -> int:
    """Its sequence number."""
    number = tcp_start(packet) + 4
    return int.from_bytes(packet.data[number : number + 4], "big")


def flags_of(packet: Captured) -> int:
    """Its TCP flags."""
    return packet.data[tcp_start(packet) + 13]


def is_syn(packet: Captured) -> bool:
    return bool(flags_of(packet) & SYN)


def is_fin(packet: Captured) -> bool:
    return bool(flags_of(packet) & FIN)


def flow(packet: Captured) -> bytes:
    """The addresses and ports of an IPv4 packet on Ethernet, the source's first."""
    start, header = ip_start(packet), tcp_start(packet)
    return packet.data[start + 12 : start + 20] + packet.data[header : header + 4]


def ports(packet: Captured) -> tuple[int, int]:
    header = tcp_start(packet)
    first, second = packet.data[header : header + 2], packet.data[header + 2 : header + 4]
    return int.from_bytes(first, "big"), int.from_bytes(second, "big")


def in_time(packets: Packets) -> Packets:
    """The packets in their order, with times that never go back: a capture has one clock."""
    times = sorted(packet.time for packet in packets)
    return [packet.at(time) for packet, time in zip(packets, times, strict=True)]


def told_apart(packets: Packets) -> Packets:
    """The packets in their order, each later than the one before by a nanosecond or more.

    So their order is the same after they were merged from files.
    """
    found: Packets = []
    for packet in packets:
        least = found[-1].time + 1 if found else packet.time
        found.append(packet.at(max(packet.time, least)))
    return found


def tapped(packet: Captured, macs: bytes, vlan: int | None) -> Captured:
    """The packet as it is captured at another place."""
    ttl = ip_start(packet) + 8
    data = bytearray(packet.data)
    data[:12] = macs
    data[ttl] -= 1
    original = packet.original
    if vlan is not None:
        data[12:12] = VLAN.to_bytes(2, "big") + vlan.to_bytes(2, "big")
        original = None if original is None else original + 4
    return replace(packet, data=bytes(data), original=original)
