"""``CaptureReader``: one pass over a capture; ``PacketCounts``: counters of its packets.

The native reader reads a chunk of the capture and returns a batch: the messages, events and
connections that the chunk completed. A batch ends before each ended connection, so that messages of
a connection come before it ends, whatever the size of the chunks. It also ends before the cost of
an earlier gap becomes certain. Timeouts use the times of the packets. Memory depends on the limits,
not on the size of the files.

Items that were read but not yet returned stay in the native reader, so an interrupt loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from wsdefrag._native import CapturedEvent, CapturedMessage, CaptureItems
from wsdefrag._native import CaptureReader as _NativeReader
from wsdefrag._shown import shown, shown_fields
from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.errors import CheckpointError

if TYPE_CHECKING:
    from typing_extensions import Self

CaptureItem: TypeAlias = CapturedMessage | CapturedEvent | CapturedConnection

__all__ = ["CaptureReader", "CapturedEvent", "CapturedMessage", "PacketCounts"]


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


class CaptureReader:
    """One pass over a capture.

    Iterating yields each message as soon as it is complete, each event in its place among the
    messages of its direction, and each connection when it has ended; ``message.connection`` and
    ``event.connection`` are that same connection object. The cost of a gap may become certain after
    the gap was yielded: ``lost`` and ``undecodable`` are None until then, at the latest until its
    connection is yielded.

    If a non-blocking file object has no bytes yet, ``BlockingIOError`` is raised, and the next call
    or a new iteration continues. Any other exception of a file object ends the pass; it is raised
    after everything that was complete before it has been yielded. Any thread may read ``counts``,
    ``bytes_read`` and ``warnings`` at any time.

    Example:
        >>> from wsdefrag.capture import Capture, CapturedMessage
        >>> with Capture("vectors/captures/demo.pcapng").read() as reader:
        ...     kinds = {type(item).__name__ for item in reader}
        >>> sorted(kinds)
        ['CapturedConnection', 'CapturedEvent', 'CapturedMessage']
    """

    def __init__(self, native: _NativeReader, paths: list[str], name: str) -> None:
        """Wrap a pass; ``Capture.read()`` makes it."""
        self._native: _NativeReader | None = native
        self._name = name
        self._paths = paths
        self._batch: Iterator[CaptureItem] = iter(())
        self._counts = PacketCounts()
        self._warnings: list[str] = []
        self._bytes_read = 0

    def __repr__(self) -> str:
        """Show the files, and the bytes and packets read so far."""
        packets, closed = self.counts.packets, ", closed" if self._native is None else ""
        state = f"{self._name}, {self.bytes_read} bytes, {packets} packets{closed}"
        return shown("CaptureReader", state)

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the files."""
        self.close()

    def __iter__(self) -> Iterator[CaptureItem]:
        """Start or continue the pass.

        Returns:
            An iterator over messages, events and ended connections, each as soon as it is complete.

        Raises:
            CaptureError: If no file is a capture.
            OSError: If no file can be opened or read; ``BlockingIOError`` if a file object has
                no bytes yet.
            RuntimeError: If another thread is reading, or the ``read()`` method of the file object
                calls the reader.
        """
        return CaptureItems(self, self._batch)

    def next_batch(self) -> list[CaptureItem] | None:
        """Read until a message is complete or a connection has ended.

        Returns:
            The next messages, events and connections, in order; None at the end. An ended
            connection is always the first item of a batch.

        Raises:
            CaptureError: As in ``__iter__``.
            OSError: As in ``__iter__``.
            RuntimeError: As in ``__iter__``.
        """
        return None if self._native is None else self._native.next_batch()

    def checkpoint(self) -> bytes:
        """Return the state of the capture after its last file, for ``Capture.resume``.

        It is there once, after the pass has ended without an exception, and before ``close``.

        Returns:
            The state, which has contents of unfinished messages and keys of TLS.

        Raises:
            CheckpointError: If the pass has not ended, or failed, or the capture was made without
                ``continues=True``.

        Example:
            >>> from wsdefrag.capture import Capture
            >>> with Capture("vectors/captures/demo.pcapng", continues=True).read() as reader:
            ...     items = list(reader)
            ...     state = reader.checkpoint()
            >>> state[:8]
            b'wsdefrag'
        """
        if self._native is None:
            raise CheckpointError("the reader is closed", kind="not_resumable")
        return self._native.checkpoint()

    def close(self) -> None:
        """End the pass and close the files; may be called again."""
        if self._native is not None:
            # Callers may read these after closing.
            self._counts, self._warnings = self.counts, self.warnings
            self._bytes_read = self.bytes_read
            self._native = None
            self._batch = iter(())

    @property
    def bytes_read(self) -> int:
        """Bytes read from the files so far, before decompression."""
        return self._bytes_read if self._native is None else self._native.bytes_read

    @property
    def bytes_total(self) -> int | None:
        """Size of all files in bytes, or None if it is unknown."""
        paths = [Path(path) for path in self._paths]
        sizes = [path.stat().st_size for path in paths if path.is_file()]
        return sum(sizes) if paths and len(sizes) == len(paths) else None

    @property
    def counts(self) -> PacketCounts:
        """The counters of the packets read so far."""
        return self._counts if self._native is None else PacketCounts(**self._native.counts)

    @property
    def warnings(self) -> list[str]:
        """Damaged, truncated and unreadable files, each with its place; key logs without keys."""
        return self._warnings if self._native is None else self._native.warnings
