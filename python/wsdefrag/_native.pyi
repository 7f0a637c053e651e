"""The native module: storage of messages, the engine of one direction, single frames."""

from typing import TypeVar, final

from typing_extensions import Buffer, Self, disjoint_base

from wsdefrag.deflate import DeflateParams
from wsdefrag.errors import LimitExceeded, OutOfMemory, ProtocolError
from wsdefrag.events import Close, Event
from wsdefrag.limits import Limits
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import Opcode
from wsdefrag.strictness import Strictness

__all__ = [
    "Direction",
    "Frame",
    "FrameDecoder",
    "MessageStorage",
    "__version__",
    "parse_deflate_header",
    "untracked",
]

__version__: str

_Class = TypeVar("_Class", bound=MessageStorage)

def parse_deflate_header(value: str) -> tuple[bool, bool, int, int] | None:
    """Read the permessage-deflate parameters of a server's answer (RFC 7692 section 7.1).

    Returns:
        ``server_no_context_takeover``, ``client_no_context_takeover``,
        ``server_max_window_bits`` and ``client_max_window_bits``, or None where
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

@disjoint_base
class MessageStorage:
    """The fields of a message; ``WebSocketMessage`` adds all behaviour."""

    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
    @property
    def type(self) -> Opcode: ...
    @type.setter
    def type(self, value: int) -> None: ...
    @property
    def from_client(self) -> bool: ...
    @from_client.setter
    def from_client(self, value: bool) -> None: ...
    @property
    def content(self) -> bytes: ...
    @content.setter
    def content(self, value: bytes) -> None: ...
    @property
    def timestamp(self) -> float: ...
    @timestamp.setter
    def timestamp(self, value: float) -> None: ...
    @property
    def dropped(self) -> bool: ...
    @dropped.setter
    def dropped(self, value: bool) -> None: ...
    @property
    def injected(self) -> bool: ...
    @injected.setter
    def injected(self, value: bool) -> None: ...

@disjoint_base
class Direction:
    """The engine behind ``MessageReassembler``."""

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None,
        limits: Limits,
        strictness: Strictness,
        utf8_strict: bool,
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
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If the direction has ended.
        """

    def receive_eof(self) -> None:
        """Say that the direction has ended; may be called again.

        Raises:
            ProtocolError: If a rule was broken before.
            LimitExceeded: If a limit was passed before.
            IncompleteMessage: If the bytes stopped inside a header, a frame or a message.
        """

    def receive_events(self, data: Buffer, *, timestamp: float | None = None) -> list[Event]:
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

    def receive_eof_events(self, *, timestamp: float | None = None) -> list[Event]:
        """Say that the direction has ended; may be called again.

        Args:
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if the bytes stopped inside a header, a frame or a message, else
            nothing.
        """

    @property
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """What ended this direction, a new object each time; None if nothing has."""

    @property
    def close(self) -> Close | None:
        """The Close of this direction."""

    @property
    def bytes_received(self) -> int:
        """All bytes taken so far."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of an unfinished header, frame or message."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes behind a Close, or from the offending frame's first byte on."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each rule that is switched off was broken, by its name in ``Strictness``."""

@disjoint_base
class FrameDecoder:
    """The engine behind ``wsdefrag.FrameDecoder``."""

    def __new__(
        cls,
        *,
        from_client: bool,
        rsv1: bool,
        limits: Limits,
        strictness: Strictness,
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
    def error(self) -> ProtocolError | LimitExceeded | OutOfMemory | None:
        """What ended this direction, a new object each time; None if nothing has."""

    @property
    def bytes_received(self) -> int:
        """All bytes taken so far."""

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of an unfinished frame."""

    @property
    def bytes_discarded(self) -> int:
        """Bytes from the offending frame's first byte on."""

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each rule that is switched off was broken, by its name in ``Strictness``."""

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
