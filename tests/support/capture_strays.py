"""Forges packets that do not end a connection: RSTs, SYNs, acknowledgments.

Each is made of a real packet of a capture, so that its numbers fit the connection as well as
anybody's could.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capture_craft import ACK, RST, SYN, Captured
from capture_packets import Packets, ip_start, payload_length, payload_start, sequence, tcp_start


def _forged(packet: Captured, number: int, flags: int) -> Captured:
    """A packet of the same endpoints without payload."""
    data = bytearray(packet.data[: payload_start(packet)])
    at, ip = tcp_start(packet), ip_start(packet)
    data[ip + 2 : ip + 4] = (len(data) - ip).to_bytes(2, "big")
    data[at + 4 : at + 8] = (number % 2**32).to_bytes(4, "big")
    data[at + 13] = flags
    return replace(packet, data=bytes(data), original=None)


def strays(packet: Captured) -> Iterator[tuple[str, Captured]]:
    """Forged packets that may be captured before, or after, a packet of the same sender."""
    first = sequence(packet)
    after = first + payload_length(packet)
    for name, number in (("start", first), ("end", after), ("window", after + 1_000)):
        yield f"RST at its {name}", _forged(packet, number, RST)
        yield f"RST and ACK at its {name}", _forged(packet, number, RST | ACK)
    for name, number in (
        ("start", first),
        ("byte before", first - 1),
        ("end", after),
        ("byte before its end", after - 1),
        ("window", after + 1_000),
        ("other half of the numbers", after + 2**31),
    ):
        yield f"SYN at its {name}", _forged(packet, number, SYN)
        yield f"SYN and ACK at its {name}", _forged(packet, number, SYN | ACK)


def with_stray(packets: Packets, place: int, stray: Captured) -> Packets:
    """The capture with one more packet, captured together with the one at `place`."""
    return [*packets[:place], stray.at(packets[place].time), *packets[place:]]
