"""Reading captures: what to read, and a pass over it.

A ``Capture`` is a description and holds nothing open. Each of its methods begins a pass of its
own over the files, so one description can be read any number of times, also in other processes:
it can be pickled, and reading it has no side effects and gives the same every time. That makes it
the unit of work for an engine that spreads captures over machines; rows are identified by
``(connection, from_client, seq)``.

The clock is that of the packets. Memory is bounded by the limits, not by the files.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from wsdefrag._arguments import require_bool, require_int, require_number
from wsdefrag._native import ArrowStream, CapturedMessage, CapturePlan
from wsdefrag._native import CaptureReader as _NativeReader
from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.limits import Limits
from wsdefrag.opcode import Opcode
from wsdefrag.strictness import Strictness

_NANOSECONDS = 10**9
_MAX_NS = 2**63 - 1

Path = str | os.PathLike[str]


class BinaryFile(Protocol):
    """A file object that is read in bytes: open files, pipes, ``io.BytesIO``."""

    def read(self, size: int, /) -> bytes | None:
        """Give at most ``size`` bytes, none at the end."""


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
        >>> with Capture("tests/data/captures/demo.pcapng").read() as reader:
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


class ArrowTables(NamedTuple):
    """A capture as two tables, joined by the column ``connection``.

    Each offers ``__arrow_c_stream__``, so that ``polars.DataFrame(table)``,
    ``pyarrow.table(table)`` and DuckDB read it without a copy. Each reading is a pass over the
    files; where ``messages`` has been read to its end, ``connections`` needs none.

    Attributes:
        messages: One row a message.
        connections: One row a connection.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> import pyarrow
        >>> tables = Capture("tests/data/captures/demo.pcapng").to_arrow()
        >>> pyarrow.table(tables.messages).column_names[:4]
        ['connection', 'seq', 'from_client', 'type']
    """

    messages: ArrowStream
    connections: ArrowStream


class Capture:
    """A packet capture, and which part of it is wanted.

    Reads pcap and pcapng, also gzipped. Several files are one capture, in the order given. A
    capture of a file object can be read once, from where the file stands.

    Args:
        source: A path, several paths, or a binary file object.
        hosts: Patterns of the request's ``Host`` (``*`` stands for anything), without regard to
            case; the port may be left out. Connections whose request is not in the capture match
            none.
        paths: Patterns of the request's path and query, likewise.
        ports: TCP ports of either side.
        addresses: IP addresses of either side.
        from_client: Only messages of this side.
        opcodes: Only messages of these opcodes.
        since: Only messages of this time or later, in seconds since the epoch.
        until: Only messages before this time, in seconds since the epoch.
        content: Whether contents are wanted; without them frames are only walked over, contents
            are empty and neither UTF-8 nor deflate is looked at.
        limits: How much a sender may make the reader hold; messages over a limit are skipped.
        strictness: Which rules of RFC 6455 are enforced.
        utf8: Whether text has to be UTF-8 to be ``ok``: ``"strict"`` or ``"lax"``.
        resync: Whether frames are looked for again behind a loss. Messages that are found so are
            marked ``resynced``.
        max_connections: Connections followed at once; the least recently used one is ended as
            ``evicted`` to make room.
        idle: Seconds of capture time after which a WebSocket without a packet is ended as
            ``idle``.
        idle_before_upgrade: The same for connections that are none yet.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an address is none, or a number is out of its range.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> capture = Capture("tests/data/captures/demo.pcapng", from_client=True)
        >>> message = next(iter(capture))
        >>> message.connection.path
        '/prices'
    """

    def __init__(
        self,
        source: Path | Iterable[Path] | BinaryFile,
        *,
        hosts: Iterable[str] = (),
        paths: Iterable[str] = (),
        ports: Iterable[int] = (),
        addresses: Iterable[str] = (),
        from_client: bool | None = None,
        opcodes: Iterable[int] = (),
        since: float | None = None,
        until: float | None = None,
        content: bool = True,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
        utf8: Literal["strict", "lax"] = "strict",
        resync: bool = False,
        max_connections: int = 65_536,
        idle: float = 600.0,
        idle_before_upgrade: float = 60.0,
    ) -> None:
        """Describe a capture; nothing is opened yet."""
        file, files = _sources(source)
        if utf8 not in ("strict", "lax"):
            raise ValueError(f"utf8 must be 'strict' or 'lax', not {utf8!r}")
        if from_client is not None:
            require_bool("from_client", from_client)
        require_bool("content", content)
        require_bool("resync", resync)
        if require_int("max_connections", max_connections) < 1:
            raise ValueError(f"max_connections must be at least 1, not {max_connections}")
        self._arguments: dict[str, Any] = {
            "paths": files,
            "file": file,
            "name": _name(file),
            "hosts": _texts("hosts", hosts),
            "request_paths": _texts("paths", paths),
            "ports": [_port(port) for port in ports],
            "addresses": [str(ipaddress.ip_address(text)) for text in _texts("addresses", addresses)],
            "from_client": from_client,
            "opcodes": [Opcode(opcode) for opcode in opcodes],
            "since_ns": None if since is None else _nanoseconds("since", since),
            "until_ns": None if until is None else _nanoseconds("until", until),
            "content": content,
            "limits": Limits() if limits is None else limits,
            "strictness": Strictness() if strictness is None else strictness,
            "utf8_strict": utf8 == "strict",
            "resync": resync,
            "max_connections": max_connections,
            "idle_ns": _nanoseconds("idle", idle),
            "idle_before_upgrade_ns": _nanoseconds("idle_before_upgrade", idle_before_upgrade),
        }
        self._plan = CapturePlan(**self._arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what was asked for; a file object cannot be."""
        if self._arguments["file"] is not None:
            raise TypeError("a capture of a file object cannot be pickled; open it by its path")
        return _restored, (self._arguments,)

    def __repr__(self) -> str:
        """Show what it reads."""
        names = self._arguments["paths"] or [self._arguments["name"]]
        return f"<Capture {', '.join(map(repr, names))}>"

    def __iter__(self) -> Iterator[CapturedMessage]:
        """Read the messages, as ``messages()`` does."""
        return self.messages()

    def read(self) -> CaptureReader:
        """Begin a pass that gives messages and ended connections as they come.

        Returns:
            The reader.

        Raises:
            ValueError: If it is a file object that has been read before.
        """
        return CaptureReader(self._plan.read(), self._arguments["paths"])

    def messages(self) -> Iterator[CapturedMessage]:
        """Read the messages, each as soon as it is complete.

        Yields:
            The messages, in the order of the packets that completed them. What is not whole comes
            too, with its ``status``.

        Raises:
            CaptureError: If a file is no capture, or not readable any more.
            OSError: If a file cannot be opened or read.
            ValueError: If it is a file object that has been read before.
        """
        with self.read() as reader:
            for item in reader:
                if isinstance(item, CapturedMessage):
                    yield item

    def connections(
        self, *, retain: Literal["all", "none"] | int = "all"
    ) -> Iterator[CapturedConnection]:
        """Read the connections, each when it has ended, with its messages.

        Args:
            retain: How many messages ``websocket.messages`` keeps: all, none, or the last N.
                Kept are messages that are whole.

        Yields:
            The connections, in the order in which they ended.

        Raises:
            CaptureError: If a file is no capture, or not readable any more.
            OSError: If a file cannot be opened or read.
            ValueError: If it is a file object that has been read before, or ``retain`` is none of
                these.
        """
        if retain not in ("all", "none"):
            if not isinstance(retain, int) or isinstance(retain, bool) or retain < 0:
                raise ValueError(f"retain must be 'all', 'none' or a count, not {retain!r}")
        return self._connections(retain)

    def _connections(self, retain: Literal["all", "none"] | int) -> Iterator[CapturedConnection]:
        with self.read() as reader:
            for item in reader:
                if isinstance(item, CapturedConnection):
                    _close(item)
                    yield item
                elif retain not in ("none", 0) and item.status in ("ok", "invalid_utf8"):
                    messages = item.connection.websocket.messages
                    messages.append(item.message)
                    if retain != "all" and len(messages) > retain:
                        del messages[0]

    def to_arrow(self) -> ArrowTables:
        """Give the messages and the connections as tables that Arrow's readers read.

        Returns:
            Two tables, neither of which has been read yet.
        """
        return ArrowTables(*self._plan.to_arrow())


