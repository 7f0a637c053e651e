"""`write_flow`: the record of a live connection as a flow of mitmproxy.

`compat/mitmproxy/parity` tests that mitmproxy reads the file.
"""

from __future__ import annotations

import io
from typing import Any

from flow_reader import flows
from flow_shape import FLOW, check
from wsdefrag import WebSocketMessage, WebSocketRelay
from wsdefrag.capture import CapturedRequest, CapturedResponse, write_flow


def relayed(*, closed: bool = True) -> tuple[dict[str, Any], WebSocketRelay]:
    """A relayed connection as a flow, and the relay: an edit, a drop, an injection, a Close."""
    relay = WebSocketRelay()
    wire = b"\x81\x01a\x82\x01b\x81\x01c" + (b"\x88\x05\x03\xe9bye" if closed else b"")
    edited, dropped, *others = relay.receive_data(wire, from_client=False, timestamp=12.5)
    assert isinstance(edited, WebSocketMessage)
    edited.text = "größer"
    relay.forward(edited)
    relay.discard(dropped)
    injected = WebSocketMessage(1, False, b"injected", 13.5)
    relay.inject(injected)
    for event in others:
        relay.forward(event)
    file = io.BytesIO(b"before")
    file.seek(0, io.SEEK_END)
    write_flow(
        relay.websocket,
        file,
        CapturedRequest("/chat?x=y", (("Host", b"example.com"),), 11_250_000_000),
        CapturedResponse(101, "Switching Protocols", (("Upgrade", b"websocket"),), 11_500_000_000),
        client_address=("127.0.0.1", 50_000),
        server_address=("::1", 80),
    )
    assert file.getvalue().startswith(b"before")
    (flow,) = flows(file.getvalue()[len(b"before") :])
    return flow, relay


def test_relayed_connection_has_the_keys_of_format_21_and_no_other() -> None:
    for closed in (True, False):
        check(relayed(closed=closed)[0], FLOW)


def test_relayed_connection_is_written_as_it_went_on() -> None:
    flow, relay = relayed()
    assert flow["websocket"]["messages"] == [
        [1, False, "größer".encode(), 12.5, False, False],
        [2, False, b"b", 12.5, True, False],
        [1, False, b"c", 12.5, False, False],
        [1, False, b"injected", 13.5, False, True],
    ]
    assert flow["websocket"]["messages"] == [
        list(message.get_state()) for message in relay.websocket.messages
    ]
    assert flow["websocket"]["closed_by_client"] is False
    assert flow["websocket"]["close_code"] == 1001
    assert flow["websocket"]["close_reason"] == "bye"
    assert flow["websocket"]["timestamp_end"] == flow["server_conn"]["timestamp_end"] == 12.5
    assert flow["request"]["path"] == b"/chat?x=y"
    assert flow["request"]["timestamp_start"] == flow["timestamp_created"] == 11.25
    assert flow["response"]["headers"] == [[b"Upgrade", b"websocket"]]
    assert flow["client_conn"]["peername"] == ["127.0.0.1", 50_000]
    assert flow["server_conn"]["address"] == ["::1", 80]
    assert (flow["metadata"], flow["comment"]) == ({}, "")


def test_relayed_connection_that_goes_on_has_no_end() -> None:
    flow, _ = relayed(closed=False)
    assert flow["websocket"]["closed_by_client"] is None
    assert flow["websocket"]["timestamp_end"] is None
    assert flow["client_conn"]["timestamp_end"] is None
