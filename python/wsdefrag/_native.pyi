"""The engine of `wsdefrag`; import `wsdefrag` instead."""
# Written by `make stub` from the built module and from tools/native_types.py.

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, final

from typing_extensions import Buffer, Self, disjoint_base

from wsdefrag._relay_arguments import RelayOptions
from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.data import WebSocketData
from wsdefrag.deflate import DeflateOffer, DeflateParams
from wsdefrag.errors import HandshakeFailed, LimitExceeded, OutOfMemory, ProtocolError
from wsdefrag.events import Event, ProtocolViolation, TimedOut
from wsdefrag.limits import Limits
from wsdefrag.message import WebSocketMessage, WebSocketMessageState
from wsdefrag.opcode import Opcode
from wsdefrag.strictness import Strictness

__all__ = [
    "ArrowStream",
    "Budget",
    "CaptureItems",
    "CapturePlan",
    "CaptureReader",
    "CapturedEvent",
    "CapturedMessage",
    "ChunkDecoder",
    "ChunkEvents",
    "ClientHandshake",
    "Close",
    "Connection",
    "DecidingRelay",
    "DirectionState",
    "EntryWriter",
    "EventReader",
    "EventWriter",
    "Frame",
    "FrameDecoder",
    "FrameEncoder",
    "HandshakeTap",
    "Incomplete",
    "InternalError",
    "MessageChunk",
    "MessageReassembler",
    "MessageStorage",
    "OpaqueMessage",
    "OutputPass",
    "Ping",
    "Pong",
    "Relay",
    "RelayDirection",
    "RelayPump",
    "ServerHandshake",
    "SocketReader",
    "SocketWriter",
    "TablePass",
    "UncollectedMessage",
    "WebSocketDirection",
    "__version__",
    "accept_key_of",
    "check_deflate_answer",
    "choose_deflate",
    "deflate_offer_header",
    "event_text",
    "filter_extension_offers",
    "fragment_sizes",
    "json_content",
    "json_line",
    "limit_deflate_offers",
    "list_members",
    "panic_inside",
    "parse_deflate_header",
    "random_key",
    "shown_binary",
    "shown_text",
    "untracked",
]

__version__: str

_Class = TypeVar("_Class", bound=MessageStorage)

def accept_key_of(key: str) -> str:
    """Give the ``Sec-WebSocket-Accept`` of a ``Sec-WebSocket-Key`` (RFC 6455 section 4.2.2)."""

def check_deflate_answer(answer: str, offers: str) -> tuple[bool, bool, int, int] | None:
    """Check a server's answer against a client's offers (RFC 7692 section 7.1).

    Returns:
        The parameters, in the form of ``parse_deflate_header``, or None.

    Raises:
        ValueError: If the answer is invalid, or no offer allows it; the text says why.
    """

def choose_deflate(
    offers: str, preferred: DeflateParams
) -> tuple[tuple[bool, bool, int, int], str] | None:
    """Answer a client's offers of permessage-deflate (RFC 7692 section 5).

    Returns:
        The parameters, in the form of ``parse_deflate_header``, and the header to answer with; None
        if no offer can be accepted.

    Raises:
        ValueError: If the header is malformed; the text says why.
    """

def deflate_offer_header(offer: DeflateOffer, /) -> str:
    """Give the ``Sec-WebSocket-Extensions`` that makes an offer (RFC 7692 section 7.1)."""

def event_text(event: CapturedEvent) -> str:
    """Describe an event of a capture in words, for people.

    Args:
        event: A control frame, a gap or a violation.

    Returns:
        Its size, and what it cost as far as that is certain. The time, the connection, the sender, the
        kind and the payload are left to the caller.
    """

def filter_extension_offers(offers: str, names: Sequence[str], *, keep: bool) -> str | None:
    """Keep the offers of some extensions, or of all others; None if none are left.

    Raises:
        ValueError: If the header is malformed; the text says why.
    """

def fragment_sizes(
    type: int, content: Buffer, kept: Sequence[int], *, max_size: int | None, cut_characters: bool
) -> list[int]:
    """Choose the sizes of a message's fragments, in bytes of content (RFC 6455 section 5.4).

    Returns:
        ``kept`` if its sum is the length of the content; otherwise sizes of at most ``max_size``
        bytes, or one size. Unless ``cut_characters`` is set, a boundary inside a character of a
        text moves to the start of the character.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``type`` is not an opcode, or a size is negative.
    """

def json_content(content: bytes, *, is_text: bool) -> str:
    """Format the content of a message as two members of a JSON object, one of them null.

    Args:
        content: The content.
        is_text: Whether to write it as ``text``; content that is not UTF-8 is always ``content``, in
            base64.

    Returns:
        The members, separated by a comma.
    """

def json_line(
    item: CapturedMessage | CapturedEvent | CapturedConnection, *, content: bool = True
) -> bytes:
    """Format a message, an event or a connection of a capture as a JSON object on one line.

    Args:
        item: The message, event or connection.
        content: Whether to include the content of a message.

    Returns:
        The line, with its line feed, in UTF-8.

    Raises:
        TypeError: If the item is none of these, or an attribute has the wrong type.
    """

def limit_deflate_offers(offers: str, most: DeflateParams) -> str | None:
    """Ask for more in offers of permessage-deflate; None if none are left.

    Raises:
        ValueError: If the header is malformed; the text says why.
    """

def list_members(value: str) -> list[str]:
    """Give the members of a field's list that are not empty (RFC 9110 section 5.6.1)."""

def panic_inside(reassembler: MessageReassembler) -> None:
    """Panic while a reassembler is used, to show what becomes of it; for tests."""

def parse_deflate_header(
    value: str, *, strict: bool
) -> tuple[tuple[bool, bool, int, int], list[str]] | None:
    """Parse the permessage-deflate parameters of a server's answer (RFC 7692 section 7.1).

    Args:
        value: The header's value.
        strict: Whether to reject an answer that breaks the RFC; otherwise its valid parts are
            used.

    Returns:
        The fields ``server_no_context_takeover``, ``client_no_context_takeover``,
        ``server_max_window_bits`` and ``client_max_window_bits``, and a list of the faults that
        were tolerated; None if permessage-deflate was not agreed.

    Raises:
        ValueError: If the header is invalid; the text says why.
    """

def random_key() -> str:
    """Make a random ``Sec-WebSocket-Key`` (RFC 6455 section 4.1).

    Raises:
        OSError: If the operating system has no random numbers.
    """

def shown_binary(content: bytes, columns: int) -> str:
    """Format bytes in hexadecimal, and cut them to a number of columns.

    Args:
        content: The bytes.
        columns: The most columns, at least 3.

    Returns:
        Two digits for each byte; three dots at the end if bytes were cut.
    """

def shown_text(content: bytes, columns: int) -> str:
    """Escape a text for a terminal, and cut it to a number of columns.

    Args:
        content: Text in UTF-8; other bytes are allowed.
        columns: The most columns, at least 3.

    Returns:
        Printable characters on one line; the last three are dots if the text was cut.
    """

def untracked(cls: type[_Class]) -> type[_Class]:
    """Keep the garbage collector from tracking instances of a class.

    Args:
        cls: A direct subclass of ``MessageStorage`` that adds no fields.

    Returns:
        The same class.

    Raises:
        TypeError: If the class adds fields, or is not such a subclass.
    """

@final
class ArrowStream:
    """A table of a capture for any reader of Arrow streams (``__arrow_c_stream__``).

    Each reading is a new pass over the files. It returns record batches, so memory use stays
    constant. The tables of connections and events are kept during a pass over another table if each
    has at most 256 MiB; after such a pass has ended, reading them needs no further one.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> import polars
        >>> table = Capture("vectors/captures/demo.pcapng").to_arrow().connections
        >>> polars.DataFrame(table).height
        5
    """

    def __arrow_c_schema__(self) -> object:
        """Export the schema (Arrow PyCapsule interface)."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table (Arrow PyCapsule interface).

        Args:
            requested_schema: Ignored, as the interface allows; the reader has to cast.

        Raises:
            RuntimeError: If the source is a file object of a subinterpreter; the consumer's threads
                could not call it.
            ValueError: If the source is a file object that was already read.
            MemoryError: If there is no memory for a pass.
        """

    @property
    def counts(self) -> dict[str, Any]:
        """Number of packets by outcome, of the last pass that ended, as ``PacketCounts`` takes them."""

    @property
    def warnings(self) -> list[str]:
        """Warnings about files that could be read.

        They are from the last pass that ended, over this table or another table of the same
        ``to_arrow()`` call.
        """

