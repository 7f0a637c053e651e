"""What ``mitmdump -s`` loads: the addon, or one line that says why not.

mitmproxy ends where a script logs an error while it starts, so what is logged here is a warning.
"""

import logging

addons: list[object] = []

try:
    from wsdefrag.compat.mitmproxy.addon import WsdefragAddon
except ImportError as error:
    logging.getLogger(__name__).warning(
        "wsdefrag: not used, mitmproxy's own WebSocket layer stays: "
        "mitmproxy's Python cannot import it (%s)",
        error,
    )
else:
    addons.append(WsdefragAddon())
