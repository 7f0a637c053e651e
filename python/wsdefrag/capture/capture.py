"""What to read of which files: the description that everything else starts from.

A ``Capture`` holds nothing open. Each of its methods begins a pass of its own over the files, so
one description can be read any number of times, also in other processes: it can be pickled, and
reading it has no side effects and gives the same every time. That makes it the unit of work for
an engine that spreads captures over machines; rows are identified by
``(connection, from_client, seq)``.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from wsdefrag._arguments import require_bool, require_optional
from wsdefrag._native import ArrowStream, CapturedMessage, CapturePlan
from wsdefrag.capture._arguments import (
    NANOSECONDS,
    BinaryFile,
    PathLike,
    checked_count,
    checked_opcode,
    checked_port,
    file_name,
    sources,
    texts,
    to_duration,
    to_nanoseconds,
)
from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.capture.reader import CaptureReader
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness


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
        source: A path, several paths, or a binary file object. One that does not block can only
            be read with ``read()``.
        hosts: Patterns of the request's ``Host`` (``*`` stands for anything), without regard to
            case; the port may be left out. Connections whose request is not in the capture match
            none.
        paths: Patterns of the request's path and query, likewise.
        ports: TCP ports of either side.
        addresses: IP addresses of either side.
        from_client: Only messages of this side.
        opcodes: Only messages of these opcodes, text or binary.
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
        >>> capture = Capture("tests/data/captures/demo.pcapng", paths=["/readings"])
        >>> message = next(iter(capture))
        >>> message.connection.host, message.status
        ('sensors.example:8080', 'ok')
    """

    def __init__(
        self,
        source: PathLike | Iterable[PathLike] | BinaryFile,
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
        file, files = sources(source)
        if utf8 not in ("strict", "lax"):
            raise ValueError(f"utf8 must be 'strict' or 'lax', not {utf8!r}")
        if from_client is not None:
            require_bool("from_client", from_client)
        require_bool("content", content)
        require_bool("resync", resync)
        require_optional("limits", limits, Limits)
        require_optional("strictness", strictness, Strictness)
        self._arguments: dict[str, Any] = {
            "paths": files,
            "file": file,
            "name": file_name(file),
            "hosts": texts("hosts", hosts),
            "request_paths": texts("paths", paths),
            "ports": [checked_port(port) for port in ports],
            "addresses": [
                str(ipaddress.ip_address(text)) for text in texts("addresses", addresses)
            ],
            "from_client": from_client,
            "opcodes": [checked_opcode(opcode) for opcode in opcodes],
            "since_ns": None if since is None else to_nanoseconds("since", since),
            "until_ns": None if until is None else to_nanoseconds("until", until),
            "content": content,
            "limits": Limits() if limits is None else limits,
            "strictness": Strictness() if strictness is None else strictness,
            "utf8_strict": utf8 == "strict",
            "resync": resync,
            "max_connections": checked_count("max_connections", max_connections),
            "idle_ns": to_duration("idle", idle),
            "idle_before_upgrade_ns": to_duration("idle_before_upgrade", idle_before_upgrade),
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
            The messages, each as soon as it is certain: in the order of the packets that completed
            them, but for what stood behind a gap or was found by a search, which is certain only
            some packets later. Within a direction they come as they were sent. What is not whole
            comes too, with its ``status``.

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
        return self._connections(_most_kept(retain))

    def _connections(self, most: int) -> Iterator[CapturedConnection]:
        with self.read() as reader:
            for item in reader:
                if isinstance(item, CapturedConnection):
                    _keep(item, most)
                    _close(item)
                    yield item
                elif most and item.status in ("ok", "invalid_utf8"):
                    messages = item.connection.websocket.messages
                    messages.append(item.message)
                    # One by one, each would move all those that stay.
                    if len(messages) > 2 * most:
                        _keep(item.connection, most)

    def to_arrow(self) -> ArrowTables:
        """Give the messages and the connections as tables that Arrow's readers read.

        Returns:
            Two tables, neither of which has been read yet.
        """
        return ArrowTables(*self._plan.to_arrow())


def _restored(arguments: dict[str, Any]) -> Capture:
    """Make a capture of what another one was asked for."""
    capture = Capture.__new__(Capture)
    capture._arguments = arguments
    capture._plan = CapturePlan(**arguments)
    return capture


def _most_kept(retain: Literal["all", "none"] | int) -> int:
    """Give the count that ``retain`` stands for."""
    if retain == "all":
        return sys.maxsize
    if retain == "none":
        return 0
    if not isinstance(retain, int) or isinstance(retain, bool) or retain < 0:
        raise ValueError(f"retain must be 'all', 'none' or a count, not {retain!r}")
    return retain


def _keep(connection: CapturedConnection, most: int) -> None:
    """Keep the newest messages of a connection."""
    messages = connection.websocket.messages
    if len(messages) > most:
        del messages[:-most]


def _close(connection: CapturedConnection) -> None:
    """Say in ``websocket`` how it was closed, as mitmproxy does."""
    websocket, close = connection.websocket, connection.close
    if close is not None:
        websocket.closed_by_client = close.from_client
        websocket.close_code = close.close_code
        websocket.close_reason = close.close_reason
    websocket.timestamp_end = connection.last_ns / NANOSECONDS
