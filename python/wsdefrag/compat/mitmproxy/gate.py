"""For which releases of mitmproxy the addon is.

The layer is put in the place of one that is not a public interface of mitmproxy's. So the release
has to be one whose layer is known, and what the addon relies on has to be there and look as
expected. Otherwise mitmproxy's own layer stays.

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
    """Say why the layer cannot be used with this mitmproxy; None if it can."""
    version = importlib.import_module("mitmproxy.version").VERSION
    if not OLDEST <= _numbers(version) < TOO_NEW:
        return f"mitmproxy {version} is none of the releases it knows ({KNOWN})"
    unlike = _unlike()
    return None if unlike is None else f"mitmproxy {version} is not as expected: {unlike}"


def _numbers(version: str) -> tuple[int, ...]:
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    # A version that is none sorts in front of all releases.
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else ()


def _unlike() -> str | None:
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
