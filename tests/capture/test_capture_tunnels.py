"""Tags, tunnels and link types: one conversation is read through each, and through each pair."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from capture_conversation import (
    CLIENT6,
    SERVER6,
    START,
    STEP,
    Conversation,
    Segment,
    binary,
    close,
    text,
)
from capture_craft import Captured, ipv4, ipv4_fragments, ipv6_fragments
from capture_craft import ethernet as ethernet_of
from capture_files import pcap, pcapng
from capture_samples import CONTENTS, assert_whole, inner
from capture_seen import Seen, read
from capture_tunnels import (
    LINK_TYPES,
    OUTER,
    TUNNELS,
    UDP,
    Frame,
    encapsulations,
    ethernet,
    four,
    framed,
    geneve,
    over,
    pairs,
    two,
    udp,
    vlan,
    vxlan,
)

Wrap = Callable[[Frame], Frame | None]


def talk(six: bool) -> list[Segment]:
    """What `mixed_talk` says, in segments that fit into any frame."""
    made = Conversation(CLIENT6, SERVER6) if six else Conversation()
    made.open().upgrade()
    made.says(True, text(True, CONTENTS[0]))
    made.says(False, text(False, CONTENTS[1]))
    made.say(True, binary(True, CONTENTS[2]), size=1200)
    made.says(True, close(True))
    made.says(False, close(False))
    return made.end().segments


TALKS = {six: talk(six) for six in (False, True)}
VERSIONS = pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
OUTER_VERSIONS = pytest.mark.parametrize("outer", [False, True], ids=["in IPv4", "in IPv6"])


def wrapped(segments: list[Segment], wrap: Wrap) -> list[Captured] | None:
    """The segments in Ethernet; None where the format cannot carry them."""
    packets = []
    for segment in segments:
        frame = wrap(framed(segment.packet()))
        if frame is None:
            return None
        packets.append(Captured(segment.time, ethernet(frame)))
    return packets


def cut_everywhere(packet: Captured) -> list[Captured]:
    """The packet as captures of every snap length hold it, at times of their own."""
    return [
        Captured(START + length * STEP, packet.data[:length], len(packet.data))
        for length in range(len(packet.data))
    ]


def assert_counted(found: Seen, packets: int) -> None:
    """Every packet is in one counter, and no message was made up."""
    counts = found.counts
    assert counts.packets == packets
    assert packets == sum(
        (
            *(counts.tcp, counts.exported, counts.other, counts.malformed),
            *(counts.unknown_link, counts.unread, counts.fragments),
        )
    )
    assert "ok" not in found.statuses()


@OUTER_VERSIONS
@VERSIONS
@pytest.mark.parametrize("name", encapsulations(False))
def test_encapsulation_is_taken_off(name: str, six: bool, outer: bool) -> None:
    packets = wrapped(TALKS[six], encapsulations(outer)[name])
    if packets is None:
        pytest.fail(f"{name} carries IP")
    found = read(pcapng(packets))
    assert_whole(found, six)
    assert found.counts.tcp == len(packets)
    longest = max(packets, key=lambda packet: len(packet.data))
    assert_counted(read(pcapng(cut_everywhere(longest)[:400])), 400)


@OUTER_VERSIONS
@VERSIONS
def test_every_two_encapsulations_are_taken_off(six: bool, outer: bool) -> None:
    tried = 0
    for first, second, wrap in pairs(outer):
        packets = wrapped(TALKS[six], wrap)
        if packets is None:
            continue
        tried += 1
        found = read(pcapng(packets))
        assert found.contents() == CONTENTS, (first, second, found.counts)
        assert found.counts.tcp == len(packets), (first, second)
        assert found.connection.problems == (), (first, second)
        shortest = min(packets, key=lambda packet: len(packet.data))
        cuts = cut_everywhere(shortest)
        assert_counted(read(pcapng(cuts)), len(cuts))
    # 30 by 30, less those that one of the two cannot carry.
    assert tried > 600


@VERSIONS
@pytest.mark.parametrize("link", LINK_TYPES)
def test_link_types_carry_ip_and_tags(link: str, six: bool) -> None:
    number, write = LINK_TYPES[link]
    wraps: list[Wrap] = [lambda frame: frame, *encapsulations(six).values()]
    tried = 0
    for wrap in wraps:
        frames = [wrap(framed(segment.packet())) for segment in TALKS[six]]
        data = [None if frame is None else write(frame) for frame in frames]
        if any(one is None for one in data) or any(
            frame is not None and frame[0] <= 1500 for frame in frames
        ):
            continue
        tried += 1
        packets = [
            Captured(segment.time, one)
            for segment, one in zip(TALKS[six], data, strict=True)
            if one is not None
        ]
        assert_whole(read(pcap(packets, number)), six)
        cuts = cut_everywhere(packets[-1])
        assert_counted(read(pcap(cuts, number)), len(cuts))
    assert tried >= 20


@VERSIONS
@OUTER_VERSIONS
def test_fragments_around_and_inside_a_tunnel_are_put_together(six: bool, outer: bool) -> None:
    """Both at once: the packet in the tunnel is cut, and what carries each part is cut again."""
    packets = []
    number = 0
    for segment in TALKS[six]:
        ends = (segment.source[0], segment.destination[0])
        number += 1
        cut_inner = (ipv6_fragments if six else ipv4_fragments)(
            inner(segment), *ends, size=1000, identification=number
        )
        for part in cut_inner:
            number += 1
            payload = vxlan(framed(part))
            if outer:
                parts = ipv6_fragments(
                    payload, *OUTER[True], size=400, identification=number, protocol=UDP
                )
            else:
                parts = ipv4_fragments(
                    payload, *OUTER[False], size=400, identification=number, protocol=UDP
                )
            packets += [Captured(segment.time, ethernet_of(one)) for one in reversed(parts)]
    found = read(pcapng(packets))
    assert_whole(found, six)
    assert found.counts.fragments_waiting == 0


def test_payload_cut_by_a_snap_length_inside_a_tunnel_is_missing_by_its_length() -> None:
    """The longest message loses the ends of its segments, and nothing else."""
    wrap = encapsulations(False)["VXLAN"]
    plain = [segment.captured().snapped(1_000) for segment in TALKS[False]]
    packets = wrapped(TALKS[False], wrap)
    assert packets is not None
    more = len(packets[0].data) - len(TALKS[False][0].captured().data)
    found = read(pcapng([packet.snapped(1_000 + more) for packet in packets]))
    expected = read(pcapng(plain))
    assert found.rows() == expected.rows()
    assert found.counts.cut == expected.counts.cut == 2
    assert found.connection.from_client == expected.connection.from_client


def deep(count: int) -> list[Captured]:
    def wrap(frame: Frame) -> Frame | None:
        for _ in range(count):
            nested = over(TUNNELS["VXLAN"], False, frame)
            assert nested is not None
            frame = nested
        return frame

    packets = wrapped(TALKS[False], wrap)
    assert packets is not None
    return packets


def test_eight_tunnels_are_read_and_a_ninth_is_said() -> None:
    assert_whole(read(pcapng(deep(8))))
    packets = deep(9)
    found = read(pcapng(packets))
    assert found.messages == []
    assert found.counts.unread_kinds == {"tunnels nested too deep": len(packets)}


def on_port(port: int, payload: Callable[[Frame], bytes]) -> list[Captured]:
    """The conversation in a tunnel on a port that is not registered for it."""

    def wrap(frame: Frame) -> Frame:
        return framed(ipv4(udp(port, payload(frame)[8:]), *OUTER[False], protocol=UDP))

    packets = wrapped(TALKS[False], wrap)
    assert packets is not None
    return packets


def test_tunnel_on_another_port_is_said_and_read_with_decode_as() -> None:
    packets = on_port(5555, vxlan)
    found = read(pcapng(packets))
    assert found.messages == []
    assert found.counts.unread_kinds == {"VXLAN on UDP port 5555": len(packets)}
    assert_whole(read(pcapng(packets), decode_as=["udp.port==5555,vxlan"]))
    assert_whole(read(pcapng(on_port(6000, geneve)), decode_as=["udp.port==6000,geneve"]))
    none = read(pcapng(on_port(4789, vxlan)), decode_as=["udp.port==4789,data"])
    assert none.counts.other == len(packets)


@pytest.mark.parametrize(
    "text", ["", "5555,vxlan", "udp.port==5555", "udp.port==65536,vxlan", "udp.port==1,nothing"]
)
def test_decode_as_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form udp\.port==NUMBER,NAME"):
        read(pcapng([]), decode_as=[text])
    with pytest.raises(TypeError):
        read(pcapng([]), decode_as="udp.port==5555,vxlan")


UNREAD = {
    "ESP": framed(ipv4(bytes([0, 0, 0, 1]) + bytes(40), *OUTER[False], protocol=50)),
    "QUIC": framed(ipv4(udp(443, b"\x40" + bytes(30)), *OUTER[False], protocol=UDP)),
    "DTLS": framed(
        ipv4(udp(4433, bytes.fromhex("17fefd") + bytes(20)), *OUTER[False], protocol=UDP)
    ),
    "encrypted MACsec": (0x88E5, bytes([0x2C, 0]) + bytes(40)),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_not_followed_is_counted_by_name(kind: str) -> None:
    packets = []
    for segment in TALKS[False]:
        packets += [Captured(segment.time, ethernet(UNREAD[kind])), segment.captured()]
    found = read(pcapng(packets))
    assert_whole(found)
    assert found.counts.unread_kinds == {kind: len(packets) // 2}
    assert found.counts.unread == len(packets) // 2


def in_udp(port: int, payload: bytes) -> Frame:
    return framed(ipv4(udp(port, payload), *OUTER[False], protocol=UDP))


def in_l2tp_3(frame: Frame) -> Frame:
    """RFC 3931 section 4.1.1.1: a session id, then the frame."""
    return framed(ipv4(four(7) + ethernet(frame), *OUTER[False], protocol=115))


def in_l2tp_3_and_udp(frame: Frame) -> Frame:
    """RFC 3931 section 4.1.2.1: a version, a session id, then the frame."""
    return in_udp(1701, two(3) + two(0) + four(7) + ethernet(frame))


def service_path(frame: Frame) -> bytes:
    """RFC 8300 section 2: NSH with metadata of type 2 and length 0, and an Ethernet frame in it."""
    return bytes([0x0F, 0xC2, 0x02, 0x03]) + four(0x0000_2AFF) + ethernet(frame)


NAMED: dict[str, tuple[str, Callable[[Frame], Frame]]] = {
    # RFC 4380 section 2.8: an IPv6 packet in UDP.
    "Teredo": ("Teredo", lambda frame: in_udp(3544, frame[1])),
    "L2TPv3": ("L2TPv3", in_l2tp_3),
    "L2TPv3 in UDP": ("L2TPv3", in_l2tp_3_and_udp),
    "NSH": ("NSH", lambda frame: (0x894F, service_path(frame))),
    # draft-ietf-nvo3-vxlan-gpe section 3.2: next protocol 4.
    "NSH in VXLAN-GPE": (
        "NSH",
        lambda frame: in_udp(4790, bytes([0x0C, 0, 0, 4]) + four(5001 << 8) + service_path(frame)),
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_encapsulation_that_is_not_read_is_counted_by_name(name: str) -> None:
    """A WebSocket in it gives nothing, and each of its packets is counted."""
    kind, wrap = NAMED[name]
    packets = wrapped(TALKS[name == "Teredo"], wrap)
    assert packets is not None
    found = read(pcapng(packets))
    assert (found.messages, found.connections) == ([], [])
    assert found.counts.unread_kinds == {kind: len(packets)}


# IEEE 802.11-2020 section 9.2.4: frame control (type, flags), then three addresses of six bytes,
# the fragment number and sequence number, and in QoS data a control field whose bit 7 marks an
# A-MSDU.
WIRELESS = {
    "encrypted 802.11": bytes.fromhex("08410000") + bytes(60),
    "802.11 A-MSDU": bytes.fromhex("88010000") + bytes(20) + bytes.fromhex("8000") + bytes(60),
    "802.11 fragments": bytes.fromhex("08050000") + bytes(20) + bytes(60),
}


@pytest.mark.parametrize("kind", WIRELESS)
def test_wireless_frames_that_are_not_read_are_counted_by_name(kind: str) -> None:
    found = read(pcap([Captured(START, WIRELESS[kind])], 105))
    assert found.counts.unread_kinds == {kind: 1}


def test_last_fragment_of_a_wireless_frame_is_counted_by_name() -> None:
    """It has a fragment number, and no more fragments follow."""
    frame = bytes.fromhex("08010000") + bytes(18) + bytes.fromhex("0100") + bytes(60)
    found = read(pcap([Captured(START, frame)], 105))
    assert found.counts.unread_kinds == {"802.11 fragments": 1}


def test_priority_tag_changes_nothing() -> None:
    packets = wrapped(TALKS[False], lambda frame: vlan(frame, 0))
    assert packets is not None
    assert_whole(read(pcapng(packets)))
