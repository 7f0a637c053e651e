"""``Capture``: which files to read, and which of their messages.

A ``Capture`` keeps no file open. Each of its methods starts a new pass over the files. So it can be
read many times, with the same result each time and without side effects. It can be pickled and read
in another process: a program that distributes work over machines can send one ``Capture`` to each.
``(uid, from_client, seq)`` identifies a message, in every pass over the same packets.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from wsdefrag._arguments import require_bool, require_optional, require_retain, require_str
from wsdefrag._native import (
    ArrowStream,
    CapturedEvent,
    CapturedMessage,
    CapturePlan,
    OutputPass,
)
from wsdefrag._shown import shown, shown_text
from wsdefrag.capture._arguments import (
    NANOSECONDS,
    BinaryFile,
    PathLike,
    checked_address,
    checked_count,
    checked_deflate,
    checked_key,
    checked_port,
    checked_type,
    chosen_columns,
    conditions,
    file_name,
    key_logs,
    number_ranges,
    sources,
    texts,
    to_duration,
    to_nanoseconds,
)
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Self

    from wsdefrag.capture.connection import CapturedConnection
    from wsdefrag.capture.reader import CaptureReader
    from wsdefrag.deflate import DeflateParams

_Item = TypeVar("_Item", CapturedMessage, CapturedEvent)


class ArrowTables(NamedTuple):
    """A capture as three tables, joined by the columns ``uid`` and ``connection``.

    They have ``__arrow_c_stream__``, so that ``polars.DataFrame(table)``, ``pyarrow.table(table)``
    and DuckDB read them without a copy. Reading a table is a pass over the files, which keeps
    ``connections`` and ``events`` if they have at most 32 MiB each. So after ``messages`` has been
    read to its end, they need no pass of their own. ``docs/schema.md`` describes the columns.

    Attributes:
        messages: One row for each message.
        connections: One row for each connection.
        events: One row for each control frame, gap and violation.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> import pyarrow
        >>> tables = Capture("vectors/captures/demo.pcapng").to_arrow()
        >>> pyarrow.table(tables.messages).column_names[:4]
        ['uid', 'connection', 'seq', 'from_client']
    """

    messages: ArrowStream
    connections: ArrowStream
    events: ArrowStream


class Capture:
    """A packet capture, with filters.

    Reads pcap, pcapng and snoop files, also compressed ones. Several files are one capture, merged
    by the time of their packets, in whatever order they are given. A file that cannot be read is
    named in the reader's ``warnings``, and the others are read. A file object can be read only
    once; reading starts at its current position.

    Args:
        source: A path, several paths, or a binary file object. A non-blocking file object can only
            be read with ``read()``.
        hosts: Only connections whose request has a ``Host`` that matches one of these patterns.
            ``*`` matches any characters; case is ignored; a pattern without a port matches any
            port. A connection whose request was not captured does not match.
        request_paths: Only connections whose request has a path and query that match one of these
            patterns. ``*`` matches any characters. A connection whose request was not captured does
            not match.
        connections: Only connections with these numbers, or with numbers in these ranges. A
            connection has the same number whatever the filters are.
        ports: Only connections with one of these TCP ports on either side.
        addresses: Only connections with one of these IP addresses on either side.
        from_client: True for messages of the client only, False for messages of the server only,
            None for both.
        types: Only messages of these types, ``"text"`` or ``"binary"``. If empty, all messages,
            also those of unknown type because their start was not captured.
        since: Only messages at or after this time, in seconds since the epoch.
        until: Only messages before this time, in seconds since the epoch.
        grep: Only messages in which each of these regular expressions occurs. Their syntax is that
            of Rust's ``regex`` crate: no look-around, and the time of a search is linear. Pings,
            pongs and closes are events whose payload is searched as well.
        grep_not: Only messages in which none of these regular expressions occurs.
        ignore_case: Whether ``grep`` and ``grep_not`` ignore case.
        json: Only messages whose content is JSON and meets each of these conditions, such as
            ``'.user == "ann"'``. They are a part of jq's language (``docs/how-to/find.md``).
        statuses: Only messages with one of these statuses, such as ``"incomplete"``.
        min_size: Only messages whose content has at least this many bytes.
        max_size: Only messages whose content has at most this many bytes.
        around: How many rows of the same connection come with each message that these conditions
            choose, before it and after it. Without such a condition it has no effect.
        content: Whether to read the contents of messages. If False, only frame headers are read:
            contents are empty, and neither UTF-8 nor compressed data is checked.
        keylog: The keys of TLS connections, in the form of ``SSLKEYLOGFILE`` (RFC 9850): a path,
            the bytes of a key log, a binary file object, which is read at once, or several of
            these. Keys inside pcapng files need not be given. Without keys TLS is not read;
            ``CaptureReader.counts`` says how much there was. A key log by path is read again while
            the capture comes through a pipe. The environment's ``SSLKEYLOGFILE`` is not read.
        deflate: The permessage-deflate parameters of connections whose response was not captured,
            names none or cannot be read: ``DeflateParams``, or the value of
            ``Sec-WebSocket-Extensions``. None leaves compressed messages ``undecodable`` there.
        limits: Limits on message size, frame size and fragments; messages over a limit are skipped.
        strictness: Which rules are enforced. If its ``utf8`` is False, text that is not UTF-8 has
            the status ``ok``. ``Account.tolerated`` counts how often each rule that is switched off
            was broken.
        resync: Whether to search for the next frame after a gap. Messages found this way are marked
            ``resynced``.
        max_connections: How many connections are followed at the same time. When this many are
            open and another one starts, the one used least recently ends as ``evicted``.
        memory: Bytes of memory that everything unfinished may take together: messages, held
            segments, windows of deflate, connections. Over it, the largest message that is not
            complete becomes ``too_big``, and the connections used least recently end as
            ``evicted``.
        idle_timeout: A connection that has no packet for this long, in seconds of capture time,
            ends as ``idle``. None for no limit: heartbeats may be hours apart.
        key: What tells connections with the same addresses and ports apart, besides a new TCP
            handshake. ``"auto"``: their tags and tunnel ids (VLAN, VXLAN, ...), where sequence
            numbers show that several connections go on at the same time; copies of one packet under
            other tags stay one connection. ``"addresses"``: nothing. ``"tagged"``: always the tags
            and tunnel ids that both directions have in common.
        capture_point: The name of the place where the packets were captured. It is a part of each
            connection's ``uid``, so that equal addresses in two networks stay apart.
        decode_as: UDP ports that carry a tunnel, in the form of tshark's ``-d``:
            ``"udp.port==5555,vxlan"``. The names are ``vxlan``, ``vxlan_gpe``, ``geneve``, ``gtp``,
            ``l2tp``, ``tzsp``, ``mpls``, ``capwap.data``, ``gre``, ``ip``, ``eth``, and ``data``
            for no tunnel. Registered ports need no mention.
        threads: How many threads follow the connections. If two do, one of them reads the files,
            and the other is the caller's; if more do, another one reads the files. With two or
            more, one or two encode each file of columns. The results do not depend on it. One
            thread does all of it, whatever this says, for file objects and pipes, where
            ``connections`` is given, and where the capture continues or was resumed.
        continues: Whether the capture goes on after these files. If so, connections that are open
            at their end stay open, and the state of the capture is there after a pass has ended
            (``CaptureReader.checkpoint``); ``Capture.resume`` goes on with it.
        columns: The columns of the Arrow tables, in this order: names of the messages table, or a
            mapping from ``"messages"``, ``"connections"`` and ``"events"`` to names. None for all
            columns. A column that is not chosen is not made.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a pattern is no regular expression, a condition cannot be read, a status is
            unknown, contents are searched though ``content`` is False, an address is not an IP
            address, a number is out of range, ``key`` is none of its values, a text of
            ``decode_as`` has another form, or a column does not exist.

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
        connections: Iterable[int | range] = (),
        ports: Iterable[int] = (),
        addresses: Iterable[str] = (),
        from_client: bool | None = None,
        types: Iterable[Literal["text", "binary"]] = (),
        since: float | None = None,
        until: float | None = None,
        grep: Iterable[str] = (),
        grep_not: Iterable[str] = (),
        ignore_case: bool = False,
        json: Iterable[str] = (),
        statuses: Iterable[str] = (),
        min_size: int | None = None,
        max_size: int | None = None,
        around: int = 0,
        content: bool = True,
        keylog: PathLike
        | bytes
        | BinaryFile
        | Iterable[PathLike | bytes | BinaryFile]
        | None = None,
        deflate: DeflateParams | str | None = None,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
        resync: bool = False,
        max_connections: int = 65_536,
        memory: int = 512 << 20,
        idle_timeout: float | None = None,
        key: Literal["auto", "addresses", "tagged"] = "auto",
        capture_point: str = "",
        decode_as: Iterable[str] = (),
        threads: int = 1,
        continues: bool = False,
        columns: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Check the arguments; opens no file."""
        file, files = sources(source)
        key_log_paths, key_log_contents = key_logs(keylog)
        if from_client is not None:
            require_bool("from_client", from_client)
        require_bool("content", content)
        require_bool("resync", resync)
        require_bool("continues", continues)
        require_optional("limits", limits, Limits)
        require_optional("strictness", strictness, Strictness)
        self._arguments: dict[str, Any] = {
            "paths": files,
            "file": file,
            "name": file_name(file),
            "hosts": texts("hosts", hosts),
            "request_paths": texts("request_paths", request_paths),
            "connections": number_ranges(connections),
            "ports": [checked_port(port) for port in ports],
            "addresses": [checked_address(text) for text in texts("addresses", addresses)],
            "from_client": from_client,
            "types": [checked_type(name) for name in texts("types", types)],
            "since_ns": None if since is None else to_nanoseconds("since", since),
            "until_ns": None if until is None else to_nanoseconds("until", until),
            "conditions": conditions(
                content=content,
                grep=grep,
                grep_not=grep_not,
                ignore_case=ignore_case,
                json=json,
                statuses=statuses,
                min_size=min_size,
                max_size=max_size,
                around=around,
            ),
            "content": content,
            "deflate": checked_deflate(deflate),
            "limits": Limits() if limits is None else limits,
            "strictness": Strictness() if strictness is None else strictness,
            "resync": resync,
            "max_connections": checked_count("max_connections", max_connections),
            "memory": checked_count("memory", memory),
            "idle_timeout_ns": (
                None if idle_timeout is None else to_duration("idle_timeout", idle_timeout)
            ),
            "key": checked_key(key),
            "capture_point": require_str("capture_point", capture_point),
            "columns": chosen_columns(columns),
            "decode_as": texts("decode_as", decode_as),
            "threads": checked_count("threads", threads),
            "key_log_paths": key_log_paths,
            "key_log_contents": key_log_contents,
            "state": None,
            "continues": continues,
            "share": None,
        }
        self._plan = CapturePlan(**self._arguments)

    @classmethod
    def resume(
        cls,
        state: bytes,
        source: PathLike | Iterable[PathLike] | BinaryFile,
        **options: Any,  # noqa: ANN401  (they are those of Capture)
    ) -> Self:
        """Go on with a capture, in this process or in another, with the files that follow.

        The rows are those that one pass over all files would have, from where the state was made:
        the same values, numbers and identities, in the same order. Connections that were open go
        on, also inside a message or a compressed one.

        Args:
            state: What ``CaptureReader.checkpoint`` or ``Capture.checkpoint`` returned. It is
                trusted like the capture itself, and as secret: it has contents of messages and keys
                of TLS.
            source: The files that follow, as for ``Capture``; none to end the capture, which gives
                the rows of connections that are open.
            **options: The same options that the state was made with. ``max_connections``,
                ``memory``, ``keylog``, ``columns`` and ``continues`` may differ.

        Returns:
            A capture whose passes begin with the state.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: As ``Capture``.
            CheckpointError: When a pass begins, if the state cannot be read, or was made with other
                options.

        Example:
            >>> from wsdefrag.capture import Capture
            >>> first = Capture("vectors/captures/demo.pcapng", continues=True)
            >>> state = first.checkpoint()
            >>> whole = Capture.resume(state, ["vectors/captures/plain-small.pcapng"])
        """
        if not isinstance(state, bytes):
            raise TypeError(f"state must be bytes, not {type(state).__name__}")
        files: PathLike | list[str] | BinaryFile
        if isinstance(source, (str, os.PathLike, BinaryFile)):
            files = source
        else:
            files = [os.fspath(path) for path in source]
        capture = cls(files or [os.devnull], **options)
        if not files:
            # Only the end of the capture is left.
            capture._arguments["paths"] = []
        capture._arguments["state"] = state
        capture._plan = CapturePlan(**capture._arguments)
        return capture

    def checkpoint(self) -> bytes:
        """Read the files, and return the state of the capture after them.

        Whoever wants rows as well takes the state from the pass that gives them
        (``CaptureReader.checkpoint``), which reads the files once.

        Returns:
            The state for ``Capture.resume``: about 1 KiB for each open connection, and what it
            holds of unfinished messages and of the windows of deflate.

        Raises:
            CheckpointError: If the capture was made without ``continues=True``.
            CaptureError: If no file is a capture.
            OSError: If no file can be opened or read.
        """
        with self.read() as reader:
            for _ in reader:
                pass
            return reader.checkpoint()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; a capture of a file object cannot be pickled."""
        if self._arguments["file"] is not None:
            raise TypeError("a capture of a file object cannot be pickled; open it by its path")
        return _restored, (self._arguments,)

    def __repr__(self) -> str:
        """Show the files and the names of the filters."""
        names = (
            "hosts",
            "request_paths",
            "connections",
            "ports",
            "addresses",
            "types",
            "from_client",
        )
        given = [name for name in names if self._arguments[name] not in ([], None)]
        conditions = self._arguments["conditions"]
        given += [
            name
            for name in ("grep", "grep_not", "json", "statuses", "min_size", "max_size")
            if conditions[name] not in ([], None)
        ]
        given += [name for name in ("since", "until") if self._arguments[f"{name}_ns"] is not None]
        chosen = f", chosen by {', '.join(given)}" if given else ""
        return shown("Capture", f"{self._name()}{chosen}")

    def _name(self) -> str:
        """Return the first file's name and how many more files there are."""
        first, *others = self._arguments["paths"] or [self._arguments["name"]]
        return f"{shown_text(first)} and {len(others)} more" if others else shown_text(first)

    def __iter__(self) -> Iterator[CapturedMessage]:
        """Read the messages, as ``messages()`` does."""
        return self.messages()

    def __arrow_c_schema__(self) -> object:
        """Export the schema of the messages table (Arrow PyCapsule interface)."""
        return self._plan.messages_table().__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the messages table (Arrow PyCapsule interface).

        Args:
            requested_schema: Ignored, as the interface allows; the consumer casts the columns.

        Returns:
            A capsule with the same stream as ``to_arrow().messages``.

        Raises:
            ValueError: If the source is a file object that has been read before.
        """
        return self._plan.messages_table().__arrow_c_stream__(requested_schema)

    def read(self) -> CaptureReader:
        """Start a pass over the capture.

        Returns:
            An iterator over messages, events and ended connections.

        Raises:
            ValueError: If the source is a file object that has been read before.
        """
        # An output in another form needs no objects, and none of their classes.
        from wsdefrag.capture.reader import CaptureReader

        return CaptureReader(self._plan.read(), self._arguments["paths"], self._name())

    def _output(self, format: str, options: Mapping[str, Any]) -> OutputPass:
        """Start a pass that makes the bytes of an output file, as ``CapturePlan.output`` does."""
        return self._plan.output(format, **options)

    def _table_files(
        self, format: str, tables: Sequence[str], options: Mapping[str, Any]
    ) -> OutputPass:
        """Start a pass that makes a file of each table, as ``CapturePlan.table_files`` does."""
        return self._plan.table_files(format, tables, **options)

    def _share(self, index: int, of: int) -> Capture:
        """Return the same capture with only the connections of a share, for a reader of its own.

        Which share a connection is in follows from its addresses and ports. All rows are those of
        this capture, with its numbers. Each reader holds at most its part of ``memory``; a pass
        that would hold more raises MemoryError.

        Args:
            index: Which share, from 0.
            of: How many shares there are, at most 64.

        Raises:
            ValueError: If there is no such share.
        """
        return _restored({**self._arguments, "share": (index, of)})

    def _of_point(
        self, paths: list[str], capture_point: str, columns: Mapping[str, Iterable[str]]
    ) -> Capture:
        """Return a capture of a capture point's files, with the other arguments of this one.

        Args:
            paths: The files.
            capture_point: The name of the capture point.
            columns: The columns of tables, as for ``Capture``.

        Raises:
            ValueError: If a column does not exist.
        """
        chosen = chosen_columns(columns)
        changed = {"paths": paths, "capture_point": capture_point, "columns": chosen}
        return _restored({**self._arguments, **changed})

    def _table(self, name: str) -> ArrowStream:
        """Return one table; the messages alone, whose pass keeps no other table."""
        if name == "messages":
            return self._plan.messages_table()
        table: ArrowStream = getattr(self.to_arrow(), name)
        return table

    @staticmethod
    def _first_packet_ns(path: str) -> int | None:
        """Return the time of a file's first packet, as ``CapturePlan.first_packet_ns`` does."""
        return CapturePlan.first_packet_ns(path)

    def _lake_files(self, options: Mapping[str, Any]) -> OutputPass:
        """Start a pass that makes Parquet files by hour, as ``CapturePlan.lake_files`` does."""
        return self._plan.lake_files(**options)

    def messages(self) -> Iterator[CapturedMessage]:
        """Read the messages, each as soon as it is complete.

        Yields:
            The messages, in the order of the packets that completed them. Messages after a gap,
            messages found by a search, and the first ones of a connection whose start was not
            captured come some packets later. Within a direction, messages come in the order in
            which they were sent. Incomplete and invalid messages come too; see
            ``status``.

        Raises:
            CaptureError: If no file is a capture.
            OSError: If no file can be opened or read.
            ValueError: If the source is a file object that has been read before.
        """
        return self._items(CapturedMessage)

    def events(self) -> Iterator[CapturedEvent]:
        """Read the control frames, gaps and violations.

        ``from_client``, ``since`` and ``until`` choose among them, ``types`` does not.

        Yields:
            The events, each in its place among the messages of its direction. The cost of a gap may
            become certain later; see ``CapturedEvent``.

        Raises:
            CaptureError: If a file is not a capture or is damaged.
            OSError: If a file cannot be opened or read.
            ValueError: If the source is a file object that has been read before.
        """
        return self._items(CapturedEvent)

    def connections(self, *, retain: int | None = None) -> Iterator[CapturedConnection]:
        """Read the connections, each when it has ended, with its messages and events.

        Args:
            retain: How many complete messages ``websocket.messages`` keeps, and how many events
                ``events`` keeps, the newest ones; None for all.

        Yields:
            The connections, in the order in which they ended.

        Raises:
            CaptureError: If no file is a capture.
            OSError: If no file can be opened or read.
            TypeError: If ``retain`` is neither an int nor None.
            ValueError: If ``retain`` is negative, or the source is a file object that has been read
                before.
        """
        return self._connections(require_retain(retain))

    def _items(self, kind: type[_Item]) -> Iterator[_Item]:
        """Read the items of one kind."""
        with self.read() as reader:
            for item in reader:
                if isinstance(item, kind):
                    yield item

    def _connections(self, most: int | None) -> Iterator[CapturedConnection]:
        from wsdefrag.capture.connection import CapturedConnection

        with self.read() as reader:
            for item in reader:
                if isinstance(item, CapturedConnection):
                    _keep(item, most)
                    _close(item)
                    yield item
                elif isinstance(item, CapturedEvent):
                    if most != 0:
                        events = item.connection.events
                        events.append(item)
                        if most is not None and len(events) > 2 * most:
                            _keep(item.connection, most)
                elif most != 0 and item.status in ("ok", "invalid_utf8"):
                    messages = item.connection.websocket.messages
                    messages.append(item.message)
                    # Deleting one message moves all later ones, so many are deleted at once.
                    if most is not None and len(messages) > 2 * most:
                        _keep(item.connection, most)

    def to_arrow(self) -> ArrowTables:
        """Return the messages, the connections and the events as Arrow tables.

        Returns:
            Three tables; nothing is read until a consumer reads them.
        """
        return ArrowTables(*self._plan.to_arrow())


def _restored(arguments: dict[str, Any]) -> Capture:
    """Make a capture from the arguments of a pickled one."""
    capture = Capture.__new__(Capture)
    capture._arguments = arguments
    capture._plan = CapturePlan(**arguments)
    return capture


def _keep(connection: CapturedConnection, most: int | None) -> None:
    """Delete all but the newest messages and events of a connection."""
    if most is not None:
        for kept in (connection.websocket.messages, connection.events):
            if len(kept) > most:
                del kept[: len(kept) - most]


def _close(connection: CapturedConnection) -> None:
    """Set the close attributes of ``websocket``, as mitmproxy does."""
    websocket, close = connection.websocket, connection.close
    if close is not None:
        websocket.closed_by_client = close.from_client
        websocket.close_code = close.close_code
        websocket.close_reason = close.close_reason
    websocket.timestamp_end = connection.last_ns / NANOSECONDS
