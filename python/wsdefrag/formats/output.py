"""``write_output``: writes the blocks of bytes that the native module makes of a capture."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wsdefrag.capture.capture import Capture


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
    made = capture._output(format, options)
    while (block := made.next_block()) is not None:
        if block:
            file.write(block)
    return made.rows
