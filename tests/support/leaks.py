"""Finds what a test leaves open, so that the test that opened it is blamed.

A socket that nobody closes is reported by Python when it is collected, which may be many tests
later. So whatever a test opened is looked for when it ends: its garbage is collected, which makes
Python report what was dropped without being closed, and what is still held is compared with what
there was before the test. Only tests that opened anything pay for this.

Looked at: sockets and pipes (Linux), child processes (Linux), threads, and what asyncio logged as
an error, such as a task that was destroyed while it was pending.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc/self")

OPENING = {"socket.__new__", "subprocess.Popen", "os.fork", "os.posix_spawn"}
"""Audit events of what may be left open."""

THREAD_SECONDS = 600
"""How long a thread may take to end that has been told to."""


@dataclass
class Held:
    """What this process holds."""

    descriptors: dict[str, str] = field(default_factory=dict)
    children: set[int] = field(default_factory=set)
    threads: set[threading.Thread] = field(default_factory=set)


def descriptors() -> dict[str, str]:
    """Sockets and pipes, by what they are, and the numbers of their descriptors."""
    found = {}
    for one in (PROC / "fd").iterdir():
        with suppress(OSError):  # the descriptor that lists the directory
            target = str(one.readlink())
            if target.startswith(("socket:", "pipe:")):
                found[target] = one.name
    return found


def children() -> set[int]:
    """The processes that this one started and that have not been waited for."""
    found: set[int] = set()
    for task in (PROC / "task").iterdir():
        with suppress(OSError):  # the thread has just ended
            found.update(map(int, (task / "children").read_text().split()))
    return found


def held() -> Held:
    """What there is now."""
    if not PROC.exists():
        return Held(threads=set(threading.enumerate()))
    return Held(descriptors(), children(), set(threading.enumerate()))


class Watch(logging.Handler):
    """Looks at what is opened, from one test to the next."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._opened = False
        self._complaints: list[str] = []
        self._before = Held()
        logging.getLogger("asyncio").addHandler(self)
        sys.addaudithook(self._audit)

    def _audit(self, event: str, _: object) -> None:
        if event in OPENING:
            self._opened = True

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what asyncio complains of."""
        self._complaints.append(self.format(record))

    def begin(self) -> None:
        """A test begins; what fixtures of modules and sessions have opened is theirs."""
        if self._opened or not self._before.threads:
            self._before = held()
        self._opened = False
        self._complaints.clear()

    def end(self) -> list[str]:
        """A test ends: what it left, in words."""
        if not self._opened:
            return []
        self._opened = False
        # Raises what Python has against things that were dropped without being closed.
        gc.collect()
        before, now = self._before, held()
        new_threads = [one for one in now.threads - before.threads if not one.daemon]
        for thread in new_threads:
            thread.join(THREAD_SECONDS)
        self._before = now
        left = [f"asyncio logged: {one}" for one in self._complaints]
        left += [f"thread {one.name} goes on" for one in new_threads if one.is_alive()]
        left += [f"process {one} was not waited for" for one in now.children - before.children]
        left += [
            f"descriptor {number} is open: {target}"
            for target, number in now.descriptors.items()
            if target not in before.descriptors
        ]
        return left

    def forget(self) -> None:
        """A test failed: what its traceback holds goes now, and nobody else is blamed for it."""
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            if hasattr(sys, name):
                delattr(sys, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
        self._opened = False
        self._before = held()
