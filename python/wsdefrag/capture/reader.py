"""One pass over a capture, and what is to be said of its packets.

The native reader gives batches of what a piece of the capture completed. A batch ends where a
connection has ended, so that its messages are handed out while it goes on, whatever the pieces are.
The clock is that of the packets, and memory is bounded by the limits, not by the files.

What was read and not handed out waits in the native reader: an interrupt does not lose it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wsdefrag._native import CapturedMessage
from wsdefrag._native import CaptureReader as _NativeReader
from wsdefrag.capture._shown import shown, shown_fields
from wsdefrag.capture.connection import CapturedConnection

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CaptureReader", "CapturedMessage", "PacketCounts"]


@dataclass(frozen=True)
class PacketCounts:
    """What became of the packets of a capture.

    Attributes:
        packets: All packets.
        tcp: TCP segments.
        cut: Those of them that a snap length cut.
        exported: Pieces of decrypted streams, out of exported PDUs.
        other: Packets of other protocols.
        malformed: Packets that contradict themselves, or of which not even the headers were
            captured.
        unknown_link: Packets of link types that are not read.
        unknown_links: How many of each such link type.
        fragments: IP fragments that did not complete a datagram.
        fragments_dropped: Those of them whose datagram was given up.
        fragments_waiting: Those of them whose datagram may still be completed.
        first_ns: When the first packet was captured, in nanoseconds since the epoch, or None.
        last_ns: When the last packet was captured, likewise.

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
    fragments: int = 0
    fragments_dropped: int = 0
    fragments_waiting: int = 0
    first_ns: int | None = None
    last_ns: int | None = None

    def __repr__(self) -> str:
        """Show what is not zero."""
        return shown_fields(self)


class CaptureReader:
    """One pass over a capture.

    Iterating gives each message as soon as it is complete and each connection when it has ended;
    ``message.connection`` is the same object, while it goes on.

    Where a file object does not block and has nothing yet, ``BlockingIOError`` is raised, and the
    next call, or a new iteration, goes on. What else a file object raises ends the pass, and comes
    behind all that was complete before. How far it is can be asked for at any time, also by
    another thread.

    Example:
        >>> from wsdefrag.capture import Capture, CapturedMessage
        >>> with Capture("vectors/captures/demo.pcapng").read() as reader:
        ...     kinds = {type(item).__name__ for item in reader}
        >>> sorted(kinds)
        ['CapturedConnection', 'CapturedMessage']
    """

    def __init__(self, native: _NativeReader, paths: list[str], name: str) -> None:
        """Wrap a pass; ``Capture.read()`` makes it."""
        self._native: _NativeReader | None = native
        self._name = name
        self._paths = paths
        self._batch: Iterator[CapturedMessage | CapturedConnection] = iter(())
        self._counts = PacketCounts()
        self._warnings: list[str] = []
        self._bytes_read = 0

    def __repr__(self) -> str:
        """Show what it reads, and how far it is."""
        packets, closed = self.counts.packets, ", closed" if self._native is None else ""
        state = f"{self._name}, {self.bytes_read} bytes, {packets} packets{closed}"
        return shown("CaptureReader", state)

    def __enter__(self) -> Self:
        """Give the reader itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the files."""
        self.close()

    def __iter__(self) -> Iterator[CapturedMessage | CapturedConnection]:
        """Go on with the pass.

        Yields:
            Messages and ended connections, in the order in which that became certain.

        Raises:
            CaptureError: If a file is no capture, or not readable any more; all that was complete
                before has been given out.
            OSError: If a file cannot be opened or read; ``BlockingIOError`` if a file object has
                nothing yet.
            RuntimeError: If the pass is being read already, by another thread or by the ``read()``
                of the file object that it is in.
        """
        while True:
            yield from self._batch
            batch = self.next_batch()
            if batch is None:
                return
            self._batch = iter(batch)

    def next_batch(self) -> list[CapturedMessage | CapturedConnection] | None:
        """Read on until something is complete.

        Returns:
            What a piece of the capture completed, or a part of it, in order; None at the end. A
            connection that has ended is the first of its batch.

        Raises:
            CaptureError: As in ``__iter__``.
            OSError: As in ``__iter__``.
            RuntimeError: As in ``__iter__``.
        """
        return None if self._native is None else self._native.next_batch()

    def close(self) -> None:
        """End the pass and close the files; may be called again."""
        if self._native is not None:
            # They stay at hand for who wants to know afterwards.
            self._counts, self._warnings = self.counts, self.warnings
            self._bytes_read = self.bytes_read
            self._native = None
            self._batch = iter(())

    @property
    def bytes_read(self) -> int:
        """Bytes of the files read so far, as they are stored."""
        return self._bytes_read if self._native is None else self._native.bytes_read

    @property
    def bytes_total(self) -> int | None:
        """Bytes of all files, or None where that is not known."""
        paths = [Path(path) for path in self._paths]
        if not paths or not all(path.is_file() for path in paths):
            return None
        return sum(path.stat().st_size for path in paths)

    @property
    def counts(self) -> PacketCounts:
        """What became of the packets so far."""
        return self._counts if self._native is None else PacketCounts(**self._native.counts)

    @property
    def warnings(self) -> list[str]:
        """What is to be said of files that could be read all the same, such as one cut short."""
        return self._warnings if self._native is None else self._native.warnings