@disjoint_base
class Budget:
    """The engine of ``wsdefrag.Budget``."""

    def __new__(cls, max_bytes: int) -> Self: ...
    @property
    def bytes_held(self) -> int:
        """Bytes that all connections hold now."""

    @property
    def max_bytes(self) -> int:
        """Most bytes that all connections may hold together."""

@final
class CaptureItems:
    """The iterator of ``wsdefrag.capture.CaptureReader``.

    It takes the items of the reader's batch, and asks the reader for the next batch after that. A
    generator would tell a second thread in words of its own that it is in use.
    """

    def __new__(
        cls, reader: object, batch: Iterator[CapturedMessage | CapturedEvent | CapturedConnection]
    ) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> CapturedMessage | CapturedEvent | CapturedConnection: ...

@final
class CapturePlan:
    """The engine of ``wsdefrag.capture.Capture``: which files to read, and how."""

    def __new__(
        cls,
        *,
        paths: Sequence[str],
        file: object | None,
        name: str,
        hosts: Sequence[str],
        request_paths: Sequence[str],
        connections: Sequence[tuple[int, int]],
        ports: Sequence[int],
        addresses: Sequence[str],
        from_client: bool | None,
        types: Sequence[int],
        since_ns: int | None,
        until_ns: int | None,
        conditions: Mapping[str, Any],
        content: bool,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
        resync: bool,
        max_connections: int,
        memory: int,
        idle_timeout_ns: int | None,
        key: str,
        capture_point: str,
        decode_as: Sequence[str],
        columns: Sequence[Sequence[str] | None],
        key_log_paths: Sequence[str],
        key_log_contents: Sequence[bytes],
        threads: int,
        state: bytes | None,
        continues: bool,
        share: tuple[int, int] | None,
    ) -> Self: ...
    @staticmethod
    def defaults() -> dict[str, int]:
        """Return the default of each option that has one."""

    @staticmethod
    def first_packet_ns(path: str) -> int | None:
        """Return when the first packet of a file was captured.

        Returns:
            Nanoseconds since the epoch; None if that cannot be told without reading the file.
        """

    @staticmethod
    def schema_version() -> str:
        """Return the version of the tables' schemas."""

    @staticmethod
    def account_counters() -> list[str]:
        """Return the names of an account's counters, in order."""

    @staticmethod
    def tolerated_rules() -> list[str]:
        """Return the names of the rules that can be switched off, in order."""

    def read(self) -> CaptureReader:
        """Start a pass over the capture.

        Raises:
            ValueError: If the source is a file object that was already read.
        """

    def to_arrow(self) -> tuple[ArrowStream, ArrowStream, ArrowStream]:
        """Return the tables of messages, connections and events."""

    def messages_table(self) -> ArrowStream:
        """Return the table of messages alone, whose passes keep no other table."""

    def output(
        self,
        format: str,
        *,
        table: str = "messages",
        content: bool = True,
        events: bool = True,
        control_frames: bool = True,
        width: int = 0,
        colours: bool = False,
        title: str = "",
        selection: list[str] | None = None,
        id: str = "id",
    ) -> OutputPass:
        """Start a pass over the capture that makes the bytes of an output file.

        Args:
            format: ``"jsonl"``, ``"text"``, ``"follow"``, ``"follow-hex"``, ``"follow-raw"`` or
                ``"report"``.
            table: The table of a format with rows: ``"messages"``, ``"connections"`` or ``"events"``.
            content: Whether to write the contents of messages.
            events: Whether events stand between the messages, each in its place.
            control_frames: Whether pings, pongs and closes are among these events.
            width: The most columns of a line of text; 0 for no limit.
            colours: Whether lines of text have a terminal's colours.
            title: The heading of a report.
            selection: What a report says of what was chosen of the capture; None for nothing.
            id: The JSON member that a request and its response have in common, for statistics.

        Raises:
            ValueError: If there is no such format or table, or the source is a file object that was
                already read.
            MemoryError: If there is no memory for a pass.
        """

    def table_files(
        self,
        format: str,
        tables: Sequence[str],
        *,
        compression: Literal["zstd", "lz4"] | None,
        compression_level: int | None,
    ) -> OutputPass:
        """Start a pass over the capture that makes the bytes of a file for each of these tables.

        Args:
            format: ``"parquet"``, ``"arrow"`` or ``"jsonl"``.
            tables: The names of the tables; ``next_part`` numbers their files.
            compression: How columns are compressed: ``"zstd"``, ``"lz4"`` or None.
            compression_level: The level of zstd, from 1 to 22; None for 1.

        Raises:
            ValueError: If an argument has none of its values, or the source is a file object that was
                already read.
            MemoryError: If there is no memory for a pass.
        """

    def lake_files(
        self, *, compression: Literal["zstd", "lz4"] | None, compression_level: int
    ) -> OutputPass:
        """Start a pass over the capture that makes the bytes of a Parquet file for each hour of each table.

        Files are read in turn, each to its end, with the rows and the state of passes over one file
        each. One that cannot be read ends the pass.

        Args:
            compression: How columns are compressed: ``"zstd"``, ``"lz4"`` or None.
            compression_level: The level of zstd, from 1 to 22; None for 1.

        Raises:
            CheckpointError: If the state that the capture goes on with cannot be read.
            ValueError: If an argument has none of its values, or the source is a file object that was
                already read.
            MemoryError: If there is no memory for a pass.
        """

@final
class CaptureReader:
    """A pass over a capture that returns batches."""

    def next_batch(self) -> list[CapturedMessage | CapturedEvent | CapturedConnection] | None:
        """Read until something is complete.

        After an exception, or if a file object had no data yet, the next call continues.

        Returns:
            Messages, events, and connections that have ended, in order; None at the end. A connection that
            has ended is the first of its batch.

        Raises:
            CaptureError: If no file is a capture.
            OSError: If no file can be opened or read.
            BlockingIOError: If a non-blocking file object has no data yet.
            RuntimeError: If another call is reading the pass.
            MemoryError: If memory is refused; the next call continues, or raises it again if
                something was lost.
        """

    def checkpoint(self) -> bytes:
        """Return the state of the capture after its last file.

        Raises:
            CheckpointError: If the pass has not ended, or failed, or the capture does not continue.
        """

    @property
    def bytes_read(self) -> int:
        """Bytes of the files read so far, as stored (compressed)."""

    @property
    def counts(self) -> dict[str, Any]:
        """Number of packets so far by outcome."""

    @property
    def warnings(self) -> list[str]:
        """Warnings about files that could be read."""

