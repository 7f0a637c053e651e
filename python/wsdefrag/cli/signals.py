"""How Ctrl-C, ``kill`` and a closed terminal end the command: SIGINT, SIGTERM, SIGHUP.

A signal raises ``Stopped`` wherever the command is. It is no ``Exception``, and click does not
catch it; ``with`` blocks remove temporary files on its way. ``group.run`` then ends the process
with the exit status that shells give to such an end: 128 plus the number of the signal.

A live capture comes through a pipe, and a signal is how users end it. So while a pipe is read (in a
``deferred`` block), the first signal ends the input and not the command, and everything that was
complete is still written. It raises only where the command waits for the pipe (in a ``raised``
block); in any other place it is only kept as ``received()``. The next signal raises everywhere.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
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
    """Whether signals are deferred, and the latest one."""

    deferred = False
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
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _handle(number: int, frame: FrameType | None) -> None:
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
