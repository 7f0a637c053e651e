"""An independent writer of capture files: pcap in its four forms, and pcapng block by block.

Follows the pcap and pcapng specifications (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

from capture_craft import Captured, Order

SECOND = 1_000_000_000

SECTION = 0x0A0D0D0A
INTERFACE = 1
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
STATISTICS = 5
ENHANCED_PACKET = 6
SECRETS = 10
CUSTOM = 0x00000BAD

# So many numbers of 32 bits. Records are written by the million.
_WORDS: dict[Order, dict[int, Struct]] = {
    "little": {count: Struct(f"<{count}I") for count in (1, 4, 6, 7)},
    "big": {count: Struct(f">{count}I") for count in (1, 4, 6, 7)},
}

_ZEROS = [bytes(count) for count in range(4)]


def pcap(
    packets: Iterable[Captured],
    link: int = 1,
    *,
    order: Order = "little",
    nanoseconds: bool = False,
    snap: int = 262_144,
    minor: int = 4,
) -> bytes:
    """Write a file of libpcap's format, in version 2.`minor`."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    head = b"".join(
        number.to_bytes(size, order)
        for number, size in ((magic, 4), (2, 2), (minor, 2), (0, 4), (0, 4), (snap, 4), (link, 4))
    )
    return head + b"".join(pcap_record(packet, order, nanoseconds) for packet in packets)


def pcap_record(packet: Captured, order: Order = "little", nanoseconds: bool = False) -> bytes:
    """Write one record of such a file."""
    seconds, rest = divmod(packet.time, SECOND)
    fraction = rest if nanoseconds else rest // 1000
    original = len(packet.data) if packet.original is None else packet.original
    return _WORDS[order][4].pack(seconds, fraction, len(packet.data), original) + packet.data


def _padded(data: bytes) -> bytes:
    rest = len(data) % 4
    return data + bytes(4 - rest) if rest else data


def option(code: int, value: bytes, order: Order = "little") -> bytes:
    """Write an option of a block; code 0 without a value ends the list."""
    return code.to_bytes(2, order) + len(value).to_bytes(2, order) + _padded(value)


def block(kind: int, body: bytes, order: Order = "little") -> bytes:
    """Write a block around a body, which is padded."""
    padded = _padded(body)
    length = (len(padded) + 12).to_bytes(4, order)
    return kind.to_bytes(4, order) + length + padded + length


def section(order: Order = "little", options: bytes = b"", length: int = -1) -> bytes:
    """Write the block that begins a section."""
    body = (0x1A2B3C4D).to_bytes(4, order) + (1).to_bytes(2, order) + (0).to_bytes(2, order)
    return block(SECTION, body + length.to_bytes(8, order, signed=True) + options, order)


def interface(
    link: int = 1,
    order: Order = "little",
    *,
    resolution: int | None = 9,
    offset: int | None = None,
    snap: int = 0,
) -> bytes:
    """Write the description of an interface.

    Args:
        resolution: the value of `if_tsresol`; None leaves it out, which means microseconds.
        offset: the value of `if_tsoffset`, in seconds.
        snap: the longest packet it captures, 0 for no limit.
    """
    options = b"" if resolution is None else option(9, bytes([resolution]), order)
    if offset is not None:
        options += option(14, offset.to_bytes(8, order, signed=True), order)
    options += option(0, b"", order) if options else b""
    body = link.to_bytes(2, order) + bytes(2) + snap.to_bytes(4, order)
    return block(INTERFACE, body + options, order)


def units(time: int, resolution: int | None = 9, offset: int = 0) -> int:
    """Convert a time to the units of `if_tsresol`."""
    if resolution == 9:
        return time - offset * SECOND
    if resolution is None:
        resolution = 6
    rate: int = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    return (time - offset * SECOND) * rate // SECOND


def enhanced(
    packet: Captured,
    order: Order = "little",
    *,
    resolution: int | None = 9,
    offset: int = 0,
    options: bytes = b"",
) -> bytes:
    """Write a packet with its interface and time."""
    data = packet.data
    size = len(data)
    original = size if packet.original is None else packet.original
    time = units(packet.time, resolution, offset)
    rest = _ZEROS[-size % 4] + _padded(options)
    length = 32 + size + len(rest)
    words = _WORDS[order]
    head = words[7].pack(
        ENHANCED_PACKET, length, packet.interface, time >> 32, time & 0xFFFFFFFF, size, original
    )
    return head + data + rest + words[1].pack(length)


def simple(packet: Captured, order: Order = "little") -> bytes:
    """Write a packet of the first interface, without a time."""
    original = len(packet.data) if packet.original is None else packet.original
    return block(SIMPLE_PACKET, original.to_bytes(4, order) + packet.data, order)


def secrets(content: bytes, kind: int = 0x544C534B, order: Order = "little") -> bytes:
    """Write a decryption secrets block; the kind given here is a TLS key log."""
    head = kind.to_bytes(4, order) + len(content).to_bytes(4, order)
    return block(SECRETS, head + content, order)


def pcapng(
    packets: Iterable[Captured],
    links: int | Sequence[int] = 1,
    *,
    order: Order = "little",
    resolution: int | None = 9,
    offset: int | None = None,
) -> bytes:
    """Write a file of one section, with an interface for each link type."""
    kinds = [links] if isinstance(links, int) else links
    described = [interface(link, order, resolution=resolution, offset=offset) for link in kinds]
    written = [
        enhanced(packet, order, resolution=resolution, offset=offset or 0) for packet in packets
    ]
    return section(order) + b"".join(described) + b"".join(written)


def snoop(packets: Iterable[Captured], link: int = 4) -> bytes:
    """Write a file of Solaris' snoop (RFC 1761), of Ethernet packets."""
    head = b"snoop\0\0\0" + (2).to_bytes(4, "big") + link.to_bytes(4, "big")
    return head + b"".join(map(snoop_record, packets))


def snoop_record(packet: Captured) -> bytes:
    """Write one record of such a file."""
    seconds, rest = divmod(packet.time, SECOND)
    original = len(packet.data) if packet.original is None else packet.original
    data = _padded(packet.data)
    numbers = (original, len(packet.data), 24 + len(data), 0, seconds, rest // 1000)
    return _WORDS["big"][6].pack(*numbers) + data