@final
class CapturedEvent:
    """A control frame, a gap, or the broken rule that ended a direction of a capture.

    It can be copied and pickled, together with its connection. Two events are equal only if they are
    the same object. ``(uid, from_client, event)`` identifies an event across passes over a capture.

    Attributes that only some kinds have are None for the others.

    Attributes:
        connection: The ``CapturedConnection`` of the event.
        from_client: Whether the client sent it, or sent what is missing.
        event: Number of the event in its direction, from 0.
        seq: Its place: the number of the message of its direction before whose end it comes.
        kind: ``ping``, ``pong``, ``close``, ``gap`` or ``violation``.
        offset: Position in the stream of its first byte, counted from the end of the handshake: of the
            frame, of the gap, or of the frame that broke a rule.
        length: Payload bytes of a control frame (RFC 6455 section 5.5), captured or not; bytes of a
            gap; 0 for a violation.
        missing_bytes: Bytes of ``length`` that were not captured, or too late to be read.
        timestamp_ns: When the packet that completed it was captured, in nanoseconds since the epoch;
            for a gap, the packet with the first byte after it, None if nothing follows.
        first_timestamp_ns: When the packet with its first byte was captured, in nanoseconds since the
            epoch; for a gap, the packet with the last byte before it, None if there is none.
        resynced: Whether the frames were found by a search.
        first_packet: Number of the packet of ``first_timestamp_ns``, counted from 1 over all packets.
        last_packet: Number of the packet of ``timestamp_ns``.
        file: Name of the file that this packet is in, or None if there is none.
        payload: The captured part of a control frame's payload.
        close_code: The close code; 1005 if the frame has none (RFC 6455 section 7.1.5), None if part
            of the frame was not captured.
        close_reason: The close reason.
        effect: What a gap did to its direction. ``nothing``: it lies in a part that is not read.
            ``frame``: it lies inside a frame, and reading goes on after that frame. ``window``:
            likewise, and later compressed messages cannot be inflated. ``search``: it hides where the
            next frame begins, which is searched for. ``end``: likewise, and the rest of the direction
            is not read, because ``resync`` is False.
        incomplete: Messages that are incomplete because of a gap: 0 or 1.
        undecodable: Messages that cannot be inflated because of a gap; None until that is certain.
        lost: Bytes that could not be assigned to frames because of a gap; None until that is certain.
        rule: The broken rule, as in ``WebSocketError.kind``.
        error: The broken rule as a sentence.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> event = next(Capture("vectors/captures/demo.pcapng").events())
        >>> event.kind in ("ping", "pong", "close")
        True
    """

    def __new__(cls, connection: CapturedConnection, **values: Any) -> Self: ...
    @property
    def connection(self) -> CapturedConnection: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def event(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def missing_bytes(self) -> int: ...
    @property
    def timestamp_ns(self) -> int | None: ...
    @property
    def first_timestamp_ns(self) -> int | None: ...
    @property
    def resynced(self) -> bool: ...
    @property
    def first_packet(self) -> int | None: ...
    @property
    def last_packet(self) -> int | None: ...
    @property
    def file(self) -> str | None: ...
    @property
    def payload(self) -> bytes | None: ...
    @property
    def close_code(self) -> int | None: ...
    @property
    def close_reason(self) -> str | None: ...
    @property
    def effect(self) -> str | None: ...
    @property
    def incomplete(self) -> int | None: ...
    @property
    def undecodable(self) -> int | None: ...
    @property
    def lost(self) -> int | None: ...
    @property
    def rule(self) -> str | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def uid(self) -> bytes:
        """The connection's identity: 16 bytes, the same in every pass over the same packets."""

@final
class CapturedMessage:
    """A message of a capture, with its connection and its packets.

    It can be copied and pickled, together with its connection; messages that are pickled together
    share the connection. Two messages are equal only if they are the same object.
    ``(uid, from_client, seq)`` identifies a message across passes over a capture.

    Attributes:
        connection: The ``CapturedConnection`` of the message.
        seq: Number of the message in its direction, from 0.
        from_client: Whether the client sent it.
        type: Its opcode as an integer: 1 for text, 2 for binary.
        content: Its payload as ``bytes``, unmasked and inflated; see ``status`` for a message that
            is not ``ok``.
        timestamp_ns: When the packet that completed it was captured, in nanoseconds since the
            epoch.
        first_timestamp_ns: When the packet with its first byte was captured, in nanoseconds since
            the epoch.
        dropped: Whether a relay dropped it. Only flow files and HTTP archives say so; in a capture
            of packets it is False.
        injected: Whether a relay injected it, likewise.
        frames: Number of its frames.
        wire_length: Size of its frames, headers included, in bytes.
        payload_length: Size of its payloads on the wire, before inflating, in bytes.
        compressed: Whether it was compressed.
        status: ``ok``: complete. ``incomplete``: bytes are missing, and content ends before the
            first missing byte. ``undecodable``: complete, but earlier bytes that are needed to
            inflate it were not captured, and content is the compressed payload. ``too_big``: it
            exceeds a limit, and content is its beginning or empty. ``invalid_utf8``: a complete
            text that is not UTF-8. ``protocol_error``: ended by a violation of the protocol.
        missing_bytes: Number of payload bytes that were not captured.
        resynced: Whether its first frame was found by a search, because frame boundaries were
            unknown.
        unauthenticated: Whether it may have bytes of TLS records that were captured in part. Such
            bytes are decrypted, and no tag confirms them.
        first_packet: Number of the packet with its first byte, counted from 1 over all packets.
        last_packet: Number of the packet that completed it.
        file: Name of the file that this packet is in, or None if it is unknown.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> next(iter(Capture("vectors/captures/demo.pcapng", types=("text",)))).is_text
        True
    """

    def __new__(
        cls,
        connection: CapturedConnection,
        seq: int,
        from_client: bool,
        type: int,
        content: bytes,
        timestamp_ns: int,
        first_timestamp_ns: int,
        dropped: bool,
        injected: bool,
        frames: int,
        wire_length: int,
        payload_length: int,
        compressed: bool,
        status: str,
        missing_bytes: int,
        resynced: bool,
        unauthenticated: bool,
        first_packet: int,
        last_packet: int,
        file: str | None = None,
    ) -> Self: ...
    def get_state(self) -> WebSocketMessageState:
        """Return the message's state as mitmproxy defines it.

        Returns:
            type, from_client, content, timestamp in seconds since the epoch, dropped, injected.
        """
    @property
    def connection(self) -> CapturedConnection: ...
    @property
    def seq(self) -> int: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def type(self) -> int: ...
    @property
    def content(self) -> bytes: ...
    @property
    def timestamp_ns(self) -> int: ...
    @property
    def first_timestamp_ns(self) -> int: ...
    @property
    def dropped(self) -> bool: ...
    @property
    def injected(self) -> bool: ...
    @property
    def frames(self) -> int: ...
    @property
    def wire_length(self) -> int: ...
    @property
    def payload_length(self) -> int: ...
    @property
    def compressed(self) -> bool: ...
    @property
    def status(self) -> str: ...
    @property
    def missing_bytes(self) -> int: ...
    @property
    def resynced(self) -> bool: ...
    @property
    def unauthenticated(self) -> bool: ...
    @property
    def first_packet(self) -> int: ...
    @property
    def last_packet(self) -> int: ...
    @property
    def file(self) -> str | None: ...
    @property
    def is_text(self) -> bool:
        """Whether the message is a text."""

    @property
    def message(self) -> WebSocketMessage:
        """A new ``WebSocketMessage`` with the same content, and the time in seconds since the epoch."""

    @property
    def text(self) -> str:
        """The content decoded as UTF-8; errors raise.

        Raises:
            AttributeError: If the message is not a text.
            UnicodeDecodeError: If the content is not UTF-8.
        """

    @property
    def uid(self) -> bytes:
        """The connection's identity: 16 bytes, the same in every pass over the same packets."""

@disjoint_base
class ChunkDecoder:
    """The engine of ``wsdefrag.ChunkDecoder``."""

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
        cut_characters: bool,
    ) -> Self: ...
    def receive_data(self, data: Buffer, *, timestamp: float | None = None) -> ChunkEvents:
        """Receive the next bytes.

        Args:
            data: Any number of bytes. A ``bytes`` is kept until its events are taken; anything else is
                copied.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            An iterator over the events. Each is made when it is asked for. Those that are not taken
            come with the next call.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self, *, timestamp: float | None = None) -> Incomplete | None:
        """End the direction; may be called again.

        Args:
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if the direction ended inside a header, a frame or a message; its content
            is what was in no chunk. Otherwise, and if it had already ended, None.

        Raises:
            ValueError: If events of received bytes were not taken.
        """

    @property
    def bytes_buffered(self) -> int:
        """Bytes held: received and not read, or of an incomplete header, control frame or character."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes after a Close, or from the first byte of the offending frame on."""

    @property
    def bytes_received(self) -> int:
        """Number of bytes received."""

    @property
    def close_received(self) -> Close | None:
        """The ``Close`` event that was received, or None."""

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """The violation that ended this direction, a new object each time; None if there is none."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each switched-off rule was broken, by the name of its field in ``Strictness``."""

@final
class ChunkEvents:
    """The events of the bytes that a ``ChunkDecoder`` has received, made one by one."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> MessageChunk | Ping | Pong | Close | ProtocolViolation: ...

@final
class ClientHandshake:
    """The engine of ``wsdefrag.handshake.ClientHandshake``."""

    def __new__(
        cls,
        *,
        host: str,
        target: str,
        key: str,
        origin: str | None,
        subprotocols: Sequence[str],
        offers: Sequence[DeflateOffer],
        fields: Sequence[tuple[str, bytes]],
        max_head_size: int,
        strict: bool,
    ) -> Self: ...
    def data_to_send(self) -> bytes:
        """Remove and return the head of the request."""

    def receive_data(self, data: Buffer) -> bool:
        """Receive the server's next bytes.

        Returns:
            Whether the head of the final response is complete.

        Raises:
            HandshakeFailed: If a response breaks a rule.
            TypeError: If ``data`` does not offer the buffer protocol.
        """

    def receive_eof(self) -> None:
        """End the server's bytes.

        Raises:
            HandshakeFailed: If there is no final response, or one breaks a rule.
        """

    def take_leftover(self) -> bytes:
        """Remove and return the bytes after the final head."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes that are kept: of an incomplete head, or after the final one."""

    @property
    def deflate(self) -> tuple[bool, bool, int, int] | None:
        """The fields of the ``DeflateParams`` that were agreed on."""

    @property
    def error(self) -> HandshakeFailed | None:
        """What ended the handshake; None if nothing did."""

    @property
    def informational(self) -> list[tuple[int, str, str, list[tuple[str, str]], bytes]]:
        """The responses before the final one."""

    @property
    def response(self) -> tuple[int, str, str, list[tuple[str, str]], bytes] | None:
        """Status, reason, version, fields and bytes of the final response, or None."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol of the final response."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each fault was tolerated."""

