"""A script that adds an argument to mitmproxy's layer."""

from typing import Any

from mitmproxy.proxy.layers import websocket


class Changed(websocket.WebsocketLayer):
    """A layer as a future release could have it."""

    def __init__(self, context: Any, flow: Any, more: Any = None) -> None:
        super().__init__(context, flow)


websocket.WebsocketLayer = Changed
