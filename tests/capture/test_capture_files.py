"""The file formats: the same packets give the same messages in each, and damage is reported."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from capture_conversation import (
    START,
    STEP,
    capture_of,
    packets,
)
from capture_craft import Captured, Order
from capture_files import (
    CUSTOM,
    NAME_RESOLUTION,
    STATISTICS,
    block,
    enhanced,
    interface,
    option,
    pcap,
    pcapng,
    secrets,
    section,
    simple,
)
from capture_samples import EXPECTED, FILE, PACKETS, SENT, short_talk
from capture_seen import Seen, read
from capture_values import message_values
from wsdefrag.capture import Capture

ORDERS: tuple[Order, ...] = ("little", "big")


def same(found: Seen) -> bool:
    """Whether the result is that of the packets, times included."""
    return list(map(message_values, found.messages)) == list(map(message_values, EXPECTED.messages))


def test_packets_hold_what_the_tests_below_expect() -> None:
    assert EXPECTED.contents() == SENT
    assert EXPECTED.messages[0].timestamp_ns == START + 7 * STEP
    assert EXPECTED.messages[0].last_packet == 8
    assert EXPECTED.connection.opened_ns == START
    assert EXPECTED.counts.first_ns == START


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_is_read(order: Order, nanoseconds: bool) -> None:
    assert same(read(pcap(PACKETS, order=order, nanoseconds=nanoseconds)))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("minor", range(5))
def test_lengths_of_old_pcap_files_are_read_in_their_order(order: Order, minor: int) -> None:
    """Before version 2.3, the length on the wire came first; 2.3 was written either way."""
    whole = [packet for packet in PACKETS if len(packet.data) < 100]
    cut = [packet.snapped(60) for packet in whole]
    expected = read(pcap(cut, order=order))
    assert any(packet.original is not None for packet in cut)
    for wire_first in (True, False):
        if wire_first != (minor < 3) and minor != 3:
            continue
        data = bytearray(pcap(cut, order=order, minor=minor))
        at = 24
        for packet in cut:
            if wire_first:
                lengths = data[at + 8 : at + 12], data[at + 12 : at + 16]
                data[at + 12 : at + 16], data[at + 8 : at + 12] = lengths
            at += 16 + len(packet.data)
        assert read(bytes(data)).dump() == expected.dump()


@pytest.mark.parametrize("order", ORDERS)
def test_pcapng_is_read(order: Order) -> None:
    assert same(read(pcapng(PACKETS, order=order)))


@pytest.mark.parametrize(
    ("resolution", "nanoseconds"),
    [
        (None, 1_000),
        (6, 1_000),
        (3, 1_000_000),
        (9, 1),
        (10, 1),
        (0x80 | 20, 1_000),
        (0x80 | 31, 2),
    ],
)
def test_resolution_of_times_is_kept(resolution: int | None, nanoseconds: int) -> None:
    found = read(pcapng(PACKETS, resolution=resolution))
    assert found.contents() == SENT
    for one, expected in zip(found.messages, EXPECTED.messages, strict=True):
        assert abs(one.timestamp_ns - expected.timestamp_ns) < nanoseconds


def test_offset_of_times_is_added() -> None:
    assert same(read(pcapng(PACKETS, offset=1_600_000_000)))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(block(CUSTOM, b"\0\0\0\1something"), id="custom"),
        pytest.param(block(NAME_RESOLUTION, bytes(4)), id="names"),
        pytest.param(block(STATISTICS, bytes(12)), id="statistics"),
        pytest.param(block(0x7777, b"nobody knows"), id="unknown"),
        pytest.param(secrets(b"CLIENT_RANDOM 00 11\n"), id="secrets"),
        pytest.param(secrets(bytes(200_000), kind=0x12345678), id="long"),
    ],
)
def test_other_blocks_are_passed_over(other: bytes) -> None:
    written = [section(), other, interface(), other]
    written += [enhanced(packet) + other for packet in PACKETS]
    found = read(b"".join(written))
    assert same(found)
    assert found.warnings == []


def test_options_of_packets_are_passed_over() -> None:
    options = option(1, b"a comment") + option(2, bytes(4)) + option(0, b"")
    written = [enhanced(packet, options=options) for packet in PACKETS]
    assert same(read(section() + interface() + b"".join(written)))


@pytest.mark.parametrize("later", ORDERS)
@pytest.mark.parametrize("cut", [1, 5, 8, 10])
def test_section_may_have_another_byte_order_and_other_interfaces(later: Order, cut: int) -> None:
    first = section() + interface() + b"".join(map(enhanced, PACKETS[:cut]))
    second = section(later) + interface(113, later) + interface(1, later, resolution=6)
    rest = [
        enhanced(Captured(one.time, one.data, None, 1), later, resolution=6)
        for one in PACKETS[cut:]
    ]
    assert same(read(first + second + b"".join(rest)))


def test_interfaces_have_link_types_and_resolutions_of_their_own() -> None:
    made = short_talk().segments
    cooked, plain = packets(made, "sll2"), packets(made, "ethernet")
    written = section() + interface(276, resolution=6) + interface(1, resolution=9)
    for index, (one, other) in enumerate(zip(cooked, plain, strict=True)):
        if index % 2:
            written += enhanced(one, resolution=6)
        else:
            written += enhanced(Captured(other.time, other.data, None, 1), resolution=9)
    assert same(read(written))


def test_packets_without_a_time_are_read() -> None:
    """A simple packet block has none (and never a time of 0.0 is said to be one in a state)."""
    found = read(section() + interface() + b"".join(map(simple, PACKETS)))
    assert found.contents() == SENT


def test_packet_of_an_interface_that_is_not_described_is_counted() -> None:
    stray = enhanced(Captured(START, PACKETS[0].data, None, 7))
    found = read(section() + interface() + stray + b"".join(map(enhanced, PACKETS)))
    assert found.contents() == SENT
    assert found.counts.malformed == 1


def test_capture_goes_on_in_the_next_file(tmp_path: Path) -> None:
    paths = []
    for index, at in enumerate(range(0, len(PACKETS), 4)):
        path = tmp_path / f"part{index}.pcapng"
        path.write_bytes(pcapng(PACKETS[at : at + 4]))
        paths.append(path)
    assert same(read(paths))
    assert not same(read(paths[1:], ordered=False))


def test_file_object_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"before" + FILE)
    file.read(6)
    assert same(read(file))


def test_description_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "again.pcapng"
    path.write_bytes(capture_of(short_talk().segments))
    capture = Capture(path)
    assert [one.content for one in capture] == SENT
    assert [one.content for one in capture.messages()] == SENT
