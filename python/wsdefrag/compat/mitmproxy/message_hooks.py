"""``MessageHooks``: calls the add-ons that have a hook, without asking all others.

mitmproxy triggers two events for each WebSocket message: ``websocket_message`` and ``update``. For
each event, its add-on manager enters a context and makes a generator for every add-on. mitmdump has
three dozen of them, of which two have a hook for messages. That took three fifths of the time of a
message of 256 B.

Here add-ons without a hook of that name are passed over. For the others the manager's own methods
are called, in the same order, with the same handling of errors.

Invariant: ``done`` restores what ``install`` replaced, unless other code replaced it since.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from mitmproxy import addonmanager, exceptions

if TYPE_CHECKING:
    from mitmproxy import hooks

_EVENTS = frozenset(("websocket_message", "update"))

# The methods that this replaces and relies on, with their parameters.
_EXPECTED = {
    "invoke_addon": ["self", "addon", "event"],
    "trigger_event": ["self", "event"],
}


class MessageHooks:
    """Replaces ``trigger_event`` of an add-on manager.

    Args:
        manager: mitmproxy's.
    """

    def __init__(self, manager: addonmanager.AddonManager) -> None:
        self._manager = manager

    def install(self) -> bool:
        """Replace the method; False, and nothing is replaced, if the manager is not as expected."""
        for name, parameters in _EXPECTED.items():
            method = getattr(type(self._manager), name, None)
            if method is None or list(inspect.signature(method).parameters) != parameters:
                return False
        for name in ("safecall", "traverse"):
            if not hasattr(addonmanager, name):
                return False
        if "trigger_event" in vars(self._manager) or not hasattr(self._manager, "chain"):
            return False
        self._manager.trigger_event = self._trigger_event  # type: ignore[method-assign, unused-ignore]
        return True

    def done(self) -> None:
        """Restore the method."""
        if vars(self._manager).get("trigger_event") == self._trigger_event:
            del self._manager.trigger_event

    async def _trigger_event(self, event: hooks.Hook) -> None:
        manager = self._manager
        if event.name not in _EVENTS:
            await type(manager).trigger_event(manager, event)
            return
        for addon in manager.chain:
            if not _has(addon, event.name):
                continue
            try:
                with addonmanager.safecall():
                    await manager.invoke_addon(addon, event)
            except exceptions.AddonHalt:
                return


def _has(addon: object, name: str) -> bool:
    """Whether an add-on, or one inside of it, has an attribute of the name of a hook."""
    if getattr(addon, name, None):
        return True
    inner = getattr(addon, "addons", None)
    return inner is not None and any(_has(one, name) for one in inner)
