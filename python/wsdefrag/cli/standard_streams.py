"""Standard input, output and error where the shell closed them: ``<&-``, ``>&-``, ``2>&-``.

Python has None for a closed one, such as ``sys.stdout``. The next file that is opened gets its
number, and what a library writes to standard error would go into that file. So the null device
takes each number. What is written to standard error is then ignored, and writing to standard output
fails.
"""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> bool:
    """Open the null device for each standard stream that is closed; ``sys.stdin`` stays None.

    Returns:
        Whether standard output was open.
    """
    if sys.stdin is None:
        _take(0, os.O_RDONLY)
    with_stdout = sys.stdout is not None
    if not with_stdout:
        # Nobody would see what is written, so the null device is opened for reading only.
        _take(1, os.O_RDONLY)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        _take(2, os.O_WRONLY)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    return with_stdout


def discard_stdout() -> None:
    """Send to the null device what is left in the buffer of standard output.

    Python writes it at exit, which would fail, or wait for a slow reader, once more.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _take(number: int, flags: int) -> None:
    """Open the null device as the file descriptor ``number``."""
    opened = os.open(os.devnull, flags)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
