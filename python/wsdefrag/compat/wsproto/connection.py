"""``Connection``: wsproto's connection after the handshake, on this package's engine.

A connection uses the engine if it has no extension or one unmodified ``PerMessageDeflate``, of
wsproto or of this package. With any other extension it uses wsproto's own frame protocol, because
an extension may change frames in any way.

Receiving: the engine stores the bytes until ``events()`` is iterated. It yields the events of
messages, pings and pongs. It stops at a Close and at a broken rule; the code here makes the last
event, because it changes ``state`` or needs wsproto's error text (``parse_failed``).

Sending: the engine encodes messages unchanged. wsproto's code makes the payload of control frames,
so it raises the same exceptions and maps and truncates codes and reasons in the same way.

RFC 6455 sections 5 and 7; RFC 7692 section 7.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import wsproto.connection as theirs
import wsproto.extensions
from wsproto.connection import CLIENT, SERVER, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode

from wsdefrag import _native
from wsdefrag._arguments import require_optional
from wsdefrag.compat.wsproto.extensions import PerMessageDeflate
from wsdefrag.compat.wsproto.parse_failed import parse_failed
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Generator

    from wsproto.events import Event
    from wsproto.extensions import Extension

    from wsdefrag.errors import WebSocketError

# Looking up a member of an enum takes as long as reading a small frame, so it is done once.
_OPEN = ConnectionState.OPEN
_LOCAL_CLOSING = ConnectionState.LOCAL_CLOSING
_REMOTE_CLOSING = ConnectionState.REMOTE_CLOSING
_CLOSED = ConnectionState.CLOSED

_NO_LIMITS = Limits(
    max_frame_size=None, max_message_size=None, max_fragments=None, max_inflate_ratio=None
)
# wsproto refuses a window that is kept against the agreement.
_RULES = Strictness(no_context_takeover=True)
_EVENTS = (TextMessage, BytesMessage, Ping, Pong)
_DEFLATE_CLASSES = (PerMessageDeflate, wsproto.extensions.PerMessageDeflate)
_DEFLATE_FIELDS = set(vars(PerMessageDeflate()))
_CONTROL_HEADER = 2
_CLOSE_CODES = {code.value: code for code in CloseReason}


def _is_plain_deflate(extension: Extension) -> bool:
    """Whether an extension is an unmodified and unused ``PerMessageDeflate``."""
    return (
        type(extension) in _DEFLATE_CLASSES
        and set(vars(extension)) == _DEFLATE_FIELDS
        and extension._compressor is None  # type: ignore[attr-defined]
        and extension._decompressor is None  # type: ignore[attr-defined]
        and extension._inbound_compressed is None  # type: ignore[attr-defined]
    )


def _deflate_params(extension: Extension) -> DeflateParams:
    assert isinstance(extension, wsproto.extensions.PerMessageDeflate)
    return DeflateParams(
        server_no_context_takeover=bool(extension.server_no_context_takeover),
        client_no_context_takeover=bool(extension.client_no_context_takeover),
        server_max_window_bits=int(extension.server_max_window_bits),
        client_max_window_bits=int(extension.client_max_window_bits),
    )


def require_rules(limits: Limits | None, strictness: Strictness | None) -> None:
    """Check the arguments of a ``Connection`` that wsproto does not have.

    Raises:
        TypeError: If one has the wrong type.
        ValueError: If ``strictness.utf8`` is False.
    """
    require_optional("limits", limits, Limits)
    require_optional("strictness", strictness, Strictness)
    if strictness is not None and not strictness.utf8:
        raise ValueError("strictness.utf8 must be True: a text of wsproto is a str")


class Connection(theirs.Connection):
    r"""wsproto's ``Connection`` on this package's engine.

    Args:
        connection_type: Which side this is.
        extensions: The agreed extensions. Those that are not ``enabled()`` are ignored. With any
            extension except one unmodified ``PerMessageDeflate``, the connection uses wsproto's own
            frame protocol.
        trailing_data: Bytes received after the handshake.
        limits: Limits for the peer's messages; exceeding one gives a ``CloseConnection`` with code
            1009 (RFC 6455 section 10.4). None for no limits, as in wsproto.
        strictness: Which rules the peer has to keep; ``tolerated`` counts the breaches of the
            others. None for the rules of wsproto. ``utf8`` cannot be switched off, because a text
            is a ``str``.

    Raises:
        TypeError: If ``limits`` or ``strictness`` has the wrong type.
        ValueError: If ``limits`` or ``strictness`` is given together with an extension that needs
            wsproto's own frame protocol, which has neither; if ``strictness.utf8`` is False.

    Example:
        >>> from wsdefrag import Limits
        >>> from wsdefrag.compat.wsproto.connection import CLIENT, Connection
        >>> client = Connection(CLIENT, limits=Limits(max_message_size=4))
        >>> client.receive_data(b"\x81\x05hello")
        >>> [event.code for event in client.events()]
        [<CloseReason.MESSAGE_TOO_BIG: 1009>]
    """

    def __init__(
        self,
        connection_type: ConnectionType,
        extensions: list[Extension] | None = None,
        trailing_data: bytes = b"",
        *,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
    ) -> None:
        require_rules(limits, strictness)
        self._reader: _native.EventReader | None = None
        self._writer: _native.EventWriter | None = None
        enabled = [extension for extension in extensions or [] if extension.enabled()]
        if not enabled or (len(enabled) == 1 and _is_plain_deflate(enabled[0])):
            client = connection_type is CLIENT
            deflate = _deflate_params(enabled[0]) if enabled else None
            self._reader = _native.EventReader(
                from_client=not client,
                deflate=deflate,
                limits=limits or _NO_LIMITS,
                strictness=strictness or _RULES,
                classes=_EVENTS,
            )
            self._writer = _native.EventWriter(from_client=client, deflate=deflate)
        elif limits is not None or strictness is not None:
            what = "strictness" if limits is None else "limits"
            names = ", ".join([type(extension).__name__ for extension in enabled])
            raise ValueError(f"{what} cannot be enforced with these extensions: {names}")
        super().__init__(connection_type, extensions, trailing_data)

    @property
    def error(self) -> WebSocketError | None:
        """The rule that the peer broke, as a new object each time; None if it broke none.

        wsproto does not have this attribute: its ``CloseConnection`` does not tell a received Close
        from a broken rule.
        """
        return None if self._reader is None else self._reader.error

    @property
    def tolerated(self) -> dict[str, int]:
        """How often the peer broke each rule that ``strictness`` switches off.

        wsproto does not have this attribute. It is empty with wsproto's own frame protocol.
        """
        return {} if self._reader is None else self._reader.tolerated

    def send(self, event: Event) -> bytes:
        """Encode an event.

        Args:
            event: A message or a part of a message, a ping, a pong or a Close.

        Returns:
            The bytes to send to the peer.

        Raises:
            LocalProtocolError: If the event cannot be sent in this state.
            TypeError: If the data or payload of the event has the wrong type.
            ValueError: If the payload of a ping or a pong is longer than 125 bytes.
        """
        writer = self._writer
        if writer is None:
            return super().send(event)
        kind = type(event)
        if self._state is _OPEN:
            if kind is TextMessage or kind is BytesMessage or isinstance(event, Message):
                return writer.data(event.data, event.message_finished)  # type: ignore[attr-defined]
            if isinstance(event, Ping):
                return writer.control(Opcode.PING, _control_payload(event))
            if isinstance(event, Pong):
                return writer.control(Opcode.PONG, _control_payload(event))
        if isinstance(event, CloseConnection) and self._state in (_OPEN, _REMOTE_CLOSING):
            frame = FrameProtocol(client=False, extensions=[]).close(event.code, event.reason)
            data = writer.control(Opcode.CLOSE, bytes(frame[_CONTROL_HEADER:]))
            self._state = _CLOSED if self._state is _REMOTE_CLOSING else _LOCAL_CLOSING
            return data
        # wsproto's method raises the exception for this event.
        return super().send(event)

    def receive_data(self, data: bytes | None) -> None:
        """Store bytes from the peer.

        Args:
            data: Any number of bytes; None if the network connection has ended.

        Raises:
            LocalProtocolError: If the connection is closed.
        """
        reader, state = self._reader, self._state
        if reader is not None and data is not None and (state is _OPEN or state is _LOCAL_CLOSING):
            reader.receive_data(data)
        else:
            super().receive_data(data)

    def events(self) -> Generator[Event, None, None]:
        """Parse the received bytes; each step of the iteration parses one event.

        Yields:
            The events. ``state`` has changed when the event is yielded.
        """
        reader = self._reader
        if reader is None:
            yield from super().events()
            return
        while self._events:
            yield self._events.popleft()
        yield from reader
        if reader.ended:
            close = self._end(reader)
            if close is not None:
                yield close

    def _end(self, reader: _native.EventReader) -> CloseConnection | None:
        """Make the last event of the peer; None if wsproto would wait for more bytes."""
        if reader.peer_close is None:
            assert reader.error is not None
            failure = parse_failed(
                reader.error,
                reader.evidence,
                client=self.client,
                deflate=bool(self._proto.extensions),
                inside_message=reader.inside_message,
                at_message_end=reader.at_message_end,
            )
            if failure is None:
                return None
            event = CloseConnection(code=failure.code, reason=str(failure))
        else:
            code, reason = reader.peer_close
            self._state = _CLOSED if self._state is _LOCAL_CLOSING else _REMOTE_CLOSING
            event = CloseConnection(code=_CLOSE_CODES.get(code, code), reason=reason)
        reader.conclude()
        return event


def _control_payload(event: Ping | Pong) -> bytes:
    """The payload as bytes; like wsproto, accepts any argument of ``bytearray``."""
    payload = event.payload
    return payload if isinstance(payload, bytes) else bytes(bytearray(payload))


__all__ = [
    "CLIENT",
    "SERVER",
    "Connection",
    "ConnectionState",
    "ConnectionType",
]
