"""WebSocketMessage: mitmproxy's behaviour, including its quirks, and our own guarantees."""

from __future__ import annotations

import time
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import Opcode as WsprotoOpcode

from wire_writer import frame
from wsdefrag import MessageReassembler, Opcode, WebSocketMessage

STATE = (1, True, b"hello", 1700000000.25, False, False)


def parsed() -> WebSocketMessage:
    """A message that the engine made, not the constructor."""
    reassembler = MessageReassembler(from_client=False)
    (message,) = reassembler.receive_data(frame(Opcode.TEXT, b"hello"), timestamp=1.5)
    return message


def test_constructor_takes_mitmproxys_arguments_in_order() -> None:
    message = WebSocketMessage(2, False, b"\x00", 12.5, True, True)
    assert message.type is Opcode.BINARY
    assert message.from_client is False
    assert message.content == b"\x00"
    assert message.timestamp == 12.5
    assert message.dropped is True
    assert message.injected is True


def test_constructor_takes_the_arguments_by_name() -> None:
    message = WebSocketMessage(
        type=Opcode.TEXT,
        from_client=True,
        content=b"x",
        timestamp=3.0,
        dropped=False,
        injected=True,
    )
    assert message.get_state() == (1, True, b"x", 3.0, False, True)


def test_constructor_defaults_are_now_and_false() -> None:
    before = time.time()
    message = WebSocketMessage(Opcode.TEXT, True, b"")
    assert before <= message.timestamp <= time.time()
    assert message.dropped is False
    assert message.injected is False


@pytest.mark.parametrize("type", [1, Opcode.TEXT, WsprotoOpcode.TEXT])
def test_type_is_always_our_opcode(type: int) -> None:
    message = WebSocketMessage(type, True, b"")
    assert message.type is Opcode.TEXT
    message.type = Opcode.BINARY
    message.type = type
    assert message.type is Opcode.TEXT


@pytest.mark.parametrize("type", [3, 11, -1, 256, 1 << 70])
def test_unknown_type_raises_value_error(type: int) -> None:
    with pytest.raises(ValueError, match="not a valid Opcode"):
        WebSocketMessage(type, True, b"")
    with pytest.raises(ValueError, match="not a valid Opcode"):
        WebSocketMessage.from_state((type, *STATE[1:]))
    message = WebSocketMessage(*STATE)
    with pytest.raises(ValueError, match="not a valid Opcode"):
        message.set_state((type, *STATE[1:]))
    with pytest.raises(ValueError, match=str(type)):
        message.type = type
    assert message.get_state() == STATE


def test_timestamp_zero_turns_into_now_in_the_constructor() -> None:
    """A quirk of mitmproxy, kept on purpose."""
    before = time.time()
    assert WebSocketMessage(1, True, b"", 0.0).timestamp >= before
    assert WebSocketMessage(1, True, b"", None).timestamp >= before
    assert WebSocketMessage.from_state((1, True, b"", 0.0, False, False)).timestamp >= before


def test_timestamp_zero_is_kept_everywhere_else() -> None:
    message = WebSocketMessage(*STATE)
    message.set_state((1, True, b"", 0.0, False, False))
    assert message.timestamp == 0.0
    (received,) = MessageReassembler(from_client=False).receive_data(
        frame(Opcode.TEXT, b"a"), timestamp=0.0
    )
    assert received.timestamp == 0.0


def test_copy_of_timestamp_zero_turns_into_now() -> None:
    """A quirk of mitmproxy, kept on purpose: a copy goes through the constructor."""
    before = time.time()
    message = WebSocketMessage(*STATE)
    message.timestamp = 0.0
    assert message.copy().timestamp >= before


@pytest.mark.parametrize("content", ["text", bytearray(b"x"), memoryview(b"x"), None, 5])
def test_content_is_bytes_and_nothing_else(content: Any) -> None:
    with pytest.raises(TypeError):
        WebSocketMessage(1, True, content)
    message = WebSocketMessage(*STATE)
    with pytest.raises(TypeError):
        message.content = content
    assert message.content == b"hello"


@pytest.mark.parametrize("name", ["from_client", "dropped", "injected", "timestamp"])
def test_attributes_refuse_other_types(name: str) -> None:
    message = WebSocketMessage(*STATE)
    with pytest.raises(TypeError):
        setattr(message, name, "no")
    assert message.get_state() == STATE


def test_content_is_the_very_object_that_was_given() -> None:
    content = b"no copy"
    message = WebSocketMessage(1, True, content)
    assert message.content is content
    assert message.get_state()[2] is content


def test_state_is_a_tuple_of_plain_values() -> None:
    state = WebSocketMessage(Opcode.BINARY, True, b"x", 1.5, True, False).get_state()
    assert state == (2, True, b"x", 1.5, True, False)
    assert [type(value) for value in state] == [int, bool, bytes, float, bool, bool]
    assert type(state) is tuple


def test_set_state_replaces_all_fields_in_place() -> None:
    message = WebSocketMessage(*STATE)
    message.set_state((2, False, b"x", 2.5, True, True))
    assert message.get_state() == (2, False, b"x", 2.5, True, True)


def test_states_may_be_lists() -> None:
    """Flow files and JSON give lists for tuples."""
    assert WebSocketMessage.from_state(list(STATE)).get_state() == STATE  # type: ignore[arg-type]
    message = WebSocketMessage(2, False, b"")
    message.set_state(list(STATE))  # type: ignore[arg-type]
    assert message.get_state() == STATE