@disjoint_base
class Close:
    r"""A Close frame (RFC 6455 section 5.5.1).

    Attributes:
        close_code: The close code; 1005 if the frame has none (RFC 6455 section 7.1.5).
        close_reason: The close reason; ``""`` if the frame has none (RFC 6455 section 7.1.6).
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> (close,) = server.receive_data(b"\x88\x05\x03\xe8bye")
        >>> close.close_code, close.close_reason
        (1000, 'bye')
    """

    def __new__(
        cls, close_code: int, close_reason: str, from_client: bool, timestamp: float, offset: int
    ) -> Self: ...
    @property
    def close_code(self) -> int: ...
    @property
    def close_reason(self) -> str: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def timestamp(self) -> float: ...
    @property
    def offset(self) -> int: ...
    __match_args__ = ("close_code", "close_reason", "from_client", "timestamp", "offset")

@disjoint_base
class Connection:
    """The engine of ``wsdefrag.WebSocketConnection``."""

    def __new__(
        cls,
        *,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
        extension: str | None,
        websocket: WebSocketData,
        retain: int | None,
    ) -> Self: ...
    def receive_data(
        self, data: Buffer, *, from_client: bool, timestamp: float | None = None
    ) -> list[Event]:
        """Receive the next bytes of one direction.

        Args:
            data: Any number of bytes; they are neither changed nor kept.
            from_client: Whether the client sent them.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            The events, in order. A violation of the protocol is a ``ProtocolViolation`` event and is
            not raised.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If ``receive_eof`` has ended this direction.
        """

    def receive_eof(self, *, from_client: bool, timestamp: float | None = None) -> list[Event]:
        """End one direction; may be called again.

        Args:
            from_client: Whether to end the direction from the client.
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if the direction ended inside a header, a frame or a message. Otherwise,
            and if it had already ended, an empty list.
        """

    @property
    def from_client(self) -> DirectionState:
        """The state of the direction from the client."""

    @property
    def from_server(self) -> DirectionState:
        """The state of the direction from the server."""

class DecidingRelay(Relay):
    """The engine of ``wsdefrag.WebSocketRelay``."""

    def __new__(
        cls, options: RelayOptions, *, websocket: WebSocketData, retain: int | None
    ) -> Self: ...
    def forward(self, event: Event) -> None:
        """Forward an event to the other side, unchanged or edited.

        Earlier events that wait for a decision are dropped. A message whose ``dropped`` is set is
        dropped too, and so is every event after a Close was sent in the same direction.
        ``ProtocolViolation`` and ``Incomplete`` have nothing to send; forwarding them has no
        effect.

        Args:
            event: An event that ``receive_data`` returned. The ``content`` and ``type`` of a message
                may have been changed.

        Raises:
            TypeError: If ``event`` is not an event.
            ValueError: If the event does not wait for a decision, or if the edited message cannot
                be sent. Nothing is changed then.
        """

    def discard(self, event: Event) -> None:
        """Drop an event and all earlier events that wait for a decision.

        Args:
            event: An event that ``receive_data`` returned. The ``dropped`` of a message is set.

        Raises:
            TypeError: If ``event`` is not an event.
            ValueError: If the event does not wait for a decision.
        """

@disjoint_base
class DirectionState:
    r"""The state of one direction; read-only.

    It is the class of ``WebSocketConnection.from_client`` and ``from_server``, and cannot be
    constructed.

    Attributes:
        error: The violation that ended this direction, or None.
        close_received: The ``Close`` event of this direction, or None.
        bytes_received: Number of bytes received.
        bytes_buffered: Bytes held of an incomplete header, frame or message.
        bytes_discarded: Bytes after a Close, or from the first byte of the offending frame on.
        tolerated: How often each switched-off rule was broken, by the name of its field in
            ``Strictness``.

    Example:
        >>> import wsdefrag
        >>> connection = wsdefrag.WebSocketConnection()
        >>> connection.receive_data(b"\x81\x05he", from_client=False)
        []
        >>> connection.from_server
        <DirectionState from_client=False bytes_received=4 bytes_buffered=2 bytes_discarded=0>
    """

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """The violation that ended this direction, a new object each time; None if there is none."""

    @property
    def close_received(self) -> Close | None:
        """The ``Close`` event of this direction, or None."""

    @property
    def bytes_received(self) -> int:
        """Number of bytes received."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of an incomplete header, frame or message."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes after a Close, or from the first byte of the offending frame on."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each switched-off rule was broken, by the name of its field in ``Strictness``."""

@final
class EntryWriter:
    """Makes the entries of an archive, one after the other."""

    def __new__(cls, format: Literal["har", "mitm"]) -> Self: ...
    def start(self) -> bytes:
        """Return what stands before the first entry."""

    def end(self) -> bytes:
        """Return what stands after the last entry."""

    def entry(
        self,
        values: dict[str, Any],
        messages: list[CapturedMessage | WebSocketMessage],
        events: list[CapturedEvent],
        places: list[int],
    ) -> bytes:
        """Return the entry of a connection.

        Args:
            values: What the entry says of the connection, by name.
            messages: The messages, captured or not.
            events: The events.
            places: For each event, how many of the messages come before it.

        Raises:
            TypeError: If a value has the wrong type.
            ValueError: If a value is out of range.
            MemoryError: If memory is refused.
        """

@final
class EventReader:
    """The engine of ``receive_data`` and ``events`` in ``wsdefrag.compat.wsproto``.

    It iterates over the events. The iteration stops if more bytes are needed. It also stops at the
    Close or the violation that ends the direction: then ``ended`` is true, and ``peer_close`` or
    ``error`` says which.
    """

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
        classes: tuple[type, type, type, type],
    ) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def receive_data(self, data: Buffer) -> None:
        """Buffer the next bytes; they are read when an event is requested.

        Args:
            data: Any number of bytes. A ``bytes`` is kept until it is read; anything else is
                copied.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
        """

    def conclude(self) -> None:
        """Note that the end was reported: further bytes are dropped."""

    @property
    def at_message_end(self) -> bool:
        """Whether the current frame has reached the end of its message."""

    @property
    def ended(self) -> bool:
        """Whether a Close or a violation was read and ``conclude`` was not called yet."""

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """The violation that ended this direction, a new object each time; None if there is none."""

    @property
    def evidence(self) -> bytes:
        """The bytes that broke a rule.

        For a header, all bytes fed from its first byte on; for a Close, its payload; for a text,
        the bytes that were not returned in an event; empty for other rules.
        """

    @property
    def inside_message(self) -> bool:
        """Whether a message is open."""

    @property
    def peer_close(self) -> tuple[int, str] | None:
        """The code and the reason of the Close that ended this direction, or None."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each switched-off rule was broken, by the name of its field in ``Strictness``."""

@final
class EventWriter:
    """The engine of ``send`` in ``wsdefrag.compat.wsproto``."""

    def __new__(cls, *, from_client: bool, deflate: DeflateParams | None) -> Self: ...
    def data(self, data: str | Buffer, message_finished: object, /) -> bytes:
        """Encode a message, or the next fragment of one.

        Args:
            data: A ``str`` for a text, ``bytes``, ``bytearray`` or ``memoryview`` for a binary.
            message_finished: Whether the message ends with this data.

        Returns:
            One frame.

        Raises:
            TypeError: If ``data`` is none of these, or not of the open message's type.
            UnicodeEncodeError: If a text contains a surrogate.
        """

    def control(self, opcode: int, payload: bytes, /) -> bytes:
        """Encode a control frame without checking its payload.

        Args:
            opcode: 8 for a Close, 9 for a ping, 10 for a pong.
            payload: At most 125 bytes.

        Returns:
            The frame.

        Raises:
            ValueError: If the opcode is none of these, if the payload is too long, or if a Close was
                encoded.
        """

