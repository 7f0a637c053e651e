"""Other implementations as readers of heads: whether each accepts one.

websockets and node's ws read a whole handshake; h11 and aiohttp read the syntax of a request alone.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from hang_guard import HANG_SECONDS
from vectors import Line

KEY = "dGhlIHNhbXBsZSBub25jZQ=="

NODE_SERVER = """
const http = require('http');
const { WebSocketServer } = require('/usr/share/nodejs/ws');
const server = http.createServer((_, response) => { response.writeHead(426); response.end(); });
new WebSocketServer({ server, perMessageDeflate: true });
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


def websockets_serves(wire: bytes) -> bool:
    """Whether a server of websockets answers 101."""
    server = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
    server.receive_data(wire)
    requests = server.events_received()
    if server.handshake_exc is not None or not requests:
        return False
    return server.accept(requests[0]).status_code == 101  # type: ignore[arg-type]


def websockets_asks(line: Line, wire: bytes) -> bool:
    """Whether a client of websockets, which asks for the same, opens the connection."""
    asked = line.get("asked", {"subprotocols": [], "extensions": ""})
    client = ClientProtocol(
        parse_uri("ws://example.com/chat"),
        subprotocols=asked["subprotocols"] or None,
        extensions=_offers(asked["extensions"]) or None,
    )
    client.key = KEY
    client.send_request(client.connect())
    client.receive_data(wire)
    return client.state is State.OPEN and client.handshake_exc is None


def _offers(extensions: str) -> list[ClientPerMessageDeflateFactory]:
    offers = []
    for element in filter(None, extensions.split(",")):
        parameters: dict[str, Any] = {}
        for parameter in element.split(";")[1:]:
            name, _, value = parameter.strip().partition("=")
            parameters[name] = int(value) if value else True
        offers.append(ClientPerMessageDeflateFactory(**parameters))
    return offers


def h11_reads(wire: bytes) -> bool:
    """Whether h11 reads a request."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(wire)
    try:
        return isinstance(server.next_event(), h11.Request)
    except h11.RemoteProtocolError:
        return False


def aiohttp_reads(wire: bytes) -> bool:
    """Whether aiohttp reads a request."""
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParser(BaseProtocol(loop), loop, 1 << 16)
        messages, _, _ = parser.feed_data(wire)
        return bool(messages)
    except HttpProcessingError:
        return False
    finally:
        loop.close()


def node_serves(port: int, wire: bytes) -> bool:
    """Whether a server of node's ws answers 101."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as connection:
        connection.sendall(wire)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while b"\n" not in answer and (data := connection.recv(4096)):
            answer += data
    return answer.startswith(b"HTTP/1.1 101 ")
