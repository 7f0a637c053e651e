"""Link and IP headers: the same TCP segments give the same messages with any of them."""

from __future__ import annotations

import pytest

from capture_conversation import (
    CLIENT,
    CLIENT6,
    SERVER,
    SERVER6,
    START,
    STEP,
    answer_head,
    binary,
    close,
    request_head,
    text,
)
from capture_craft import (
    EXPORTED_PDU,
    LINKS,
    QINQ,
    VLAN,
    Captured,
    ethernet,
    exported_pdu,
    ipv4,
    ipv6,
    null,
)
from capture_files import pcap, pcapng
from capture_samples import CONTENTS, assert_whole, mixed_talk
from capture_seen import read


@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("link", LINKS)
def test_link_header_is_taken_off(link: str, six: bool) -> None:
    number, wrap = LINKS[link]
    packets = [segment.captured(wrap) for segment in mixed_talk(six).segments]
    for data in (pcap(packets, number), pcapng(packets, number, order="big")):
        found = read(data)
        assert_whole(found, six)
        assert found.counts.tcp == found.counts.packets == len(packets)


@pytest.mark.parametrize("family", [24, 28, 30])
def test_null_header_says_ipv6_as_any_system_does(family: int) -> None:
    packets = [
        segment.captured(lambda packet: null(packet, family))
        for segment in mixed_talk(True).segments
    ]
    assert_whole(read(pcapng(packets, 0)), True)


@pytest.mark.parametrize("tags", [[VLAN], [QINQ, VLAN], [VLAN, VLAN], [QINQ, QINQ]])
def test_tags_are_taken_off(tags: list[int]) -> None:
    packets = [
        segment.captured(lambda packet: ethernet(packet, tags)) for segment in mixed_talk().segments
    ]
    assert_whole(read(pcapng(packets)))


@pytest.mark.parametrize("number", [228, 229])
def test_bare_ip_is_read(number: int) -> None:
    """Link types for one version of IP."""
    six = number == 229
    packets = [segment.captured(lambda packet: packet) for segment in mixed_talk(six).segments]
    assert_whole(read(pcapng(packets, number)), six)


def test_padding_of_short_packets_is_not_payload() -> None:
    """Ethernet frames have 60 bytes at least."""
    packets = [
        segment.captured(lambda packet: ethernet(packet).ljust(60, b"\x81"))
        for segment in mixed_talk().segments
    ]
    found = read(pcapng(packets))
    assert_whole(found)
    packets = [
        segment.captured(lambda packet: ethernet(packet) + b"\x81\x01!!")
        for segment in mixed_talk(True).segments
    ]
    assert_whole(read(pcapng(packets)), True)


NOISE = {
    "ARP": (bytes(12) + b"\x08\x06" + bytes(28), "other"),
    "UDP": (ethernet(ipv4(bytes(20), *("192.0.2.1", "192.0.2.2"), protocol=17)), "other"),
    "ICMPv6": (ethernet(ipv6(bytes(8), "2001:db8::1", "2001:db8::2", protocol=58)), "other"),
    "no next header": (ethernet(ipv6(b"", "2001:db8::1", "2001:db8::2", protocol=59)), "other"),
    "half an IP header": (ethernet(ipv4(bytes(20), "192.0.2.1", "192.0.2.2"))[:24], "malformed"),
    "half a TCP header": (ethernet(ipv4(bytes(9), "192.0.2.1", "192.0.2.2")), "malformed"),
    "no Ethernet header": (b"\x02\x02", "malformed"),
    "nothing": (b"", "malformed"),
    "TCP header of no words": (
        ethernet(ipv4(bytes(20), "192.0.2.1", "192.0.2.2")),
        "malformed",
    ),
    "IP header of no words": (ethernet(b"\x40" + bytes(39)), "malformed"),
}


@pytest.mark.parametrize("kind", NOISE)
def test_other_packets_are_counted_and_change_nothing(kind: str) -> None:
    data, counter = NOISE[kind]
    packets = []
    for segment in mixed_talk().segments:
        packets += [Captured(segment.time, data), segment.captured()]
    found = read(pcapng(packets))
    assert_whole(found)
    assert getattr(found.counts, counter) == len(packets) // 2
    assert found.messages[0].last_packet % 2 == 0


def test_unknown_link_type_is_counted_by_its_number() -> None:
    packets = [Captured(START, b"whatever", None, 1)]
    packets += [segment.captured() for segment in mixed_talk().segments]
    found = read(pcapng(packets, [1, 147]))
    assert_whole(found)
    assert found.counts.unknown_link == 1
    assert found.counts.unknown_links == {147: 1}


def test_exported_pdus_are_read() -> None:
    """tshark writes them when it has decrypted TLS; there are no sequence numbers."""
    sent = [
        (True, request_head()),
        (False, answer_head() + text(False, "glued")),
        (True, text(True, "one") + text(True, "two")),
        (False, binary(False, CONTENTS[2])),
        (True, close(True)),
        (False, close(False)),
    ]
    ends = {True: CLIENT6, False: SERVER6}
    packets = [
        Captured(START + index * STEP, exported_pdu(data, ends[side], ends[not side], index + 1))
        for index, (side, data) in enumerate(sent)
    ]
    found = read(pcapng(packets, EXPORTED_PDU))
    assert found.contents() == [b"glued", b"one", b"two", CONTENTS[2]]
    assert found.counts.exported == len(sent)
    assert (found.connection.client_address, found.connection.server_address) == (CLIENT6, SERVER6)
    assert found.connection.close is not None


def test_exported_pdu_that_begins_again_is_not_taken_twice() -> None:
    """An unfinished frame comes once more, as a whole."""
    frame = binary(False, CONTENTS[2])
    sent = [
        (True, request_head()),
        (False, answer_head()),
        (False, frame[:1000]),
        (False, frame),
        (False, text(False, "next")),
    ]
    ends = {True: CLIENT, False: SERVER}
    packets = [
        Captured(START + index * STEP, exported_pdu(data, ends[side], ends[not side], index + 1))
        for index, (side, data) in enumerate(sent)
    ]
    found = read(pcapng(packets, EXPORTED_PDU))
    assert found.contents() == [CONTENTS[2], b"next"]
    assert found.connection.problems == ()
