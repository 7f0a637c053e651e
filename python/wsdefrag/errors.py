"""The exceptions for errors in the bytes of a connection or of a capture file.

::

    WebSocketError
      ProtocolError          a rule of RFC 6455 or RFC 7692 was broken
        InvalidUtf8          text that is not UTF-8
        InflateFailed        compressed data that cannot be inflated
      LimitExceeded          a frame or message is larger than a limit
      OutOfMemory            the system refused memory within the limits
      IncompleteMessage      the direction ended inside a message
      HandshakeFailed        a head of the opening handshake breaks a rule
      CaptureError           a file is not a capture
      CheckpointError        the state of a capture cannot be made or read

Errors of the calling code are ``TypeError`` or ``ValueError``; a second thread that uses an object
at the same time gets ``RuntimeError``. ``wsdefrag.InternalError``, a ``RuntimeError``, is an error
of this package itself.

All subclasses of ``WebSocketError`` except ``HandshakeFailed``, ``CaptureError`` and
``CheckpointError`` have these
attributes:

- ``kind``: the broken rule or the exceeded limit, as an identifier.
- ``offset``: the first byte of the invalid frame, in bytes from the start of the direction. It does
  not depend on how the stream was divided into chunks.
- ``close_code``: the code of the Close frame that an endpoint replies with
  (RFC 6455 section 7.4.1).
- ``rfc_section``: the RFC section with the rule.

All exceptions can be pickled and copied with their attributes.
"""

from __future__ import annotations

from typing import Any, TypeVar

_Error = TypeVar("_Error", bound="WebSocketError")

_LIMITS_SECTION = "RFC 6455 section 10.4"


def _restored(cls: type[_Error], *args: object) -> _Error:
    """Make an error without its constructor, because ``args`` lacks the keyword arguments."""
    return cls.__new__(cls, *args)


class WebSocketError(Exception):
    r"""The base class of all errors in the bytes of a connection or of a capture file.

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
        """Pickle the message and the attributes."""
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
        offset: First byte of the invalid frame, in bytes from the start of the direction.
        rfc_section: The section with the rule, such as ``"RFC 6455 section 5.5"``.
        close_code: The code to reply with: 1002, or 1007 in the subclasses.

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
        """Make an error.

        Args:
            message: The broken rule, the value and the offset, as a text.
            kind: The broken rule.
            offset: First byte of the invalid frame, in bytes.
            rfc_section: The section with the rule.
            close_code: The code to reply with.
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
        """Make an error; the arguments are those of ``ProtocolError``."""
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
        """Make an error; the arguments are those of ``ProtocolError``."""
        super().__init__(
            message, kind=kind, offset=offset, rfc_section=rfc_section, close_code=close_code
        )


class LimitExceeded(WebSocketError):
    r"""A frame or message that exceeds ``Limits`` or a ``Budget`` (RFC 6455 section 10.4).

    Attributes:
        kind: The limit: the name of the field of ``Limits``, such as ``"max_message_size"``, or
            ``"budget"``.
        value: The value of the limit: bytes, a number of fragments, or a ratio.
        requested: The amount that the peer needed, in the same unit; during inflation, the amount
            known so far.
        offset: First byte of the invalid frame, in bytes from the start of the direction.
        close_code: The code to reply with: 1009, or 1013 (try again later) for a budget.
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
        """Make an error.

        Args:
            message: The limit, the amounts and the offset, as a text.
            kind: The name of the limit.
            value: The value of the limit.
            requested: The amount that the peer needed, in the unit of the limit.
            offset: First byte of the invalid frame, in bytes.
            rfc_section: The section with the rule.
            close_code: The code to reply with.
        """
        super().__init__(message)
        self.kind = kind
        self.value = value
        self.requested = requested
        self.offset = offset
        self.rfc_section = rfc_section
        self.close_code = close_code


class OutOfMemory(WebSocketError, MemoryError):
    r"""The system refused memory for a payload that is within the limits.

    The peer broke no rule, but the direction ends, because the payload is lost.

    Attributes:
        kind: ``"out_of_memory"``.
        offset: First byte of the current frame, in bytes from the start of the direction.
        close_code: The code to reply with: 1011.
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
        """Make an error.

        Args:
            message: The refused amount and the offset, as a text.
            offset: First byte of the current frame, in bytes.
            kind: The name of this kind of error.
            rfc_section: The section about limits.
            close_code: The code to reply with.
        """
        super().__init__(message)
        self.kind = kind
        self.offset = offset
        self.rfc_section = rfc_section
        self.close_code = close_code


