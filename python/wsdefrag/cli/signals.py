"""How Ctrl-C, ``kill`` and a closed terminal end the command: SIGINT, SIGTERM, SIGHUP.

A signal raises ``Stopped`` wherever the command is. It is no ``Exception``, and click does not
catch it; ``with`` blocks remove temporary files on its way. ``group.run`` then ends the process
with the exit status that shells give to such an end: 128 plus the number of the signal.

A live capture comes through a pipe, and a signal is how users end it. So while a pipe is read (in a
``deferred`` block), the first signal ends the input and not the command, and everything that was
complete is still written. It raises only where the command waits for the pipe (in a ``raised``
block); in any other place it is only kept as ``received()``. The next signal raises everywhere.

An event loop takes SIGINT and SIGTERM while it runs (``given_to``), and resets them to Python's own
handlers when it is closed; then they are handled as before. A command that signals have ended in
order (``end_in_order``) has its exit status: further signals are ignored until the process has
ended.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator
    from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

# Added to the number of the signal that ended a command.
_SHELL_STATUS = 128


class Stopped(BaseException):
    """A signal asks the command to end.

    Args:
        number: The number of the signal.

    Attributes:
        exit_status: The exit status: 130 for Ctrl-C, 143 for ``kill``.
    """

    def __init__(self, number: int) -> None:
        """Derive the exit status."""
        super().__init__(number)
        self.exit_status = _SHELL_STATUS + number


class _State:
    """Whether signals are deferred or ignored, and the latest one."""

    deferred = False
    has_ended_in_order = False
    received: Stopped | None = None


_STATE = _State()


@contextmanager
def handled() -> Generator[None, None, None]:
    """Have signals raise ``Stopped``; signals that the parent ignores stay ignored.

    Yields:
        Nothing.
    """
    # Windows has no SIGHUP.
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    try:
        for number in numbers:
            signal.signal(number, _handle)
        yield
    finally:
        # Nothing is left to be done, and nothing catches an exception any more.
        last = signal.SIG_IGN if _STATE.has_ended_in_order else signal.SIG_DFL
        for number in numbers:
            signal.signal(number, last)


def _handle(number: int, frame: FrameType | None) -> None:
    if _STATE.has_ended_in_order:
        return
    stopped = Stopped(number)
    first, _STATE.received = _STATE.received is None, stopped
    if not (_STATE.deferred and first):
        raise stopped


@contextmanager
def deferred() -> Generator[None, None, None]:
    """Keep the first signal as ``received()``, except in ``raised`` blocks.

    Yields:
        Nothing.
    """
    _STATE.deferred = True
    try:
        yield
    finally:
        _STATE.deferred = False


@contextmanager
def raised() -> Generator[None, None, None]:
    """Raise signals at once, also inside of a ``deferred`` block, and one that came before.

    Yields:
        Nothing.

    Raises:
        Stopped: If a signal came.
    """
    before, _STATE.deferred = _STATE.deferred, False
    try:
        if _STATE.received is not None:
            raise _STATE.received
        yield
    finally:
        _STATE.deferred = before


def received() -> Stopped | None:
    """Return the latest signal; None if none came."""
    return _STATE.received


def end_in_order() -> None:
    """Ignore signals from now on: they have ended the command, and nothing is left to be ended."""
    _STATE.has_ended_in_order = True


@contextmanager
def given_to(
    loop: asyncio.AbstractEventLoop, take: Callable[[int], None]
) -> Generator[None, None, None]:
    """Have an event loop take SIGINT and SIGTERM, and close it at the end of the block.

    Args:
        loop: The loop.
        take: Called by the loop with the number of each signal.

    Yields:
        Nothing.
    """
    before = {}
    try:
        # Windows has signals only for the main thread, which raise there.
        with suppress(NotImplementedError):
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                loop.add_signal_handler(number, take, number)
                before[number] = handler
        yield
    finally:
        with _held_back(list(before)):
            loop.close()
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _held_back(numbers: list[signal.Signals]) -> Generator[None, None, None]:
    """Have signals wait for the end of the block; none, where there are no such signals."""
    if not numbers:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
