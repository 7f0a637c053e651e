"""A script that has edited messages cut smaller, in the way that mitmproxy documents."""

from mitmproxy.proxy.layers import websocket

websocket.Fragmentizer.FRAGMENT_SIZE = 10
