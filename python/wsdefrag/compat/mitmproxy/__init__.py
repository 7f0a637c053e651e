"""An addon that gives mitmproxy this package's engine for WebSocket connections.

``mitmdump -s "$(wsdefrag mitmproxy-addon)"`` loads it; ``wsdefrag`` has to be installed where
mitmproxy is. While it is loaded, new WebSocket connections get ``layer.RelayLayer`` in the place of
mitmproxy's own layer. Hooks, commands and objects stay mitmproxy's: scripts and other addons work
as before.

- ``script/``: what mitmproxy loads; alone, because mitmproxy puts its directory on ``sys.path``,
- ``addon``: puts the layer in and takes it out again; ``options``: what can be set,
- ``gate``: for which releases of mitmproxy,
- ``layer``: the layer, on ``wsdefrag.WebSocketRelay``.

Invariant: importing this module imports nothing of mitmproxy, and neither does ``gate``.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["SCRIPT"]

SCRIPT = Path(__file__).resolve().parent / "script" / "wsdefrag_addon.py"
"""What ``mitmdump -s`` takes."""
