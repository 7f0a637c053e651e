"""A script that makes mitmproxy's layer take an argument more."""

from typing import Any

from mitmproxy.proxy.layers import websocket


class Changed(websocket.WebsocketLayer):
    """As it could be one day."""

    def __init__(self, context: Any, flow: Any, more: Any = None) -> None:
        super().__init__(context, flow)


websocket.WebsocketLayer = Changed
