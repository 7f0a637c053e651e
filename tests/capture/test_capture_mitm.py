"""A capture as mitmproxy's flows: the format, what is in them, and what is marked as not captured.

`compat/mitmproxy/parity` tests that mitmproxy reads the files.
"""

from __future__ import annotations

import io
from typing import Any

import pytest

from capture_conversation import Conversation, capture_of, close, text
from capture_recordings import LOADED
from cli_captures import DEMO, SIDES, START, WHOLE, broken, damaged, gapped, plain, truth
from flow_reader import flows
from flow_shape import FLOW, check
from wsdefrag.capture import Capture, write_mitm


def written(source: Any) -> list[dict[str, Any]]:
    file = io.BytesIO()
    count = write_mitm(Capture(io.BytesIO(source) if isinstance(source, bytes) else source), file)
    found = flows(file.getvalue())
    assert len(found) == count
    return found


def flow_of(source: bytes) -> dict[str, Any]:
    (flow,) = written(source)
    return flow


@pytest.mark.parametrize("name", [*WHOLE, "midstream", "snap-length", "snap-length-heads"])
def test_flow_has_the_keys_of_format_21_and_no_other(name: str) -> None:
    for flow in written(LOADED[name].path):
        check(flow, FLOW)
        assert (flow["version"], flow["type"]) == (21, "http")
        messages = flow["websocket"]["messages"] if flow["websocket"] else []
        for message in messages:
            types = [type(part) for part in message]
            assert types == [int, bool, bytes, float, bool, bool]
            assert message[3] > 1e9


@pytest.mark.parametrize("name", WHOLE)
def test_messages_are_what_the_applications_sent(name: str) -> None:
    expected = truth(name)
    found = written(LOADED[name].path)
    assert len(found) == len(expected)
    for flow in found:
        key = (*flow["client_conn"]["peername"], flow["request"]["path"].decode())
        known = expected[key]
        assert flow["server_conn"]["address"] == list(known.server)
        assert (flow["request"]["host"], flow["request"]["port"]) == known.server
        assert [b"Host", known.host.encode()] in [
            [name.title(), value] for name, value in flow["request"]["headers"]
        ]
        assert flow["metadata"].keys() <= {"wsdefrag_connection", "wsdefrag_events"}
        kinds = {event["kind"] for event in flow["metadata"].get("wsdefrag_events", ())}
        assert kinds <= {"ping", "pong", "close"}
        assert ("close" in kinds) == (known.close is not None)
        assert flow["comment"] == ""
        if known.refused is not None:
            assert flow["websocket"] is None
            assert flow["response"]["status_code"] == known.refused
            assert flow["response"]["content"] is None
            continue
        websocket = flow["websocket"]
        for from_client, side in SIDES:
            states = [state for state in websocket["messages"] if state[1] == from_client]
            sent = known.messages[side]
            assert [state[0] for state in states] == [one.opcode for one in sent]
            assert all(one.matches(state[2]) for one, state in zip(sent, states, strict=True))
        assert all(state[4:] == [False, False] for state in websocket["messages"])
        if known.close is not None:
            assert websocket["closed_by_client"] is (known.close.by == "client")
            assert websocket["close_reason"] == known.close.reason
            code = 1005 if known.close.code is None else known.close.code
            assert websocket["close_code"] == code


def test_states_are_those_of_the_messages() -> None:
    messages = list(Capture(DEMO).messages())
    states = [
        list(state)
        for number in range(5)
        for state in (one.get_state() for one in messages if one.connection.connection == number)
    ]
    found = sorted(written(DEMO), key=lambda flow: flow["metadata"]["wsdefrag_connection"])
    assert [state for flow in found for state in flow["websocket"]["messages"]] == states


def test_times_and_ends_are_those_of_the_packets() -> None:
    flow = flow_of(plain())
    start = START / 1e9
    assert flow["timestamp_created"] == start
    assert flow["client_conn"]["timestamp_start"] == start
    assert flow["request"]["timestamp_start"] == start + 0.15
    assert flow["response"]["timestamp_end"] == start + 0.25
    assert [state[3] for state in flow["websocket"]["messages"]] == [
        start + 1,
        start + 1.5,
        start + 2,
        start + 2.5,
    ]
    assert flow["websocket"]["timestamp_end"] == start + 2.55
    assert flow["client_conn"]["peername"] == ["192.0.2.10", 50_000]
    assert flow["client_conn"]["sockname"] == ["192.0.2.20", 80]


