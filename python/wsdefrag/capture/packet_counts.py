"""``PacketCounts``: the counters of the packets of a capture."""

from __future__ import annotations

from dataclasses import dataclass, field

from wsdefrag._shown import shown_fields


@dataclass(frozen=True)
class PacketCounts:
    """Counts the packets of a capture by kind.

    Attributes:
        packets: All packets.
        tcp: TCP segments.
        cut: TCP segments that the capture's snap length cut.
        exported: Exported PDUs with bytes of a decrypted stream.
        other: Packets of other protocols.
        malformed: Packets with contradictory or incomplete headers.
        unknown_link: Packets of unsupported link types.
        unknown_links: The number of packets of each unsupported link type.
        unread: Packets of encapsulations that may carry TCP and are not followed.
        unread_kinds: The number of packets of each of these encapsulations, by name: ``"ESP"``,
            ``"QUIC"``, ``"VXLAN on UDP port 5555"``.
        tcp_connections: The number of TCP connections that have ended by what they carry:
            ``"websocket"`` (also refused ones), ``"http"`` (without a WebSocket), ``"tls"`` (not
            decrypted), ``"http2"``, ``"other"``. Only those that ``ports`` and ``addresses`` want.
            TLS that was decrypted counts as what was inside.
        tcp_packets: The number of packets of these connections.
        tls_connections: The number of TLS connections among them by status: ``"ok"``,
            ``"no_keys"``, ``"unknown_cipher"``, ``"no_handshake"``, ``"no_server_hello"``,
            ``"undecryptable"``.
        tls_packets: The number of packets of these connections.
        tls_servers: Names of servers whose TLS was not read, at most 8.
        http2_unread_blocks: Header blocks of HTTP/2 that were not read whole, because they are
            longer than 64 KiB or break the rules of HPACK (RFC 7541).
        http2_dropped_streams: Streams of HTTP/2 that were not read, because one connection had too
            many.
        keys: Keys found in key logs and in pcapng files.
        malformed_keys: Lines of key logs that are none, or whose key has a wrong length.
        dropped_keys: Keys that there was no room for.
        bad_tags: TLS records whose tag or MAC is wrong with the right key.
        found_by_trial: TLS records after a loss whose number or key was found by trial.
        bytes_before_keys: Bytes of TLS records that were given up before their keys came.
        fragments: IP fragments that did not complete a datagram.
        fragments_dropped: Fragments whose datagram was dropped.
        fragments_waiting: Fragments whose datagram may still be completed.
        evicted_connections: Connections that ended because there was no room for them.
        evicted_packets: TCP segments of those connections that came later and were not read.
        rows_left_out: Rows around wanted messages (``around``) that there was no room for.
        first_ns: When the first packet was captured, in nanoseconds since the epoch, or None.
        last_ns: When the last packet was captured, in nanoseconds since the epoch, or None.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> with Capture("vectors/captures/demo.pcapng").read() as reader:
        ...     items = list(reader)
        ...     reader.counts.packets == reader.counts.tcp
        True
    """

    packets: int = 0
    tcp: int = 0
    cut: int = 0
    exported: int = 0
    other: int = 0
    malformed: int = 0
    unknown_link: int = 0
    unknown_links: dict[int, int] = field(default_factory=dict)
    unread: int = 0
    unread_kinds: dict[str, int] = field(default_factory=dict)
    tcp_connections: dict[str, int] = field(default_factory=dict)
    tcp_packets: dict[str, int] = field(default_factory=dict)
    tls_connections: dict[str, int] = field(default_factory=dict)
    tls_packets: dict[str, int] = field(default_factory=dict)
    tls_servers: list[str] = field(default_factory=list)
    http2_unread_blocks: int = 0
    http2_dropped_streams: int = 0
    keys: int = 0
    malformed_keys: int = 0
    dropped_keys: int = 0
    bad_tags: int = 0
    found_by_trial: int = 0
    bytes_before_keys: int = 0
    fragments: int = 0
    fragments_dropped: int = 0
    fragments_waiting: int = 0
    evicted_connections: int = 0
    evicted_packets: int = 0
    rows_left_out: int = 0
    first_ns: int | None = None
    last_ns: int | None = None

    def __repr__(self) -> str:
        """Show the counters that are not zero."""
        return shown_fields(self)
