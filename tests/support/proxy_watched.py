"""Runs `examples/proxy.py` unchanged and reports its state, for the soak test.

Takes the example's arguments. On SIGUSR1 it prints a line of JSON: how many tasks and
sessions there are, and how much the budget holds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import proxy


def report() -> None:
    """Print the state."""
    gc.collect()
    sessions = sum(isinstance(one, proxy.Session) for one in gc.get_objects())
    print(
        json.dumps(
            {
                "tasks": len(asyncio.all_tasks()),
                "sessions": sessions,
                "held": proxy.BUDGET.bytes_held,
            }
        ),
        flush=True,
    )


forward = proxy.forward


async def watched(options: argparse.Namespace) -> None:
    """Forward connections as the example does, and report when asked."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, report)
    await forward(options)


if __name__ == "__main__":
    proxy.forward = watched
    proxy.main()
