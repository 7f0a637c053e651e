"""What to read of which files: the description that everything else starts from.

A ``Capture`` holds nothing open. Each of its methods begins a pass of its own over the files, so
one description can be read any number of times, also in other processes: it can be pickled, and
reading it has no side effects and gives the same every time. That makes it the unit of work for
an engine that spreads captures over machines; rows are identified by
``(connection, from_client, seq)``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from wsdefrag._arguments import require_bool, require_optional, require_retain
from wsdefrag._native import ArrowStream, CapturedMessage, CapturePlan
from wsdefrag.capture._arguments import (
    NANOSECONDS,
    BinaryFile,
    PathLike,
    checked_count,
    checked_port,
    checked_type,
    file_name,
    sources,
    texts,
    to_duration,
    to_nanoseconds,
)
from wsdefrag.capture._shown import shown, shown_text
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
        >>> tables = Capture("vectors/captures/demo.pcapng").to_arrow()
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
        request_paths: Patterns of the request's path and query, likewise.
        ports: TCP ports of either side.
        addresses: IP addresses of either side.
        from_client: Only messages of this side.
        types: Only messages of these types, ``"text"`` or ``"binary"``. Without one, all are
            wanted, also those whose beginning was not captured and whose type is not known.
        since: Only messages of this time or later, in seconds since the epoch.
        until: Only messages before this time, in seconds since the epoch.
        content: Whether contents are wanted; without them frames are only walked over, contents
            are empty and neither UTF-8 nor deflate is looked at.
        limits: How much a sender may make the reader hold; messages over a limit are skipped.
        strictness: Which rules of RFC 6455 are enforced.
        utf8: Whether text has to be UTF-8 to be ``ok``: ``"strict"`` or ``"lax"``.
        resync: Whether frames are looked for again after a loss. Messages that are found so are
            marked ``resynced``.
        max_connections: Connections followed at once; the least recently used one is ended as
            ``evicted`` to make room.
        idle_timeout: Seconds of capture time after which a WebSocket without a packet is ended
            as ``idle``.
        handshake_timeout: Seconds of capture time after which a connection without a packet is
            forgotten while it is no WebSocket yet.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an address is none, or a number is out of its range.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> capture = Capture("vectors/captures/demo.pcapng", request_paths=["/readings"])
        >>> message = next(iter(capture))
        >>> message.connection.host, message.status
        ('sensors.example:8080', 'ok')
    """

    def __init__(
        self,
        source: PathLike | Iterable[PathLike] | BinaryFile,
        *,
        hosts: Iterable[str] = (),
        request_paths: Iterable[str] = (),
        ports: Iterable[int] = (),
        addresses: Iterable[str] = (),
        from_client: bool | None = None,
        types: Iterable[Literal["text", "binary"]] = (),
        since: float | None = None,
        until: float | None = None,
        content: bool = True,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
        utf8: Literal["strict", "lax"] = "strict",
        resync: bool = False,
        max_connections: int = 65_536,
        idle_timeout: float = 600.0,
        handshake_timeout: float = 60.0,
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
            "request_paths": texts("request_paths", request_paths),
            "ports": [checked_port(port) for port in ports],
            "addresses": [
                str(ipaddress.ip_address(text)) for text in texts("addresses", addresses)
            ],
            "from_client": from_client,
            "types": [checked_type(name) for name in texts("types", types)],
            "since_ns": None if since is None else to_nanoseconds("since", since),
            "until_ns": None if until is None else to_nanoseconds("until", until),
            "content": content,
            "limits": Limits() if limits is None else limits,
            "strictness": Strictness() if strictness is None else strictness,
            "utf8_strict": utf8 == "strict",
            "resync": resync,
            "max_connections": checked_count("max_connections", max_connections),
            "idle_timeout_ns": to_duration("idle_timeout", idle_timeout),
            "handshake_timeout_ns": to_duration("handshake_timeout", handshake_timeout),
        }
        self._plan = CapturePlan(**self._arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what was asked for; a file object cannot be."""
        if self._arguments["file"] is not None:
            raise TypeError("a capture of a file object cannot be pickled; open it by its path")
        return _restored, (self._arguments,)

    def __repr__(self) -> str:
        """Show what it reads, and which part of it."""
        names = ("hosts", "request_paths", "ports", "addresses", "types", "from_client")
        given = [name for name in names if self._arguments[name] not in ([], None)]
        given += [name for name in ("since", "until") if self._arguments[f"{name}_ns"] is not None]
        chosen = f", chosen by {', '.join(given)}" if given else ""
        return shown("Capture", f"{self._name()}{chosen}")

    def _name(self) -> str:
        """Name the files."""
        first, *others = self._arguments["paths"] or [self._arguments["name"]]
        return f"{shown_text(first)} and {len(others)} more" if others else shown_text(first)

    def __iter__(self) -> Iterator[CapturedMessage]:
        """Read the messages, as ``messages()`` does."""
        return self.messages()

    def __arrow_c_schema__(self) -> object:
        """Export the schema of the table of messages, as the Arrow PyCapsule interface has it."""
        return self.to_arrow().messages.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table of messages, as the Arrow PyCapsule interface has it.

        Args:
            requested_schema: Ignored, as the interface allows; readers cast for themselves.

        Returns:
            A capsule, from which the messages are read as ``to_arrow().messages`` gives them.

        Raises:
            ValueError: If it is a file object that has been read before.
        """
        return self.to_arrow().messages.__arrow_c_stream__(requested_schema)

    def read(self) -> CaptureReader:
        """Begin a pass that gives messages and ended connections as they come.

        Returns:
            The reader.

        Raises:
            ValueError: If it is a file object that has been read before.
        """
        return CaptureReader(self._plan.read(), self._arguments["paths"], self._name())

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

    def connections(self, *, retain: int | None = None) -> Iterator[CapturedConnection]:
        """Read the connections, each when it has ended, with its messages.

        Args:
            retain: How many messages ``websocket.messages`` keeps, the newest of those that are
                whole; None for all of them.

        Yields:
            The connections, in the order in which they ended.

        Raises:
            CaptureError: If a file is no capture, or not readable any more.
            OSError: If a file cannot be opened or read.
            TypeError: If ``retain`` is neither an int nor None.
            ValueError: If it is a file object that has been read before, or ``retain`` is negative.
        """
        return self._connections(require_retain(retain))

    def _connections(self, most: int | None) -> Iterator[CapturedConnection]:
        with self.read() as reader:
            for item in reader:
                if isinstance(item, CapturedConnection):
                    _keep(item, most)
                    _close(item)
                    yield item
                elif most != 0 and item.status in ("ok", "invalid_utf8"):
                    messages = item.connection.websocket.messages
                    messages.append(item.message)
                    # One by one, each would move all those that stay.
                    if most is not None and len(messages) > 2 * most:
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


def _keep(connection: CapturedConnection, most: int | None) -> None:
    """Keep the newest messages of a connection."""
    messages = connection.websocket.messages
    if most is not None and len(messages) > most:
        del messages[: len(messages) - most]


def _close(connection: CapturedConnection) -> None:
    """Say in ``websocket`` how it was closed, as mitmproxy does."""
    websocket, close = connection.websocket, connection.close
    if close is not None:
        websocket.closed_by_client = close.from_client
        websocket.close_code = close.close_code
        websocket.close_reason = close.close_reason
    websocket.timestamp_end = connection.last_ns / NANOSECONDS
