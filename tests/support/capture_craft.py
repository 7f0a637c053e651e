"""An independent writer of packets, for the tests of the capture reader.

`tcp` adds a TCP header to bytes, `ipv4` or `ipv6` adds an IP header, and a function of `LINKS` adds
a link header. `capture_files` writes the packets to a file. This module shares no code with the
package and can write invalid packets: wrong lengths, overlapping fragments. Checksums are zero, as
in a capture made on a machine whose network card computes them.

Follows RFC 9293 section 3.1 (TCP), RFC 791 section 3.1 (IPv4), RFC 8200 sections 3 and 4 (IPv6),
IEEE 802.1Q, and libpcap's list of link types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address
from typing import Literal

FIN = 0x01
SYN = 0x02
RST = 0x04
PSH = 0x08
ACK = 0x10

TCP = 6
HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
AUTHENTICATION = 51
DESTINATION = 60

VLAN = 0x8100
QINQ = 0x88A8

Order = Literal["little", "big"]
Endpoint = tuple[str, int]


@dataclass(frozen=True)
class Captured:
    """One packet of a capture file.

    `time` is in nanoseconds since the epoch. `original` is its length on the wire where that is
    not the length of `data`. `interface` counts the interfaces of its section.
    """

    time: int
    data: bytes
    original: int | None = None
    interface: int = 0

    def snapped(self, length: int) -> Captured:
        """The packet, cut to a snap length."""
        if len(self.data) <= length:
            return self
        original = len(self.data) if self.original is None else self.original
        return replace(self, data=self.data[:length], original=original)

    def at(self, time: int) -> Captured:
        """The packet, captured at another time; `replace` takes four times as long."""
        if time == self.time:
            return self
        return Captured(time, self.data, self.original, self.interface)


@cache
def packed(address: str) -> bytes:
    """The bytes of an IPv4 or IPv6 address."""
    return ip_address(address).packed


def tcp(
    ports: tuple[int, int],
    payload: bytes = b"",
    *,
    seq: int = 0,
    ack: int = 0,
    flags: int = ACK,
    options: bytes = b"",
) -> bytes:
    """Write a segment; the length of `options` is a multiple of four."""
    words = 5 + len(options) // 4
    return (
        b"".join(port.to_bytes(2, "big") for port in ports)
        + (seq % 2**32).to_bytes(4, "big")
        + (ack % 2**32).to_bytes(4, "big")
        + bytes([words << 4, flags])
        + (65535).to_bytes(2, "big")
        + bytes(4)
        + options
        + payload
    )


def ipv4(
    payload: bytes,
    source: str,
    destination: str,
    *,
    protocol: int = TCP,
    options: bytes = b"",
    total_length: int | None = None,
    identification: int = 0,
    offset: int = 0,
    more: bool = False,
) -> bytes:
    """Write a packet.

    Args:
        options: bytes of options, a multiple of four.
        total_length: the length to write, where it shall differ from the packet's.
        offset: of a fragment, in bytes, a multiple of eight.
        more: whether other fragments follow it.
    """
    length = 20 + len(options) + len(payload) if total_length is None else total_length
    return (
        bytes([0x40 | (5 + len(options) // 4), 0])
        + (length & 0xFFFF).to_bytes(2, "big")
        + identification.to_bytes(2, "big")
        + (more << 13 | offset // 8).to_bytes(2, "big")
        + bytes([64, protocol, 0, 0])
        + packed(source)
        + packed(destination)
        + options
        + payload
    )


def ipv4_fragments(
    payload: bytes,
    source: str,
    destination: str,
    *,
    size: int,
    identification: int = 77,
    protocol: int = TCP,
) -> list[bytes]:
    """Cut a packet into fragments of `size` bytes of payload, a multiple of eight."""
    return [
        ipv4(
            payload[start : start + size],
            source,
            destination,
            protocol=protocol,
            identification=identification,
            offset=start,
            more=start + size < len(payload),
        )
        for start in range(0, len(payload), size)
    ]


def extension(following: int, content: bytes = b"", *, authentication: bool = False) -> bytes:
    """Write an extension header of IPv6; its length is counted from the content."""
    if authentication:
        body = content.ljust(10, b"\0")
        return bytes([following, (2 + len(body)) // 4 - 2]) + body
    padded = (2 + len(content) + 7) // 8 * 8
    return bytes([following, padded // 8 - 1]) + content.ljust(padded - 2, b"\0")


def ipv6(
    payload: bytes,
    source: str,
    destination: str,
    *,
    extensions: Sequence[int] = (),
    protocol: int = TCP,
    payload_length: int | None = None,
) -> bytes:
    """Write a packet, with empty extension headers of the given types before the payload."""
    chain = [*extensions, protocol]
    headers = b"".join(
        extension(following, authentication=kind == AUTHENTICATION)
        for kind, following in zip(extensions, chain[1:], strict=True)
    )
    length = len(headers) + len(payload) if payload_length is None else payload_length
    return (
        bytes([0x60, 0, 0, 0])
        + (length & 0xFFFF).to_bytes(2, "big")
        + bytes([chain[0], 64])
        + packed(source)
        + packed(destination)
        + headers
        + payload
    )


def ipv6_fragments(
    payload: bytes,
    source: str,
    destination: str,
    *,
    size: int,
    identification: int = 77,
    protocol: int = TCP,
) -> list[bytes]:
    """Cut a packet into fragments of `size` bytes of payload, a multiple of eight."""
    fragments = []
    for start in range(0, len(payload), size):
        more = start + size < len(payload)
        header = bytes([protocol, 0]) + (start | more).to_bytes(2, "big")
        body = header + identification.to_bytes(4, "big") + payload[start : start + size]
        fragments.append(ipv6(body, source, destination, protocol=FRAGMENT))
    return fragments


def ip(payload: bytes, source: str, destination: str) -> bytes:
    """Write a packet of the IP version of the addresses."""
    write = ipv4 if ip_address(source).version == 4 else ipv6
    return write(payload, source, destination)


def _is_ipv6(packet: bytes) -> bool:
    return packet[0] >> 4 == 6


def _ethertype(packet: bytes) -> bytes:
    return (0x86DD if _is_ipv6(packet) else 0x0800).to_bytes(2, "big")


def ethernet(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    """Put an Ethernet header before a packet, with tags of the given types in it."""
    written = b"".join(tag.to_bytes(2, "big") + (42).to_bytes(2, "big") for tag in tags)
    return bytes.fromhex("020000000002020000000001") + written + _ethertype(packet) + packet


def vlan(packet: bytes) -> bytes:
    return ethernet(packet, [VLAN])


def qinq(packet: bytes) -> bytes:
    return ethernet(packet, [QINQ, VLAN])


def sll(packet: bytes) -> bytes:
    """Put a header of Linux's cooked capture before a packet."""
    return bytes.fromhex("0000 0001 0006 020000000001 0000") + _ethertype(packet) + packet


