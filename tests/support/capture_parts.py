"""Recordings in several files that follow each other, as rotation makes them."""

from __future__ import annotations

from pathlib import Path

import capture_files
from capture_recordings import packets_of
from recorded_captures import load


def rotated(name: str, folder: Path, count: int) -> list[Path]:
    """Write the packets of a recording to so many files that follow each other.

    Args:
        name: The recording.
        folder: Where the files go.
        count: How many files.

    Returns:
        The files in order. A packet is in the file whose number is its share of all packets.
    """
    link, packets = packets_of(load(name).path.read_bytes())
    size = -(-len(packets) // count)
    files = []
    for number, start in enumerate(range(0, len(packets), size)):
        path = folder / f"part-{number:03}.pcapng"
        path.write_bytes(capture_files.pcapng(packets[start : start + size], link))
        files.append(path)
    return files


def two_points(folder: Path, name: str = "{point}-{number:02}") -> Path:
    """Write the files of two capture points, whose times overlap, into one folder.

    Args:
        folder: Where to make the folder.
        name: The names of the files, without their ending. The points are ``east`` and ``west``.

    Returns:
        The folder, with five files of each.
    """
    captures = folder / "captures"
    captures.mkdir()
    for point, recording in (("east", "demo"), ("west", "cable-many")):
        made = folder / point
        made.mkdir()
        for number, file in enumerate(rotated(recording, made, 5)):
            file.rename(captures / f"{name.format(point=point, number=number)}.pcapng")
    return captures
