"""A bare pipe of picows on uvloop: no hooks, no limits, no back-pressure.

    python picows_pipe.py HOST PORT     prints `listening on port N`

What is there at least to be paid for a proxy in Python: frames in, frames out.
"""

import asyncio
import sys

import picows
import uvloop


class ToClient(picows.WSListener):
    """The server's side: passes its frames to the client."""

    def __init__(self, client: picows.WSTransport) -> None:
        self.client = client

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.client.send(frame.msg_type, frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.client.disconnect()


class ToServer(picows.WSListener):
    """The client's side: connects, and passes its frames to the server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server: picows.WSTransport | None = None
        self.waiting: list[tuple[picows.WSMsgType, bytes]] = []

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.task = asyncio.ensure_future(self.connect(transport))

    async def connect(self, client: picows.WSTransport) -> None:
        _, listener = await picows.ws_connect(lambda: ToClient(client), self.url)
        self.server = listener.transport
        for kind, payload in self.waiting:
            self.server.send(kind, payload)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if self.server is None:
            self.waiting.append((frame.msg_type, frame.get_payload_as_bytes()))
        else:
            self.server.send(frame.msg_type, frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if self.server is not None:
            self.server.disconnect()


async def main() -> None:
    url = f"ws://{sys.argv[1]}:{sys.argv[2]}/"
    server = await picows.ws_create_server(lambda _: ToServer(url), "127.0.0.1", 0)
    print("listening on port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


loop = uvloop.new_event_loop()
loop.run_until_complete(main())
