"""``WebSocketMessage``: the content, type, sender and time of one message.

The class behaves as the class of the same name in mitmproxy 12.2: it has the same constructor,
attributes, state tuple and ``repr``. It also has the same unusual behaviour:

- the constructor replaces a timestamp of ``0.0`` (or None) by the current time;
- ``text`` raises ``AttributeError`` if the message is not text, and decodes strictly;
- the ``repr`` of a text message is that of its decoded content, with U+FFFD for invalid bytes;
- two messages are equal only if they are the same object.

The native base class stores the fields, so Rust makes a message without running Python code; this
module has the methods. A message cannot be part of a reference cycle, so the garbage collector
does not track it. For millions of messages, tracking would be most of the cost of keeping them.

Follows RFC 6455 section 5.6 (data frames).

Invariants: ``isinstance(content, bytes)``; ``isinstance(type, Opcode)``.
"""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from wsdefrag._native import MessageStorage, untracked
from wsdefrag.opcode import Opcode

if TYPE_CHECKING:
    from typing_extensions import Self

WebSocketMessageState: TypeAlias = tuple[int, bool, bytes, float, bool, bool]
"""``type``, ``from_client``, ``content``, ``timestamp``, ``dropped``, ``injected``."""

_Message = TypeVar("_Message", bound="WebSocketMessage")


@untracked
class WebSocketMessage(MessageStorage):
    """A complete message from one peer to the other.

    Attributes:
        type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
        from_client: True if the client sent it.
        content: The payload, unmasked and inflated; always bytes.
        timestamp: When it was received or made, in seconds since the epoch.
        dropped: True if it must not be forwarded.
        injected: True if neither peer sent it.

    Example:
        >>> from wsdefrag import Opcode, WebSocketMessage
        >>> message = WebSocketMessage(Opcode.TEXT, True, b"hello", 1700000000.25)
        >>> message.text = "goodbye"
        >>> message.get_state()
        (1, True, b'goodbye', 1700000000.25, False, False)
        >>> message
        'goodbye'
    """

    # Without this, each message would have a dictionary.
    __slots__ = ()

    def __init__(
        self,
        type: int | Opcode,
        from_client: bool,
        content: bytes,
        timestamp: float | None = None,
        dropped: bool = False,
        injected: bool = False,
    ) -> None:
        """Make a message.

        Args:
            type: The opcode, as a member of ``Opcode`` or an integer.
            from_client: Whether the client sent it.
            content: The payload in bytes; text is UTF-8.
            timestamp: Seconds since the epoch; None and 0.0 mean the current time.
            dropped: True if it must not be forwarded.
            injected: True if neither peer sent it.

        Raises:
            TypeError: If a value has the wrong type.
            ValueError: If ``type`` is not an opcode.
        """
        self.type = Opcode(type)
        self.from_client = from_client
        self.content = content
        self.timestamp = timestamp or time.time()
        self.dropped = dropped
        self.injected = injected

    def __repr__(self) -> str:
        """Show only the content: as text, or as bytes if it is not text."""
        if self.is_text:
            return repr(self.content.decode(errors="replace"))
        return repr(self.content)

    @property
    def is_text(self) -> bool:
        """Whether this is a text message."""
        return self.type == Opcode.TEXT

    @property
    def text(self) -> str:
        """The content of a text message as ``str``; assigning to it encodes it as UTF-8.

        Raises:
            AttributeError: If the message is not text.
            UnicodeDecodeError: If the content is not valid UTF-8.
        """
        self._require_text()
        return self.content.decode()

    @text.setter
    def text(self, value: str) -> None:
        self._require_text()
        self.content = value.encode()

    def drop(self) -> None:
        """Mark the message as dropped, so that it is not forwarded."""
        self.dropped = True

    def kill(self) -> None:
        """Call ``drop()``; deprecated."""
        warnings.warn(
            "WebSocketMessage.kill() is deprecated, use .drop() instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        self.drop()

    @classmethod
    def from_state(cls, state: WebSocketMessageState) -> Self:
        """Make a message from a result of ``get_state()``.

        Calls the constructor, which replaces a timestamp of 0.0 by the current time.

        Args:
            state: A ``WebSocketMessageState``, or any sequence of its values.

        Returns:
            The new message.

        Raises:
            TypeError: If there are too few or too many values, or one has the wrong type.
            ValueError: If the type is not an opcode.
        """
        return cls(*state)

    def get_state(self) -> WebSocketMessageState:
        """Return the message as plain values.

        Returns:
            ``(type, from_client, content, timestamp, dropped, injected)``, the type as a plain
            integer.
        """
        return (
            int(self.type),
            self.from_client,
            self.content,
            self.timestamp,
            self.dropped,
            self.injected,
        )

    def set_state(self, state: WebSocketMessageState) -> None:
        """Set all attributes from a state; keeps a timestamp of 0.0.

        Args:
            state: A ``WebSocketMessageState``, or any iterable of its values.

        Raises:
            TypeError: If a value has the wrong type.
            ValueError: If there are too few or too many values, or the type is not an opcode.
        """
        type, from_client, content, timestamp, dropped, injected = state
        self.type = Opcode(type)
        self.from_client = from_client
        self.content = content
        self.timestamp = timestamp
        self.dropped = dropped
        self.injected = injected

    def copy(self) -> Self:
        """Make an independent message with the same state.

        Returns:
            The new message; as in ``from_state()``, a timestamp of 0.0 becomes the current time.
        """
        return self.from_state(self.get_state())

    def _require_text(self) -> None:
        if not self.is_text:
            kind = self.type.name.title()
            raise AttributeError(f"{kind} WebSocket frames do not have a 'text' attribute.")

    def _format_ws_message(self) -> bytes:
        return (b"[OUTGOING] " if self.from_client else b"[INCOMING] ") + self.content

    def __getnewargs__(self) -> tuple[()]:
        """Return no arguments; ``object.__reduce_ex__`` needs this for a native base class."""
        return ()

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        """Pickle and copy without the constructor, because a subclass may have changed it."""
        # Protocol 2 and later support slots; the third item is the state that a subclass added.
        added = super().__reduce_ex__(2)[2]
        return _restored, (type(self), WebSocketMessage.get_state(self)), added


def _restored(cls: type[_Message], state: WebSocketMessageState) -> _Message:
    message = cls.__new__(cls)
    WebSocketMessage.set_state(message, state)
    return message
