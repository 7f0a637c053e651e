"""An addon that makes mitmproxy use this package's engine for WebSocket connections.

``mitmdump -s "$(wsdefrag mitmproxy-addon)"`` loads it; ``wsdefrag`` must be installed in the Python
environment of mitmproxy. While the addon is loaded, new WebSocket connections use
``layer.RelayLayer`` instead of mitmproxy's own layer. Hooks, commands and objects stay mitmproxy's,
so scripts and other addons work as before.

- ``script/``: the script that mitmproxy loads. mitmproxy adds the directory of a script to
  ``sys.path``, so there is nothing else in it,
- ``addon``: installs the layer and removes it again; ``options``: the addon's options,
- ``releases``: the supported releases of mitmproxy,
- ``layer``: the layer, with a ``WebSocketRelay`` or a ``PassThroughRelay``.

Invariant: importing this module or ``releases`` does not import mitmproxy.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["SCRIPT"]

SCRIPT = Path(__file__).resolve().parent / "script" / "wsdefrag_addon.py"
"""The path of the script for ``mitmdump -s``."""
