"""``Records``: writes what passes a proxy to files, while the connections live.

    messages -> pending, by connection -> a part of the file -> the next file

What is pending is written when it is old (``flush_seconds``), when it is large (1 MiB of a
connection, 16 MiB of all), and when its connection ends. So the memory is bounded, and a process
that is killed loses no more than the last seconds; one that shuts down loses nothing.

- ``.jsonl``: a line for each message that was forwarded, as ``wsdefrag convert`` writes them.
  Counts of frames and of bytes on the wire are 0: a relay's messages do not have them.
- ``.mitm``: flows for mitmproxy. A flow cannot grow once it is written, so a connection that lives
  longer than a flush has several flows, with the same addresses and the same start. The last one
  has the Close of the side that closed, or says in its comment that the proxy closed, and why.
- ``.parquet``: a table of messages. It cannot grow either: flows go to ``NAME.parquet.mitm`` until
  the file is complete, and are converted then. After a crash, ``wsdefrag convert`` reads that file.

With ``max_bytes`` or ``max_seconds`` the files are numbered: ``flows-000001.mitm`` and so on.

Invariants: ``_pending`` has exactly the records with messages that are not written;
``_pending_bytes`` is the sum of their contents.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import replace
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from wsdefrag.capture.capture import Capture
from wsdefrag.capture.connection import CapturedRequest, CapturedResponse
from wsdefrag.capture.reader import CapturedMessage
from wsdefrag.data import WebSocketData
from wsdefrag.formats.conversations import Conversation
from wsdefrag.formats.jsonl import json_line
from wsdefrag.formats.mitm import write_mitm
from wsdefrag.formats.tables import write_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsdefrag.message import WebSocketMessage
    from wsdefrag.proxy.ending import Ending
    from wsdefrag.proxy.handshake import Opened
    from wsdefrag.proxy.peer import Peer

LOG = logging.getLogger("wsdefrag.proxy")

FORMATS = ("mitm", "jsonl", "parquet")

_MOST_PENDING = 1 << 20
_MOST_PENDING_OF_ALL = 16 << 20
_SECOND = 1_000_000_000

# A line costs nothing by itself, a flow repeats the handshake.
_FLUSH_SECONDS = {"jsonl": 1.0, "mitm": 30.0, "parquet": 30.0}


class Records:
    """Files of what passes a proxy.

    Args:
        path: The file; its name ends in ``.mitm``, ``.jsonl`` or ``.parquet``. Flows and lines are
            appended to a file that exists.
        max_bytes: Begin the next file after so many bytes; None for no limit.
        max_seconds: Begin the next file after so many seconds; None for no limit.
        flush_seconds: Write messages that are older than this; None for 1 second for lines, and 30
            for flows.

    Raises:
        ValueError: If the name ends in something else, or a limit is not more than 0.

    Example:
        >>> from wsdefrag.proxy import Records
        >>> Records("day.mitm", max_bytes=1 << 30).format
        'mitm'

    Attributes:
        format: ``"mitm"``, ``"jsonl"`` or ``"parquet"``.
        written: Messages that were written.
        lost: Messages that could not be written, or were over the limit of a message.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int | None = None,
        max_seconds: float | None = None,
        flush_seconds: float | None = None,
    ) -> None:
        self._path = Path(path)
        self.format = self._path.suffix[1:].lower()
        if self.format not in FORMATS:
            names = ", ".join(f".{name}" for name in FORMATS)
            raise ValueError(f"{str(path)!r} does not end in one of {names}")
        for name, value in (
            ("max_bytes", max_bytes),
            ("max_seconds", max_seconds),
            ("flush_seconds", flush_seconds),
        ):
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value!r}")
        self._max_bytes, self._max_seconds = max_bytes, max_seconds
        self._flush_seconds = flush_seconds or _FLUSH_SECONDS[self.format]
        self._is_numbered = max_bytes is not None or max_seconds is not None
        self._number = 0
        self._file: RawIOBase | None = None
        self._name = self._path
        self._size = 0
        self._opened_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._pending: dict[ConnectionRecord, None] = {}
        self._pending_bytes = 0
        self._conversions: list[threading.Thread] = []
        self.written = self.lost = 0

    def start(self) -> None:
        """Open the file, and begin to write what is old.

        Raises:
            OSError: If the file cannot be created.
        """
        self._open()
        self._timer = asyncio.get_running_loop().call_later(self._flush_seconds / 2, self._tick)

    def close(self) -> None:
        """Write everything, and complete the file."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.flush()
        self._complete()
        for thread in self._conversions:
            thread.join()

    def begin(self, number: int, opened: Opened, client: Peer, server: Peer) -> ConnectionRecord:
        """Begin the record of a connection."""
        return ConnectionRecord(self, number, opened, client, server)

    def flush(self) -> None:
        """Write everything that is pending."""
        for record in list(self._pending):
            record.write()

    def added(self, record: ConnectionRecord, size: int) -> None:
        """Note that a record has one more message of so many bytes."""
        self._pending[record] = None
        self._pending_bytes += size
        if self._pending_bytes > _MOST_PENDING_OF_ALL:
            self.flush()

    def write(self, record: ConnectionRecord, data: bytes, messages: int, size: int) -> None:
        """Write a part of a record, and begin the next file if this one is full.

        Args:
            record: The record.
            data: The bytes for the file.
            messages: How many messages they have.
            size: Bytes of the messages' contents.
        """
        self._pending.pop(record, None)
        self._pending_bytes -= size
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            _append(self._file, data)
        except OSError as error:
            self.lost += messages
            LOG.error("%s: %d messages are not recorded: %s", self._name, messages, error)
            return
        self.written += messages
        self._size += len(data)
        if self._max_bytes is not None and self._size >= self._max_bytes:
            self._complete()

    def _tick(self) -> None:
        now = time.time()
        for record in list(self._pending):
            if now - record.since >= self._flush_seconds:
                record.write()
        if (
            self._max_seconds is not None
            and self._file is not None
            and self._size
            and time.monotonic() - self._opened_at >= self._max_seconds
        ):
            self.flush()
            self._complete()
        self._timer = asyncio.get_running_loop().call_later(self._flush_seconds / 2, self._tick)

    def _open(self) -> None:
        self._name = self._next_name()
        if self.format == "parquet":
            if self._name.exists():
                raise FileExistsError(f"{self._name} exists")
            self._file = _spool(self._name).open("ab", buffering=0)
        else:
            self._file = self._name.open("ab", buffering=0)
        self._size, self._opened_at = 0, time.monotonic()

    def _next_name(self) -> Path:
        if not self._is_numbered:
            return self._path
        while True:
            self._number += 1
            name = self._path.with_name(f"{self._path.stem}-{self._number:06}{self._path.suffix}")
            if not name.exists() and not _spool(name).exists():
                return name

    def _complete(self) -> None:
        """Close the file; a table is made of its flows in a thread."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if self.format == "parquet":
            self._conversions = [one for one in self._conversions if one.is_alive()]
            thread = threading.Thread(target=_convert, args=(self._name,))
            thread.start()
            self._conversions.append(thread)


