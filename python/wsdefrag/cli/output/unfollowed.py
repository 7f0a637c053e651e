"""Says which packets of a capture were not followed, and what a capture held without WebSockets.

A packet that may belong to a WebSocket and cannot be read never goes unmentioned: TLS connections,
tunnels and encryption, link types, fragments, damaged headers. TLS is a failure only where keys
were given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag.cli.output.numbers import counted
from wsdefrag.formats.shown import escaped

if TYPE_CHECKING:
    from wsdefrag.capture import PacketCounts

# Statuses of TLS that was not read, and what they mean.
_TLS_REASONS = {
    "no_keys": "without keys",
    "unknown_cipher": "with an unknown cipher",
    "no_handshake": "without a captured handshake",
    "no_server_hello": "without a captured ServerHello",
    "undecryptable": "whose keys do not fit",
}

# Servers that a line names.
_MAX_SERVERS = 3

_TCP_KINDS = {"tls": "TLS", "http2": "HTTP/2", "http": "HTTP"}


def unfollowed(counts: PacketCounts) -> list[str]:
    """Format the packets that were not followed.

    Args:
        counts: The counters of the packets.

    Returns:
        One line for each reason.
    """
    lines = []
    if counts.keys and (tls := unread_tls(counts)):
        lines.append(tls)
    if counts.bad_tags:
        lines.append(f"{counted(counts.bad_tags, 'TLS record')} with a wrong tag")
    if counts.bytes_before_keys:
        late = counted(counts.bytes_before_keys, "byte")
        lines.append(f"{late} of TLS not decrypted: the keys came too late")
    if counts.http2_unread_blocks:
        blocks = counted(counts.http2_unread_blocks, "header block")
        lines.append(f"{blocks} of HTTP/2 not read whole: too long, or wrong")
    if counts.http2_dropped_streams:
        streams = counted(counts.http2_dropped_streams, "stream")
        lines.append(f"{streams} of HTTP/2 not read: there are too many")
    if counts.dropped_keys:
        lines.append(f"{counted(counts.dropped_keys, 'key')} of TLS not kept: there are too many")
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
    if counts.rows_left_out:
        rows = counted(counts.rows_left_out, "row")
        lines.append(f"{rows} around matches left out: too many rows waited (--around)")
    return lines


def unread_tls(counts: PacketCounts, *, has_key_log: bool = False) -> str:
    """Say how much TLS was not decrypted, and why.

    Args:
        counts: The counters of the packets.
        has_key_log: Whether a key log was given, which may have no keys.

    Returns:
        One line; empty if all TLS was decrypted, or there was none.
    """
    packets = sum(counts.tls_packets.get(status, 0) for status in _TLS_REASONS)
    if not packets:
        return ""
    names = [escaped(name) for name in counts.tls_servers[:_MAX_SERVERS]]
    more = ", ..." if len(counts.tls_servers) > _MAX_SERVERS else ""
    servers = f" ({', '.join(names)}{more})" if names else ""
    line = f"{_share(packets, counts)} TLS that was not decrypted{servers}"
    if not counts.keys:
        return line if has_key_log else f"{line}; give --keylog"
    reasons = [
        f"{counted(number, 'connection')} {reason}"
        for status, reason in _TLS_REASONS.items()
        if (number := counts.tls_connections.get(status, 0))
    ]
    return f"{line}: {', '.join(reasons)}"


def held_instead(counts: PacketCounts) -> str:
    """Say what a capture without WebSockets held.

    Args:
        counts: The counters of the packets.

    Returns:
        One line.
    """
    requests = counts.tcp_connections.get("http", 0)
    if not counts.packets and requests:
        return f"no WebSocket in {counted(requests, 'HTTP request')}"
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
