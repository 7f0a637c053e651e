"""Writes a report: one HTML page that shows a capture, without a network and other files.

``docs/report.md`` says what the page shows. It works from ``file://`` in every current browser.
Nothing of a capture becomes markup or a program: the page sets texts only, and its policy allows no
other program than its own.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsdefrag.capture.capture import Capture


def write_report(
    capture: Capture,
    file: IO[bytes],
    *,
    title: str | None = None,
    content: bool = True,
    selection: Sequence[str] = (),
) -> int:
    """Write a capture as a report.

    Args:
        capture: The capture.
        file: A binary file, open for writing.
        title: The heading; by default the name of the capture.
        content: Whether the report has the contents of messages.
        selection: What the report says of what was chosen of the capture, in words.

    Returns:
        How many messages and events it has.

    Raises:
        CaptureError: If the capture is damaged; raised after the report of everything before the
            damage has been written.
        OSError: If the capture cannot be read, or the file cannot be written.
    """
    options = {
        "title": capture._name() if title is None else title,
        "content": content,
        "selection": list(selection),
    }
    made = capture._output("report", options)
    is_noted = False
    while (block := made.next_block()) is not None:
        file.write(block)
        if made.has_ended and not is_noted:
            is_noted = True
            for warning in made.warnings:
                made.note(warning)
    return made.rows
