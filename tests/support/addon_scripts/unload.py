"""A script that takes the addon out when it sees a request for ``/unload``."""

from mitmproxy import ctx, http
from mitmproxy.proxy.layers import websocket


def request(flow: http.HTTPFlow) -> None:
    """Answer with the name of the layer, before and after."""
    if flow.request.path == "/unload":
        names = [websocket.WebsocketLayer.__module__]
        addon = ctx.master.addons.get("wsdefrag")
        addon.done()
        names.append(websocket.WebsocketLayer.__module__)
        flow.response = http.Response.make(200, " ".join(names))