class IncompleteMessage(WebSocketError):
    r"""A direction that ended inside a header, a frame or a message.

    Only ``receive_eof()`` raises it; before that, an incomplete frame is not an error.

    Attributes:
        kind: ``"incomplete_message"``.
        type: The opcode of the incomplete message, or of the incomplete frame if no message was
            open, as an integer.
        content: The payload received so far, unmasked and inflated.
        offset: First byte of the message's first frame, or of the incomplete frame, in bytes from
            the start of the direction.
        close_code: 1006, the code of a connection that ended without a Close frame. It is never
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
        """Make an error.

        Args:
            message: The incomplete part and its offset, as a text.
            type: The opcode of the incomplete message or frame.
            content: The payload received so far.
            offset: First byte of the incomplete message or frame, in bytes.
            kind: The name of this kind of error.
            rfc_section: The section about the end of a connection without a Close frame.
            close_code: The code of a connection that ended without a Close frame.
        """
        super().__init__(message)
        self.kind = kind
        self.type = type
        self.content = content
        self.offset = offset
        self.rfc_section = rfc_section
        self.close_code = close_code


class HandshakeFailed(WebSocketError):
    r"""A head of the opening handshake that breaks a rule (RFC 6455 section 4).

    Attributes:
        kind: The broken rule. Of any head: ``not_http``, ``http_version``, ``head_too_large``,
            ``target_too_long``, ``control_character``, ``bare_line_feed``, ``line_folding``,
            ``space_before_colon``, ``invalid_field_name``, ``content_length``, ``content``,
            ``transfer_encoding``, ``upgrade``, ``connection``, ``subprotocol``, ``extensions``,
            ``incomplete_head``. Of a request: ``request_target``, ``method``, ``host``, ``key``,
            ``version``, ``unsupported_version``. Of a response: ``accept_key``, ``deflate_answer``,
            ``too_many_responses``.
        offset: The byte or the line at fault, in bytes from the start of the head; where something
            is missing, the end of the fields.
        rfc_section: The section with the rule, such as ``"RFC 9112 section 5.1"``.
        status: The HTTP status that a server answers the request with; for a response 502, which a
            gateway answers if its server sent it.

    Example:
        >>> from wsdefrag.handshake import HandshakeFailed, ServerHandshake
        >>> try:
        ...     ServerHandshake().receive_data(b"GET / HTTP/1.0\r\n")
        ... except HandshakeFailed as error:
        ...     print(error.kind, error.offset, error.status, error.rfc_section)
        http_version 6 505 RFC 6455 section 4.2.1
    """

    kind: str
    offset: int
    rfc_section: str
    status: int

    def __init__(
        self, message: str, *, kind: str, offset: int, rfc_section: str, status: int = 400
    ) -> None:
        """Make an error.

        Args:
            message: The broken rule, the value and the offset, as a text.
            kind: The broken rule.
            offset: The byte or the line at fault, in bytes from the start of the head.
            rfc_section: The section with the rule.
            status: The HTTP status of the answer.
        """
        super().__init__(message)
        self.kind = kind
        self.offset = offset
        self.rfc_section = rfc_section
        self.status = status


class CaptureError(WebSocketError):
    r"""A file that is not a capture.

    Of several files, it is raised if none is a capture; else such a file is named in the warnings
    of the reader. So is damage inside a capture, and the rest is read.

    Attributes:
        file: The name of the file, or None if it has no name.
        record: The number of the record at fault in its file, from 1. A record is a packet of a
            pcap file or a block of a pcapng file.
        offset: First byte of the record, in bytes from the start of the file, after decompression.

    Example:
        >>> import io
        >>> import wsdefrag
        >>> from wsdefrag.capture import Capture
        >>> try:
        ...     list(Capture(io.BytesIO(b"GET / HTTP/1.1")))
        ... except wsdefrag.CaptureError as error:
        ...     print(error)
        <stream>: not a capture file: it looks like text
    """

    file: str | None
    record: int
    offset: int

    def __init__(self, message: str, *, file: str | None, record: int, offset: int) -> None:
        """Make an error.

        Args:
            message: The file, the problem and its position, as a text.
            file: The name of the file.
            record: The number of the damaged record, from 1.
            offset: First byte of the record, in bytes.
        """
        super().__init__(message)
        self.file = file
        self.record = record
        self.offset = offset


class CheckpointError(WebSocketError):
    r"""The state of a capture that cannot be made, or cannot be read.

    Attributes:
        kind: ``foreign`` for bytes that are no state, ``damaged``, ``newer`` for a state that a
            later version wrote, ``capture_point`` for one of another capture point, ``option`` for
            one that was made with another value of an option, ``not_resumable`` for a capture
            that was made without ``continues=True`` or whose pass has not ended.

    Example:
        >>> import wsdefrag
        >>> from wsdefrag.capture import Capture
        >>> try:
        ...     list(Capture.resume(b"something else", "vectors/captures/demo.pcapng"))
        ... except wsdefrag.CheckpointError as error:
        ...     print(error.kind)
        foreign
    """

    kind: str

    def __init__(self, message: str, *, kind: str) -> None:
        """Make an error.

        Args:
            message: What is wrong, and what to do.
            kind: The kind of error.
        """
        super().__init__(message)
        self.kind = kind
