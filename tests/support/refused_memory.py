"""Does one thing again and again, each time with a little more address space, until it succeeds.

Each attempt is made in a forked process, so they all start from the same state and the end of one
ends no other. A program of the tests prepares its input and calls `sweep`.
"""

from __future__ import annotations

import ctypes
import gc
import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from free_threaded import FREE_THREADED
from night import NIGHT

if TYPE_CHECKING:
    from typing_extensions import Self

MIB = 1 << 20

STEPS = [0, 1, 3, 8, 20, 48]
"""How much more than it has an attempt may have, in MiB."""

NIGHT_STEPS = [eighths / 8 for eighths in range(64)] + [float(more) for more in range(8, 96)]

PLENTY = 2048
"""So many MiB are enough for every attempt."""

TINY = 4096
"""An allocation of at most so many bytes may end the process, as CPython's own may.

`docs/streams.md` says so. Rust then writes how many bytes there were none for, and aborts.
"""

REFUSED = 3
"""The exit code of an attempt that was refused memory and did what it shall then."""


class Scarce:
    """While it is entered, the process gets no more than so many further bytes.

    A MemoryError ends the block and is noted in ``refused``; everything else is raised.
    """

    def __init__(self, more: float) -> None:
        self.refused = False
        self._more = int(more * MIB)

    def __enter__(self) -> Self:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        room = pages * resource.getpagesize() + self._more
        resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if isinstance(error, MemoryError):
            self.refused = True
        return self.refused


def attempt(run: Callable[[Scarce], object], more: float) -> int:
    """Fork, let the child do it, and return how the child ended: 0, ``REFUSED``, or as no one may.

    Args:
        run: What to do: enters the `Scarce`, leaves it, and looks whether all is well. It sets
            ``refused`` if memory was refused in another way than by a MemoryError.
        more: The MiB of further memory.
    """
    with tempfile.TemporaryFile() as errors:
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(errors.fileno(), 2)
                scarce = Scarce(more)
                run(scarce)
                os._exit(REFUSED if scarce.refused else 0)
            except BaseException:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
                traceback.print_exc()
            finally:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    sizes = re.findall(r"^memory allocation of (\d+) bytes failed$", text, re.MULTILINE)
    if code == -signal.SIGABRT and sizes and max(map(int, sizes)) <= TINY:
        return REFUSED
    sys.stderr.write(text)
    return code


def sweep(run: Callable[[Scarce], object], *, needs_more: bool = True) -> None:
    """Attempt it with each step of memory, and with plenty; print the steps that were refused.

    Args:
        run: As in `attempt`.
        needs_more: Whether it cannot succeed with the memory that the process already has.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    steps = [*(NIGHT_STEPS if NIGHT else STEPS), PLENTY]
    ended = [(more, attempt(run, more)) for more in steps]
    wrong = [one for one in ended if one[1] not in (0, REFUSED)]
    assert not wrong, f"(MiB, exit code): {wrong}"
    assert ended[-1][1] == 0, "refused with plenty of memory"
    # What was freed while an input was prepared can be enough for mimalloc (`free_threaded`).
    needs_more = needs_more and not FREE_THREADED
    assert ended[0][1] == REFUSED or not needs_more, "not refused without any memory"
    print("refused with", [more for more, code in ended if code == REFUSED])
