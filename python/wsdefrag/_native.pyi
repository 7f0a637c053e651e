"""The engine of `wsdefrag`; import `wsdefrag` instead."""
# Written by `make stub` from the built module and from tools/native_types.py.

from collections.abc import Sequence
from typing import Any, TypeVar, final

from typing_extensions import Buffer, Self, disjoint_base

from wsdefrag._relay_arguments import RelayOptions
from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.deflate import DeflateParams
from wsdefrag.errors import LimitExceeded, OutOfMemory, ProtocolError
from wsdefrag.events import Close, Event
from wsdefrag.limits import Limits
from wsdefrag.message import WebSocketMessage, WebSocketMessageState
from wsdefrag.opcode import Opcode
from wsdefrag.record import Record
from wsdefrag.strictness import Strictness

__all__ = [
    "ArrowStream",
    "Budget",
    "CapturePlan",
    "CaptureReader",
    "CapturedMessage",
    "Connection",
    "DecidingRelay",
    "DirectionState",
    "EventReader",
    "EventWriter",
    "Frame",
    "FrameDecoder",
    "FrameEncoder",
    "MessageReassembler",
    "MessageStorage",
    "Relay",
    "RelayDirection",
    "WebSocketDirection",
    "__version__",
    "accept_deflate_offers",
    "fragment_sizes",
    "parse_deflate_header",
    "untracked",
]

__version__: str

_Class = TypeVar("_Class", bound=MessageStorage)

def accept_deflate_offers(value: str) -> tuple[tuple[bool, bool, int, int], str] | None:
    """Choose among a client's offers of permessage-deflate (RFC 7692 section 5).

    Returns:
        The parameters as ``parse_deflate_header`` gives them, and the header to answer with; None
        where no offer can be accepted.

    Raises:
        ValueError: If the header is malformed; the message says why.
    """

def fragment_sizes(
    type: int, content: Buffer, kept: Sequence[int], *, max_size: int | None, cut_characters: bool
) -> list[int]:
    """Choose the sizes of a message's fragments, in bytes of content (RFC 6455 section 5.4).

    Returns:
        ``kept`` where it adds up to the content, otherwise pieces of ``max_size`` bytes or the
        whole; with borders moved to where a character starts, unless they may cut it.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``type`` is not an opcode, or a size is negative.
    """

