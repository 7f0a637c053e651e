"""WebSocket layers of mitmproxy, driven without sockets; runs in mitmproxy's environment.

    python -m proxies.mitmproxy_layers    reads lines `LAYER STREAM`, passes that stream through
                                          that layer once, and answers with the number of bytes
                                          that came out

Layers are `own` (mitmproxy's), `mended` (the same, with its quadratic buffer replaced) and `ours`
(the addon's). What drives them answers each hook at once, as mitmproxy does where no addon has one.
"""

import sys
from functools import cache

from mitmproxy import http
from mitmproxy.options import Options
from mitmproxy.proxy import commands, context, events
from mitmproxy.proxy.layers import websocket
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketData

from proxies.relay_streams import stream

streams = cache(stream)
OWN = websocket.WebsocketLayer
OWN_BUFFER = websocket.WebsocketConnection


class Frames(list[bytearray]):
    """The frames of a message, each of which grows in place."""

    def append(self, data: bytes) -> None:
        """Begin the next one."""
        super().append(bytearray(data))


class MendedBuffer(OWN_BUFFER):
    """mitmproxy's buffer copies a frame with each read of it; this one does not."""

    @property
    def frame_buf(self) -> Frames:
        """What has arrived of the frames."""
        return self._frames

    @frame_buf.setter
    def frame_buf(self, frames: list[bytes]) -> None:
        self._frames = Frames(map(bytearray, frames))


def layer(name: str) -> websocket.WebsocketLayer:
    """A layer at the start of a connection."""
    websocket.WebsocketConnection = MendedBuffer if name == "mended" else OWN_BUFFER
    kind = OWN
    if name == "ours":
        from wsdefrag.compat.mitmproxy.layer import RelayLayer

        kind = RelayLayer
    client = tflow.tclient_conn()
    made = context.Context(client, Options())
    made.server = tflow.tserver_conn()
    flow = http.HTTPFlow(client, made.server)
    flow.request = tflow.treq()
    flow.response = http.Response.make(101)
    flow.websocket = WebSocketData()
    return kind(made, flow)


def drive(one: websocket.WebsocketLayer, event: events.Event) -> int:
    """Hand an event to a layer; how many bytes it sends."""
    sent = 0
    waiting: list[events.Event] = [event]
    while waiting:
        for command in one.handle_event(waiting.pop()):
            if isinstance(command, commands.SendData):
                sent += len(command.data)
            elif isinstance(command, commands.StartHook):
                waiting.append(events.HookCompleted(command))
    return sent


def run(name: str, which: str) -> int:
    """Pass a stream through; how many bytes came out."""
    one = layer(name)
    drive(one, events.Start())
    # The flow would keep all messages, of which none of the others here keeps any.
    messages = one.flow.websocket.messages
    sent = 0
    for data in streams(which):
        sent += drive(one, events.DataReceived(one.context.client, data))
        messages.clear()
    return sent


def main() -> None:
    """Answers until the input ends."""
    for line in sys.stdin:
        name, which = line.split()
        print(run(name, which), flush=True)


if __name__ == "__main__":
    main()