class CaptureReader:
    """One pass over a capture.

    Iterating gives each message as soon as it is complete and each connection when it has ended;
    ``message.connection`` is the same object, while it goes on.

    Example:
        >>> from wsdefrag.capture import Capture, CapturedMessage
        >>> with Capture("tests/data/captures/demo.pcapng").read() as reader:
        ...     kinds = {type(item).__name__ for item in reader}
        >>> sorted(kinds)
        ['CapturedConnection', 'CapturedMessage']
    """

    def __init__(self, native: _NativeReader, paths: list[str]) -> None:
        """Wrap a pass; ``Capture.read()`` makes it."""
        self._native: _NativeReader | None = native
        self._paths = paths
        self._batch: Iterator[CapturedMessage | CapturedConnection] = iter(())
        self._counts = PacketCounts()
        self._warnings: list[str] = []
        self._bytes_read = 0

    def __enter__(self) -> CaptureReader:
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
            OSError: If a file cannot be opened or read.
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
            What a piece of the capture completed, in order; None at the end.

        Raises:
            CaptureError: As in ``__iter__``.
            OSError: As in ``__iter__``.
        """
        return None if self._native is None else self._native.next_batch()

    def close(self) -> None:
        """End the pass and close the files; may be called again."""
        if self._native is not None:
            # They stay at hand for who wants to know afterwards.
            self._counts, self._warnings = self.counts, self.warnings
            self._bytes_read = self.bytes_read
            self._native = None

    @property
    def bytes_read(self) -> int:
        """Bytes of the files read so far, as they are stored."""
        return self._bytes_read if self._native is None else self._native.bytes_read

    @property
    def bytes_total(self) -> int | None:
        """Bytes of all files, or None where that is not known."""
        if not self._paths or not all(os.path.isfile(path) for path in self._paths):
            return None
        return sum(os.path.getsize(path) for path in self._paths)

    @property
    def counts(self) -> PacketCounts:
        """What became of the packets so far."""
        return self._counts if self._native is None else PacketCounts(**self._native.counts)

    @property
    def warnings(self) -> list[str]:
        """What is to be said of files that could be read all the same, such as one cut short."""
        return self._warnings if self._native is None else self._native.warnings


def _restored(arguments: dict[str, Any]) -> Capture:
    """Make a capture of what another one was asked for."""
    capture = Capture.__new__(Capture)
    capture._arguments = arguments
    capture._plan = CapturePlan(**arguments)
    return capture


def _close(connection: CapturedConnection) -> None:
    """Say in ``websocket`` how it was closed, as mitmproxy does."""
    websocket, close = connection.websocket, connection.close
    if close is not None:
        websocket.closed_by_client = close.from_client
        websocket.close_code = close.close_code
        websocket.close_reason = close.close_reason
    websocket.timestamp_end = connection.last_ns / _NANOSECONDS


def _sources(source: Path | Iterable[Path] | BinaryFile) -> tuple[BinaryFile | None, list[str]]:
    """Tell a file object from paths."""
    if isinstance(source, (str, os.PathLike)):
        return None, [os.fspath(source)]
    if hasattr(source, "read"):
        return source, []
    if isinstance(source, (bytes, bytearray)) or not isinstance(source, Iterable):
        raise TypeError(
            f"source must be a path, paths or a binary file object, not {type(source).__name__}"
        )
    paths = [os.fspath(path) for path in source]
    if not paths:
        raise ValueError("source holds no path")
    return None, paths


def _name(file: BinaryFile | None) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else "<stream>"


def _texts(name: str, values: Iterable[str]) -> list[str]:
    if isinstance(values, str):
        raise TypeError(f"{name} must be several strings, not one")
    texts = list(values)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} must hold strings, not {type(text).__name__}")
    return texts


def _port(port: int) -> int:
    if not 0 <= require_int("ports", port) <= 65_535:
        raise ValueError(f"ports must be 0 to 65535, not {port}")
    return port


def _nanoseconds(name: str, seconds: float) -> int:
    """Turn seconds into nanoseconds; what is too much is as much as there can be."""
    try:
        return max(-_MAX_NS, min(round(require_number(name, seconds) * _NANOSECONDS), _MAX_NS))
    except OverflowError:
        return _MAX_NS if seconds > 0 else -_MAX_NS
    except ValueError:
        raise ValueError(f"{name} must be a number of seconds, not {seconds}") from None
