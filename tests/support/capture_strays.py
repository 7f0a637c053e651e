"""Forges packets that do not end a connection: RSTs, SYNs, acknowledgments.

Each is made of a real packet of a capture, so that its numbers fit the connection as well as
anybody's could.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capture_craft import ACK, RST, SYN, Captured
from capture_mutations import Packets, payload_start


def _header(packet: Captured) -> int:
    """Where the TCP header of an IPv4 packet on Ethernet begins."""
    return 14 + (packet.data[14] & 0x0F) * 4


def _length(packet: Captured) -> int:
    """Bytes of the packet's payload."""
    total = int.from_bytes(packet.data[16:18], "big")
    return 14 + total - payload_start(packet)


def _forged(packet: Captured, sequence: int, flags: int) -> Captured:
    """A packet of the same endpoints without payload."""
    data = bytearray(packet.data[: payload_start(packet)])
    at = _header(packet)
    data[16:18] = (len(data) - 14).to_bytes(2, "big")
    data[at + 4 : at + 8] = (sequence % 2**32).to_bytes(4, "big")
    data[at + 13] = flags
    return replace(packet, data=bytes(data), original=None)


def strays(packet: Captured) -> Iterator[tuple[str, Captured]]:
    """Forged packets that may be captured before, or after, a packet of the same sender."""
    at = _header(packet)
    first = int.from_bytes(packet.data[at + 4 : at + 8], "big")
    after = first + _length(packet)
    for name, sequence in (("start", first), ("end", after), ("window", after + 1_000)):
        yield f"RST at its {name}", _forged(packet, sequence, RST)
        yield f"RST and ACK at its {name}", _forged(packet, sequence, RST | ACK)
    for name, sequence in (
        ("start", first),
        ("byte before", first - 1),
        ("end", after),
        ("byte before its end", after - 1),
        ("window", after + 1_000),
        ("other half of the numbers", after + 2**31),
    ):
        yield f"SYN at its {name}", _forged(packet, sequence, SYN)
        yield f"SYN and ACK at its {name}", _forged(packet, sequence, SYN | ACK)


def with_stray(packets: Packets, place: int, stray: Captured) -> Packets:
    """The capture with one more packet, captured together with the one at `place`."""
    return [*packets[:place], replace(stray, time=packets[place].time), *packets[place:]]