def test_connection_torn_down_without_a_close_is_1006() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "x"))
    going_on = flow_of(capture_of(talk.segments))["websocket"]
    assert (going_on["close_code"], going_on["timestamp_end"]) == (None, None)
    talk.reset(True)
    torn = flow_of(capture_of(talk.segments))["websocket"]
    assert (torn["close_code"], torn["closed_by_client"]) == (1006, None)
    assert torn["timestamp_end"] is not None


def test_close_by_the_server_is_kept() -> None:
    talk = Conversation().open().upgrade()
    talk.says(False, close(False, 4001, "größer".encode()))
    websocket = flow_of(capture_of(talk.segments))["websocket"]
    assert websocket["closed_by_client"] is False
    assert (websocket["close_code"], websocket["close_reason"]) == (4001, "größer")


def test_message_that_is_not_whole_stands_in_the_metadata() -> None:
    flow = flow_of(gapped())
    assert [state[2] for state in flow["websocket"]["messages"]] == [b"before", b"after"]
    (entry,) = flow["metadata"]["wsdefrag_not_whole"]
    assert (entry["status"], entry["missing_bytes"], entry["before"]) == ("incomplete", 100, 1)
    type, from_client, content, *_ = entry["state"]
    assert (type, from_client, set(content)) == (1, True, {ord("x")})
    assert flow["comment"].splitlines() == [
        "incomplete or invalid messages, see metadata: 1",
        "client: 100 bytes in 1 gaps were not captured",
    ]


def test_text_that_is_none_stands_in_the_metadata() -> None:
    flow = flow_of(broken())
    assert [state[2] for state in flow["websocket"]["messages"]] == [b"fine"]
    (entry,) = flow["metadata"]["wsdefrag_not_whole"]
    assert (entry["status"], entry["state"][2]) == ("invalid_utf8", b"caf\xe9")
    assert "RFC 6455 section 5.2" in flow["comment"]


def test_request_that_was_not_captured_is_marked() -> None:
    found = written(LOADED["midstream"].path)
    blind = [flow for flow in found if flow["response"] is None]
    assert len(blind) == 2
    for flow in blind:
        assert flow["metadata"]["wsdefrag_synthetic"] == ["request"]
        assert flow["request"]["headers"] == []
        assert flow["request"]["path"] == b"/"
        assert flow["comment"].splitlines()[:2] == [
            "the request was not captured; the one shown is a placeholder",
            "the response was not captured",
        ]
        whole = len(flow["websocket"]["messages"])
        assert flow["metadata"].get("wsdefrag_resynced", 0) == whole
    (seen,) = [flow for flow in found if flow["response"] is not None]
    assert seen["metadata"].keys() <= {"wsdefrag_connection", "wsdefrag_events"}


def test_epoch_is_never_written_as_0() -> None:
    talk = Conversation(time=0, step=0).open().upgrade()
    talk.says(True, text(True, "x"))
    talk.says(True, close(True))
    check(flow_of(capture_of(talk.end().segments)), FLOW)
    (state,) = flow_of(capture_of(talk.segments))["websocket"]["messages"]
    assert 0 < state[3] < 1e-6


def test_damaged_record_costs_the_rest_of_its_direction() -> None:
    """The packet is missing over the start of a frame; all other directions are whole."""
    whole = {flow["id"]: flow for flow in written(DEMO)}
    found = written(damaged(DEMO.read_bytes()))
    assert len(found) == 5
    ended = []
    for flow in found:
        for from_client in (True, False):
            messages, sent = (
                [one for one in made["websocket"]["messages"] if one[1] == from_client]
                for made in (flow, whole[flow["id"]])
            )
            assert messages == sent[: len(messages)]
            if len(messages) < len(sent):
                ended.append(from_client)
    assert ended == [False]


def test_file_is_the_same_every_time_and_ids_differ() -> None:
    first = written(LOADED["refused"].path)
    assert first == written(LOADED["refused"].path)
    ids = {flow["id"] for flow in first}
    connections = {flow[half]["id"] for flow in first for half in ("client_conn", "server_conn")}
    assert (len(ids), len(connections)) == (3, 6)
