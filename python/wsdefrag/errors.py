"""What can be wrong with the bytes of one direction, as exceptions.

::

    WebSocketError
      ProtocolError          a rule of RFC 6455 or RFC 7692 was broken
        InvalidUtf8          text that is not UTF-8
        InflateFailed        compressed data that cannot be inflated
      LimitExceeded          the bytes ask for more than a limit allows
      OutOfMemory            memory within the limits was refused
      IncompleteMessage      the direction ended too early
      CaptureError           a capture file cannot be read, or not any further

Mistakes of the calling code are ``TypeError`` or ``ValueError`` and never one of these.

Every error but ``CaptureError`` has four attributes that say the same for all of them:

- ``kind``: the broken rule or the limit that was passed, as a word of its own.
- ``offset``: the first byte of the offending frame, in bytes from the start of the direction. It
  does not depend on how the bytes were cut into chunks.
- ``close_code``: the code of the Close frame that an endpoint answers with
  (RFC 6455 section 7.4.1).
- ``rfc_section``: where the rule is written.

All of them can be pickled and copied and keep their attributes.
"""

from __future__ import annotations

from typing import Any, TypeVar

_Error = TypeVar("_Error", bound="WebSocketError")

_LIMITS_SECTION = "RFC 6455 section 10.4"


def _restored(cls: type[_Error], *args: object) -> _Error:
    """Make an error without its constructor, whose keywords are not part of ``args``."""
    return cls.__new__(cls, *args)


class WebSocketError(Exception):
    r"""Any fault found in the bytes of a WebSocket connection.

    Example:
        >>> import wsdefrag
        >>> reassembler = wsdefrag.MessageReassembler(from_client=False)
        >>> reassembler.receive_data(b"\x81\x02hi" + b"\x09\x00")
        ['hi']
        >>> try:
        ...     reassembler.receive_eof()
        ... except wsdefrag.WebSocketError as error:
        ...     print(error)
        fragmented PING at byte 4 (RFC 6455 section 5.5)
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by message and attributes."""
        return _restored, (type(self), *self.args), self.__dict__ or None


class ProtocolError(WebSocketError):
    r"""A frame or a message that breaks a rule of the protocol.

    Attributes:
        kind: The broken rule, one of ``reserved_bits``, ``reserved_opcode``,
            ``fragmented_control_frame``, ``control_frame_too_long``,
            ``masked_frame_from_server``, ``unmasked_frame_from_client``,
            ``non_minimal_length``, ``length_top_bit``, ``continuation_without_start``,
            ``data_frame_inside_message``, ``close_payload_one_byte``, ``invalid_close_code``;
            ``InvalidUtf8`` and ``InflateFailed`` have kinds of their own.
        offset: First byte of the offending frame, in bytes from the start of the direction.
        rfc_section: Where the rule is written, such as ``"RFC 6455 section 5.5"``.
        close_code: The code to answer with: 1002, or 1007 in the subclasses.

    Example:
        >>> import wsdefrag
        >>> reassembler = wsdefrag.MessageReassembler(from_client=True)
        >>> reassembler.receive_data(b"\x81\x02hi")
        []
        >>> error = reassembler.error
        >>> error.kind, error.offset, error.close_code, error.rfc_section
        ('unmasked_frame_from_client', 0, 1002, 'RFC 6455 section 5.1')
    """

    kind: str
    offset: int
    rfc_section: str
    close_code: int

    def __init__(
        self, message: str, *, kind: str, offset: int, rfc_section: str, close_code: int = 1002
    ) -> None:
        """Describe one violation.

        Args:
            message: The rule broken, the value and the offset, for people to read.
            kind: The broken rule.
            offset: First byte of the offending frame, in bytes.
            rfc_section: Where the rule is written.
            close_code: The code to answer with.
        """
        super().__init__(message)
        self.kind = kind
        self.offset = offset
        self.rfc_section = rfc_section
        self.close_code = close_code


