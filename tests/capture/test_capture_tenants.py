"""Copies and tenants: packets with equal addresses and ports under several tags.

Copies of one packet stay one connection, whatever their tags are. Connections that go on at the
same time are told apart by their tags, whatever their addresses are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from capture_conversation import (
    CLIENT,
    SERVER,
    START,
    Conversation,
    Segment,
    binary,
    close,
    text,
)
from capture_craft import Captured, ipv4
from capture_files import pcapng
from capture_packets import tapped
from capture_seen import Seen, read
from capture_tunnels import (
    OUTER,
    TUNNELS,
    UDP,
    Frame,
    Tunnel,
    backbone,
    ethernet,
    framed,
    geneve,
    gre,
    gtp,
    nvgre,
    over,
    vlan,
    vxlan,
)

Wrap = Callable[[Segment], Frame]
COUNT = 40


def named(name: str, count: int = COUNT) -> list[bytes]:
    return [f"{name} says {number}".encode() for number in range(count)]


def talk(name: str, isn: int, *, opened: bool = True, count: int = COUNT) -> list[Segment]:
    """A conversation between the same two endpoints, of texts with a name in them."""
    made = Conversation(client_isn=isn, server_isn=isn * 7 % 2**32)
    made.open().upgrade()
    start = len(made.segments)
    for content in named(name, count):
        made.says(True, text(True, content))
        made.says(False, binary(False, content))
    made.says(True, close(True))
    made.says(False, close(False))
    made.end()
    return made.segments if opened else made.segments[start:]


def plain(segment: Segment) -> Frame:
    return framed(segment.packet())


def tagged(number: int) -> Wrap:
    return lambda segment: vlan(plain(segment), number)


def through(wrap: Callable[[Frame], bytes | None], protocol: int = UDP) -> Wrap:
    """A tunnel with ends of its own for each direction."""

    def wrapped(segment: Segment) -> Frame:
        tunnel = Tunnel(wrap, protocol)
        frame = over(tunnel, False, plain(segment), back=not segment.from_client)
        assert frame is not None
        return frame

    return wrapped


def by_endpoint(number: int) -> Wrap:
    """GTP-U, in which each end chooses the id that it wants to receive."""

    def wrapped(segment: Segment) -> Frame:
        endpoint = 2 * number + segment.from_client
        return through(lambda frame: gtp(frame, endpoint))(segment)

    return wrapped


def captured(segments: list[Segment], wrap: Wrap) -> list[Captured]:
    return [Captured(segment.time, ethernet(wrap(segment))) for segment in segments]


def interleaved(*captures: list[Captured]) -> list[Captured]:
    """The packets of captures in the order of their times, one of each in turn."""
    return sorted(
        (packet for capture in captures for packet in capture), key=lambda packet: packet.time
    )


def assert_both(found: Seen, names: tuple[str, ...] = ("one", "two")) -> None:
    """Each conversation is whole, in a connection of its own."""
    assert len(found.connections) == len(names)
    contents = {tuple(found.contents_of(one, True)) for one in found.connections}
    assert contents == {tuple(named(name)) for name in names}
    contents = {tuple(found.contents_of(one, False)) for one in found.connections}
    assert contents == {tuple(named(name)) for name in names}
    assert found.statuses() == ["ok"] * (2 * COUNT * len(names))
    assert all(one.problems == () for one in found.connections)


PAIRS: dict[str, tuple[Wrap, Wrap]] = {
    "VLAN": (tagged(12), tagged(13)),
    "a VLAN and none": (tagged(12), plain),
    "none and a VLAN": (plain, tagged(12)),
    "stacked VLANs": (
        lambda segment: vlan(vlan(plain(segment), 5), 1, 0x88A8),
        lambda segment: vlan(vlan(plain(segment), 5), 2, 0x88A8),
    ),
    "802.1ah": (
        lambda segment: backbone(plain(segment)),
        lambda segment: vlan(backbone(plain(segment)), 3),
    ),
    "VXLAN": (
        through(lambda frame: vxlan(frame, 5001)),
        through(lambda frame: vxlan(frame, 5002)),
    ),
    "GENEVE": (
        through(lambda frame: geneve(frame, 1)),
        through(lambda frame: geneve(frame, 2)),
    ),
    "NVGRE": (
        through(lambda frame: nvgre(frame, 5001), 47),
        through(lambda frame: nvgre(frame, 5002), 47),
    ),
    "GRE keys": (
        through(lambda frame: gre(frame, 1), 47),
        through(lambda frame: gre(frame, 2), 47),
    ),
    "GTP-U": (by_endpoint(1), by_endpoint(2)),
    "VLANs in a VXLAN": (
        through(lambda frame: vxlan(vlan(frame, 1))),
        through(lambda frame: vxlan(vlan(frame, 2))),
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_tenants_with_equal_addresses_are_two_connections(pair: str) -> None:
    first, second = PAIRS[pair]
    packets = interleaved(
        captured(talk("one", 1_000), first), captured(talk("two", 0x9000_0000), second)
    )
    found = read(pcapng(packets))
    assert_both(found)
    assert found.counts.tcp == len(packets)
    tags = {one.encapsulation for one in found.connections}
    assert len(tags) == 2


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair != "GTP-U"])
def test_tenants_are_told_apart_by_their_tags_alone_on_request(pair: str) -> None:
    """With the same sequence numbers nothing but the tags differs."""
    first, second = PAIRS[pair]
    packets = interleaved(captured(talk("one", 1_000), first), captured(talk("two", 1_000), second))
    assert_both(read(pcapng(packets), key="tagged"))


def test_directions_with_ids_of_their_own_are_one_connection_by_tags() -> None:
    found = read(pcapng(captured(talk("one", 1_000), by_endpoint(1))), key="tagged")
    assert_both(found, ("one",))
    assert found.connection.encapsulation == ("gtp 3", "gtp 2")


def test_addresses_alone_do_not_split() -> None:
    packets = interleaved(
        captured(talk("one", 1_000), tagged(12)), captured(talk("two", 0x9000_0000), tagged(13))
    )
    found = read(pcapng(packets), key="addresses")
    assert found.statuses().count("ok") < 4 * COUNT


def test_key_of_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="key must be one of 'auto', 'addresses', 'tagged'"):
        read(pcapng([]), key="tags")
    with pytest.raises(TypeError):
        read(pcapng([]), key=7)


def test_four_tenants_are_four_connections() -> None:
    names = ("one", "two", "three", "four")
    packets = interleaved(
        *(
            captured(talk(name, 1_000 + number * 0x3000_0000), tagged(number + 1))
            for number, name in enumerate(names)
        )
    )
    assert_both(read(pcapng(packets)), names)


def test_tenant_whose_beginning_was_not_captured_is_a_connection_of_its_own() -> None:
    packets = interleaved(
        captured(talk("one", 1_000), tagged(12)),
        captured(talk("two", 0x9000_0000, opened=False), tagged(13)),
    )
    found = read(pcapng(packets), ordered=False)
    assert len(found.connections) == 2
    whole, midstream = found.connections
    if whole.midstream:
        whole, midstream = midstream, whole
    assert (midstream.midstream, whole.midstream) == (True, False)
    assert found.contents_of(whole, True) == found.contents_of(whole, False) == named("one")
    for side in (True, False):
        assert found.contents_of(midstream, side) == named("two")


def test_tenant_beside_a_connection_that_is_no_websocket_is_read() -> None:
    other = Conversation(client_isn=0x9000_0000, server_isn=0x1234_5678).open()
    for number in range(COUNT):
        other.says(True, b"\x16\x03\x01" + bytes([number]) * 90)
        other.says(False, b"\x16\x03\x03" + bytes([number]) * 900)
    for first, second in ((12, 13), (13, 12)):
        packets = interleaved(
            captured(other.segments, tagged(first)), captured(talk("one", 1_000), tagged(second))
        )
        assert_both(read(pcapng(packets)), ("one",))


def test_tenant_after_another_one_is_read() -> None:
    first = captured(talk("one", 1_000), tagged(12))
    later = captured([segment.at(segment.time + 10**9) for segment in talk("two", 5_000)], plain)
    assert_both(read(pcapng(first + later)))


def changed(packets: list[Captured], number: int | None, cut: int | None = None) -> list[Captured]:
    """The packets as another place has them, a little later."""
    copies = [
        replace(tapped(packet, b"\xee" * 12, number), time=packet.time + 1000) for packet in packets
    ]
    return [copy if cut is None else copy.snapped(cut) for copy in copies]


def mirrors() -> Iterator[tuple[str, list[Captured]]]:
    segments = talk("one", 1_000)
    original = captured(segments, plain)
    in_vlan = captured(segments, tagged(12))
    tunnel = captured(segments, through(vxlan))
    yield "with a tag", interleaved(original, changed(original, 12))
    yield "without a tag", interleaved(original, changed(original, None))
    yield "with another tag", interleaved(in_vlan, changed(original, 99))
    yield "with the tag second", interleaved(changed(original, 12), original)
    yield "cut", interleaved(original, changed(original, 12, 64))
    yield (
        "cut, and before the whole ones",
        interleaved(
            [replace(copy, time=copy.time - 2000) for copy in changed(original, 12, 64)], original
        ),
    )
    yield "in a tunnel", interleaved(original, tunnel)
    yield "three places", interleaved(original, in_vlan, tunnel)
    yield (
        "of one side",
        interleaved(
            original,
            changed([p for p, s in zip(original, segments, strict=True) if s.from_client], 12),
        ),
    )
    yield "of the second half", interleaved(original, changed(original, 12)[len(original) // 2 :])


MIRRORS = dict(mirrors())


@pytest.mark.parametrize("key", ["auto", "addresses"])
@pytest.mark.parametrize("mirror", MIRRORS)
def test_copies_under_other_tags_are_one_connection(mirror: str, key: str) -> None:
    found = read(pcapng(MIRRORS[mirror]), key=key)
    assert_both(found, ("one",))


def test_tags_of_all_copies_are_named() -> None:
    found = read(pcapng(MIRRORS["three places"]))
    assert found.connection.encapsulation == ("vlan 12", "vxlan 5001")
    assert found.connection.client_address == CLIENT
    assert found.connection.server_address == SERVER


def test_each_direction_may_have_a_tag_of_its_own() -> None:
    def wrap(segment: Segment) -> Frame:
        return vlan(plain(segment), 5 if segment.from_client else 6)

    found = read(pcapng(captured(talk("one", 1_000), wrap)))
    assert_both(found, ("one",))
    assert found.connection.encapsulation == ("vlan 5", "vlan 6")


def test_path_that_changes_in_the_middle_is_one_connection() -> None:
    segments = talk("one", 1_000)
    half = len(segments) // 2
    packets = captured(segments[:half], tagged(5)) + captured(segments[half:], tagged(6))
    assert_both(read(pcapng(packets)), ("one",))


def test_mirrored_tenants_are_two_connections() -> None:
    """Two tenants, each captured at two places."""
    first = captured(talk("one", 1_000), tagged(12))
    second = captured(talk("two", 0x9000_0000), tagged(13))
    packets = interleaved(
        first,
        second,
        captured([s.at(s.time + 500) for s in talk("one", 1_000)], through(vxlan)),
        captured(
            [s.at(s.time + 500) for s in talk("two", 0x9000_0000)],
            through(lambda frame: vxlan(frame, 5002)),
        ),
    )
    found = read(pcapng(packets))
    assert_both(found)
    assert {one.encapsulation for one in found.connections} == {
        ("vlan 12", "vxlan 5001"),
        ("vlan 13", "vxlan 5002"),
    }


@pytest.mark.parametrize("name", TUNNELS)
def test_tunnels_have_their_names(name: str) -> None:
    wrapped = TUNNELS[name]
    if wrapped.text is None:
        pytest.skip("the name depends on the packets")
    packets = [
        Captured(segment.time, ethernet(frame))
        for segment in talk("one", 1_000, count=2)
        if (frame := over(wrapped, False, plain(segment))) is not None
    ]
    assert wrapped.text in read(pcapng(packets)).connection.encapsulation


def test_stray_packets_under_other_tags_change_nothing() -> None:
    """Resets, acknowledgments and pieces of other streams, in other VLANs."""
    segments = talk("one", 1_000)
    original = captured(segments, plain)
    stray = []
    for number, segment in enumerate(segments[10:60]):
        other = replace(segment, seq=(segment.seq + 0x5000_0000) % 2**32, ack=0x1111_1111)
        kinds = [replace(other, payload=b""), replace(other, flags=4), other]
        stray += captured([kinds[number % 3].at(segment.time + 10)], tagged(100 + number % 2))
    found = read(pcapng(interleaved(original, stray)))
    assert_both(found, ("one",))


def test_tenants_of_many_tags_are_bounded() -> None:
    """Each packet under a tag of its own, with numbers of its own."""
    base = talk("one", 1_000)
    original = captured(base, plain)
    stray = []
    for number in range(3_000):
        segment = replace(
            base[20], seq=number * 0x00F0_0001 % 2**32, ack=number * 77_777_777 % 2**32
        )
        stray += captured([segment.at(START + number)], tagged(1 + number % 4_000))
    packets = interleaved(original, stray)
    found = read(pcapng(packets), ordered=False)
    assert found.counts.tcp == len(packets)


def test_ip_packets_in_tunnels_of_other_ends_are_tenants() -> None:
    """IP in IP has no ids; the ends of the tunnel tell tenants apart."""

    def between(number: int) -> Wrap:
        ends = (OUTER[False][0], f"198.51.100.{number}")

        def wrap(segment: Segment) -> Frame:
            source, destination = ends if segment.from_client else ends[::-1]
            return framed(ipv4(segment.packet(), source, destination, protocol=4))

        return wrap

    for key, isn in (("auto", 0x9000_0000), ("tagged", 1_000)):
        packets = interleaved(
            captured(talk("one", 1_000), between(10)), captured(talk("two", isn), between(11))
        )
        assert_both(read(pcapng(packets), key=key))
