"""mitmproxy reads the flow files that are made from captures.

The file is written here and read by mitmproxy's own reader; the tests compare the states of the
flows and mitmproxy's HAR export of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from capture_recordings import LOADED
from cli_captures import SIDES, WHOLE, broken, gapped, invoke_capture, truth
from wsdefrag import WebSocketMessage, WebSocketRelay
from wsdefrag.capture import CapturedRequest, CapturedResponse, write_flow


class Mitmproxy(Protocol):
    def value(self, name: str, *arguments: Any) -> Any: ...


def converted(source: Path | bytes, path: Path) -> Path:
    """Write the flow file of a capture."""
    made = path / "capture"
    if isinstance(source, bytes):
        made.write_bytes(source)
        source = made
    file = path / "flows.mitm"
    invoke_capture("convert", source, "-o", file)
    return file


@pytest.mark.parametrize("name", WHOLE)
def test_mitmproxy_finds_what_the_applications_sent(
    mitmproxy: Mitmproxy, tmp_path: Path, name: str
) -> None:
    flows = mitmproxy.value("flow_states", str(converted(LOADED[name].path, tmp_path)))
    expected = truth(name)
    assert len(flows) == len(expected)
    for flow in flows:
        host, port = flow["client_conn"]["peername"]
        known = expected[host, port, flow["request"]["path"].decode()]
        if known.refused is not None:
            assert flow["websocket"] is None
            continue
        for from_client, side in SIDES:
            states = [state for state in flow["websocket"]["messages"] if state[1] == from_client]
            for one, state in zip(known.messages[side], states, strict=True):
                assert state[0] == one.opcode
                assert one.matches(state[2])


def test_mitmproxy_reads_a_relayed_connection(mitmproxy: Mitmproxy, tmp_path: Path) -> None:
    file = tmp_path / "flows.mitm"
    relay = WebSocketRelay()
    kept, dropped, close = relay.receive_data(
        b"\x81\x03k\xc3\xa4\x82\x01b\x88\x05\x03\xe9bye", from_client=False, timestamp=12.5
    )
    relay.forward(kept)
    relay.discard(dropped)
    relay.inject(WebSocketMessage(1, True, b"injected", 13.5))
    relay.forward(close)
    with file.open("wb") as written:
        for port in (50_000, 50_001):
            write_flow(
                relay.websocket,
                written,
                CapturedRequest("/chat", (("Host", b"example.com"),), 11_250_000_000),
                CapturedResponse(101, "Switching Protocols", (), 11_500_000_000),
                client_address=("127.0.0.1", port),
                server_address=("::1", 80),
            )
    found = mitmproxy.value("flow_states", str(file))
    assert [flow["client_conn"]["peername"][1] for flow in found] == [50_000, 50_001]
    for flow in found:
        states = [tuple(state) for state in flow["websocket"]["messages"]]
        assert states == [message.get_state() for message in relay.websocket.messages]
        assert flow["websocket"]["close_code"] == 1001


@pytest.mark.parametrize("name", WHOLE)
def test_state_tuples_pass_unchanged(mitmproxy: Mitmproxy, tmp_path: Path, name: str) -> None:
    from wsdefrag.capture import Capture

    flows = mitmproxy.value("flow_states", str(converted(LOADED[name].path, tmp_path)))
    ours = list(Capture(LOADED[name].path))
    for flow in flows:
        number = flow["metadata"]["wsdefrag_connection"]
        states = [one.get_state() for one in ours if one.connection.connection == number]
        if flow["websocket"] is not None:
            assert flow["websocket"]["messages"] == states


@pytest.mark.parametrize(
    "name", ["midstream", "snap-length", "snap-length-heads", "gapped", "broken"]
)
def test_mitmproxy_keeps_what_says_that_something_is_missing(
    mitmproxy: Mitmproxy, tmp_path: Path, name: str
) -> None:
    made = {"gapped": gapped, "broken": broken}
    source = made[name]() if name in made else LOADED[name].path
    flows = mitmproxy.value("flow_states", str(converted(source, tmp_path)))
    assert any("wsdefrag_not_whole" in flow["metadata"] for flow in flows)
    for flow in flows:
        entries = flow["metadata"].get("wsdefrag_not_whole", [])
        if entries:
            said = f"incomplete or invalid messages, see metadata: {len(entries)}"
            assert said in flow["comment"]


@pytest.mark.parametrize("name", ["demo", "refused", "midstream", "snap-length-heads", "broken"])
def test_mitmproxy_can_export_them_on(mitmproxy: Mitmproxy, tmp_path: Path, name: str) -> None:
    source = broken() if name == "broken" else LOADED[name].path
    path = str(converted(source, tmp_path))
    entries = mitmproxy.value("har_entries", path)
    states = mitmproxy.value("flow_states", path)
    assert len(entries) == len(states) > 0
    for entry, state in zip(entries, states, strict=True):
        count = len(state["websocket"]["messages"]) if state["websocket"] else 0
        assert len(entry.get("_webSocketMessages", [])) == count


def test_har_exports_of_both_have_the_same_messages(mitmproxy: Mitmproxy, tmp_path: Path) -> None:
    import io
    import json

    from wsdefrag.capture import Capture
    from wsdefrag.formats.har import write_har

    path = LOADED["demo"].path
    theirs = mitmproxy.value("har_entries", str(converted(path, tmp_path)))
    file = io.BytesIO()
    write_har(Capture(path), file)
    ours = json.loads(file.getvalue())["log"]["entries"]
    assert len(ours) == len(theirs) == 5
    for one, other in zip(ours, theirs, strict=True):
        assert one["_webSocketMessages"] == other["_webSocketMessages"]
        assert one["_resourceType"] == other["_resourceType"]
        assert one["request"]["headers"] == other["request"]["headers"]
        assert one["response"]["headers"] == other["response"]["headers"]
        assert one["response"]["status"] == other["response"]["status"]


def test_damaged_file_of_flows_is_read_as_far_as_it_goes(
    mitmproxy: Mitmproxy, tmp_path: Path
) -> None:
    file = converted(LOADED["demo"].path, tmp_path)
    file.write_bytes(file.read_bytes()[:-10])
    assert mitmproxy.value("flows_before_the_damage", str(file)) == 4