class InvalidUtf8(ProtocolError):
    r"""Text that is not valid UTF-8 (RFC 6455 section 8.1).

    ``kind`` is ``invalid_utf8`` for a text message and ``invalid_close_reason`` for the reason
    of a Close frame.

    Example:
        >>> import wsdefrag
        >>> reassembler = wsdefrag.MessageReassembler(from_client=False)
        >>> reassembler.receive_data(b"\x81\x02\xc0\x80")
        []
        >>> reassembler.error.kind, reassembler.error.close_code
        ('invalid_utf8', 1007)
    """

    def __init__(
        self, message: str, *, kind: str, offset: int, rfc_section: str, close_code: int = 1007
    ) -> None:
        """Describe one piece of invalid text; arguments as in ``ProtocolError``."""
        super().__init__(
            message, kind=kind, offset=offset, rfc_section=rfc_section, close_code=close_code
        )


class InflateFailed(ProtocolError):
    r"""Compressed data that cannot be inflated (RFC 7692 section 7.2.2).

    ``kind`` is ``invalid_deflate_data``, ``truncated_deflate_data`` or
    ``too_many_deflate_members``.

    Example:
        >>> import wsdefrag
        >>> reassembler = wsdefrag.MessageReassembler(
        ...     from_client=False, deflate=wsdefrag.DeflateParams()
        ... )
        >>> reassembler.receive_data(b"\xc1\x02\xff\xff")
        []
        >>> reassembler.error.kind, reassembler.error.close_code
        ('invalid_deflate_data', 1007)
    """

    def __init__(
        self, message: str, *, kind: str, offset: int, rfc_section: str, close_code: int = 1007
    ) -> None:
        """Describe one failure to inflate; arguments as in ``ProtocolError``."""
        super().__init__(
            message, kind=kind, offset=offset, rfc_section=rfc_section, close_code=close_code
        )


class LimitExceeded(WebSocketError):
    r"""Bytes that ask for more than ``Limits`` or a ``Budget`` allow (RFC 6455 section 10.4).

    Attributes:
        kind: The limit: the name of the field of ``Limits``, such as ``"max_message_size"``, or
            ``"budget"``.
        value: That limit's value: bytes, a count of fragments, or a ratio.
        requested: What was asked for, in the same unit; for sizes found while inflating, the
            least amount that is certain.
        offset: First byte of the offending frame, in bytes from the start of the direction.
        close_code: The code to answer with: 1009, or 1013 (try again later) for a budget.
        rfc_section: ``"RFC 6455 section 10.4"``.

    Example:
        >>> import wsdefrag
        >>> limits = wsdefrag.Limits(max_message_size=4)
        >>> reassembler = wsdefrag.MessageReassembler(from_client=False, limits=limits)
        >>> reassembler.receive_data(b"\x81\x05hello")
        []
        >>> error = reassembler.error
        >>> error.kind, error.value, error.requested
        ('max_message_size', 4, 5)
    """

    kind: str
    value: float
    requested: int
    offset: int
    close_code: int
    rfc_section: str

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        value: float,
        requested: int,
        offset: int,
        rfc_section: str = _LIMITS_SECTION,
        close_code: int = 1009,
    ) -> None:
        """Describe one limit that was passed.

        Args:
            message: The limit, the amounts and the offset, for people to read.
            kind: The name of the limit.
            value: The limit's value.
            requested: What was asked for, in the unit of the limit.
            offset: First byte of the offending frame, in bytes.
            rfc_section: Where the rule is written.
            close_code: The code to answer with.
        """
        super().__init__(message)
        self.kind = kind
        self.value = value
        self.requested = requested
        self.offset = offset
        self.rfc_section = rfc_section
        self.close_code = close_code