@final
class Frame:
    """One frame (RFC 6455 section 5.2); frozen, equal by value, picklable.

    Attributes:
        opcode: The opcode.
        fin: Whether the frame is the last of its message.
        rsv1: The first reserved bit; with permessage-deflate, the message is compressed.
        rsv2: The second reserved bit.
        rsv3: The third reserved bit.
        masking_key: Four bytes, or None if the frame is not masked.
        payload: The payload, unmasked but not inflated.
        offset: Position of the first byte, in bytes from the start of the direction.
        wire_length: Size of header and payload, in bytes.

    Example:
        >>> from wsdefrag import Frame, Opcode
        >>> frame = Frame(Opcode.PING, True, False, False, False, None, b"hi", 0, 4)
        >>> frame.masked, frame.opcode
        (False, <Opcode.PING: 9>)
    """

    def __new__(
        cls,
        opcode: int,
        fin: bool,
        rsv1: bool,
        rsv2: bool,
        rsv3: bool,
        masking_key: bytes | None,
        payload: bytes,
        offset: int,
        wire_length: int,
    ) -> Self: ...
    @property
    def opcode(self) -> Opcode: ...
    @property
    def fin(self) -> bool: ...
    @property
    def rsv1(self) -> bool: ...
    @property
    def rsv2(self) -> bool: ...
    @property
    def rsv3(self) -> bool: ...
    @property
    def masking_key(self) -> bytes | None: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def offset(self) -> int: ...
    @property
    def wire_length(self) -> int: ...
    @property
    def masked(self) -> bool:
        """Whether the frame is masked."""

@disjoint_base
class FrameDecoder:
    """The engine of ``wsdefrag.FrameDecoder``."""

    def __new__(
        cls, *, from_client: bool, rsv1: bool, limits: Limits, strictness: Strictness
    ) -> Self: ...
    def receive_data(self, data: Buffer) -> list[Frame]:
        """Receive the next bytes and return the frames that they complete.

        Args:
            data: Any number of bytes; they are neither changed nor kept.

        Returns:
            The completed frames, in order. A violation in these bytes ends the list and sets
            ``error``; the next call raises it.

        Raises:
            ProtocolError: If an earlier frame broke a rule.
            LimitExceeded: If an earlier frame exceeded ``max_frame_size``.
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self) -> None:
        """End the direction; may be called again.

        Raises:
            ProtocolError: If an earlier frame broke a rule.
            LimitExceeded: If an earlier frame exceeded ``max_frame_size``.
            IncompleteMessage: If the bytes stopped inside a frame.
        """

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of an incomplete frame."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes from the first byte of the offending frame on."""

    @property
    def bytes_received(self) -> int:
        """Number of bytes received."""

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """The violation that ended this direction, a new object each time; None if there is none."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each switched-off rule was broken, by the name of its field in ``Strictness``."""

@disjoint_base
class FrameEncoder:
    """The engine of ``wsdefrag.FrameEncoder``."""

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None,
        compress_from: int,
        compression_level: int,
        strictness: Strictness,
    ) -> Self: ...
    def message(
        self,
        type: int,
        content: Buffer,
        *,
        fragments: Sequence[int] | None = None,
        compress: bool | None = None,
        masking_key: bytes | None = None,
    ) -> bytes:
        """Encode a whole message.

        Args:
            type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
            content: The content to send; for a text, its UTF-8. It is neither changed nor kept.
            fragments: The size of each frame in bytes of content (RFC 6455 section 5.4); the sum is
                the length of the content. None for one frame. A size may split a character;
                ``Fragmenter`` chooses sizes that do not.
            compress: Whether to compress the message; None compresses by ``compress_from``
                (RFC 7692 section 6).
            masking_key: Four bytes for all frames of a client; None for a new random key for each
                frame (RFC 6455 section 5.3).

        Returns:
            The frames, in order.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the message cannot be sent now; the text says why.
        """

    def message_buffers(
        self,
        type: int,
        content: Buffer,
        *,
        fragments: Sequence[int] | None = None,
        compress: bool | None = None,
        masking_key: bytes | None = None,
    ) -> list[bytes]:
        """Encode a whole message as buffers, which are sent one after the other.

        A long content that goes out as it is (of a server, not compressed, in one frame) is not copied:
        it is one of the buffers. ``transport.writelines`` and ``socket.sendmsg`` take them.

        Args:
            type: As in ``message``.
            content: As in ``message``. It is only kept if it is a ``bytes``.
            fragments: As in ``message``.
            compress: As in ``message``.
            masking_key: As in ``message``.

        Returns:
            What ``message`` returns, in one or two parts.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the message cannot be sent now; the text says why.
        """

    def text(
        self,
        content: str,
        *,
        fragments: Sequence[int] | None = None,
        compress: bool | None = None,
        masking_key: bytes | None = None,
    ) -> bytes:
        """Encode a whole text message (RFC 6455 section 5.6).

        Args:
            content: The text.
            fragments: As in ``message``, in bytes of UTF-8.
            compress: As in ``message``.
            masking_key: As in ``message``.

        Returns:
            The frames, in order.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the message cannot be sent now; the text says why.
            UnicodeEncodeError: If the text contains a surrogate.
        """

    def binary(
        self,
        content: Buffer,
        *,
        fragments: Sequence[int] | None = None,
        compress: bool | None = None,
        masking_key: bytes | None = None,
    ) -> bytes:
        """Encode a whole binary message (RFC 6455 section 5.6).

        Args:
            content: Any number of bytes; they are neither changed nor kept.
            fragments: As in ``message``.
            compress: As in ``message``.
            masking_key: As in ``message``.

        Returns:
            The frames, in order.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the message cannot be sent now; the text says why.
        """

    def fragment(
        self,
        type: int,
        content: Buffer,
        *,
        fin: bool,
        compress: bool | None = None,
        masking_key: bytes | None = None,
    ) -> bytes:
        """Encode the next fragment of a message.

        Args:
            type: ``Opcode.TEXT`` or ``Opcode.BINARY`` for the first fragment,
                ``Opcode.CONTINUATION`` for the others (RFC 6455 section 5.4).
            content: The content of the fragment. The fragment of a text may end inside a character.
            fin: Whether it is the last fragment.
            compress: Only for the first fragment: whether to compress the message; None compares
                the size of the first fragment with ``compress_from``.
            masking_key: Four bytes for a client's frame; None for a new random key.

        Returns:
            The frame. Its receiver can inflate its whole content without later frames.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the fragment cannot be sent now; the text says why.
        """

    def frame(
        self,
        opcode: int,
        payload: Buffer,
        *,
        fin: bool = True,
        rsv1: bool = False,
        rsv2: bool = False,
        rsv3: bool = False,
        masking_key: bytes | None = None,
    ) -> bytes:
        """Encode a frame without compressing or checking its payload.

        Only the order of frames and the rules for control frames are enforced (RFC 6455 sections
        5.4 and 5.5). The later frames of the same message must be encoded by this method too.

        Args:
            opcode: The opcode of the frame.
            payload: Any number of bytes; they are neither changed nor kept.
            fin: Whether the frame is the last of its message.
            rsv1: The first reserved bit; with permessage-deflate, the payload is compressed. The
                encoder then resets its compression window, so that the receiver can inflate the
                next message that the encoder compresses.
            rsv2: The second reserved bit.
            rsv3: The third reserved bit.
            masking_key: Four bytes for a client's frame; None for a new random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the frame cannot be sent now; the text says why.
        """

    def ping(self, payload: Buffer | None = None, *, masking_key: bytes | None = None) -> bytes:
        """Encode a ping (RFC 6455 section 5.5.2).

        Args:
            payload: At most 125 bytes; None for an empty payload.
            masking_key: Four bytes for a client's frame; None for a new random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the payload is too long, or a Close was encoded.
        """

    def pong(self, payload: Buffer | None = None, *, masking_key: bytes | None = None) -> bytes:
        """Encode a pong (RFC 6455 section 5.5.3).

        Args:
            payload: At most 125 bytes: the payload of the ping that it answers; None for an empty
                payload.
            masking_key: Four bytes for a client's frame; None for a new random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the payload is too long, or a Close was encoded.
        """

    def close(
        self, code: int | None = None, reason: str = "", *, masking_key: bytes | None = None
    ) -> bytes:
        """Encode a Close, after which nothing can be sent (RFC 6455 section 5.5.1).

        Args:
            code: The close code; None for a Close without a code, which is read as 1005.
            reason: A text for people; at most 123 bytes of UTF-8, and only with a code.
            masking_key: Four bytes for a client's frame; None for a new random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the code must not be sent (RFC 6455 section 7.4), if the reason is too
                long or has no code, or if a Close was encoded.
        """

    @property
    def closed(self) -> bool:
        """Whether a Close was encoded."""

    @property
    def inside_message(self) -> bool:
        """Whether a message is open."""

