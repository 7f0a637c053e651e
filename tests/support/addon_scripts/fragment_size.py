"""A script that sets a smaller fragment size for edited messages, as mitmproxy documents."""

from mitmproxy.proxy.layers import websocket

websocket.Fragmentizer.FRAGMENT_SIZE = 10
