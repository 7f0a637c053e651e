r"""``shown_text``, ``shown_binary``, ``escaped``: contents on one line, for a terminal.

Characters that are not printable, and the backslash, are escaped as in a Python string. A byte that
is not UTF-8 is ``\xNN``. Binary content is hexadecimal. Only the part that is shown is decoded.
"""

from __future__ import annotations

import sys

from wsdefrag._native import shown_binary, shown_text

__all__ = ["escaped", "shown_binary", "shown_text"]


def escaped(text: str) -> str:
    """Escape characters that are not printable, and the backslash.

    Args:
        text: Any text; the bytes of a file name that are not UTF-8 are surrogates in it.

    Returns:
        Printable characters on one line.
    """
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates
        content = text.encode("utf-8", "surrogatepass")
    return shown_text(content, sys.maxsize)
