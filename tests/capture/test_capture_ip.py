"""IP: options, extension headers, fragments, impossible lengths; the segments stay the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from capture_conversation import binary, text, upgraded
from capture_craft import (
    AUTHENTICATION,
    DESTINATION,
    FRAGMENT,
    HOP_BY_HOP,
    ROUTING,
    Captured,
    ethernet,
    extension,
    ipv4,
    ipv4_fragments,
    ipv6,
    ipv6_fragments,
    tcp,
)
from capture_files import pcapng
from capture_samples import CONTENTS, assert_whole, inner, mixed_talk
from capture_seen import read


def written(make: Callable[[bytes, str, str], list[bytes]], *, six: bool = False) -> list[Captured]:
    """A capture over Ethernet whose IP packets are made by `make`, at least one a segment."""
    packets = []
    for segment in mixed_talk(six).segments:
        made = make(inner(segment), segment.source[0], segment.destination[0])
        packets += [Captured(segment.time, ethernet(packet)) for packet in made]
    return packets


@pytest.mark.parametrize("length", [4, 8, 40])
def test_ip_options_are_passed_over(length: int) -> None:
    packets = written(lambda payload, *ends: [ipv4(payload, *ends, options=bytes([1] * length))])
    assert_whole(read(pcapng(packets)))


def test_tcp_options_are_passed_over() -> None:
    packets = []
    for one in mixed_talk().segments:
        ports = (one.source[1], one.destination[1])
        segment = tcp(
            ports, one.payload, seq=one.seq, ack=one.ack, flags=one.flags, options=bytes([1] * 40)
        )
        packet = ipv4(segment, one.source[0], one.destination[0])
        packets.append(Captured(one.time, ethernet(packet)))
    assert_whole(read(pcapng(packets)))


@pytest.mark.parametrize(
    "extensions",
    [
        [HOP_BY_HOP],
        [DESTINATION],
        [HOP_BY_HOP, ROUTING, DESTINATION],
        [AUTHENTICATION],
        [HOP_BY_HOP, DESTINATION, ROUTING, AUTHENTICATION, DESTINATION],
    ],
)
def test_extension_headers_are_passed_over(extensions: list[int]) -> None:
    packets = written(
        lambda payload, *ends: [ipv6(payload, *ends, extensions=extensions)], six=True
    )
    assert_whole(read(pcapng(packets)), True)


def test_fragment_header_of_a_whole_packet_is_passed_over() -> None:
    """An atomic fragment (RFC 6946)."""
    header = bytes([6, 0, 0, 0, 0, 0, 0, 9])
    packets = written(
        lambda payload, *ends: [ipv6(header + payload, *ends, protocol=FRAGMENT)], six=True
    )
    assert_whole(read(pcapng(packets)), True)


ORDERS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "in order": lambda fragments: fragments,
    "reversed": lambda fragments: fragments[::-1],
    "last first": lambda fragments: [fragments[-1], *fragments[:-1]],
    "twice": lambda fragments: [one for fragment in fragments for one in (fragment, fragment)],
}


@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [24, 48, 1480])
def test_fragments_are_put_together(six: bool, order: str, size: int) -> None:
    write = ipv6_fragments if six else ipv4_fragments
    number = 0

    def cut(payload: bytes, source: str, destination: str) -> list[bytes]:
        nonlocal number
        number += 1
        return ORDERS[order](write(payload, source, destination, size=size, identification=number))

    assert_whole(read(pcapng(written(cut, six=six))), six)


def test_fragments_after_extension_headers_are_put_together() -> None:
    number = 0

    def cut(payload: bytes, source: str, destination: str) -> list[bytes]:
        nonlocal number
        number += 1
        fragments = []
        for start in range(0, len(payload), 1000):
            more = start + 1000 < len(payload)
            header = bytes([6, 0]) + (start | more).to_bytes(2, "big") + number.to_bytes(4, "big")
            body = header + payload[start : start + 1000]
            hop = extension(FRAGMENT)
            fragments.append(ipv6(hop + body, source, destination, protocol=HOP_BY_HOP))
        return fragments

    assert_whole(read(pcapng(written(cut, six=True))), True)


def test_missing_fragment_is_a_hole_and_counted() -> None:
    made = mixed_talk()
    packets = []
    for one in made.segments:
        whole = [ethernet(one.packet())]
        if len(one.payload) > 3000:
            fragments = ipv4_fragments(inner(one), one.source[0], one.destination[0], size=1000)
            whole = [ethernet(fragment) for index, fragment in enumerate(fragments) if index != 2]
        packets += [Captured(one.time, data) for data in whole]
    found = read(pcapng(packets))
    assert found.contents()[:2] == CONTENTS[:2]
    assert "ok" not in found.statuses()[2:]
    assert found.counts.fragments == 3
    assert found.counts.fragments_waiting + found.counts.fragments_dropped == 3
    assert found.connection.from_client.missing > 3000


def test_fragments_of_different_packets_are_kept_apart() -> None:
    """By addresses, protocol and identification; here all interleaved."""
    made = mixed_talk()
    apart = []
    for number, one in enumerate(made.segments):
        fragments = ipv4_fragments(
            inner(one), one.source[0], one.destination[0], size=400, identification=number
        )
        for index, fragment in enumerate(fragments):
            apart.append((max(number, index), number, Captured(one.time, ethernet(fragment))))
    packets = [packet for _, _, packet in sorted(apart, key=lambda one: one[:2])]
    found = read(pcapng(packets))
    assert [row for row in found.rows() if row[1] == "ok"] == found.rows()
    assert sorted(found.contents()) == sorted(CONTENTS)


@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_length_of_zero_means_all_that_was_captured(six: bool) -> None:
    """A packet that the network card divides (TSO) may be longer than the header can state."""
    if six:
        packets = written(lambda payload, *ends: [ipv6(payload, *ends, payload_length=0)], six=True)
    else:
        packets = written(lambda payload, *ends: [ipv4(payload, *ends, total_length=0)])
    assert_whole(read(pcapng(packets)), six)


def test_segment_of_more_than_64_kib_is_read() -> None:
    content = bytes(range(256)) * 400
    made = upgraded()
    made.says(False, binary(False, content))
    made.says(False, text(False, "after it"))
    packets = []
    for one in made.end().segments:
        total = 0 if len(one.payload) > 65_000 else None
        packet = ipv4(inner(one), one.source[0], one.destination[0], total_length=total)
        packets.append(Captured(one.time, ethernet(packet)))
    assert read(pcapng(packets)).contents() == [content, b"after it"]
