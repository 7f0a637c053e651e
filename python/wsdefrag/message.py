"""One WebSocket message: its content, where it came from and what became of it.

``WebSocketMessage`` behaves as the class of that name in mitmproxy 12.2: the same constructor,
attributes, state tuple and ``repr``. Quirks of it that are kept on purpose:

- a timestamp of ``0.0`` (or None) given to the constructor turns into the current time;
- ``text`` raises ``AttributeError`` on a message that is not text, and decodes strictly;
- the ``repr`` of a text message is that of its decoded content, with U+FFFD for invalid bytes;
- two messages are equal only if they are the same object.

The fields are held by the native base class, which makes a message from Rust without running
any Python code; all behaviour is here. A message can be part of no reference cycle, so the garbage
collector is told to leave it alone: with millions of them kept, that is most of what they cost.

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
    """A whole message from one peer to the other, put together from its fragments.

    Attributes:
        type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
        from_client: True if the client sent it.
        content: The payload, unmasked and inflated; always bytes.
        timestamp: When it was received or made, in seconds since the epoch.
        dropped: True if it is not to be forwarded.
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

    # Without this every message would carry a dictionary it has no use for.
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
            timestamp: Seconds since the epoch; None and 0.0 stand for the current time.
            dropped: Whether it is not to be forwarded.
            injected: Whether neither peer sent it.

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
        """Show the content alone: as text, or as bytes if it is not text."""
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
        """Mark the message as one that is not to be forwarded."""
        self.dropped = True

    def kill(self) -> None:
        """Do what ``drop()`` does, under its old name; warns about it."""
        warnings.warn(
            "WebSocketMessage.kill() is deprecated, use .drop() instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        self.drop()

    @classmethod
    def from_state(cls, state: WebSocketMessageState) -> Self:
        """Make a message from what ``get_state()`` gave.

        Goes through the constructor, so that a timestamp of 0.0 turns into the current time.

        Args:
            state: A ``WebSocketMessageState``; any sequence of its values will do.

        Returns:
            The new message.

        Raises:
            TypeError: If there are too few or too many values, or one has the wrong type.
            ValueError: If the type is not an opcode.
        """
        return cls(*state)

    def get_state(self) -> WebSocketMessageState:
        """Give the message as plain values.

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
        """Take over the values of a state, the timestamp literally.

        Args:
            state: A ``WebSocketMessageState``; any iterable of its values will do.

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
        """Make an independent message of the same state.

        Returns:
            The new message; a timestamp of 0.0 turns into the current time, as in
            ``from_state()``.
        """
        return self.from_state(self.get_state())

    def _require_text(self) -> None:
        if not self.is_text:
            kind = self.type.name.title()
            raise AttributeError(f"{kind} WebSocket frames do not have a 'text' attribute.")

    def _format_ws_message(self) -> bytes:
        return (b"[OUTGOING] " if self.from_client else b"[INCOMING] ") + self.content

    def __getnewargs__(self) -> tuple[()]:
        """Let ``object.__reduce_ex__`` accept a class with a native base."""
        return ()

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        """Pickle and copy without the constructor, which a subclass may have changed."""
        # Protocol 2 is the first one that knows slots; its third item is what a subclass added.
        added = super().__reduce_ex__(2)[2]
        return _restored, (type(self), WebSocketMessage.get_state(self)), added


def _restored(cls: type[_Message], state: WebSocketMessageState) -> _Message:
    message = cls.__new__(cls)
    WebSocketMessage.set_state(message, state)
    return message
