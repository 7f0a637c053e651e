"""Our message classes behave as mitmproxy's.

Each test does one operation with both and compares the outcomes, exceptions included. The
other side is the mitmproxy that ``make mitmproxy-env`` installed; the report names its release.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import parity_operations
import wsdefrag
from wire_writer import BINARY, KEY, PING, TEXT, close_frame, fragments, frame

TEXT_STATE = (1, True, "Grüße €".encode(), 1700000000.25, False, False)
BINARY_STATE = (2, False, b"\x00\xff\n", 1700000001.5, True, True)
INVALID_TEXT_STATE = (1, False, b"ab\xffcd\xe2\x82", 1700000002.75, False, True)
STATES = [
    TEXT_STATE,
    BINARY_STATE,
    INVALID_TEXT_STATE,
    (1, True, b"", 1.0, False, False),
    (1, False, b'it\'s "quoted"\\ \x00\r\n\x7f', 0.1, True, False),
    (2, True, bytes(range(256)), 1e-9, False, False),
    (0, True, b"c", 1.5, False, False),
    (8, False, b"\x03\xe8", 1.5, False, False),
    (9, True, b"ping", 1.5, False, False),
    (10, False, b"pong", 1.5, False, False),
]
DATA_STATES: list[dict[str, Any]] = [
    {
        "messages": [],
        "closed_by_client": None,
        "close_code": None,
        "close_reason": None,
        "timestamp_end": None,
    },
    {
        "messages": STATES[:6],
        "closed_by_client": True,
        "close_code": 1000,
        "close_reason": "",
        "timestamp_end": 1700000003.5,
    },
    {
        "messages": [BINARY_STATE],
        "closed_by_client": False,
        "close_code": 4999,
        "close_reason": "größer",
        "timestamp_end": 0.0,
    },
]


class Mitmproxy(Protocol):
    def run(self, name: str, *arguments: Any) -> Any: ...

    def value(self, name: str, *arguments: Any) -> Any: ...


def ours(name: str, *arguments: Any) -> Any:
    return parity_operations.run(wsdefrag, name, list(arguments))


def assert_same(mitmproxy: Mitmproxy, name: str, *arguments: Any) -> Any:
    """Do the operation on both sides, compare, and give the common outcome."""
    outcome = ours(name, *arguments)
    assert outcome == mitmproxy.run(name, *arguments)
    return outcome


def assert_same_value(mitmproxy: Mitmproxy, name: str, *arguments: Any) -> Any:
    outcome = assert_same(mitmproxy, name, *arguments)
    assert "value" in outcome, outcome
    return outcome["value"]


def assert_same_error(mitmproxy: Mitmproxy, name: str, *arguments: Any) -> str:
    """Compare the classes of the exceptions, whose texts may differ."""
    our_outcome, their_outcome = ours(name, *arguments), mitmproxy.run(name, *arguments)
    assert "error" in our_outcome, our_outcome
    assert "error" in their_outcome, their_outcome
    assert our_outcome["error"][0] == their_outcome["error"][0]
    error: str = our_outcome["error"][0]
    return error


# Messages


@pytest.mark.parametrize("state", STATES)
def test_constructor_gives_the_same_message(mitmproxy: Mitmproxy, state: Any) -> None:
    assert_same_value(mitmproxy, "construct", list(state), {})


def test_constructor_keywords_are_the_same(mitmproxy: Mitmproxy) -> None:
    names = ("type", "from_client", "content", "timestamp", "dropped", "injected")
    keywords = dict(zip(names, BINARY_STATE, strict=True))
    seen = assert_same_value(mitmproxy, "construct", [], keywords)
    assert seen["state"] == BINARY_STATE
    assert assert_same_error(mitmproxy, "construct", [], keywords | {"x": 1}) == "TypeError"
    assert assert_same_error(mitmproxy, "construct", [1, True], {}) == "TypeError"


def test_defaults_are_the_same(mitmproxy: Mitmproxy) -> None:
    assert assert_same_value(mitmproxy, "defaults") == [True, (1, True, b"x"), (False, False)]


@pytest.mark.parametrize("timestamp", [0.0, None, 1.5])
@pytest.mark.parametrize("how", ["constructor", "from_state", "set_state", "assignment", "copy"])
def test_timestamp_zero_turns_into_now_in_the_same_places(
    mitmproxy: Mitmproxy, how: str, timestamp: float | None
) -> None:
    if timestamp is None and how in {"set_state", "assignment", "copy"}:
        # mitmproxy would store None, or fail to compare it; ours is always a float.
        assert ours("is_now", how, timestamp)["error"][0] == "TypeError"
        return
    expected = not timestamp and how in {"constructor", "from_state", "copy"}
    assert assert_same_value(mitmproxy, "is_now", how, timestamp) is expected


@pytest.mark.parametrize("state", STATES)
def test_states_pass_in_both_directions(mitmproxy: Mitmproxy, state: Any) -> None:
    message = wsdefrag.WebSocketMessage.from_state(state)
    theirs = mitmproxy.value("message_round_trip", message.get_state())
    assert theirs == [state] * 3
    assert wsdefrag.WebSocketMessage.from_state(theirs[0]).get_state() == state
    assert_same_value(mitmproxy, "message_round_trip", list(state))


@given(
    st.tuples(
        st.sampled_from([1, 2]),
        st.booleans(),
        st.binary(max_size=60),
        st.floats(min_value=1e-300, allow_infinity=False),
        st.booleans(),
        st.booleans(),
    )
)
@settings(deadline=None)
def test_any_message_is_the_same(mitmproxy: Mitmproxy, state: Any) -> None:
    assert_same_value(mitmproxy, "construct", list(state), {})
    assert_same(mitmproxy, "read_text", state)


@pytest.mark.parametrize("state", STATES)
def test_text_reads_and_fails_in_the_same_words(mitmproxy: Mitmproxy, state: Any) -> None:
    assert_same(mitmproxy, "read_text", state)
    assert_same(mitmproxy, "write_text", state, "neu €")


def test_text_of_a_binary_message_is_an_attribute_error(mitmproxy: Mitmproxy) -> None:
    outcome = assert_same(mitmproxy, "read_text", BINARY_STATE)
    assert outcome["error"][0] == "AttributeError"
    outcome = assert_same(mitmproxy, "read_text", INVALID_TEXT_STATE)
    assert outcome["error"][0] == "UnicodeDecodeError"
    assert_same(mitmproxy, "write_text", TEXT_STATE, None)


@pytest.mark.parametrize("type", [*range(-1, 17), 256])
def test_opcodes_are_known_and_refused_alike(mitmproxy: Mitmproxy, type: int) -> None:
    outcome = assert_same(mitmproxy, "assign_type", type)
    assert ("value" in outcome) is (type in {0, 1, 2, 8, 9, 10})
    assert_same(mitmproxy, "set_message_state", (type, *TEXT_STATE[1:]))


@pytest.mark.parametrize("size", [0, 2, 5, 7])
def test_states_of_wrong_length_fail_alike(mitmproxy: Mitmproxy, size: int) -> None:
    state = (*TEXT_STATE, None)[:size]
    assert_same_error(mitmproxy, "set_message_state", state)
    if size != 5:  # The constructor has a default for the last value.
        assert_same_error(mitmproxy, "message_round_trip", state)


def test_drop_and_kill_do_and_warn_the_same(mitmproxy: Mitmproxy) -> None:
    assert_same_value(mitmproxy, "drop_and_kill")


def test_equality_is_the_same(mitmproxy: Mitmproxy) -> None:
    same = assert_same_value(mitmproxy, "compare", TEXT_STATE)
    assert same == [True, False, True, True, False, True]


def test_subclasses_behave_the_same(mitmproxy: Mitmproxy) -> None:
    assert assert_same_value(mitmproxy, "subclassed", TEXT_STATE) == [True, True, TEXT_STATE]


# The record of a connection


@pytest.mark.parametrize("state", DATA_STATES)
def test_records_pass_in_both_directions(mitmproxy: Mitmproxy, state: dict[str, Any]) -> None:
    seen = assert_same_value(mitmproxy, "data_round_trip", state)
    assert seen["state"] == state


def test_a_fresh_record_is_the_same(mitmproxy: Mitmproxy) -> None:
    assert assert_same_value(mitmproxy, "empty_data") == DATA_STATES[0]


@pytest.mark.parametrize(
    "change",
    [
        {"closed_by_client": 1},
        {"closed_by_client": "yes"},
        {"close_code": "1000"},
        {"close_reason": b"bytes"},
        {"close_reason": 5},
        {"timestamp_end": "now"},
        {"messages": None},
        {"messages": 5},
        {"messages": [None]},
        {"messages": [TEXT_STATE[:2]]},
        {"messages": [(*TEXT_STATE, None)]},
        {"messages": [(3, *TEXT_STATE[1:])]},
        {"surprise": 1},
    ],
)
@pytest.mark.parametrize("name", ["read_data", "set_data_state"])
def test_bad_states_raise_the_same(mitmproxy: Mitmproxy, name: str, change: Any) -> None:
    assert_same_error(mitmproxy, name, DATA_STATES[1] | change)


@pytest.mark.parametrize("missing", list(DATA_STATES[1]))
@pytest.mark.parametrize("name", ["read_data", "set_data_state"])
def test_missing_fields_raise_the_same(mitmproxy: Mitmproxy, name: str, missing: str) -> None:
    state = {key: value for key, value in DATA_STATES[1].items() if key != missing}
    assert assert_same_error(mitmproxy, name, state) == "KeyError"


@pytest.mark.parametrize(
    ("name", "value"),
    [("close_code", 1000.0), ("close_code", True), ("timestamp_end", 5), ("close_reason", "")],
)
def test_values_are_converted_alike(mitmproxy: Mitmproxy, name: str, value: Any) -> None:
    seen = assert_same_value(mitmproxy, "data_round_trip", DATA_STATES[1] | {name: value})
    assert seen["state"][name] == value
    assert_same_value(mitmproxy, "write_data", name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("close_code", "1"), ("timestamp_end", "now"), ("messages", None), ("messages", [None])],
)
def test_wrong_attributes_fail_alike(mitmproxy: Mitmproxy, name: str, value: Any) -> None:
    assert assert_same_error(mitmproxy, "write_data", name, value) == "ValueError"


# Flow files


def recorded() -> wsdefrag.WebSocketData:
    """A record that the engine made from bytes."""
    connection = wsdefrag.WebSocketConnection()
    client = [
        *fragments(TEXT, [b"fragmented ", "größer".encode()], key=KEY),
        frame(BINARY, b"\x00\xff", key=KEY),
        close_frame(1001, b"leaving", key=KEY),
    ]
    server = [frame(TEXT, b"hello"), frame(PING), *fragments(BINARY, [b"a", b"", b"b"])]
    for time, (ours, theirs) in enumerate(zip(client, server, strict=False), start=1):
        connection.receive_data(ours, from_client=True, timestamp=time + 0.25)
        connection.receive_data(theirs, from_client=False, timestamp=time + 0.5)
    return connection.websocket


def test_flow_file_keeps_our_states(mitmproxy: Mitmproxy, tmp_path: Path) -> None:
    states = [recorded().get_state(), *(state for state in DATA_STATES)]
    assert [message[2] for message in states[0]["messages"]] == [
        b"hello",
        "fragmented größer".encode(),
        b"\x00\xff",
    ]
    assert states[0]["close_reason"] == "leaving"
    path = tmp_path / "ours.mitm"
    assert mitmproxy.value("write_flows", str(path), states) == path.stat().st_size > 0
    read = mitmproxy.value("read_flows", str(path))
    assert len(read) == len(states)
    for state, (their_state, their_lines) in zip(states, read, strict=True):
        assert their_state == state
        data = wsdefrag.WebSocketData.from_state(their_state)
        assert data.get_state() == state
        assert data._get_formatted_messages() == their_lines


def test_mitmproxys_own_example_passes_through_us(mitmproxy: Mitmproxy, tmp_path: Path) -> None:
    state = mitmproxy.value("example_flow")
    assert len(state["messages"]) >= 2
    ours = wsdefrag.WebSocketData.from_state(state).get_state()
    assert ours == state
    path = tmp_path / "example.mitm"
    mitmproxy.value("write_flows", str(path), [ours])
    ((read, _lines),) = mitmproxy.value("read_flows", str(path))
    assert read == state
