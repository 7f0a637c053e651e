"""The operations of the parity tests on message classes, mitmproxy's and ours.

Every operation takes the module that holds ``WebSocketMessage`` and ``WebSocketData`` and plain
values, and gives a plain value. Runs in both environments, so it imports the standard library
only.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

OPERATIONS: dict[str, Callable[..., Any]] = {}


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let tests call a function by its name."""
    OPERATIONS[function.__name__] = function
    return function


def run(module: Any, name: str, arguments: list[Any]) -> dict[str, Any]:
    """Do one operation.

    Returns:
        ``value``, or ``error`` with the class name and the text of the exception.
    """
    try:
        return {"value": OPERATIONS[name](module, *arguments)}
    except Exception as error:
        return {"error": [type(error).__name__, str(error)]}


@operation
def construct(module: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Everything that can be read of a message made by its constructor."""
    message = module.WebSocketMessage(*arguments, **keywords)
    return {
        "state": message.get_state(),
        "types": [type(value).__name__ for value in message.get_state()],
        "type": [type(message.type).__name__, message.type.name],
        "is_text": message.is_text,
        "repr": repr(message),
        "str": str(message),
        "line": message._format_ws_message(),
    }


@operation
def defaults(module: Any) -> Any:
    """The state of a message made without the optional arguments, but for the time."""
    before = time.time()
    message = module.WebSocketMessage(1, True, b"x")
    state = message.get_state()
    return [before <= state[3] <= time.time(), state[:3], state[4:]]


@operation
def is_now(module: Any, how: str, timestamp: float | None) -> bool:
    """Whether a timestamp turns into the current time on its way in."""
    state = (1, True, b"x", timestamp, False, False)
    before = time.time()
    if how == "constructor":
        message = module.WebSocketMessage(*state)
    elif how == "from_state":
        message = module.WebSocketMessage.from_state(state)
    else:
        message = module.WebSocketMessage(1, True, b"x", 1.5)
        message.timestamp = timestamp
        if how == "copy":
            message = message.copy()
        elif how == "set_state":
            message.set_state(state)
    return bool(message.timestamp >= before)


@operation
def message_round_trip(module: Any, state: Any) -> Any:
    """The state of a message after every way in and out."""
    message = module.WebSocketMessage.from_state(state)
    other = module.WebSocketMessage(2, False, b"other", 1.5, True, True)
    other.set_state(state)
    return [message.get_state(), message.copy().get_state(), other.get_state()]


@operation
def set_message_state(module: Any, state: Any) -> Any:
    """The state of a message that took over another."""
    message = module.WebSocketMessage(2, False, b"other", 1.5, True, True)
    message.set_state(state)
    return message.get_state()


@operation
def read_text(module: Any, state: Any) -> str:
    """The text of a message."""
    text: str = module.WebSocketMessage(*state).text
    return text


@operation
def write_text(module: Any, state: Any, text: Any) -> Any:
    """The state of a message after its text was set."""
    message = module.WebSocketMessage(*state)
    message.text = text
    return message.get_state()


@operation
def assign_type(module: Any, type: int) -> Any:
    """The state and text of a message whose class was asked for another opcode."""
    message = module.WebSocketMessage(type, True, b"x", 1.5)
    return [message.get_state(), message.type.name]


@operation
def drop_and_kill(module: Any) -> Any:
    """What the two do, and whether they warn."""
    outcomes = []
    for name in ("drop", "kill"):
        message = module.WebSocketMessage(1, True, b"x", 1.5)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(message, name)()
        warned = [
            [warning.category.__name__, str(warning.message), warning.filename == __file__]
            for warning in caught
        ]
        outcomes.append([message.get_state(), warned])
    return outcomes


@operation
def compare(module: Any, state: Any) -> list[bool]:
    """What counts as equal."""
    one = module.WebSocketMessage.from_state(state)
    two = module.WebSocketMessage.from_state(state)
    data = module.WebSocketData([one])
    return [
        one == one,
        one == two,
        len({one, two}) == 2,
        data == module.WebSocketData([one]),
        data == data.copy(),
        module.WebSocketData() == module.WebSocketData(),
    ]


@operation
def subclassed(module: Any, state: Any) -> Any:
    """Whether a subclass stays one on every way."""

    class Sub(module.WebSocketMessage):  # type: ignore[misc]
        pass

    message = Sub.from_state(state)
    return [type(message) is Sub, type(message.copy()) is Sub, message.copy().get_state()]


@operation
def data_round_trip(module: Any, state: dict[str, Any]) -> Any:
    """Everything that can be read of a connection's record, after every way in and out."""
    # Some implementations use up the state they are given.
    data = module.WebSocketData.from_state(dict(state))
    other = module.WebSocketData()
    other.set_state(dict(state))
    return {
        "state": data.get_state(),
        "keys": list(data.get_state()),
        "types": [type(value).__name__ for value in data.get_state().values()],
        "copy": data.copy().get_state(),
        "other": other.get_state(),
        "repr": repr(data),
        "lines": data._get_formatted_messages(),
        "message_reprs": repr(data.messages),
    }


@operation
def empty_data(module: Any) -> Any:
    """The state of a fresh record."""
    return module.WebSocketData().get_state()


@operation
def read_data(module: Any, state: dict[str, Any]) -> Any:
    """The state of a record made from a state that may be wrong."""
    return module.WebSocketData.from_state(dict(state)).get_state()


@operation
def set_data_state(module: Any, state: dict[str, Any]) -> Any:
    """The state of a record that was given a state that may be wrong."""
    data = module.WebSocketData()
    data.set_state(dict(state))
    return data.get_state()


@operation
def write_data(module: Any, name: str, value: Any) -> Any:
    """The state of a record with an attribute that may be wrong."""
    data = module.WebSocketData()
    setattr(data, name, value)
    return data.get_state()
