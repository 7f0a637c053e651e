"""``ReadBuffer``: the buffer that all legs of a proxy read into.

A transport asks for it, fills it and has its bytes handled without letting any other code run, so
an idle leg needs no buffer of its own.
"""

from __future__ import annotations

_SIZE = 256 << 10


class ReadBuffer:
    """A buffer that many protocols share.

    Attributes:
        array: The buffer.
        view: The same bytes.
    """

    __slots__ = ("array", "view")

    def __init__(self) -> None:
        self.array = bytearray(_SIZE)
        self.view = memoryview(self.array)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the buffer to a transport; a method of ``asyncio.BufferedProtocol``."""
        return self.view
