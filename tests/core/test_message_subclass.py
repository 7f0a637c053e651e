"""WebSocketMessage as a base class: subclasses, pickles, copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from wire_writer import frame
from wsdefrag import MessageReassembler, Opcode, WebSocketMessage

STATE = (2, False, b"\x00\xff", 1700000000.25, True, False)


class Noted(WebSocketMessage):
    """Adds an attribute and has a constructor of its own."""

    def __init__(self, note: list[str], *, content: bytes = b"") -> None:
        super().__init__(Opcode.TEXT, True, content, 2.5)
        self.note = note


class Slotted(WebSocketMessage):
    """Adds an attribute without a dictionary, one of them never set."""

    __slots__ = ("note", "unset")

    note: list[str]
    unset: int


class Shouting(WebSocketMessage):
    """Keeps the constructor and changes behaviour."""

    @property
    def loud(self) -> bytes:
        return self.content.upper()


class Converting(WebSocketMessage):
    """Changes both the state and how it is read."""

    def get_state(self) -> Any:
        return {"message": super().get_state()}

    @classmethod
    def from_state(cls, state: Any) -> Converting:
        return cls(*state["message"])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_messages_pickle_with_every_protocol(protocol: int) -> None:
    twin = pickle.loads(pickle.dumps(WebSocketMessage(*STATE), protocol))
    assert type(twin) is WebSocketMessage
    assert twin.get_state() == STATE


def test_messages_of_the_engine_pickle() -> None:
    wire = frame(Opcode.TEXT, b"a") + frame(Opcode.BINARY, b"b")
    messages = MessageReassembler(from_client=False).receive_data(wire, timestamp=0.0)
    twins = pickle.loads(pickle.dumps(messages))
    assert [twin.get_state() for twin in twins] == [
        (1, False, b"a", 0.0, False, False),
        (2, False, b"b", 0.0, False, False),
    ]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copy_module_keeps_the_state_literally(duplicate: Any) -> None:
    message = WebSocketMessage(*STATE)
    message.timestamp = 0.0
    twin = duplicate(message)
    assert twin is not message
    assert type(twin) is WebSocketMessage
    assert twin.get_state() == message.get_state()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_subclass_with_its_own_constructor_pickles(protocol: int) -> None:
    message = Noted(["seen"], content=b"x")
    message.drop()
    twin = pickle.loads(pickle.dumps(message, protocol))
    assert type(twin) is Noted
    assert twin.get_state() == (1, True, b"x", 2.5, True, False)
    assert twin.note == ["seen"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_subclass_with_slots_pickles(protocol: int) -> None:
    message = Slotted(*STATE)
    message.note = ["seen"]
    twin = pickle.loads(pickle.dumps(message, protocol))
    assert type(twin) is Slotted
    assert twin.get_state() == STATE
    assert twin.note == ["seen"]
    assert not hasattr(twin, "unset")


def test_shallow_copy_shares_what_a_subclass_added() -> None:
    message = Noted(["seen"])
    assert copy.copy(message).note is message.note


def test_deep_copy_shares_nothing() -> None:
    message = Noted(["seen"])
    twin = copy.deepcopy(message)
    assert twin.note == ["seen"]
    assert twin.note is not message.note


def test_subclass_keeps_constructor_state_and_copy() -> None:
    message = Shouting.from_state((1, True, b"hey", 1.5, False, False))
    assert type(message) is Shouting
    assert message.loud == b"HEY"
    assert type(message.copy()) is Shouting
    assert message.copy().get_state() == (1, True, b"hey", 1.5, False, False)


def test_subclass_may_change_the_state() -> None:
    message = Converting(*STATE)
    assert message.get_state() == {"message": STATE}
    assert message.copy().get_state() == {"message": STATE}
    assert pickle.loads(pickle.dumps(message)).get_state() == {"message": STATE}


def test_subclass_may_be_made_from_an_engine_message() -> None:
    (message,) = MessageReassembler(from_client=False).receive_data(
        frame(Opcode.TEXT, b"hey"), timestamp=1.5
    )
    assert Shouting.from_state(message.get_state()).loud == b"HEY"
