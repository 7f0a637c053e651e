"""Says which packets of a capture were not followed, and what a capture held without WebSockets.

A packet that may belong to a WebSocket and cannot be read never goes unmentioned: TLS connections,
tunnels and encryption, link types, fragments, damaged headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag.cli.output.render import counted

if TYPE_CHECKING:
    from wsdefrag.capture import PacketCounts

_TCP_KINDS = {"tls": "TLS", "http2": "HTTP/2", "http": "HTTP"}


def unfollowed(counts: PacketCounts) -> list[str]:
    """Format the packets that were not followed.

    Args:
        counts: The counters of the packets.

    Returns:
        One line for each reason.
    """
    lines = []
    if tls := counts.tcp_packets.get("tls", 0):
        lines.append(
            f"{_share(tls, counts)} TLS, which is not decrypted; with the keys, tshark can "
            "export the plain stream (see TLS in docs/captures.md)"
        )
    for link, packets in sorted(counts.unknown_links.items()):
        lines.append(f"{counted(packets, 'packet')} of link type {link}, which is not supported")
    for kind, packets in sorted(counts.unread_kinds.items()):
        lines.append(f"{counted(packets, 'packet')} not followed: {kind}")
    if counts.fragments:
        fragments = counted(counts.fragments, "IP fragment")
        lines.append(f"{fragments} not followed: the rest of the packets was not captured")
    if counts.malformed:
        lines.append(f"{counted(counts.malformed, 'packet')} with damaged or cut headers")
    if counts.evicted_packets:
        number = counted(counts.evicted_packets, "packet")
        evicted = counted(counts.evicted_connections, "connection")
        lines.append(f"{number} not read, of {evicted} evicted for others")
    return lines


def held_instead(counts: PacketCounts) -> str:
    """Say what a capture without WebSockets held.

    Args:
        counts: The counters of the packets.

    Returns:
        One line.
    """
    tcp = {name: counts.tcp_packets.get(kind, 0) for kind, name in _TCP_KINDS.items()}
    kinds = {
        **tcp,
        "other TCP": counts.tcp + counts.exported - sum(tcp.values()),
        "neither TCP nor a tunnel": counts.other,
        "not followed": counts.unknown_link + counts.unread + counts.fragments,
        "damaged": counts.malformed,
    }
    parts = [f"{packets:,} {name}" for name, packets in kinds.items() if packets]
    cut = f"; {counts.cut:,} of them cut by a snap length" if counts.cut else ""
    held = f": {', '.join(parts)}{cut}" if parts else ""
    return f"no WebSocket in {counted(counts.packets, 'packet')}{held}"


def _share(number: int, counts: PacketCounts) -> str:
    return f"{number:,} of {counted(counts.packets, 'packet')} {'is' if number == 1 else 'are'}"
