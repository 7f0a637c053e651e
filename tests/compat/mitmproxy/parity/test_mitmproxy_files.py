"""Flow files and HTTP archives that mitmproxy itself wrote are read back: its files as inputs.

mitmproxy's own writer makes the flow file, and its own export the archive. What is read is compared
with what mitmproxy says of its flows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import pytest

from cli_captures import invoke_capture
from wsdefrag.capture import Capture, CapturedConnection


class Mitmproxy(Protocol):
    def value(self, name: str, *arguments: Any) -> Any: ...


def state(messages: list[tuple[int, bool, bytes, float, bool, bool]], **end: Any) -> dict[str, Any]:
    """The state of a ``WebSocketData``."""
    ended = {"closed_by_client": None, "close_code": None, "close_reason": None}
    return {"messages": messages, "timestamp_end": None, **ended, **end}


STATES = [
    state([]),
    state(
        [
            (1, True, "größer".encode(), 946681204.25, False, False),
            (2, False, bytes(range(256)), 946681204.5, True, False),
            (1, False, b"injected", 946681205.125, False, True),
            (1, True, b"", 946681205.125, True, True),
        ],
        closed_by_client=False,
        close_code=1001,
        close_reason="bye",
        timestamp_end=946681206.5,
    ),
    state(
        [
            (1, number % 2 == 0, b"%d" % number, 946681204 + number / 8, False, False)
            for number in range(1_000)
        ],
        closed_by_client=True,
        close_code=1006,
        close_reason=None,
        timestamp_end=946681400.0,
    ),
]


def states_of(path: Path) -> list[list[tuple[Any, ...]]]:
    """The states of the messages of each connection of a file."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for item in Capture(path).read():
        if isinstance(item, CapturedConnection):
            found.setdefault(item.connection, [])
        elif not hasattr(item, "kind"):
            found.setdefault(item.connection.connection, []).append(item.get_state())
    return [found[number] for number in sorted(found)]


def test_flows_are_read_as_mitmproxy_wrote_them(mitmproxy: Mitmproxy, tmp_path: Path) -> None:
    file = tmp_path / "flows.mitm"
    mitmproxy.value("write_flows", str(file), STATES)
    assert states_of(file) == [one["messages"] for one in STATES]
    flows = mitmproxy.value("flow_states", str(file))
    connections = list(Capture(file).connections())
    for connection, flow in zip(connections, flows, strict=True):
        request, response = flow["request"], flow["response"]
        assert connection.request is not None
        assert connection.response is not None
        assert connection.client_address[1] == flow["client_conn"]["peername"][1]
        assert connection.uid.hex() == flow["id"].replace("-", "")
        assert connection.path == request["path"].decode()
        assert list(connection.request.fields) == [
            (name.decode(), value) for name, value in request["headers"]
        ]
        assert connection.response.status == response["status_code"] == 101
        assert connection.problems == ()
    opened, closed, broken_off = connections
    assert (opened.close, broken_off.close) == (None, None)
    assert closed.close is not None
    assert (closed.close.from_client, closed.close.close_code) == (False, 1001)
    assert (closed.close.close_reason, closed.close.timestamp_ns) == ("bye", 946681206_500_000_000)


def test_archive_is_read_as_mitmproxy_exported_it(mitmproxy: Mitmproxy, tmp_path: Path) -> None:
    flows, file = tmp_path / "flows.mitm", tmp_path / "flows.har"
    mitmproxy.value("write_flows", str(flows), STATES)
    entries = mitmproxy.value("har_entries", str(flows))
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    # The archive does not say what a relay did with a message.
    expected = [[(*one[:4], False, False) for one in state["messages"]] for state in STATES]
    assert states_of(file) == expected


def test_example_of_mitmproxys_own_tests_is_read(mitmproxy: Mitmproxy, tmp_path: Path) -> None:
    file = tmp_path / "flows.mitm"
    example = mitmproxy.value("example_flow")
    mitmproxy.value("write_flows", str(file), [example])
    assert states_of(file) == [[tuple(one) for one in example["messages"]]]


@pytest.mark.parametrize("format", ["mitm", "har", "jsonl"])
def test_flows_of_mitmproxy_are_converted(
    mitmproxy: Mitmproxy, tmp_path: Path, format: str
) -> None:
    file, again = tmp_path / "flows.mitm", tmp_path / f"again.{format}"
    mitmproxy.value("write_flows", str(file), STATES)
    invoke_capture("convert", file, "-o", again)
    if format == "jsonl":
        rows = [json.loads(line) for line in again.read_text().splitlines()]
        rows = [row for row in rows if "kind" not in row]
        found = [(row["from_client"], row["dropped"], row["injected"]) for row in rows]
        messages = [one for state in STATES for one in state["messages"]]
        assert found == [(one[1], one[4], one[5]) for one in messages]
    else:
        assert states_of(again) == [one["messages"] for one in STATES]
    if format == "mitm":
        read = mitmproxy.value("flow_states", str(again))
        assert [flow["websocket"]["messages"] for flow in read] == [
            one["messages"] for one in STATES
        ]
