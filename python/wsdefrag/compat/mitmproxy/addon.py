"""The addon: replaces mitmproxy's WebSocket layer while the addon is loaded.

It also replaces how mitmproxy finds the add-ons that want a message (``message_hooks``).

If ``releases`` refuses the installed mitmproxy, the addon logs one warning with the reason; its
options are accepted but have no effect, and mitmproxy works as without the addon. Connections that
are open while the addon is loaded or unloaded keep their layer.

Invariant: ``done`` restores the layer that ``load`` replaced, unless other code replaced it since.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mitmproxy import ctx
from mitmproxy.proxy.layers import websocket
from mitmproxy.version import VERSION

import wsdefrag
from wsdefrag.compat.mitmproxy import releases
from wsdefrag.compat.mitmproxy.message_hooks import MessageHooks
from wsdefrag.compat.mitmproxy.options import PREFIX, add_options, settings

if TYPE_CHECKING:
    from mitmproxy.addonmanager import Loader

    from wsdefrag.compat.mitmproxy.layer import RelayLayer

_logger = logging.getLogger(__name__)


class WsdefragAddon:
    """The addon object; mitmproxy calls its methods."""

    name = "wsdefrag"

    def __init__(self) -> None:
        self._layer: type[RelayLayer] | None = None
        self._replaced: type[websocket.WebsocketLayer] | None = None
        self._hooks: MessageHooks | None = None

    def load(self, loader: Loader) -> None:
        """Add the options; install the layer, or log why not."""
        add_options(loader)
        refusal = releases.refusal()
        if refusal is not None:
            _logger.warning(
                "wsdefrag: not used, mitmproxy's own WebSocket layer stays: %s", refusal
            )
            return
        # Imported only now, because the module needs names that other releases may not have.
        from wsdefrag.compat.mitmproxy.layer import RelayLayer

        self._layer = RelayLayer
        self._replaced = websocket.WebsocketLayer
        _use(RelayLayer)
        message_hooks = MessageHooks(loader.master.addons)
        if message_hooks.install():
            self._hooks = message_hooks
        _logger.info(
            "wsdefrag %s: relays WebSocket connections (mitmproxy %s)",
            wsdefrag.__version__,
            VERSION,
        )

    def configure(self, updated: set[str]) -> None:
        """Apply changed options to new connections."""
        if self._layer is not None and any(name.startswith(PREFIX) for name in updated):
            changed = settings(ctx.options)
            if "wsdefrag_max_buffered" not in updated:
                # Keeps the budget, which counts the bytes of open connections.
                changed = replace(changed, budget=self._layer.settings.budget)
            self._layer.settings = changed

    def done(self) -> None:
        """Restore mitmproxy's layer."""
        if self._replaced is not None and websocket.WebsocketLayer is self._layer:
            _use(self._replaced)
        self._replaced = None
        if self._hooks is not None:
            self._hooks.done()
            self._hooks = None


def _use(layer: type[websocket.WebsocketLayer]) -> None:
    """Make mitmproxy use a layer for new connections."""
    websocket.WebsocketLayer = layer  # type: ignore[misc, unused-ignore]
