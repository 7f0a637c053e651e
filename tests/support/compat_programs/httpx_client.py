"""An httpx-ws client of an echo server; it does not import wsdefrag.

It prints the replies, and the module of its connection's class.
"""

from __future__ import annotations

import sys

import httpx
import wsproto.connection
from httpx_ws import WebSocketSession, connect_ws

HANG_SECONDS = 600

session: WebSocketSession
with (
    httpx.Client(timeout=None) as client,
    connect_ws(sys.argv[1], client, keepalive_ping_interval_seconds=None) as session,
):
    session.send_text("text \N{EURO SIGN}")
    print(ascii(session.receive_text(timeout=HANG_SECONDS)))
    content = bytes(range(256)) * 1000
    session.send_bytes(content)
    print(session.receive_bytes(timeout=HANG_SECONDS) == content)
    print(type(session.connection).__module__, wsproto.connection.Connection.__module__)
