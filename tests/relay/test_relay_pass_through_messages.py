"""Messages of a ``PassThroughRelay`` have been forwarded already, so they cannot be changed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from relay_talk import ALL_PASSING, SIDES, Mode, Talk
from wsdefrag import Opcode, WebSocketMessage

STATE = (1, False, b"hello", 1.5, False, False)


def passed(mode: Mode = "frames") -> WebSocketMessage:
    talk = Talk(mode)
    return talk.message(talk.server.text("hello"), False)


CHANGES: dict[str, Callable[[WebSocketMessage], object]] = {
    "type": lambda one: setattr(one, "type", Opcode.BINARY),
    "from_client": lambda one: setattr(one, "from_client", True),
    "content": lambda one: setattr(one, "content", b"other"),
    "timestamp": lambda one: setattr(one, "timestamp", 2.5),
    "dropped": lambda one: setattr(one, "dropped", True),
    "injected": lambda one: setattr(one, "injected", True),
    "text": lambda one: setattr(one, "text", "other"),
    "the same": lambda one: setattr(one, "content", one.content),
    "unknown": lambda one: setattr(one, "unknown", 1),
    "del": lambda one: delattr(one, "content"),
    "drop": lambda one: one.drop(),
    "kill": lambda one: one.kill(),
    "set_state": lambda one: one.set_state((2, True, b"other", 2.5, True, True)),
    "__init__": lambda one: one.__init__(2, True, b"other"),  # type: ignore[misc]
}


@ALL_PASSING
@pytest.mark.filterwarnings("ignore:.*kill:DeprecationWarning")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_message_that_was_sent_cannot_be_changed(
    mode: Mode, change: Callable[[WebSocketMessage], object]
) -> None:
    message = passed(mode)
    with pytest.raises(AttributeError, match=r"already been sent on; copy\(\) gives one that can"):
        change(message)
    assert message.get_state() == STATE


def test_message_that_was_sent_is_a_message_like_others() -> None:
    message = passed()
    assert type(message) is WebSocketMessage
    assert (repr(message), message.text, message.is_text) == ("'hello'", "hello", True)
    assert message.get_state() == STATE


def pickled(protocol: int) -> Callable[[WebSocketMessage], WebSocketMessage]:
    def through_a_pickle(message: WebSocketMessage) -> WebSocketMessage:
        copied: WebSocketMessage = pickle.loads(pickle.dumps(message, protocol))
        return copied

    return through_a_pickle


COPIES: dict[str, Callable[[WebSocketMessage], WebSocketMessage]] = {
    "copy()": lambda one: one.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "from_state": lambda one: WebSocketMessage.from_state(one.get_state()),
    **{f"pickle {protocol}": pickled(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_copy_of_it_can_be_changed(make: Callable[[WebSocketMessage], WebSocketMessage]) -> None:
    message = passed()
    own = make(message)
    assert own.get_state() == STATE
    own.text = "goodbye"
    own.drop()
    assert (own.content, own.dropped) == (b"goodbye", True)
    assert message.get_state() == STATE


@ALL_PASSING
@SIDES
def test_relay_itself_marks_what_comes_too_late(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    assert talk.relay.send_close(1000, to_client=not from_client)
    message = talk.message(talk.sender(from_client).text("late"), from_client)
    assert message.dropped
    with pytest.raises(AttributeError):
        message.dropped = False
    assert message.dropped


@ALL_PASSING
def test_record_says_what_was_on_the_wire(mode: Mode) -> None:
    talk = Talk(mode)
    message = talk.message(talk.client.text("as it was"))
    with pytest.raises(AttributeError):
        message.text = "edited"
    assert talk.relay.websocket.messages == [message]
    assert talk.relay.websocket.get_state()["messages"] == [message.get_state()]


@pytest.mark.parametrize("mode", ["messages", "frames"])
def test_it_cannot_be_injected_and_its_copy_can(mode: Any) -> None:
    talk, message = Talk(mode), passed()
    with pytest.raises(AttributeError, match="already been sent on"):
        talk.relay.inject(message)
    assert message.get_state() == STATE
    assert talk.relay.websocket.messages == []
    talk.relay.inject(message.copy())
    assert talk.take(False) == [("text", b"hello")]


def test_messages_that_are_decided_on_can_be_changed() -> None:
    talk = Talk()
    edited, dropped = (talk.message(talk.client.text("a")) for _ in range(2))
    edited.text = "b"
    dropped.drop()
    talk.forward([edited, dropped])
    assert talk.take() == [("text", b"b")]
