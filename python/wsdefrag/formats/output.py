"""Writes the blocks of bytes that the native module makes of a capture or of a table."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wsdefrag.capture.capture import Capture


class BlockPass(Protocol):
    """A pass of the native module that makes the bytes of a file."""

    @property
    def rows(self) -> int:
        """Rows written so far."""

    def next_block(self) -> bytes | None:
        """Return the next bytes, which may be none yet; None at the end."""


def write_output(capture: Capture, file: IO[bytes], format: str, options: Mapping[str, Any]) -> int:
    """Write a capture in one pass.

    Args:
        capture: The capture.
        file: A binary file, open for writing.
        format: The name of the format, as ``CapturePlan.output`` takes it.
        options: Its options.

    Returns:
        How many rows were written.

    Raises:
        CaptureError: If the capture is damaged; raised after everything before the damage has been
            written.
        OSError: If the capture cannot be read, or the file cannot be written.
    """
    return write_blocks(capture._output(format, options), file)


def write_blocks(made: BlockPass, file: IO[bytes]) -> int:
    """Write the blocks of a pass.

    Args:
        made: The pass.
        file: A binary file, open for writing.

    Returns:
        How many rows were written.
    """
    while (block := made.next_block()) is not None:
        if block:
            file.write(block)
    return made.rows
