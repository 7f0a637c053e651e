"""The script for ``mitmdump -s``: loads the addon, or logs why it cannot.

The message is a warning, because mitmproxy exits if a script logs an error during startup.
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