def parse_deflate_header(
    value: str, *, strict: bool
) -> tuple[tuple[bool, bool, int, int], list[str]] | None:
    """Read the permessage-deflate parameters of a server's answer (RFC 7692 section 7.1).

    Args:
        value: The header's value.
        strict: Whether an answer that no server may give is refused, and not read as far as it
            says anything.

    Returns:
        The fields ``server_no_context_takeover``, ``client_no_context_takeover``,
        ``server_max_window_bits`` and ``client_max_window_bits``, and what was odd; None where
        permessage-deflate was not agreed on.

    Raises:
        ValueError: If the header is invalid; the message says why.
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
    """A table of a capture that any reader of Arrow streams can read (``__arrow_c_stream__``).

    Each reading is a pass over the files of its own, in record batches, so that memory stays flat;
    but where the messages table has been read to its end, the connections table is at hand.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> import polars
        >>> table = Capture("vectors/captures/demo.pcapng").to_arrow().connections
        >>> polars.DataFrame(table).height
        5
    """

    def __arrow_c_schema__(self) -> object:
        """Export the schema, as the Arrow PyCapsule interface has it."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table, as the Arrow PyCapsule interface has it.

        Args:
            requested_schema: Ignored, as the interface allows; readers cast for themselves.

        Raises:
            ValueError: If it is of a file object that has been read before.
        """

    @property
    def warnings(self) -> list[str]:
        """What is to be said of the files, though they could be read.

        It is that of the last pass that has ended, over this table or the other one that
        ``to_arrow()`` gave with it.
        """

@disjoint_base
class Budget:
    """The engine behind ``wsdefrag.Budget``."""

    def __new__(cls, max_bytes: int) -> Self: ...
    @property
    def bytes_held(self) -> int:
        """Bytes that are held now."""

    @property
    def max_bytes(self) -> int:
        """Bytes that peers may make all connections hold together."""

@final
class CapturePlan:
    """What to read of which captures; ``wsdefrag.capture.Capture`` is its face."""

    def __new__(
        cls,
        *,
        paths: Sequence[str],
        file: object | None,
        name: str,
        hosts: Sequence[str],
        request_paths: Sequence[str],
        ports: Sequence[int],
        addresses: Sequence[str],
        from_client: bool | None,
        types: Sequence[int],
        since_ns: int | None,
        until_ns: int | None,
        content: bool,
        limits: Limits,
        strictness: Strictness,
        resync: bool,
        max_connections: int,
        idle_timeout_ns: int,
        handshake_timeout_ns: int,
    ) -> Self: ...
    @staticmethod
    def defaults() -> dict[str, int]:
        """Give the default of each option that has one, in seconds where it is a time."""

    @staticmethod
    def account_counters() -> list[str]:
        """Name the counters of an account, in order."""

    @staticmethod
    def tolerated_rules() -> list[str]:
        """Name the rules whose breaches are counted where they are switched off, in order."""

    def read(self) -> CaptureReader:
        """Begin a pass over the capture.

        Raises:
            ValueError: If it is a file object that has been read before.
        """

    def to_arrow(self) -> tuple[ArrowStream, ArrowStream]:
        """Give the messages table and the connections table."""

@final
class CaptureReader:
    """A pass over a capture, a batch at a time."""

    def next_batch(self) -> list[CapturedMessage | CapturedConnection] | None:
        """Read on until something is complete.

        What an exception kept back, or a file object that had nothing yet, comes with the next
        call.

        Returns:
            Messages, and connections that have ended, in order; None at the end. A connection that
            has ended is the first of its batch.

        Raises:
            CaptureError: If a file is no capture, or not readable any more; all that was complete
                before has been given out.
            OSError: If a file cannot be opened or read.
            BlockingIOError: If a file object does not block and has nothing yet.
            RuntimeError: If the pass is being read already.
        """

    @property
    def bytes_read(self) -> int:
        """Bytes of the files read so far, as they are stored."""

    @property
    def counts(self) -> dict[str, Any]:
        """What became of the packets so far, by name."""

    @property
    def warnings(self) -> list[str]:
        """What is to be said of the files, though they could be read."""

@final
class CapturedMessage:
    """A message of a capture, with its connection and its place in the capture.

    It can be copied and pickled; its connection goes with it, once for all messages that are
    pickled together. Two messages are equal only if they are the same object; across passes over
    a capture, ``(connection.connection, from_client, seq)`` tells them apart.

    Attributes:
        connection: The ``CapturedConnection`` it belongs to.
        seq: Its place among the messages of its direction, from 0.
        from_client: Who sent it.
        type: Its opcode as an integer: 1 for text, 2 for binary.
        content: Its payload, unmasked and inflated, in bytes; what it is where ``status`` is not
            ``ok`` is said there.
        timestamp_ns: When the packet that completed it was captured, in nanoseconds since the
            epoch.
        first_timestamp_ns: When the packet with its first byte was, likewise.
        frames: How many frames it was made of.
        wire_length: Bytes of those frames, headers included.
        payload_length: Bytes of their payloads: compressed, where it was compressed.
        compressed: Whether it was compressed.
        status: ``ok``: whole and as it was sent. ``incomplete``: bytes are missing, and content is
            what stood before the first missing one. ``undecodable``: whole, but what it takes to
            inflate it was not captured, and content is the compressed payload. ``too_big``: over
            a limit, and content is a beginning or nothing. ``invalid_utf8``: whole, but a text
            that is not UTF-8. ``protocol_error``: broken off by a broken rule.
        missing_bytes: Payload bytes that were not captured.
        resynced: Whether it was found by looking for frames, where it was not known that one
            begins.
        first_packet: Number of the packet with its first byte, from 1 over all packets.
        last_packet: Number of the packet that completed it.

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
        frames: int,
        wire_length: int,
        payload_length: int,
        compressed: bool,
        status: str,
        missing_bytes: int,
        resynced: bool,
        first_packet: int,
        last_packet: int,
    ) -> Self: ...
    def get_state(self) -> WebSocketMessageState:
        """Give mitmproxy's state of the message.

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
    def first_packet(self) -> int: ...
    @property
    def last_packet(self) -> int: ...
    @property
    def is_text(self) -> bool:
        """Whether it is a text message."""

    @property
    def message(self) -> WebSocketMessage:
        """The message as a ``WebSocketMessage`` of its own, with the time in seconds."""

    @property
    def text(self) -> str:
        """The content as text, decoded strictly.

        Raises:
            AttributeError: If it is not a text message.
            UnicodeDecodeError: If it is not UTF-8.
        """

@disjoint_base
class Connection:
    """The engine of ``wsdefrag.WebSocketConnection``."""

    def __new__(
        cls,
        *,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
        record: Record,
        keeps: bool,
    ) -> Self: ...
    def receive_data(
        self, data: Buffer, *, from_client: bool, timestamp: float | None = None
    ) -> list[Event]:
        """Take the next bytes of one direction.

        Args:
            data: Any number of bytes; neither changed nor kept.
            from_client: Whether the client sent them.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            What happened, in order. What is wrong on the wire is a ``ProtocolViolation`` and is
            not raised.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If this direction has ended by ``receive_eof``.
        """

    def receive_eof(self, *, from_client: bool, timestamp: float | None = None) -> list[Event]:
        """Say that one direction has ended; may be called again.

        Args:
            from_client: Whether it is the one from the client.
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if it ended inside a header, a frame or a message, else nothing;
            nothing either if it was ended before.
        """

    @property
    def from_client(self) -> DirectionState:
        """The state of what the client sends."""

    @property
    def from_server(self) -> DirectionState:
        """The state of what the server sends."""

class DecidingRelay(Relay):
    """The engine of ``wsdefrag.WebSocketRelay``."""

    def __new__(cls, options: RelayOptions, *, record: Record, keeps: bool) -> Self: ...
    def forward(self, event: Event) -> None:
        """Send an event on, as it came or as it was edited.

        Events that still wait for a decision before it are dropped. A message whose ``dropped`` is
        set, and everything after a Close that was sent the same way, is dropped too. A
        ``ProtocolViolation`` and an ``Incomplete`` have nothing to send, and decide nothing.

        Args:
            event: One that ``receive_data`` gave. Of a message, ``content`` and ``type`` may have
                been changed.

        Raises:
            TypeError: If it is no event.
            ValueError: If the event waits for no decision, or if the message cannot be sent as it
                was edited. Nothing is changed then.
        """

    def discard(self, event: Event) -> None:
        """Keep an event, and all before it that wait for a decision, from the other side.

        Args:
            event: One that ``receive_data`` gave. A message's ``dropped`` is set.

        Raises:
            TypeError: If it is no event.
            ValueError: If the event waits for no decision.
        """

@disjoint_base
class DirectionState:
    r"""What is known of one direction; read-only.

    ``WebSocketConnection.from_client`` and ``.from_server`` are of this class. It cannot be
    constructed.

    Attributes:
        error: The violation that ended this direction, or None.
        close_received: The ``Close`` event of this direction, or None.
        bytes_received: All bytes taken so far.
        bytes_buffered: Bytes held of an unfinished header, frame or message.
        bytes_discarded: Bytes after a Close, or from the offending frame's first byte on.
        tolerated: How often each rule that is switched off was broken, by the name of its field
            in ``Strictness``.

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
        """What ended this direction, a new object each time; None if nothing has."""

    @property
    def close_received(self) -> Close | None:
        """The Close of this direction."""

    @property
    def bytes_received(self) -> int:
        """All bytes taken so far."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of an unfinished header, frame or message."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes after a Close, or from the offending frame's first byte on."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each rule that is switched off was broken, by its name in ``Strictness``."""

