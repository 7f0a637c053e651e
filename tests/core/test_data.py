"""WebSocketData: the record of a connection, with mitmproxy's state dictionary."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from wsdefrag import WebSocketData, WebSocketMessage

FIRST = (1, True, b"hello", 1700000000.25, False, False)
SECOND = (2, False, b"\xff\x00", 1700000001.5, True, True)


def full() -> WebSocketData:
    return WebSocketData(
        messages=[WebSocketMessage(*FIRST), WebSocketMessage(*SECOND)],
        closed_by_client=False,
        close_code=1001,
        close_reason="going",
        timestamp_end=1700000002.0,
    )


def full_state() -> dict[str, Any]:
    return {
        "messages": [FIRST, SECOND],
        "closed_by_client": False,
        "close_code": 1001,
        "close_reason": "going",
        "timestamp_end": 1700000002.0,
    }


def test_fields_are_mitmproxys_in_order() -> None:
    assert [field.name for field in dataclasses.fields(WebSocketData)] == [
        "messages",
        "closed_by_client",
        "close_code",
        "close_reason",
        "timestamp_end",
    ]


def test_an_open_connection_has_nothing_but_an_own_list() -> None:
    data = WebSocketData()
    assert data.get_state() == {
        "messages": [],
        "closed_by_client": None,
        "close_code": None,
        "close_reason": None,
        "timestamp_end": None,
    }
    assert data.messages is not WebSocketData().messages


def test_state_holds_messages_as_tuples() -> None:
    assert full().get_state() == full_state()
    assert list(full().get_state()) == list(full_state())


def test_state_round_trips() -> None:
    state = full_state()
    data = WebSocketData.from_state(state)
    assert data.get_state() == full_state()
    assert [type(message) for message in data.messages] == [WebSocketMessage] * 2
    assert state == full_state()  # The caller's dictionary is left alone.


def test_set_state_replaces_everything() -> None:
    data = WebSocketData([WebSocketMessage(*SECOND)], True, 1000, "", 1.0)
    state = full_state()
    data.set_state(state)
    assert data.get_state() == full_state()
    assert state == full_state()


def test_messages_may_be_lists_in_a_state() -> None:
    state = full_state() | {"messages": [list(FIRST), list(SECOND)]}
    assert WebSocketData.from_state(state).get_state() == full_state()


def test_copy_is_independent() -> None:
    data = full()
    twin = data.copy()
    assert twin.get_state() == data.get_state()
    twin.messages[0].content = b"changed"
    twin.messages.pop()
    assert data.get_state() == full_state()


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda data: pickle.loads(pickle.dumps(data))]
)
def test_data_pickles_and_deep_copies(duplicate: Any) -> None:
    data = full()
    twin = duplicate(data)
    assert twin.get_state() == full_state()
    assert twin.messages[0] is not data.messages[0]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_repr_counts_the_messages(count: int) -> None:
    data = WebSocketData([WebSocketMessage(*FIRST)] * count)
    assert repr(data) == f"<WebSocketData ({count} messages)>"


def test_formatted_messages_are_lines_with_directions() -> None:
    assert full()._get_formatted_messages() == b"[OUTGOING] hello\n[INCOMING] \xff\x00"
    assert WebSocketData()._get_formatted_messages() == b""


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("close_code", 1000.0, 1000),
        ("close_code", True, 1),
        ("timestamp_end", 5, 5.0),
        ("timestamp_end", None, None),
        ("close_code", None, None),
        ("close_reason", None, None),
        ("close_reason", "", ""),
        ("closed_by_client", None, None),
    ],
)
def test_values_take_the_type_of_their_field(name: str, given: object, kept: object) -> None:
    data = WebSocketData.from_state(full_state() | {name: given})
    assert getattr(data, name) == kept
    assert type(getattr(data, name)) is type(kept)
    setattr(data, name, given)
    assert data.get_state()[name] == kept
    assert type(data.get_state()[name]) is type(kept)


WRONG_VALUES = [
    ("closed_by_client", 1),
    ("closed_by_client", "yes"),
    ("close_code", "1000"),
    ("close_code", b"1000"),
    ("close_code", float("nan")),
    ("close_reason", b"bytes"),
    ("close_reason", 5),
    ("timestamp_end", "now"),
    ("messages", None),
    ("messages", [None]),
]


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_wrong_value_raises_value_error_and_changes_nothing(name: str, value: object) -> None:
    state = full_state() | {name: value}
    complaint = name if value == value else "NaN"
    with pytest.raises(ValueError, match=complaint):
        WebSocketData.from_state(state)
    data = WebSocketData([WebSocketMessage(*SECOND)], True, 1000, "", 1.0)
    before = data.get_state()
    with pytest.raises(ValueError, match=complaint):
        data.set_state(state)
    assert data.get_state() == before


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_wrong_attribute_is_found_by_get_state(name: str, value: object) -> None:
    data = full()
    setattr(data, name, value)
    with pytest.raises(ValueError, match=name if value == value else "NaN"):
        data.get_state()


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([FIRST[:2]], TypeError),
        ([(*FIRST, None)], TypeError),
        ([(3, *FIRST[1:])], ValueError),
        ([None], ValueError),
        (5, TypeError),
    ],
)
def test_wrong_messages_are_refused(messages: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        WebSocketData.from_state(full_state() | {"messages": messages})
    data = full()
    with pytest.raises(error):
        data.set_state(full_state() | {"messages": messages})
    assert data.get_state() == full_state()


@pytest.mark.parametrize("name", list(full_state()))
def test_missing_field_raises_key_error(name: str) -> None:
    state = full_state()
    del state[name]
    with pytest.raises(KeyError, match=name):
        WebSocketData.from_state(state)
    with pytest.raises(KeyError, match=name):
        WebSocketData().set_state(state)


def test_unknown_field_raises_value_error() -> None:
    state = full_state() | {"surprise": 1}
    with pytest.raises(ValueError, match="surprise"):
        WebSocketData.from_state(state)
    with pytest.raises(ValueError, match=r"WebSocketData\.set_state: .*surprise"):
        WebSocketData().set_state(state)


def test_equality_is_that_of_a_dataclass() -> None:
    data = full()
    assert data == dataclasses.replace(data)
    # Messages are equal only to themselves, so a copy with messages is never equal.
    assert data != data.copy()
    assert WebSocketData() == WebSocketData()