@final
class HandshakeTap:
    """The engine of ``wsdefrag.handshake.HandshakeTap``."""

    def __new__(cls, *, max_head_size: int, strict: bool) -> Self: ...
    def receive_data(self, data: Buffer, *, from_client: bool) -> bytes:
        """Receive the next bytes of one side.

        Returns:
            Those of the bytes that follow the head.

        Raises:
            HandshakeFailed: If the head cannot be read.
            TypeError: If ``data`` does not offer the buffer protocol.
        """

    def receive_eof(self, *, from_client: bool) -> None:
        """End one side's bytes.

        Raises:
            HandshakeFailed: If its head is not complete, or cannot be read.
        """

    def tolerated(self, *, from_client: bool) -> dict[str, int]:
        """How often each fault of one side was tolerated."""

    @property
    def deflate(self) -> tuple[bool, bool, int, int] | None:
        """The fields of the ``DeflateParams`` that were agreed on."""

    @property
    def foreign_extensions(self) -> list[str]:
        """The names of other extensions that the server accepted."""

    @property
    def is_websocket(self) -> bool | None:
        """Whether a WebSocket begins after the heads; None while it is not known."""

    @property
    def request(self) -> tuple[str, str, str, list[tuple[str, str]], bytes] | None:
        """Method, target, version, fields and bytes of the request; None before its head is complete."""

    @property
    def response(self) -> tuple[int, str, str, list[tuple[str, str]], bytes] | None:
        """Status, reason, version, fields and bytes of the final response, or None."""

@disjoint_base
class Incomplete:
    r"""A header, frame or message that was incomplete when its direction ended.

    Attributes:
        type: The opcode of the open message, or of the incomplete frame if no message was open.
        content: The payload received so far, unmasked and inflated.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the message's first frame, or of the incomplete frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> server.receive_data(b"\x01\x03Hel")
        []
        >>> (incomplete,) = server.receive_eof()
        >>> incomplete.type, incomplete.content
        (<Opcode.TEXT: 1>, b'Hel')
    """

    def __new__(
        cls, type: int, content: bytes, from_client: bool, timestamp: float, offset: int
    ) -> Self: ...
    @property
    def type(self) -> Opcode: ...
    @property
    def content(self) -> bytes: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def timestamp(self) -> float: ...
    @property
    def offset(self) -> int: ...
    __match_args__ = ("type", "content", "from_client", "timestamp", "offset")

class InternalError(RuntimeError):
    """An error of this package itself, not of the bytes or of the caller; please report it.

    The object that raised it cannot be used any more: each later call raises it again.

    Example:
        >>> import wsdefrag
        >>> issubclass(wsdefrag.InternalError, RuntimeError)
        True
    """

@disjoint_base
class MessageChunk:
    r"""A part of a message, given out before the whole message has arrived; see ``ChunkDecoder``.

    Attributes:
        type: The type of the message: ``Opcode.TEXT`` or ``Opcode.BINARY``.
        content: The next bytes of the content, unmasked and inflated. Only the last chunk of a message
            may be empty.
        message_finished: Whether it is the last chunk of the message.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the message's first frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> decoder = wsdefrag.ChunkDecoder(from_client=False)
        >>> (chunk,) = decoder.receive_data(b"\x81\x05he")
        >>> chunk.content, chunk.message_finished
        (b'he', False)
    """

    def __new__(
        cls,
        type: int,
        content: bytes,
        message_finished: bool,
        from_client: bool,
        timestamp: float,
        offset: int,
    ) -> Self: ...
    @property
    def type(self) -> Opcode: ...
    @property
    def content(self) -> bytes: ...
    @property
    def message_finished(self) -> bool: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def timestamp(self) -> float: ...
    @property
    def offset(self) -> int: ...
    __match_args__ = ("type", "content", "message_finished", "from_client", "timestamp", "offset")