@final
class EventReader:
    """The engine below ``receive_data`` and ``events`` of ``wsdefrag.compat.wsproto``.

    It is its own iterator, which stops where more bytes are needed, and before the Close or the
    violation that ends the direction: that is for ``ended`` and what goes with it.
    """

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None,
        limits: Limits,
        classes: tuple[type, type, type, type],
    ) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes; nothing is read before an event is asked for.

        Args:
            data: Any number of bytes. A ``bytes`` is kept until it was read, anything else is
                copied.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
        """

    def conclude(self) -> None:
        """Say that the end was told of: what is fed from now on is dropped."""

    @property
    def at_message_end(self) -> bool:
        """Whether the frame at hand has come to the end of its message."""

    @property
    def ended(self) -> bool:
        """Whether a Close or a violation has been met that ``conclude`` was not called for."""

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """The violation that ended this direction, a new object each time; None if none did."""

    @property
    def evidence(self) -> bytes:
        """The bytes that broke a rule.

        Of a header all that has been fed from its first byte on, of a Close its payload, of a text
        what was not given of it; nothing for other rules.
        """

    @property
    def inside_message(self) -> bool:
        """Whether a message is open."""

    @property
    def peer_close(self) -> tuple[int, str] | None:
        """The code and the reason of the Close that ended this direction; None if none did."""

@final
class EventWriter:
    """The engine below ``send`` of ``wsdefrag.compat.wsproto``."""

    def __new__(cls, *, from_client: bool, deflate: DeflateParams | None) -> Self: ...
    def data(self, data: str | Buffer, message_finished: object, /) -> bytes:
        """Encode a message, or the next fragment of one.

        Args:
            data: A ``str`` for a text, ``bytes``, ``bytearray`` or ``memoryview`` for a binary.
            message_finished: Whether the message ends with it.

        Returns:
            One frame.

        Raises:
            TypeError: If ``data`` is none of these, or of the other type than the open message.
            UnicodeEncodeError: If a text holds a surrogate.
        """

    def control(self, opcode: int, payload: bytes, /) -> bytes:
        """Encode a control frame, whatever its payload says.

        Args:
            opcode: 8 for a Close, 9 for a ping, 10 for a pong.
            payload: At most 125 bytes.

        Returns:
            The frame.

        Raises:
            ValueError: If the opcode is another one, the payload is too long, or after a Close.
        """

@final
class Frame:
    """One frame (RFC 6455 section 5.2); frozen, equal by value, picklable.

    Attributes:
        opcode: What it carries.
        fin: Whether it is the last of its message.
        rsv1: The first reserved bit: compressed, where permessage-deflate was agreed on.
        rsv2: The second reserved bit.
        rsv3: The third reserved bit.
        masking_key: Four bytes, or None if it is not masked.
        payload: Unmasked, but not inflated.
        offset: First byte of the frame, in bytes from the start of the direction.
        wire_length: Header and payload together, in bytes.

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
    """The engine behind ``wsdefrag.FrameDecoder``."""

    def __new__(
        cls, *, from_client: bool, rsv1: bool, limits: Limits, strictness: Strictness
    ) -> Self: ...
    def receive_data(self, data: Buffer) -> list[Frame]:
        """Take the next bytes and give the frames they complete.

        Args:
            data: Any number of bytes; neither changed nor kept.

        Returns:
            The completed frames, in order. A violation in these bytes ends the list and sets
            ``error``; the next call raises it.

        Raises:
            ProtocolError: If a rule was broken before.
            LimitExceeded: If ``max_frame_size`` was passed before.
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self) -> None:
        """Say that the direction has ended; may be called again.

        Raises:
            ProtocolError: If a rule was broken before.
            LimitExceeded: If ``max_frame_size`` was passed before.
            IncompleteMessage: If the bytes stopped inside a frame.
        """

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of an unfinished frame."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes from the offending frame's first byte on."""

    @property
    def bytes_received(self) -> int:
        """All bytes taken so far."""

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """What ended this direction, a new object each time; None if nothing has."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each rule that is switched off was broken, by its name in ``Strictness``."""

