"""``CaptureReader``: one pass over a capture.

The native reader reads a chunk of the capture and returns a batch: the messages, events and
connections that the chunk completed. A batch ends before each ended connection, so that messages of
a connection come before it ends, whatever the size of the chunks. It also ends before the cost of
an earlier gap becomes certain. Timeouts use the times of the packets. Memory depends on the limits,
not on the size of the files.

Items that were read but not yet returned stay in the native reader, so an interrupt loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from wsdefrag._native import CapturedEvent, CapturedMessage, CaptureItems
from wsdefrag._native import CaptureReader as _NativeReader
from wsdefrag._shown import shown
from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.capture.packet_counts import PacketCounts
from wsdefrag.errors import CheckpointError

if TYPE_CHECKING:
    from typing_extensions import Self

CaptureItem: TypeAlias = CapturedMessage | CapturedEvent | CapturedConnection

__all__ = ["CaptureReader", "CapturedEvent", "CapturedMessage"]


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
