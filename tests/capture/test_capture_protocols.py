"""The counts of TCP connections and packets by what they carry."""

from __future__ import annotations

import pytest

from capture_recordings import LOADED
from wsdefrag.capture import Capture, CapturedConnection, PacketCounts


def read(name: str) -> tuple[list[CapturedConnection], PacketCounts]:
    with Capture(LOADED[name].path).read() as reader:
        items = [item for item in reader if isinstance(item, CapturedConnection)]
        return items, reader.counts


@pytest.mark.parametrize("name", LOADED)
def test_every_tcp_packet_is_counted_with_its_connection(name: str) -> None:
    connections, counts = read(name)
    assert sum(counts.tcp_packets.values()) == counts.tcp + counts.exported
    # A refused WebSocket may be followed by another one on the same TCP connection.
    sockets = {(one.client_address, one.server_address) for one in connections}
    assert counts.tcp_connections["websocket"] == len(sockets)


def test_packets_of_a_whole_recording_are_those_of_its_websockets() -> None:
    _, counts = read("demo")
    assert counts.tcp_packets == {
        "websocket": counts.tcp, "http": 0, "tls": 0, "http2": 0, "other": 0
    }  # fmt: skip