@disjoint_base
class FrameEncoder:
    """The engine behind ``wsdefrag.FrameEncoder``."""

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
            content: What the receiver is to get; the UTF-8 of a text. Neither changed nor kept.
            fragments: Bytes of content in each frame, which add up to it (RFC 6455 section 5.4);
                None for one frame. They may cut characters; ``Fragmenter`` keeps from it.
            compress: Whether to compress it; None for what ``compress_from`` says
                (RFC 7692 section 6).
            masking_key: Four bytes for a client's frames, all of them; None for a fresh random key
                each (RFC 6455 section 5.3).

        Returns:
            The frames, one after the other.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the message cannot be sent here; the message says why.
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
            fragments: As in ``message``, in bytes of its UTF-8.
            compress: As in ``message``.
            masking_key: As in ``message``.

        Returns:
            The frames, one after the other.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the message cannot be sent here; the message says why.
            UnicodeEncodeError: If the text holds a surrogate.
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
            content: Any number of bytes; neither changed nor kept.
            fragments: As in ``message``.
            compress: As in ``message``.
            masking_key: As in ``message``.

        Returns:
            The frames, one after the other.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the message cannot be sent here; the message says why.
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
        """Encode the next fragment of a message that is sent as its content comes.

        Args:
            type: ``Opcode.TEXT`` or ``Opcode.BINARY`` for the first fragment,
                ``Opcode.CONTINUATION`` for the others (RFC 6455 section 5.4).
            content: Its part of the content; a text's may end inside a character.
            fin: Whether it is the last one.
            compress: With the first fragment: whether to compress the message; None for what
                ``compress_from`` says of this fragment.
            masking_key: Four bytes for a client's frame; None for a fresh random key.

        Returns:
            The frame. Its receiver can inflate all of its content without the frames to come.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the fragment cannot be sent here; the message says why.
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
        """Encode a frame whose payload is sent as it is: not compressed, a text's not checked.

        Of what the frame says, only the order of frames and the rules of control frames are kept
        to (RFC 6455 sections 5.4 and 5.5). A message that is begun in this way ends in it.

        Args:
            opcode: What the frame carries.
            payload: Any number of bytes; neither changed nor kept.
            fin: Whether it is the last of its message.
            rsv1: The first reserved bit: the payload is compressed, where permessage-deflate was
                agreed on. The next message that is compressed here then starts with an empty
                window, and every receiver can read it.
            rsv2: The second reserved bit.
            rsv3: The third reserved bit.
            masking_key: Four bytes for a client's frame; None for a fresh random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the frame cannot be sent here; the message says why.
        """

    def ping(self, payload: Buffer | None = None, *, masking_key: bytes | None = None) -> bytes:
        """Encode a ping (RFC 6455 section 5.5.2).

        Args:
            payload: At most 125 bytes; None for none.
            masking_key: Four bytes for a client's frame; None for a fresh random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the payload is too long, or after a Close.
        """

    def pong(self, payload: Buffer | None = None, *, masking_key: bytes | None = None) -> bytes:
        """Encode a pong (RFC 6455 section 5.5.3).

        Args:
            payload: At most 125 bytes: those of the ping it answers; None for none.
            masking_key: Four bytes for a client's frame; None for a fresh random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the payload is too long, or after a Close.
        """

    def close(
        self, code: int | None = None, reason: str = "", *, masking_key: bytes | None = None
    ) -> bytes:
        """Encode a Close, behind which nothing can be sent (RFC 6455 section 5.5.1).

        Args:
            code: The close code; None for a frame without one, which is read as 1005.
            reason: Why, for people; at most 123 bytes of UTF-8, and only with a code.
            masking_key: Four bytes for a client's frame; None for a fresh random key.

        Returns:
            The frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the code may not be sent (RFC 6455 section 7.4), the reason is too long
                or stands alone, or after a Close.
        """

    @property
    def closed(self) -> bool:
        """Whether a Close was encoded."""

    @property
    def inside_message(self) -> bool:
        """Whether a message was begun and not ended."""

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
        """Take the next bytes and give the messages they complete.

        Args:
            data: Any number of bytes; neither changed nor kept.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            The completed messages, in order. A violation in these bytes ends the list and sets
            ``error``; the next call raises it.

        Raises:
            ProtocolError: If a rule was broken before.
            LimitExceeded: If a limit was passed before.
            OutOfMemory: If memory was refused before.
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self) -> None:
        """Say that the direction has ended; may be called again.

        Raises:
            ProtocolError: If a rule was broken before.
            LimitExceeded: If a limit was passed before.
            OutOfMemory: If memory was refused before.
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
class Relay:
    """What both relays are; alone, it is the engine of ``wsdefrag.PassThroughRelay``."""

    def __new__(cls, options: RelayOptions, *, mode: str, record: Record, keeps: bool) -> Self: ...
    def receive_data(
        self, data: Buffer, *, from_client: bool, timestamp: float | None = None
    ) -> list[Event]:
        """Take the next bytes of one side.

        Args:
            data: Any number of bytes; neither changed nor kept.
            from_client: Whether the client sent them.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            What happened, in order. What is wrong on the wire is a ``ProtocolViolation`` and is
            not raised.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If this direction has ended by ``receive_eof``.
        """

    def receive_eof(self, *, from_client: bool, timestamp: float | None = None) -> list[Event]:
        """Say that one side sends no more. The other side is sent nothing for it.

        Args:
            from_client: Whether it is the client.
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if it ended inside a header, a frame or a message, else nothing;
            nothing either if it was ended before.
        """

    def inject(self, message: WebSocketMessage, *, compress: bool | None = None) -> None:
        """Send a message of the caller's the way of its ``from_client``, between two messages.

        It is kept among ``websocket.messages``, and its ``injected`` is set. If its place never
        comes, because a Close was sent or the message before it was broken off, it is dropped.

        Args:
            message: The message.
            compress: Whether to compress it; None for what ``compress_from`` says, but not at all
                in a direction whose compressed messages go on as they come and refer to earlier
                ones. True there has all further ones compressed again.

        Raises:
            AttributeError: If it is a message of a ``PassThroughRelay``, which cannot be changed.
            TypeError: If it is not a ``WebSocketMessage``.
            ValueError: If it cannot be sent here; the error says why.
        """

    def send_ping(self, payload: Buffer = b"", *, to_client: bool) -> None:
        """Send a ping of the caller's, between two frames (RFC 6455 section 5.5.2).

        Args:
            payload: At most 125 bytes; nothing unless given.
            to_client: Whether the client gets it.

        Raises:
            TypeError: If ``payload`` does not offer the buffer protocol.
            ValueError: If it is too long, after a Close, or inside a frame that will never be
                whole.
        """

    def send_pong(self, payload: Buffer = b"", *, to_client: bool) -> None:
        """Send a pong of the caller's, between two frames (RFC 6455 section 5.5.3).

        Args:
            payload: At most 125 bytes; nothing unless given.
            to_client: Whether the client gets it.

        Raises:
            TypeError: If ``payload`` does not offer the buffer protocol.
            ValueError: If it is too long, after a Close, or inside a frame that will never be
                whole.
        """

    def send_close(self, code: int | None = None, reason: str = "", *, to_client: bool) -> bool:
        """Send a Close of the caller's, between two frames (RFC 6455 section 5.5.1).

        Nothing is sent that way after it; injected messages that wait for their place are dropped.
        What that side answers is an event like any other.

        Args:
            code: The close code; None for a frame without one, which is read as 1005.
            reason: Why, for people; at most 123 bytes of UTF-8, and only with a code.
            to_client: Whether the client gets it.

        Returns:
            Whether it is, or will be, sent. False where a Close was sent before, and where what was
            sent ends inside a frame that will never be whole, after which only the end of the
            connection can follow. One that waits for the end of a frame is not sent if that never
            comes.

        Raises:
            ValueError: If the code may not be sent (RFC 6455 section 7.4), or the reason is too
                long or stands alone.
        """

    def data_to_send(self, *, to_client: bool) -> bytes:
        """Take all that waits to be sent to one side.

        Args:
            to_client: Whether to the client.

        Returns:
            The bytes for its connection; empty if there are none.
        """

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of both directions: not complete, not decided on, or not taken to be sent."""

    @property
    def from_client(self) -> RelayDirection:
        """The direction of what the client sends."""

    @property
    def from_server(self) -> RelayDirection:
        """The direction of what the server sends."""