class OutOfMemory(WebSocketError, MemoryError):
    r"""Memory for a payload that was within the limits was refused.

    It is nobody's violation, but ends the direction just the same: what the payload held is lost.

    Attributes:
        kind: ``"out_of_memory"``.
        offset: First byte of the frame at hand, in bytes from the start of the direction.
        close_code: The code to answer with: 1011.
        rfc_section: ``"RFC 6455 section 10.4"``.

    Example:
        >>> import wsdefrag
        >>> issubclass(wsdefrag.OutOfMemory, MemoryError)
        True
    """

    kind: str
    offset: int
    close_code: int
    rfc_section: str

    def __init__(
        self,
        message: str,
        *,
        offset: int,
        kind: str = "out_of_memory",
        rfc_section: str = _LIMITS_SECTION,
        close_code: int = 1011,
    ) -> None:
        """Describe one refusal.

        Args:
            message: What was refused and where, for people to read.
            offset: First byte of the frame at hand, in bytes.
            kind: The name of this kind of error.
            rfc_section: The section about such limits.
            close_code: The code to answer with.
        """
        super().__init__(message)
        self.kind = kind
        self.offset = offset
        self.rfc_section = rfc_section
        self.close_code = close_code


class IncompleteMessage(WebSocketError):
    r"""A direction that ended inside a header, a frame or a message.

    Raised by ``receive_eof()`` only: before that, too few bytes are not an error.

    Attributes:
        kind: ``"incomplete_message"``.
        type: The opcode of the unfinished message, or of the cut frame where no message was
            open, as an integer.
        content: What had arrived of its payload, unmasked and inflated, in bytes.
        offset: First byte of the message's first frame, or of the cut frame, in bytes from the
            start of the direction.
        close_code: 1006, which says that a connection ended without a Close frame. It is never
            sent.
        rfc_section: ``"RFC 6455 section 7.1.5"``.

    Example:
        >>> import wsdefrag
        >>> reassembler = wsdefrag.MessageReassembler(from_client=False)
        >>> reassembler.receive_data(b"\x81\x05hel")
        []
        >>> try:
        ...     reassembler.receive_eof()
        ... except wsdefrag.IncompleteMessage as error:
        ...     print(error.content, error.offset)
        b'hel' 0
    """

    kind: str
    type: int
    content: bytes
    offset: int
    close_code: int
    rfc_section: str

    def __init__(
        self,
        message: str,
        *,
        type: int,
        content: bytes,
        offset: int,
        kind: str = "incomplete_message",
        rfc_section: str = "RFC 6455 section 7.1.5",
        close_code: int = 1006,
    ) -> None:
        """Describe what is missing.

        Args:
            message: What was cut and where, for people to read.
            type: The opcode of the unfinished message or frame.
            content: What had arrived of its payload, in bytes.
            offset: Where it began, in bytes.
            kind: The name of this kind of error.
            rfc_section: The section about the end of a connection without a Close frame.
            close_code: The code that says so.
        """
        super().__init__(message)
        self.kind = kind
        self.type = type
        self.content = content
        self.offset = offset
        self.rfc_section = rfc_section
        self.close_code = close_code


class CaptureError(WebSocketError):
    r"""A capture file that is none, or is damaged.

    What was complete before the damage has been handed out when it is raised.

    Attributes:
        file: The name of the file, or None where it has none.
        record: The record at hand, counted from 1 in its file: a packet of a pcap file, any block
            of a pcapng file.
        offset: Its first byte, in bytes from the start of the file (of what it holds, if it is
            compressed).

    Example:
        >>> import io
        >>> import wsdefrag
        >>> from wsdefrag.capture import Capture
        >>> try:
        ...     list(Capture(io.BytesIO(b"GET / HTTP/1.1")))
        ... except wsdefrag.CaptureError as error:
        ...     print(error)
        <stream>: not a capture file: it starts with "GET "
    """

    file: str | None
    record: int
    offset: int

    def __init__(self, message: str, *, file: str | None, record: int, offset: int) -> None:
        """Describe what is wrong with a file.

        Args:
            message: The file, the place and what is wrong, for people to read.
            file: The name of the file.
            record: The record at hand, from 1.
            offset: Its first byte, in bytes.
        """
        super().__init__(message)
        self.file = file
        self.record = record
        self.offset = offset
