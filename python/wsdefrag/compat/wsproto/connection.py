"""An established connection: wsproto's states and events, on this package's frames.

A connection reads and writes with the native engine if its extensions are none or one plain
``PerMessageDeflate``, wsproto's class or ours. Any other extension may do as it likes with
frames, so a connection with one runs on wsproto's own frame protocol, and nothing here touches it.

What is received waits in the engine until ``events()`` is iterated. The engine gives the events of
messages, pings and pongs one by one and stops before what ends the direction; that is told here,
because it changes ``state``, or needs wsproto's words for it (``verdict``).

What is sent is written by the engine: messages as they are, control frames with the payload that
wsproto's code makes for them, so that what it raises, maps and truncates stays what it was.

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
from wsdefrag.compat.wsproto.verdict import parse_failed
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Generator

    from wsproto.events import Event
    from wsproto.extensions import Extension

    from wsdefrag.errors import WebSocketError

# Looking up an enum's member by its name takes as long as a small frame.
_OPEN = ConnectionState.OPEN
_LOCAL_CLOSING = ConnectionState.LOCAL_CLOSING
_REMOTE_CLOSING = ConnectionState.REMOTE_CLOSING
_CLOSED = ConnectionState.CLOSED

_NO_LIMITS = Limits(
    max_frame_size=None, max_message_size=None, max_fragments=None, max_inflate_ratio=None
)
_EVENTS = (TextMessage, BytesMessage, Ping, Pong)
_DEFLATE_CLASSES = (PerMessageDeflate, wsproto.extensions.PerMessageDeflate)
_DEFLATE_FIELDS = set(vars(PerMessageDeflate()))
_CONTROL_HEADER = 2
_CLOSE_CODES = {code.value: code for code in CloseReason}


def _is_plain_deflate(extension: Extension) -> bool:
    """Whether nobody has changed what this extension does, or used it."""
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


class Connection(theirs.Connection):
    r"""wsproto's ``Connection`` on this package's engine.

    Args:
        connection_type: Which side this is.
        extensions: What was agreed on. Extensions that are not ``enabled()`` are left out; with
            one that is no plain ``PerMessageDeflate`` the connection runs on wsproto's own frame
            protocol.
        trailing_data: What came behind the handshake.
        limits: How much the peer may make this side hold, a breach of which closes with 1009
            (RFC 6455 section 10.4); None for none, as in wsproto.

    Raises:
        TypeError: If ``limits`` is neither a ``Limits`` nor None.
        ValueError: If there are ``limits``, and an extension that the engine cannot keep to them.

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
    ) -> None:
        require_optional("limits", limits, Limits)
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
                classes=_EVENTS,
            )
            self._writer = _native.EventWriter(from_client=client, deflate=deflate)
        elif limits is not None:
            names = ", ".join(type(extension).__name__ for extension in enabled)
            raise ValueError(f"limits cannot be kept with these extensions: {names}")
        super().__init__(connection_type, extensions, trailing_data)

    @property
    def error(self) -> WebSocketError | None:
        """The rule that the peer broke, a new object each time; None if it has not.

        wsproto has no such attribute: there, a ``CloseConnection`` may be the peer's Close or not.
        """
        return None if self._reader is None else self._reader.error

    def send(self, event: Event) -> bytes:
        """Encode an event.

        Args:
            event: A message or a part of one, a ping, a pong or a Close.

        Returns:
            What to write to the peer.

        Raises:
            LocalProtocolError: If the event cannot be sent in this state.
            TypeError: If what it holds is of a wrong type.
            ValueError: If a ping or a pong holds more than 125 bytes.
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
        # It raises what wsproto raises.
        return super().send(event)

    def receive_data(self, data: bytes | None) -> None:
        """Take bytes from the peer, or None where the network connection has ended.

        Args:
            data: Any number of bytes.

        Raises:
            LocalProtocolError: If the connection is closed.
        """
        reader, state = self._reader, self._state
        if reader is not None and data is not None and (state is _OPEN or state is _LOCAL_CLOSING):
            reader.receive_data(data)
        else:
            super().receive_data(data)

    def events(self) -> Generator[Event, None, None]:
        """Read what was received; each event is read when it is asked for.

        Yields:
            What happened. ``state`` is that behind the event.
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
        """What ended the peer's direction; None if wsproto would wait for more bytes to tell."""
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
    """What wsproto sends of a ping or a pong: anything that a ``bytearray`` is made of."""
    payload = event.payload
    return payload if isinstance(payload, bytes) else bytes(bytearray(payload))


__all__ = [
    "CLIENT",
    "SERVER",
    "Connection",
    "ConnectionState",
    "ConnectionType",
]