@final
class RelayDirection:
    r"""One direction of a relay; read-only.

    ``from_client`` and ``from_server`` of a ``WebSocketRelay`` and of a ``PassThroughRelay`` are of
    this class. It cannot be constructed.

    Attributes:
        error: The violation that ended what comes in, or None.
        close_received: The ``Close`` event that came in, or None.
        close_sent: Whether a Close was sent on to the other side, forwarded or the caller's own.
        recompresses: Whether messages that come compressed are compressed again, or not at all.
        bytes_received: All bytes taken so far.
        bytes_buffered: Bytes held: of what is not complete, not decided on, or not taken to be
            sent.
        bytes_discarded: Bytes after a Close, or from the offending frame's first byte on.
        tolerated: How often each rule that is switched off was broken, by the name of its field
            in ``Strictness``.

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
        """What ended what comes in, a new object each time; None if nothing has."""

    @property
    def close_received(self) -> Close | None:
        """The Close that came in."""

    @property
    def close_sent(self) -> bool:
        """Whether a Close was sent on to the other side."""

    @property
    def recompresses(self) -> bool:
        """Whether messages that come compressed are compressed again, or not at all."""

    @property
    def bytes_received(self) -> int:
        """All bytes taken so far."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes held: of what is not complete, not decided on, or not taken to be sent."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes after a Close, or from the offending frame's first byte on."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each rule that is switched off was broken, by its name in ``Strictness``."""

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
        """Take the next bytes and give everything that happened.

        Args:
            data: Any number of bytes; neither changed nor kept.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            What happened, in order; a violation is the last event and comes once.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self, *, timestamp: float | None = None) -> list[Event]:
        """Say that the direction has ended; may be called again.

        Args:
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if the bytes stopped inside a header, a frame or a message, else
            nothing.
        """