class MessageReassembler(DirectionState):
    """The engine of ``wsdefrag.MessageReassembler``."""

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
    ) -> Self: ...
    def receive_data(
        self, data: Buffer, *, timestamp: float | None = None
    ) -> list[WebSocketMessage]:
        """Receive the next bytes and return the messages that they complete.

        Args:
            data: Any number of bytes; they are neither changed nor kept.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            The completed messages, in order. A violation in these bytes ends the list and sets
            ``error``; the next call raises it.

        Raises:
            ProtocolError: If earlier bytes broke a rule.
            LimitExceeded: If earlier bytes exceeded a limit.
            OutOfMemory: If memory was refused for earlier bytes.
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self) -> None:
        """End the direction; may be called again.

        Raises:
            ProtocolError: If earlier bytes broke a rule.
            LimitExceeded: If earlier bytes exceeded a limit.
            OutOfMemory: If memory was refused for earlier bytes.
            IncompleteMessage: If the bytes stopped inside a header, a frame or a message.
        """

@disjoint_base
class MessageStorage:
    """The fields of a message; ``WebSocketMessage`` adds all behaviour."""

    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
    @property
    def content(self) -> bytes: ...
    @content.setter
    def content(self, value: bytes) -> None: ...
    @property
    def dropped(self) -> bool: ...
    @dropped.setter
    def dropped(self, value: bool) -> None: ...
    @property
    def from_client(self) -> bool: ...
    @from_client.setter
    def from_client(self, value: bool) -> None: ...
    @property
    def injected(self) -> bool: ...
    @injected.setter
    def injected(self, value: bool) -> None: ...
    @property
    def timestamp(self) -> float: ...
    @timestamp.setter
    def timestamp(self, value: float) -> None: ...
    @property
    def type(self) -> Opcode: ...
    @type.setter
    def type(self, value: int) -> None: ...

@disjoint_base
class OpaqueMessage:
    r"""A complete message of an agreed extension that this package does not implement.

    It occurs only if the argument ``extension`` was given, in two cases: the message has reserved
    bits that permessage-deflate does not use; or the message is compressed and may refer to such a
    message.

    Attributes:
        type: ``Opcode.TEXT`` or ``Opcode.BINARY``, from its first frame.
        content: The payload, unmasked, but neither inflated nor checked for UTF-8. Empty if
            inflation of the message had started before a frame with the extension's bits.
        rsv: The reserved bits of all its frames: the sum of 4 for RSV1, 2 for RSV2, 1 for RSV3.
        extension: The name of the extension.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of its first frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> connection = wsdefrag.WebSocketConnection(extension="x-shorthand")
        >>> (message,) = connection.receive_data(b"\xa1\x02\xfe\xff", from_client=False)
        >>> message.content, message.rsv, message.extension
        (b'\xfe\xff', 2, 'x-shorthand')
    """

    def __new__(
        cls,
        type: int,
        content: bytes,
        rsv: int,
        extension: str,
        from_client: bool,
        timestamp: float,
        offset: int,
    ) -> Self: ...
    @property
    def type(self) -> Opcode: ...
    @property
    def content(self) -> bytes: ...
    @property
    def rsv(self) -> int: ...
    @property
    def extension(self) -> str: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def timestamp(self) -> float: ...
    @property
    def offset(self) -> int: ...
    __match_args__ = ("type", "content", "rsv", "extension", "from_client", "timestamp", "offset")

@final
class OutputPass:
    """A pass over a capture that returns the blocks of an output file."""

    def next_block(self) -> bytes | None:
        """Read until a block of the output is ready, or for some milliseconds.

        After an exception, or if a file object had no data yet, the next call continues.

        Returns:
            The next bytes of the output, maybe none; None at the end.

        Raises:
            CaptureError: If no file is a capture.
            OSError: If no file can be opened or read, or a temporary file cannot be written.
            BlockingIOError: If a non-blocking file object has no data yet.
            RuntimeError: If another call is reading the pass.
            MemoryError: If memory is refused.
        """

    def next_part(self) -> tuple[int, bytes] | None:
        """Read as ``next_block`` does, for an output of several files.

        Returns:
            The number of the file, and its next bytes, maybe none; None at the end. The file of a table
            has its number among messages, connections and events.

        Raises:
            As ``next_block``.
        """

    def skip_rest(self) -> None:
        """End after the files that were begun, where they are read in turn."""

    def end_capture(self) -> None:
        """Have a capture that continues end after its files, with the rows of connections that are open.

        Then it has no state. Call it before the last file's rows were all returned.
        """

    def note(self, sentence: str) -> None:
        """Add a sentence about the whole capture to a report; nothing for other formats.

        Args:
            sentence: Any text. It must come before the end of the output.
        """

    def checkpoint(self) -> bytes:
        """Return the state of the capture after its last file.

        Raises:
            CheckpointError: If the pass has not ended, or failed, or the capture does not continue.
        """

    @property
    def bytes_read(self) -> int:
        """Bytes of the files read so far, as stored (compressed)."""

    @property
    def counts(self) -> dict[str, Any]:
        """Number of packets so far by outcome, as ``PacketCounts`` takes them."""

    @property
    def files_read(self) -> int:
        """How many files were read to their ends, where they are read in turn.

        A call returns at the end of each file, so that what was counted is of the files so far.
        """

    @property
    def has_ended(self) -> bool:
        """Whether the capture was read to its end. Only the rest of the output follows."""

    @property
    def part_names(self) -> list[tuple[str, int]]:
        """The folder of each file so far, by its number, and how many rows it has.

        Only an output with a file for each hour has them.
        """

    @property
    def rows(self) -> int:
        """Rows written so far."""

    @property
    def tally(self) -> dict[str, Any]:
        """What was counted of the rows so far.

        ``messages``, ``content`` (bytes), ``statuses``, ``connections`` that have ended,
        ``midstream``, ``ends`` (directions that are not read to their end), ``missing``, ``late`` and
        ``lost`` bytes, ``tolerated``, ``violated`` directions, the first ``violations`` (connection,
        whether the client broke the rule, the rule), and the ranges of numbers that are
        ``not_found``.
        """

    @property
    def warnings(self) -> list[str]:
        """Warnings about files that could be read."""

@disjoint_base
class Ping:
    r"""A Ping frame (RFC 6455 section 5.5.2).

    Attributes:
        payload: Its application data, 0 to 125 bytes.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> server.receive_data(b"\x89\x02ok", timestamp=1.5)
        [Ping(payload=b'ok', from_client=False, timestamp=1.5, offset=0)]
    """

    def __new__(cls, payload: bytes, from_client: bool, timestamp: float, offset: int) -> Self: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def timestamp(self) -> float: ...
    @property
    def offset(self) -> int: ...
    __match_args__ = ("payload", "from_client", "timestamp", "offset")

@disjoint_base
class Pong:
    r"""A Pong frame, solicited or unsolicited (RFC 6455 section 5.5.3).

    Attributes:
        payload: Its application data, 0 to 125 bytes.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> server.receive_data(b"\x8a\x00", timestamp=1.5)
        [Pong(payload=b'', from_client=False, timestamp=1.5, offset=0)]
    """

    def __new__(cls, payload: bytes, from_client: bool, timestamp: float, offset: int) -> Self: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def timestamp(self) -> float: ...
    @property
    def offset(self) -> int: ...
    __match_args__ = ("payload", "from_client", "timestamp", "offset")

@disjoint_base
class Relay:
    """The base of both relays, and the engine of ``wsdefrag.PassThroughRelay``."""

    def __new__(
        cls,
        options: RelayOptions,
        *,
        mode: str,
        collect_up_to: int | None,
        report_messages: bool,
        websocket: WebSocketData,
        retain: int | None,
    ) -> Self: ...
    def receive_data(
        self, data: Buffer, *, from_client: bool, timestamp: float | None = None
    ) -> list[Event]:
        """Receive the next bytes of one side.

        Args:
            data: Any number of bytes; they are neither changed nor kept.
            from_client: Whether the client sent them.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            The events, in order. A violation of the protocol is a ``ProtocolViolation`` event and is
            not raised.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If ``receive_eof`` has ended this direction.
        """

    def receive_eof(self, *, from_client: bool, timestamp: float | None = None) -> list[Event]:
        """End one direction: its side sends no more. Nothing is sent to the other side.

        Args:
            from_client: Whether the client has ended.
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if the direction ended inside a header, a frame or a message. Otherwise,
            and if it had already ended, an empty list.
        """

    def inject(self, message: WebSocketMessage, *, compress: bool | None = None) -> None:
        """Inject a message between two messages, in the direction of its ``from_client``.

        The message is added to ``websocket.messages``, and its ``injected`` is set. It may have to
        wait for the end of the current message. If a Close is sent first, or that message never
        ends, the injected message is dropped.

        Args:
            message: The message to send.
            compress: Whether to compress it. None compresses by ``compress_from``, but never in a
                direction whose compressed messages are forwarded unchanged and refer to earlier
                ones. True makes such a direction compress all later messages again.

        Raises:
            AttributeError: If ``message`` comes from a ``PassThroughRelay`` and cannot be changed.
            TypeError: If ``message`` is not a ``WebSocketMessage``.
            ValueError: If it cannot be sent now; the text says why.
        """

    def send_ping(self, payload: Buffer = b"", *, to_client: bool) -> None:
        """Inject a ping between two frames (RFC 6455 section 5.5.2).

        Args:
            payload: At most 125 bytes; empty by default.
            to_client: Whether to send it to the client.

        Raises:
            TypeError: If ``payload`` does not offer the buffer protocol.
            ValueError: If the payload is too long, if a Close was sent, or if a partly sent frame
                will never be complete.
        """

    def send_pong(self, payload: Buffer = b"", *, to_client: bool) -> None:
        """Inject a pong between two frames (RFC 6455 section 5.5.3).

        Args:
            payload: At most 125 bytes; empty by default.
            to_client: Whether to send it to the client.

        Raises:
            TypeError: If ``payload`` does not offer the buffer protocol.
            ValueError: If the payload is too long, if a Close was sent, or if a partly sent frame
                will never be complete.
        """

    def send_close(self, code: int | None = None, reason: str = "", *, to_client: bool) -> bool:
        """Inject a Close between two frames (RFC 6455 section 5.5.1).

        Nothing more is sent in that direction, and injected messages that wait are dropped. The
        answer of that side is an event like any other.

        Args:
            code: The close code; None for a Close without a code, which is read as 1005.
            reason: A text for people; at most 123 bytes of UTF-8, and only with a code.
            to_client: Whether to send it to the client.

        Returns:
            Whether the Close is sent, at once or at the end of a partly sent frame. False if a Close
            was already sent, or if a partly sent frame will never be complete. If the frame that it
            waits for never ends, the Close is not sent.

        Raises:
            ValueError: If the code must not be sent (RFC 6455 section 7.4), if the reason is too
                long, or if there is a reason without a code.
        """

    def data_to_send(self, *, to_client: bool) -> bytes:
        """Take all bytes to be sent to one side.

        Args:
            to_client: Whether to take those for the client.

        Returns:
            The bytes to write to that side's connection; empty if there are none.
        """

    def next_deadline(self, now: float) -> float | None:
        """The time of the next deadline.

        What happened since the last call of this method or of ``tick`` counts as of ``now``. So a
        caller that wants exact timeouts calls it whenever it has received or taken bytes.

        Args:
            now: The time, in seconds of a clock that does not go backwards, such as
                ``time.monotonic()``. All calls for a relay take the same clock.

        Returns:
            When to call ``tick``, in seconds of the same clock; None if no timeout is running.

        Raises:
            ValueError: If ``now`` is not finite.
        """

    def tick(self, now: float) -> list[TimedOut]:
        """Let the time pass: send keepalive pings that are due, and report timeouts.

        Each timeout is reported once; it begins anew when what it waits for has happened. The relay
        sends nothing for a timeout. What to do, such as ``send_close``, is the caller's decision.

        Args:
            now: The time, as for ``next_deadline``.

        Returns:
            The timeouts that have passed, earliest first.

        Raises:
            ValueError: If ``now`` is not finite.
        """

    @property
    def bytes_buffered(self) -> int:
        """Bytes held in both directions: incomplete, not yet decided on, or not yet taken to be sent."""

    @property
    def from_client(self) -> RelayDirection:
        """The direction from the client."""

    @property
    def from_server(self) -> RelayDirection:
        """The direction from the server."""

@final
class RelayDirection:
    r"""One direction of a relay; read-only.

    It is the class of ``from_client`` and ``from_server`` of a ``WebSocketRelay`` or a
    ``PassThroughRelay``, and cannot be constructed.

    Attributes:
        error: The violation that ended the reading of this direction, or None.
        close_received: The ``Close`` event that was received, or None.
        close_sent: Whether a Close was sent to the other side, forwarded or injected.
        recompresses: Whether received compressed messages are compressed again or sent
            uncompressed.
        messages_received: Number of complete messages received.
        bytes_received: Number of bytes received.
        bytes_buffered: Bytes held: incomplete, waiting for a decision, or not yet taken to be
            sent.
        bytes_discarded: Bytes after a Close, or from the first byte of the offending frame on.
        tolerated: How often each switched-off rule was broken, by the name of its field in
            ``Strictness``.

    Example:
        >>> import wsdefrag
        >>> relay = wsdefrag.WebSocketRelay()
        >>> relay.receive_data(b"\x81\x05he", from_client=False)
        []
        >>> relay.from_server.bytes_buffered
        4
    """

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """The violation that ended the reading of this direction, a new object each time, or None."""

    @property
    def close_received(self) -> Close | None:
        """The ``Close`` event that was received, or None."""

    @property
    def close_sent(self) -> bool:
        """Whether a Close was sent to the other side."""

    @property
    def recompresses(self) -> bool:
        """Whether received compressed messages are compressed again or sent uncompressed."""

    @property
    def messages_received(self) -> int:
        """Number of complete messages received."""

    @property
    def bytes_received(self) -> int:
        """Number of bytes received."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes held: incomplete, waiting for a decision, or not yet taken to be sent."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes after a Close, or from the first byte of the offending frame on."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each switched-off rule was broken, by the name of its field in ``Strictness``."""

