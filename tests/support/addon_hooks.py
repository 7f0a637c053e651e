"""Triggers mitmproxy's events of messages, by its own add-on manager and by the addon's way.

Runs in mitmproxy's environment. Prints a line of JSON: what was called and logged, both ways.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from mitmproxy import exceptions
from mitmproxy.addonmanager import AddonManager
from mitmproxy.hooks import UpdateHook
from mitmproxy.proxy.layers.websocket import WebsocketMessageHook, WebsocketStartHook
from mitmproxy.test import taddons, tflow

from wsdefrag.compat.mitmproxy.message_hooks import MessageHooks

SEEN: list[str] = []


class Plain:
    """Has both hooks, and one of another event."""

    def __init__(self, name: str) -> None:
        self.name = name

    def websocket_message(self, flow: Any) -> None:
        SEEN.append(f"{self.name} message {flow.websocket is not None}")

    def update(self, flows: Any) -> None:
        SEEN.append(f"{self.name} update {len(flows)}")

    def websocket_start(self, flow: Any) -> None:
        SEEN.append(f"{self.name} start")


class Awaits:
    """Has a coroutine for a hook."""

    async def websocket_message(self, flow: Any) -> None:
        await asyncio.sleep(0)
        SEEN.append("awaited")


class Fails:
    """Raises, which is logged, and the others go on."""

    def websocket_message(self, flow: Any) -> None:
        SEEN.append("fails")
        raise ValueError("on purpose")


class Holds:
    """Has no hooks, but add-ons that do."""

    def __init__(self, name: str, *addons: Any) -> None:
        self.name = name
        self.addons = addons


class Nothing:
    """Has no hook."""

    def __init__(self, name: str) -> None:
        self.name = name


class Halts:
    """Keeps the add-ons after it from being asked."""

    def websocket_message(self, flow: Any) -> None:
        SEEN.append("halts")
        raise exceptions.AddonHalt


class Odd:
    """Has something that cannot be called in the place of a hook."""

    update = 5


class Logged(logging.Handler):
    """Notes what is logged as an error."""

    def emit(self, record: logging.LogRecord) -> None:
        SEEN.append(record.getMessage().splitlines()[0])


async def triggered(manager: AddonManager) -> list[str]:
    SEEN.clear()
    flow = tflow.twebsocketflow()
    await manager.handle_lifecycle(WebsocketStartHook(flow))
    await manager.handle_lifecycle(WebsocketMessageHook(flow))
    await manager.trigger_event(UpdateHook([flow, flow]))
    return list(SEEN)


async def main() -> None:
    with taddons.context() as context:
        manager = context.master.addons
        logging.getLogger().addHandler(Logged(logging.ERROR))
        manager.add(
            Nothing("nothing"),
            Plain("first"),
            Holds("outer", Nothing("more nothing"), Holds("deep", Plain("inner")), Awaits()),
            Fails(),
            Odd(),
            Plain("before"),
            Halts(),
            Plain("after"),
        )
        own = await triggered(manager)
        hooks = MessageHooks(manager)
        installed = hooks.install()
        ours = await triggered(manager)
        again = MessageHooks(manager).install()
        hooks.done()
        restored = "trigger_event" not in vars(manager)
        print(
            json.dumps(
                {
                    "own": own,
                    "ours": ours,
                    "installed": [installed, again],
                    "restored": restored,
                }
            )
        )


if __name__ == "__main__":
    asyncio.run(main())
