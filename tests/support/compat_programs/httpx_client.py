"""An httpx-ws client of an echo server, given by its URL; it knows no wsdefrag.

It prints what came back, and the module that its connection is from.
"""

from __future__ import annotations

import sys

import wsproto.connection
from httpx_ws import WebSocketSession, connect_ws

session: WebSocketSession
with connect_ws(sys.argv[1]) as session:
    session.send_text("text \N{EURO SIGN}")
    print(ascii(session.receive_text(timeout=20)))
    content = bytes(range(256)) * 1000
    session.send_bytes(content)
    print(session.receive_bytes(timeout=20) == content)
    print(type(session.connection).__module__, wsproto.connection.Connection.__module__)