class ConnectionRecord:
    """The record of one connection.

    Attributes:
        since: When the oldest pending message was added, in seconds since the epoch.
    """

    __slots__ = ("_before", "_counts", "_parts", "_records", "_size", "_waiting", "since")

    def __init__(
        self, records: Records, number: int, opened: Opened, client: Peer, server: Peer
    ) -> None:
        self._records = records
        request, response = opened.request, opened.response
        conversation = Conversation.of_record(
            WebSocketData(),
            CapturedRequest(
                request.target, _fields(request.fields), opened.request_ns, request.method
            ),
            CapturedResponse(
                response.status, response.reason, _fields(response.fields), opened.response_ns
            ),
            client_address=client.address,
            server_address=server.address,
        )
        identity = repr((number, client.address, server.address, opened.request_ns)).encode()
        self._before = replace(
            conversation.connection,
            connection=number,
            uid=hashlib.blake2b(identity, digest_size=16).digest(),
            deflate=opened.deflate,
            accept_key_ok=True,
        )
        self._waiting: list[WebSocketMessage] = []
        self._size = 0
        self._counts = [0, 0]
        self._parts = 0
        self.since = 0.0

    def add(self, message: WebSocketMessage) -> None:
        """Record a message, which nobody changes any more."""
        if not self._waiting:
            self.since = time.time()
        self._waiting.append(message)
        size = len(message.content)
        self._size += size
        self._records.added(self, size)
        if self._size >= _MOST_PENDING:
            self.write()

    def miss(self) -> None:
        """Count a message that is over the limit, and was forwarded without being collected."""
        self._records.lost += 1

    def end(self, websocket: WebSocketData, ending: Ending) -> None:
        """Write what is left, and how the WebSocket was closed."""
        # The formats know two sides. What the proxy did is a sentence.
        problems = (str(ending),) if ending.closed_by == "proxy" else ()
        ended = websocket.timestamp_end
        last_ns = self._before.last_ns if ended is None else round(ended * _SECOND)
        self._before = replace(self._before, ended="fin", last_ns=last_ns, problems=problems)
        self._write(websocket, last=True)

    def write(self) -> None:
        """Write what is pending."""
        if self._waiting:
            self._write(WebSocketData(), last=False)

    def _write(self, end: WebSocketData, *, last: bool) -> None:
        messages, self._waiting = self._waiting, []
        size, self._size = self._size, 0
        if self._records.format == "jsonl":
            data = b"".join(self._lines(messages))
        else:
            data = self._flow(messages, end)
        if data or messages or last:
            self._records.write(self, data, len(messages), size)

    def _flow(self, messages: list[WebSocketMessage], end: WebSocketData) -> bytes:
        part = WebSocketData(
            messages=messages,
            closed_by_client=end.closed_by_client,
            close_code=end.close_code,
            close_reason=end.close_reason,
            timestamp_end=end.timestamp_end,
        )
        connection = self._before
        if self._records.format == "mitm":
            # Flows with the same id would be one to mitmproxy, which then shows the last one alone.
            connection = replace(connection, connection=(connection.connection << 32) + self._parts)
        conversation = Conversation(connection, tuple(messages), part)
        file = BytesIO()
        write_mitm([conversation], file)
        self._parts += 1
        return file.getvalue()

    def _lines(self, messages: Iterable[WebSocketMessage]) -> Iterable[bytes]:
        for message in messages:
            if message.dropped:
                continue
            seq = self._counts[message.from_client]
            self._counts[message.from_client] += 1
            timestamp_ns = round(message.timestamp * _SECOND)
            yield json_line(
                CapturedMessage(
                    self._before,
                    seq,
                    message.from_client,
                    message.type,
                    message.content,
                    timestamp_ns,
                    timestamp_ns,
                    message.dropped,
                    message.injected,
                    *(0, 0, 0),
                    False,
                    "ok",
                    0,
                    False,
                    False,
                    *(0, 0),
                )
            )


def _append(file: RawIOBase, data: bytes) -> None:
    """Write everything, or nothing."""
    view, end = memoryview(data), file.seek(0, os.SEEK_END)
    try:
        while view:
            view = view[file.write(view) or 0 :]
    except OSError:
        with suppress(OSError):
            file.truncate(end)
        raise


def _fields(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode("latin-1")) for name, value in fields)


def _spool(name: Path) -> Path:
    """Where the flows of a table are kept until it is complete."""
    return name.with_name(f"{name.name}.mitm")


def _convert(name: Path) -> None:
    """Make a table of its flows."""
    spool, partial = _spool(name), name.with_name(f"{name.name}.partial")
    try:
        with partial.open("wb") as file:
            write_parquet(Capture(spool), file)
        partial.replace(name)
        spool.unlink()
    except Exception:
        LOG.exception("%s: the flows stay in %s", name, spool)