def sll2(packet: bytes) -> bytes:
    """Put a header of the second version of it before a packet."""
    rest = bytes.fromhex("0000 00000001 0001 00 06 020000000001 0000")
    return _ethertype(packet) + rest + packet


def null(packet: bytes, family: int = 24, order: Order = "little") -> bytes:
    """Put the family before a packet: 2 for IPv4, 24, 28 or 30 for IPv6, in the host's order."""
    return (family if _is_ipv6(packet) else 2).to_bytes(4, order) + packet


def null_big(packet: bytes) -> bytes:
    return null(packet, 30, "big")


def loop(packet: bytes) -> bytes:
    return null(packet, 24, "big")


def raw(packet: bytes) -> bytes:
    return packet


LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "ethernet": (1, ethernet),
    "vlan": (1, vlan),
    "qinq": (1, qinq),
    "sll": (113, sll),
    "sll2": (276, sll2),
    "null": (0, null),
    "null, big-endian": (0, null_big),
    "loop": (108, loop),
    "raw": (101, raw),
}
"""Link types by name: their number, and how a packet gets the header."""

EXPORTED_PDU = 252


def exported_pdu(
    payload: bytes,
    source: Endpoint,
    destination: Endpoint,
    number: int,
    *,
    dissector: bytes = b"http_tls",
) -> bytes:
    """Write bytes of a stream as tshark exports them, with the tags that it writes."""
    address = 20 if ip_address(source[0]).version == 4 else 22
    tags = [
        (13, dissector.ljust((len(dissector) + 3) // 4 * 4, b"\0")),
        (address, ip_address(source[0]).packed),
        (address + 1, ip_address(destination[0]).packed),
        (24, (2).to_bytes(4, "big")),
        (25, source[1].to_bytes(4, "big")),
        (26, destination[1].to_bytes(4, "big")),
        (30, number.to_bytes(4, "big")),
        (0, b""),
    ]
    return (
        b"".join(
            kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for kind, value in tags
        )
        + payload
    )
