"""An independent writer of link headers, tags and tunnels, for the tests of the capture reader.

A `Frame` is an EtherType and what follows it. Each function of `encapsulations` puts one more
header around a frame and returns the new frame, so any two of them can be nested; it returns None
where the format cannot carry the frame. Each function of `LINK_TYPES` turns a frame into a packet
of a link type. Checksums are zero. This module shares no code with the package.

Follows the RFCs that the functions name, IEEE 802.1Q, 802.1BR and 802.11, 3GPP TS 29.281,
draft-foschiano-erspan-03, and libpcap's list of link types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from capture_craft import ipv4, ipv6

Frame = tuple[int, bytes]
"""An EtherType and its payload."""

IPV4 = 0x0800
IPV6 = 0x86DD
MPLS = 0x8847
BRIDGED = 0x6558

MACS = bytes.fromhex("020000000002020000000001")


def two(number: int) -> bytes:
    return number.to_bytes(2, "big")


def four(number: int) -> bytes:
    return number.to_bytes(4, "big")


def framed(packet: bytes) -> Frame:
    """The frame of an IP packet."""
    return (IPV6 if packet[0] >> 4 == 6 else IPV4), packet


def is_ip(frame: Frame) -> bool:
    return frame[0] in (IPV4, IPV6)


def ethernet(frame: Frame) -> bytes:
    return MACS + two(frame[0]) + frame[1]


def snap(frame: Frame) -> bytes:
    """IEEE 802.2 with SNAP (RFC 1042)."""
    return bytes.fromhex("aaaa03000000") + two(frame[0]) + frame[1]


def wifi(frame: Frame, head: bytes = b"\x08\x01\0\0") -> bytes:
    """An 802.11 data frame to the distribution system."""
    return head + MACS + bytes.fromhex("020000000003") + bytes(2) + snap(frame)


def ppp(frame: Frame) -> bytes | None:
    """PPP with the fields of HDLC (RFC 1662)."""
    protocol = {IPV4: 0x0021, IPV6: 0x0057, MPLS: 0x0281}.get(frame[0])
    return None if protocol is None else b"\xff\x03" + two(protocol) + frame[1]


# Tags.


def vlan(frame: Frame, number: int = 12, kind: int = 0x8100) -> Frame:
    return kind, two(0x6000 | number) + two(frame[0]) + frame[1]


def qinq(frame: Frame) -> Frame:
    return vlan(vlan(frame, 8), 7, 0x88A8)


def backbone(frame: Frame) -> Frame:
    """802.1ah."""
    return 0x88E7, four(9) + ethernet(frame)


def e_tag(frame: Frame) -> Frame:
    return 0x893F, two(0x6001) + two(5) + two(2) + two(frame[0]) + frame[1]


def vn_tag(frame: Frame) -> Frame:
    return 0x8926, two(0x8005) + two(9) + two(frame[0]) + frame[1]


def cisco_metadata(frame: Frame) -> Frame:
    return 0x8909, b"\x01\x01" + two(1) + two(17) + two(frame[0]) + frame[1]


def macsec(frame: Frame) -> Frame:
    """802.1AE without encryption, with an integrity check value."""
    return 0x88E5, bytes([0x20, 0]) + four(1) + MACS[:6] + two(1) + two(frame[0]) + frame[1] + (
        b"\xee" * 16
    )


def labels(frame: Frame) -> bytes:
    """Two MPLS labels (RFC 3032); what is not IP is a pseudowire (RFC 4448)."""
    stack = four(20 << 12 | 64) + four(21 << 12 | 1 << 8 | 64)
    return stack + (frame[1] if is_ip(frame) else bytes(4) + ethernet(frame))


def mpls(frame: Frame) -> Frame | None:
    return (MPLS, labels(frame)) if is_ip(frame) or frame[0] in (0x8100, MPLS) else None


def pppoe(frame: Frame) -> Frame | None:
    """RFC 2516."""
    inner = ppp(frame)
    if inner is None:
        return None
    return 0x8864, b"\x11\0" + two(7) + two(len(inner) - 2) + inner[2:]


def llc(frame: Frame) -> Frame | None:
    """A length in place of the EtherType (IEEE 802.3)."""
    body = snap(frame)
    return (len(body), body) if len(body) <= 1500 else None


TAGS: dict[str, Callable[[Frame], Frame | None]] = {
    "vlan 12": vlan,
    "qinq": qinq,
    "isid 9": backbone,
    "etag 32773": e_tag,
    "vntag 9": vn_tag,
    "sgt 17": cisco_metadata,
    "macsec": macsec,
    "mpls": mpls,
    "pppoe 7": pppoe,
    "llc": llc,
}
"""Tags by the text that the reader has for them, where it has one."""


# Tunnels: what stands between the outer IP header and the inner frame.


def udp(port: int, payload: bytes) -> bytes:
    return two(50_000) + two(port) + two(8 + len(payload)) + bytes(2) + payload


def vxlan(frame: Frame, number: int = 5001, port: int = 4789) -> bytes:
    """RFC 7348."""
    return udp(port, four(0x08000000) + four(number << 8) + ethernet(frame))


def vxlan_gpe(frame: Frame) -> bytes | None:
    protocol = {IPV4: 1, IPV6: 2, MPLS: 5}.get(frame[0])
    if protocol is None:
        return None
    return udp(4790, four(0x0C000000 | protocol) + four(5001 << 8) + frame[1])


def geneve(frame: Frame, number: int = 5001) -> bytes:
    """RFC 8926, with an option of 8 bytes."""
    head = bytes([2, 0]) + two(BRIDGED) + four(number << 8)
    return udp(6081, head + bytes.fromhex("0102800100000000") + ethernet(frame))


def gre(frame: Frame, key: int | None = None) -> bytes | None:
    """RFC 2784, RFC 2890."""
    if not (is_ip(frame) or frame[0] == MPLS):
        return None
    if key is None:
        return two(0) + two(frame[0]) + frame[1]
    return two(0x2000) + two(frame[0]) + four(key) + frame[1]


def nvgre(frame: Frame, number: int = 5001) -> bytes:
    """RFC 7637."""
    return two(0x2000) + two(BRIDGED) + four(number << 8 | 0x42) + ethernet(frame)


def erspan_1(frame: Frame) -> bytes:
    return two(0) + two(0x88BE) + ethernet(frame)


def erspan_2(frame: Frame) -> bytes:
    return two(0x1000) + two(0x88BE) + four(1) + four(0x10640007) + four(0) + ethernet(frame)


def erspan_3(frame: Frame) -> bytes:
    head = four(0x20640007) + four(0) + four(1) + bytes(8)
    return two(0x1000) + two(0x22EB) + four(1) + head + ethernet(frame)


def pptp(frame: Frame) -> bytes | None:
    """RFC 2637."""
    inner = ppp(frame)
    if inner is None:
        return None
    return two(0x3001) + two(0x880B) + two(len(inner)) + two(9) + four(1) + inner


def in_ip(frame: Frame) -> bytes | None:
    """RFC 2003, RFC 4213, RFC 2473."""
    return frame[1] if is_ip(frame) else None


def gtp(frame: Frame, endpoint: int = 5) -> bytes | None:
    """3GPP TS 29.281, with a sequence number and an extension header."""
    if not is_ip(frame):
        return None
    body = bytes.fromhex("00010085 01100900") + frame[1]
    return udp(2152, b"\x36\xff" + two(len(body)) + four(endpoint) + body)


def l2tp(frame: Frame) -> bytes | None:
    """RFC 2661, with a length and sequence numbers."""
    inner = ppp(frame)
    if inner is None:
        return None
    return udp(1701, two(0x4802) + two(12 + len(inner)) + two(3) + two(4) + four(1) + inner)


def tzsp(frame: Frame) -> bytes:
    return udp(37008, four(0x01000001) + bytes.fromhex("0a01c401") + ethernet(frame))


def tzsp_wifi(frame: Frame) -> bytes:
    return udp(37008, four(0x01000012) + b"\x01" + wifi(frame))


def mpls_in_udp(frame: Frame) -> bytes | None:
    """RFC 7510."""
    return udp(6635, labels(frame)) if is_ip(frame) or frame[0] == 0x8100 else None


def capwap(frame: Frame) -> bytes:
    """RFC 5415."""
    return udp(5247, bytes.fromhex("0010000000000000") + ethernet(frame))


def capwap_wifi(frame: Frame) -> bytes:
    """RFC 5416, with the swapped frame control field of some controllers."""
    return udp(5247, bytes.fromhex("0010030000000000") + wifi(frame, b"\x01\x08\0\0"))


def ether_ip(frame: Frame) -> bytes:
    """RFC 3378."""
    return b"\x30\0" + ethernet(frame)


UDP = 17
GRE = 47


def protocol_of(frame: Frame) -> int:
    return 41 if frame[0] == IPV6 else 4


@dataclass(frozen=True)
class Tunnel:
    """A tunnel over IP.

    Attributes:
        wrap: Gives the payload of the outer IP packet, or None.
        protocol: The number of the payload in the outer IP header; None where it depends on the
            frame.
        text: What the reader calls it; None where that depends on the packets.
    """

    wrap: Callable[[Frame], bytes | None]
    protocol: int | None = UDP
    text: str | None = None


TUNNELS: dict[str, Tunnel] = {
    "VXLAN": Tunnel(vxlan, text="vxlan 5001"),
    "VXLAN on 8472": Tunnel(lambda frame: vxlan(frame, 1, 8472), text="vxlan 1"),
    "VXLAN-GPE": Tunnel(vxlan_gpe, text="vxlan 5001"),
    "GENEVE": Tunnel(geneve, text="geneve 5001"),
    "GRE": Tunnel(gre, GRE, "gre"),
    "GRE with key": Tunnel(lambda frame: gre(frame, 7), GRE, "gre 7"),
    "NVGRE": Tunnel(nvgre, GRE, "nvgre 5001"),
    "ERSPAN I": Tunnel(erspan_1, GRE, "erspan"),
    "ERSPAN II": Tunnel(erspan_2, GRE, "erspan 7"),
    "ERSPAN III": Tunnel(erspan_3, GRE, "erspan 7"),
    "PPTP": Tunnel(pptp, GRE, "pptp 9"),
    "IP in IP": Tunnel(in_ip, None),
    "GTP-U": Tunnel(gtp, text="gtp 5"),
    "L2TP": Tunnel(l2tp, text="l2tp 3/4"),
    "TZSP": Tunnel(tzsp, text="tzsp"),
    "TZSP with 802.11": Tunnel(tzsp_wifi, text="tzsp"),
    "MPLS in UDP": Tunnel(mpls_in_udp, text="mpls-in-ip"),
    "CAPWAP": Tunnel(capwap, text="capwap"),
    "CAPWAP with 802.11": Tunnel(capwap_wifi, text="capwap"),
    "EtherIP": Tunnel(ether_ip, 97, "etherip"),
}

OUTER = {False: ("198.51.100.1", "198.51.100.2"), True: ("2001:db8:1::1", "2001:db8:1::2")}
"""The ends of tunnels."""


def over(tunnel: Tunnel, six: bool, frame: Frame, *, back: bool = False) -> Frame | None:
    """Put a frame into a tunnel over IPv4 or IPv6."""
    payload = tunnel.wrap(frame)
    if payload is None or len(payload) > 65_000:
        return None
    protocol = protocol_of(frame) if tunnel.protocol is None else tunnel.protocol
    source, destination = reversed(OUTER[six]) if back else OUTER[six]
    return framed((ipv6 if six else ipv4)(payload, source, destination, protocol=protocol))


def encapsulations(six: bool) -> dict[str, Callable[[Frame], Frame | None]]:
    """All tags, and all tunnels over one version of IP."""
    found = dict(TAGS)
    for name, tunnel in TUNNELS.items():
        found[name] = lambda frame, tunnel=tunnel: over(tunnel, six, frame)  # type: ignore[misc]
    return found


def pairs(six: bool) -> Iterator[tuple[str, str, Callable[[Frame], Frame | None]]]:
    """Every two of them, the outer one first."""
    known = encapsulations(six)
    for outer, wrap_outer in known.items():
        for inner, wrap_inner in known.items():

            def both(
                frame: Frame,
                first: Callable[[Frame], Frame | None] = wrap_inner,
                then: Callable[[Frame], Frame | None] = wrap_outer,
            ) -> Frame | None:
                wrapped = first(frame)
                return None if wrapped is None else then(wrapped)

            yield outer, inner, both


# Link types.


def cisco_hdlc(frame: Frame) -> bytes:
    return b"\x0f\0" + two(frame[0]) + frame[1]


def frame_relay(frame: Frame) -> bytes:
    """RFC 2427: IP by its number, everything else by SNAP."""
    number = {IPV4: b"\xcc", IPV6: b"\x8e"}.get(frame[0])
    if number is not None:
        return b"\x18\x41\x03" + number + frame[1]
    return b"\x18\x41\x03\0\x80\0\0\0" + two(frame[0]) + frame[1]


def fddi(frame: Frame) -> bytes:
    return b"\x50" + MACS + snap(frame)


def radiotap(frame: Frame) -> bytes:
    """With a timer and flags that say padding, before a QoS frame."""
    head = bytes.fromhex("0000 1100 03000000 0000000000000000 20")
    body = bytes.fromhex("88010000") + MACS + bytes.fromhex("020000000003 0000 0000 0000")
    return head + body + snap(frame)


def per_packet(frame: Frame) -> bytes:
    return bytes.fromhex("0000 0800 69000000") + wifi(frame)


def netfilter_log(frame: Frame) -> bytes | None:
    if not is_ip(frame):
        return None
    family = 2 if frame[0] == IPV4 else 10
    length = (4 + len(frame[1])).to_bytes(2, "little")
    head = bytes([family, 0, 0, 0]) + bytes.fromhex("0800 0300 00000001")
    return head + length + b"\x09\0" + frame[1] + bytes(-len(frame[1]) % 4)


def infiniband(frame: Frame) -> bytes:
    """RFC 4391, after a global routing header."""
    return bytes(40) + two(frame[0]) + bytes(2) + frame[1]


def apple_tap(frame: Frame) -> bytes:
    head = b"".join(number.to_bytes(4, "little") for number in (108, 1, 1))
    return head.ljust(108, b"\0") + ethernet(frame)


def cooked(frame: Frame) -> bytes:
    return bytes.fromhex("0000 0001 0006 020000000001 0000") + two(frame[0]) + frame[1]


LINK_TYPES: dict[str, tuple[int, Callable[[Frame], bytes | None]]] = {
    "Ethernet": (1, ethernet),
    "PPP": (9, ppp),
    "FDDI": (10, fddi),
    "PPP in HDLC": (50, ppp),
    "PPPoE": (51, lambda frame: (pppoe(frame) or (0, None))[1]),
    "Cisco HDLC": (104, cisco_hdlc),
    "802.11": (105, wifi),
    "Frame Relay": (107, frame_relay),
    "cooked": (113, cooked),
    "radiotap": (127, radiotap),
    "PPI": (192, per_packet),
    "NFLOG": (239, netfilter_log),
    "IPoIB": (242, infiniband),
    "PKTAP": (258, apple_tap),
}
"""Link types by name: their number, and how a frame becomes a packet."""
