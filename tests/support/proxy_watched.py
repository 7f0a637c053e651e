"""Runs the command `wsdefrag` and reports the state of its proxy, for the soak test.

Takes the command's arguments. On SIGUSR1 it prints a line of JSON: how many tasks and connections
there are, and how much the budget holds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal

from wsdefrag.cli import main, proxy
from wsdefrag.proxy import Proxy
from wsdefrag.proxy.session import Session


class Watched(Proxy):
    """A proxy that reports when asked."""

    async def start(self) -> None:
        """Start, and listen to the signal."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.report)
        await super().start()

    def report(self) -> None:
        """Print the state."""
        gc.collect()
        assert self.budget is not None
        state = {
            "tasks": len(asyncio.all_tasks()),
            "sessions": sum(isinstance(one, Session) for one in gc.get_objects()),
            "connections": len(self.connections),
            "held": self.budget.bytes_held,
        }
        print(json.dumps(state), flush=True)


if __name__ == "__main__":
    proxy.Proxy = Watched  # type: ignore[attr-defined]
    main()