@final
class RelayPump:
    """Reads of one side go through a relay to the other side.

    Its methods are those of an ``asyncio.BufferedProtocol``. Other pumps may share the buffer, if
    none is asked for it while another one's bytes are in it.

    Args:
        relay: A ``WebSocketRelay`` or ``PassThroughRelay``.
        buffer: Where a transport puts the bytes that it reads.
        from_client: Whether they are the client's.
        handle: Called with the list of events, where there are some, before anything is written.
        write: Called with the bytes for the other side, where there are some; or a ``SocketWriter``, which
            sends them; None drops them.
    """

    def __new__(
        cls,
        relay: Relay,
        buffer: bytearray,
        *,
        from_client: bool,
        handle: Callable[[list[Event]], object],
        write: Callable[[bytes], object] | SocketWriter | None,
    ) -> Self: ...
    def get_buffer(self, sizehint: int, /) -> memoryview:
        """The buffer to read into.

        Args:
            sizehint: It does not count.
        """

    def buffer_updated(self, nbytes: int, /) -> None:
        """Pass the first bytes of the buffer on; drop them if ``receive_eof`` has ended this direction.

        Args:
            nbytes: How many were read.
        """

@final
class ServerHandshake:
    """The engine of ``wsdefrag.handshake.ServerHandshake``."""

    def __new__(cls, *, max_head_size: int, strict: bool) -> Self: ...
    def receive_data(self, data: Buffer) -> bool:
        """Receive the client's next bytes.

        Returns:
            Whether the head of the request is complete.

        Raises:
            HandshakeFailed: If the request breaks a rule.
            TypeError: If ``data`` does not offer the buffer protocol.
        """

    def receive_eof(self) -> None:
        """End the client's bytes.

        Raises:
            HandshakeFailed: If the request is not complete, or breaks a rule.
        """

    def accept(
        self,
        *,
        subprotocol: str | None,
        deflate: DeflateParams | None,
        fields: Sequence[tuple[str, bytes]],
    ) -> bytes:
        """Make the head of a 101 that accepts the request.

        Raises:
            ValueError: If there is no request, it has been answered, or it does not allow the answer.
        """

    def reject(
        self,
        *,
        status: int | None,
        reason: str | None,
        fields: Sequence[tuple[str, bytes]],
        body: bytes | None,
    ) -> bytes:
        """Make a response that refuses the request.

        Raises:
            ValueError: If the request has been answered, or an argument is invalid.
        """

    def take_leftover(self) -> bytes:
        """Remove and return the bytes after the head."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes that are kept: of an incomplete head, or after the head."""

    @property
    def error(self) -> HandshakeFailed | None:
        """What ended the handshake; None if nothing did."""

    @property
    def request(self) -> tuple[str, str, str, list[tuple[str, str]], bytes] | None:
        """Method, target, version, fields and bytes of the request; None before its head is complete."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each fault was tolerated."""

@final
class SocketReader:
    """Reads a socket for a pump whenever an event loop finds it readable.

    The socket remains its owner's, who has the event loop call ``read`` and stops that before the
    socket is closed.

    Args:
        pump: What gets the bytes, in its buffer.
        socket: The number of a socket that does not block.
        stopped: Called with None at the end of the stream, which can be received once more; or with the
            exception of the socket or of the pump. Nothing should be read then.

    Raises:
        ValueError: If the number is negative, as that of a closed socket is.
    """

    def __new__(
        cls, pump: RelayPump, socket: int, *, stopped: Callable[[Exception | None], object]
    ) -> Self: ...
    def read(self) -> None:
        """Read once, and pass on what there is."""

@final
class SocketWriter:
    """Sends to the socket of a transport, and to the transport what the socket does not take.

    The socket remains the transport's. All that is sent has to go through the writer; ``stop`` comes
    before the transport is closed or its output is ended.

    Args:
        socket: The number of a socket that does not block.
        write: The transport's ``write``.
        waiting: The transport's ``get_write_buffer_size``.

    Raises:
        ValueError: If the number is negative, as that of a closed socket is.
    """

    def __new__(
        cls, socket: int, *, write: Callable[[bytes], object], waiting: Callable[[], int]
    ) -> Self: ...
    def write(self, data: bytes, /) -> None:
        """Send bytes.

        Args:
            data: What to send.
        """

    def stop(self) -> None:
        """Leave everything to the transport from now on."""

@final
class TablePass:
    """A pass over one table that returns the blocks of a file."""

    def __new__(
        cls,
        table: object,
        format: Literal["parquet", "arrow"],
        *,
        compression: Literal["zstd", "lz4"] | None,
        compression_level: int | None,
    ) -> Self: ...
    def next_block(self) -> bytes | None:
        """Read until a block of the file is ready, or for some milliseconds.

        After an exception of a signal handler, the next call continues.

        Returns:
            The next bytes of the file, maybe none; None at the end.

        Raises:
            CaptureError: If no file is a capture.
            OSError: If no file can be opened or read.
            ValueError: If a stream of another library fails, or the format cannot hold a value.
            RuntimeError: If another call is reading the pass.
            MemoryError: If memory is refused.
        """

    @property
    def rows(self) -> int:
        """Rows written so far."""

@disjoint_base
class UncollectedMessage:
    r"""A complete message that was read and checked, but whose content was not collected.

    It occurs only in a ``PassThroughRelay``: for every message if the argument ``collect_up_to`` was
    not given, otherwise for those that are longer or exceed a limit.

    Attributes:
        type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
        length: Bytes of its content; of its payload, if an unknown extension is used in it.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of its first frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> relay = wsdefrag.PassThroughRelay()
        >>> relay.receive_data(b"\x81\x05hello", from_client=False, timestamp=1.5)
        [UncollectedMessage(type=<Opcode.TEXT: 1>, length=5, from_client=False, timestamp=1.5, offset=0)]
    """

    def __new__(
        cls, type: int, length: int, from_client: bool, timestamp: float, offset: int
    ) -> Self: ...
    @property
    def type(self) -> Opcode: ...
    @property
    def length(self) -> int: ...
    @property
    def from_client(self) -> bool: ...
    @property
    def timestamp(self) -> float: ...
    @property
    def offset(self) -> int: ...
    __match_args__ = ("type", "length", "from_client", "timestamp", "offset")

class WebSocketDirection(DirectionState):
    """The engine of ``wsdefrag.WebSocketDirection``."""

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
    ) -> Self: ...
    def receive_data(self, data: Buffer, *, timestamp: float | None = None) -> list[Event]:
        """Receive the next bytes and return all events.

        Args:
            data: Any number of bytes; they are neither changed nor kept.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            The events, in order. A violation is the last event, and is returned once.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self, *, timestamp: float | None = None) -> list[Event]:
        """End the direction; may be called again.

        Args:
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if the bytes stopped inside a header, a frame or a message; otherwise
            an empty list.
        """
