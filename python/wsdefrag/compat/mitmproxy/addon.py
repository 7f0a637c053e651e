"""The addon: puts the layer in the place of mitmproxy's while it is loaded.

``gate`` decides whether it does. If not, one warning says why, the options are accepted and have no
effect, and mitmproxy works as without it. Connections that are open when the addon comes or goes
keep the layer they have.

Invariant: what ``load`` replaced, ``done`` puts back, unless somebody else has replaced it since.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mitmproxy import ctx
from mitmproxy.proxy.layers import websocket
from mitmproxy.version import VERSION

import wsdefrag
from wsdefrag.compat.mitmproxy import gate
from wsdefrag.compat.mitmproxy.options import PREFIX, add_options, settings

if TYPE_CHECKING:
    from mitmproxy.addonmanager import Loader

    from wsdefrag.compat.mitmproxy.layer import RelayLayer

_logger = logging.getLogger(__name__)


class WsdefragAddon:
    """What mitmproxy calls."""

    name = "wsdefrag"

    def __init__(self) -> None:
        self._layer: type[RelayLayer] | None = None
        self._replaced: type[websocket.WebsocketLayer] | None = None

    def load(self, loader: Loader) -> None:
        """Add the options; put the layer in, or say why not."""
        add_options(loader)
        refusal = gate.refusal()
        if refusal is not None:
            _logger.warning(
                "wsdefrag: not used, mitmproxy's own WebSocket layer stays: %s", refusal
            )
            return
        # Behind the gate: its module builds on names that another release may not have.
        from wsdefrag.compat.mitmproxy.layer import RelayLayer

        self._layer = RelayLayer
        self._replaced = websocket.WebsocketLayer
        _put_in(RelayLayer)
        _logger.info(
            "wsdefrag %s: relays WebSocket connections (mitmproxy %s)",
            wsdefrag.__version__,
            VERSION,
        )

    def configure(self, updated: set[str]) -> None:
        """Take changed options over, for connections to come."""
        if self._layer is not None and any(name.startswith(PREFIX) for name in updated):
            changed = settings(ctx.options)
            if "wsdefrag_max_buffered" not in updated:
                # It goes on counting what open connections hold.
                changed = replace(changed, budget=self._layer.settings.budget)
            self._layer.settings = changed

    def done(self) -> None:
        """Put mitmproxy's layer back."""
        if self._replaced is not None and websocket.WebsocketLayer is self._layer:
            _put_in(self._replaced)
        self._replaced = None


def _put_in(layer: type[websocket.WebsocketLayer]) -> None:
    """Have mitmproxy use a layer for connections to come."""
    websocket.WebsocketLayer = layer  # type: ignore[misc, unused-ignore]
