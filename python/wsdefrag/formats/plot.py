"""Draws the traffic of a capture: messages and bytes over time, for each direction.

The first row has all connections together, if there are several; then each connection has a row,
the busiest first. The left chart shows messages a second, each at the time of the packet that
completed it. The right chart shows bytes on the wire a second; the bytes of a message are spread
evenly from the packet with its first byte to the packet that completed it. Values of the client go
up from the zero line, values of the server go down. The zero line is as long as the connection was
open. A cross on it marks the time of an incomplete or invalid message, a bar the time of a gap; the
title of the row counts what was lost.

SVG is written here; PNG needs matplotlib (the extra ``plot``). The same capture gives the same
picture everywhere.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal

from wsdefrag.formats.plot_svg import write_svg
from wsdefrag.formats.traffic import busiest, file_title, read_traffic

if TYPE_CHECKING:
    from wsdefrag.capture.capture import Capture
    from wsdefrag.formats.conversations import Items


def write_plot(
    capture: Capture | Items,
    file: IO[bytes],
    *,
    format: Literal["png", "svg"] = "png",
    connections: int = 6,
    title: str | None = None,
) -> int:
    """Draw the traffic of a capture.

    Args:
        capture: A capture, or the items that its reader yields. Contents are not used.
        file: A binary file, open for writing.
        format: The format of the picture.
        connections: How many connections to draw at most, the busiest first.
        title: The name of the capture in the picture; None for the name of its file.

    Returns:
        How many connections were drawn. If there are no messages, the picture says so.

    Raises:
        ModuleNotFoundError: If the format is PNG and matplotlib is not installed.
        ValueError: If ``connections`` is less than 1.
        CaptureError: If the capture is damaged; nothing is drawn.
        OSError: If the file cannot be written.
    """
    if connections < 1:
        raise ValueError(f"connections must be at least 1, not {connections}")
    if format == "png":
        # Fails before the capture is read, if matplotlib is not installed.
        from wsdefrag.formats.plot_png import write_png as write
    else:
        write = write_svg
    traffic, files = read_traffic(capture)
    shown = busiest(traffic, connections)
    write(shown, len(traffic), file_title(files) if title is None else title, file)
    return min(len(traffic), connections)
