"""``WebSocketData``: the messages of a connection and how it ended.

The class behaves as the class of the same name in mitmproxy 12.2: it has the same fields, state
dictionary and ``repr``. In a state, messages are state tuples. ``get_state`` and ``set_state``
check all other values and convert them to the types of their fields.

Follows RFC 6455 sections 7.1.5 (close code) and 7.1.6 (close reason).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from wsdefrag.message import WebSocketMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from typing_extensions import Self

# For each field except the messages: accepted types, and the type of the result. Integers and
# floats are both accepted, because flow files and JSON do not distinguish them.
_PLAIN_FIELDS: dict[str, tuple[tuple[type, ...], type]] = {
    "closed_by_client": ((bool,), bool),
    "close_code": ((int, float), int),
    "close_reason": ((str,), str),
    "timestamp_end": ((int, float), float),
}
_FIELDS = ("messages", *_PLAIN_FIELDS)

_State: TypeAlias = dict[str, Any]


@dataclass
class WebSocketData:
    """The messages of a connection and how it ended.

    Attributes:
        messages: The messages of both directions, in order of arrival.
        closed_by_client: Whether the client ended the connection; None while it is open.
        close_code: The close code; None while the connection is open.
        close_reason: The close reason; None if there was no Close frame.
        timestamp_end: When the connection ended, in seconds since the epoch; None while it is open.

    Example:
        >>> from wsdefrag import Opcode, WebSocketData, WebSocketMessage
        >>> data = WebSocketData([WebSocketMessage(Opcode.TEXT, False, b"hi", 1.5)])
        >>> data
        <WebSocketData (1 messages)>
        >>> data.get_state()["messages"]
        [(1, False, b'hi', 1.5, False, False)]
    """

    messages: list[WebSocketMessage] = field(default_factory=list)
    closed_by_client: bool | None = None
    close_code: int | None = None
    close_reason: str | None = None
    timestamp_end: float | None = None

    def __repr__(self) -> str:
        """Show the number of messages."""
        return f"<WebSocketData ({len(self.messages)} messages)>"

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make an object from a result of ``get_state()``.

        Args:
            state: The five fields by name, messages as state tuples. It is not changed.

        Returns:
            The new object.

        Raises:
            KeyError: If a field is missing.
            TypeError: If a message's state has the wrong shape.
            ValueError: If a value does not fit its field, or there is an unknown field.
        """
        return cls(**_read_state(state, f"Invalid state for {cls}"))

    def get_state(self) -> dict[str, Any]:
        """Return the object as plain values.

        Returns:
            The five fields by name, messages as state tuples.

        Raises:
            ValueError: If the value of an attribute does not fit its field.
        """
        _refuse_none(self.messages)
        state: _State = {"messages": [message.get_state() for message in self.messages]}
        for name in _PLAIN_FIELDS:
            state[name] = _plain(name, getattr(self, name))
        return state

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Set all fields from a state; if a value is invalid, no field is changed.

        Args:
            state: The five fields by name, messages as state tuples. It is not changed.

        Raises:
            KeyError: If a field is missing.
            TypeError: If a message's state has the wrong shape.
            ValueError: If a value does not fit its field, or there is an unknown field.
        """
        values = _read_state(state, f"Unexpected fields in {type(self).__name__}.set_state")
        for name, value in values.items():
            setattr(self, name, value)

    def copy(self) -> Self:
        """Make an independent object with the same state and with copies of the messages.

        Returns:
            The new object.
        """
        return self.from_state(self.get_state())

    def _get_formatted_messages(self) -> bytes:
        return b"\n".join([message._format_ws_message() for message in self.messages])


def _read_state(state: Mapping[str, Any], complaint: str) -> _State:
    """Convert a state to the values of the fields.

    Args:
        state: The five fields by name.
        complaint: The start of the error text about unknown fields.
    """
    messages = state["messages"]
    _refuse_none(messages)
    values: _State = {"messages": [WebSocketMessage.from_state(item) for item in messages]}
    for name in _PLAIN_FIELDS:
        values[name] = _plain(name, state[name])
    unknown = [name for name in state if name not in _FIELDS]
    if unknown:
        raise ValueError(f"{complaint}: {unknown}")
    return values


def _refuse_none(messages: Collection[Any] | None) -> None:
    if messages is None or None in messages:
        raise ValueError("Attribute messages must not be None or contain None.")


def _plain(name: str, value: object) -> object:
    """Check a value and convert it to the type of its field."""
    if value is None:
        return None
    accepted, wanted = _PLAIN_FIELDS[name]
    if not isinstance(value, accepted):
        raise ValueError(
            f"Invalid value for {name}. Expected {wanted}, got {value!r} ({type(value)})."
        )
    return wanted(value)