@pytest.mark.parametrize("state", [STATE[:2], (), (*STATE, None)])
def test_from_state_of_wrong_length_raises_type_error(state: Any) -> None:
    with pytest.raises(TypeError):
        WebSocketMessage.from_state(state)


@pytest.mark.parametrize("state", [STATE[:2], STATE[:5], (), (*STATE, None)])
def test_set_state_of_wrong_length_raises_value_error(state: Any) -> None:
    message = WebSocketMessage(*STATE)
    with pytest.raises(ValueError, match="values to unpack"):
        message.set_state(state)
    assert message.get_state() == STATE


@given(
    st.sampled_from(Opcode),
    st.booleans(),
    st.binary(max_size=300),
    st.floats(allow_nan=False).filter(bool),
    st.booleans(),
    st.booleans(),
)
def test_state_round_trips(
    type: Opcode, from_client: bool, content: bytes, timestamp: float, dropped: bool, injected: bool
) -> None:
    state = (int(type), from_client, content, timestamp, dropped, injected)
    assert WebSocketMessage.from_state(state).get_state() == state
    assert WebSocketMessage(*state).copy().get_state() == state


def test_text_decodes_and_encodes_utf8() -> None:
    message = WebSocketMessage(1, True, "Grüße €".encode())
    assert message.is_text
    assert message.text == "Grüße €"
    message.text = "日本"
    assert message.content == "日本".encode()


def test_text_of_invalid_utf8_raises() -> None:
    with pytest.raises(UnicodeDecodeError):
        _ = WebSocketMessage(1, True, b"\xff").text


def test_text_that_cannot_be_encoded_is_refused() -> None:
    message = WebSocketMessage(*STATE)
    with pytest.raises(UnicodeEncodeError):
        message.text = "\ud800"
    assert message.content == b"hello"


@pytest.mark.parametrize("type", [one for one in Opcode if one is not Opcode.TEXT])
def test_text_of_anything_but_text_raises_attribute_error(type: Opcode) -> None:
    message = WebSocketMessage(type, True, b"x")
    assert not message.is_text
    expected = f"^{type.name.title()} WebSocket frames do not have a 'text' attribute\\.$"
    with pytest.raises(AttributeError, match=expected):
        _ = message.text
    with pytest.raises(AttributeError, match=expected):
        message.text = "y"
    assert message.content == b"x"
    assert not hasattr(message, "text")


@pytest.mark.parametrize(
    ("type", "content", "expected"),
    [
        (1, b"hello", "'hello'"),
        (1, "€\n".encode(), r"'€\n'"),
        (1, b"a\xffb", "'a\ufffdb'"),
        (1, b"it's", '"it\'s"'),
        (1, b"", "''"),
        (2, b"hello", "b'hello'"),
        (2, b"\xff\x00", r"b'\xff\x00'"),
        (9, b"ping", "b'ping'"),
    ],
)
def test_repr_shows_the_content(type: int, content: bytes, expected: str) -> None:
    assert repr(WebSocketMessage(type, True, content)) == expected
    assert str(WebSocketMessage(type, True, content)) == expected


@given(st.sampled_from(Opcode), st.binary(max_size=40))
def test_repr_and_str_never_raise(type: Opcode, content: bytes) -> None:
    message = WebSocketMessage(type, True, content)
    assert repr(message) == str(message)


def test_drop_marks_the_message() -> None:
    message = parsed()
    message.drop()
    assert message.get_state() == (1, False, b"hello", 1.5, True, False)


def test_kill_warns_at_the_callers_line_and_drops() -> None:
    message = WebSocketMessage(*STATE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        message.kill()
    assert message.dropped
    (warning,) = caught
    assert warning.category is DeprecationWarning
    assert "drop()" in str(warning.message)
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("from_client", "prefix"), [(True, b"[OUTGOING] "), (False, b"[INCOMING] ")]
)
def test_formatted_message_names_the_direction(from_client: bool, prefix: bytes) -> None:
    message = WebSocketMessage(1, from_client, b"\xffhi", 1.0)
    assert message._format_ws_message() == prefix + b"\xffhi"


def test_messages_are_equal_only_to_themselves() -> None:
    """A quirk of mitmproxy, kept on purpose."""
    one, two = WebSocketMessage(*STATE), WebSocketMessage(*STATE)
    assert one == one
    assert one != two
    assert one.__eq__(STATE) is NotImplemented
    assert len({one, two}) == 2


def test_copy_is_independent() -> None:
    message = WebSocketMessage(2, True, b"x", 1.5, True, True)
    twin = message.copy()
    assert twin is not message
    assert twin.get_state() == message.get_state()
    twin.content = b"y"
    assert message.content == b"x"


def test_a_message_has_the_declared_attributes_only() -> None:
    message: Any = parsed()
    assert not hasattr(message, "__dict__")
    with pytest.raises(AttributeError):
        message.contents = b"a misspelt name"


def test_engine_makes_messages_of_the_very_class() -> None:
    message = parsed()
    assert type(message) is WebSocketMessage
    assert message.get_state() == (1, False, b"hello", 1.5, False, False)
    assert [type(value) for value in message.get_state()] == [int, bool, bytes, float, bool, bool]
    assert message.type is Opcode.TEXT
