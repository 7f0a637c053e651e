"""``refusal``: checks whether the addon supports the installed release of mitmproxy.

The addon replaces a layer that is not part of mitmproxy's public interface. So the release must be
in the supported range, and the names and signatures that the addon uses must exist. Otherwise
mitmproxy keeps its own layer.

``mitmproxy/proxy/layers/websocket.py`` is the same file in 11.0.0, 11.0.2, 11.1.3, 12.0.1, 12.1.2,
12.2.0, 12.2.3 and 12.3.1.
"""

from __future__ import annotations

import importlib
import inspect

OLDEST = (11, 0)
TOO_NEW = (13, 0)
KNOWN = "11.0 to 12.x"

_LAYER = "mitmproxy.proxy.layers.websocket"
_USER = "mitmproxy.proxy.layers.http"
_NAMES = (
    "Fragmentizer",
    "WebSocketMessageInjected",
    "WebsocketEndHook",
    "WebsocketLayer",
    "WebsocketMessageHook",
    "WebsocketStartHook",
)


def refusal() -> str | None:
    """Return why the layer cannot be used with this mitmproxy; None if it can."""
    version = importlib.import_module("mitmproxy.version").VERSION
    if not OLDEST <= _numbers(version) < TOO_NEW:
        return f"mitmproxy {version} is not a supported release ({KNOWN})"
    difference = _difference()
    return None if difference is None else f"mitmproxy {version} is not as expected: {difference}"


def _numbers(version: str) -> tuple[int, ...]:
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    # An invalid version gives (), which is less than all releases.
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else ()


def _difference() -> str | None:
    """Return the first difference from the expected mitmproxy; None if there is none."""
    try:
        layer, user = importlib.import_module(_LAYER), importlib.import_module(_USER)
    except ImportError as error:
        return str(error)
    missing = [name for name in _NAMES if not hasattr(layer, name)]
    if missing:
        return f"{_LAYER} has no {missing[0]}"
    if list(inspect.signature(layer.WebsocketLayer).parameters) != ["context", "flow"]:
        return "its WebsocketLayer takes other arguments"
    if getattr(user, "websocket", None) is not layer:
        return f"{_USER} takes its WebSocket layer from elsewhere"
    return None
