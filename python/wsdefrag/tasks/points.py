"""``PointFiles``: the files of one capture point, as they were when a query was planned.

``PointShare`` is a task: those files, and the share of the connections whose rows it gives.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from wsdefrag.errors import WebSocketError
from wsdefrag.ingest.folder import Folder, SourceFile

MOST_TASKS = 64
"""Tasks that read one capture point, at most."""


class FileChanged(WebSocketError):
    """A file is another one than when the query was planned."""


@dataclass(frozen=True)
class PointFiles:
    """The files of one capture point. It has no bytes of them, so it is small.

    Attributes:
        point: The name of the capture point; empty if the captures have no names.
        folder: The folder that the files are below.
        files: The files in the order of their names, as they were.
    """

    point: str
    folder: str
    files: tuple[SourceFile, ...]

    def paths(self) -> list[str]:
        """Return the paths of the files."""
        return [os.path.join(self.folder, file.name) for file in self.files]  # noqa: PTH118

    def size(self) -> int:
        """Return the bytes of the files, as they are stored."""
        return sum(file.size for file in self.files)

    def check(self) -> None:
        """Compare the files with what they were.

        Raises:
            FileChanged: If one has another size or time, or is not there.
        """
        for path, file in zip(self.paths(), self.files, strict=True):
            try:
                found = Path(path).stat()
            except OSError as error:
                raise FileChanged(
                    f"{path}: it was there when the query was planned, and now: {error.strerror}; "
                    "all machines must see the files under the same path"
                ) from error
            if found.st_size != file.size:
                how = (
                    f"it had {file.size} bytes when the query was planned, and now {found.st_size}"
                )
            elif found.st_mtime_ns != file.mtime_ns:
                how = "it was written again after the query was planned"
            else:
                continue
            raise FileChanged(
                f"{path}: {how}; read files that are closed, and start the query again"
            )


@dataclass(frozen=True)
class PointShare:
    """A task: the files of a capture point, and the share of its connections whose rows it gives.

    Attributes:
        files: All files of the capture point, which the task reads.
        index: Which share, from 0.
        of: How many tasks there are for the capture point.
    """

    files: PointFiles
    index: int
    of: int


def shares_of(points: list[PointFiles], tasks: int) -> list[PointShare]:
    """Return the tasks of some capture points.

    Args:
        points: The capture points.
        tasks: How many tasks the one with the most bytes has, at most ``MOST_TASKS``. Others have
            fewer in proportion to their bytes, and at least one.

    Raises:
        ValueError: If ``tasks`` is none of these numbers.
    """
    if not 1 <= tasks <= MOST_TASKS:
        raise ValueError(f"spread must be a number from 1 to {MOST_TASKS}, not {tasks}")
    largest = max((point.size() for point in points), default=0)
    shares = []
    for point in points:
        # Rounded up: no task has more bytes to give rows of than those of the largest point.
        of = max(1, -(-tasks * point.size() // largest)) if largest else 1
        shares += [PointShare(point, index, of) for index in range(of)]
    return shares


def points_of(path: str, files: str, point: str | None) -> list[PointFiles]:
    """Find the captures of a folder, by capture points in the order of their names.

    Args:
        path: The folder, or one file.
        files: A regular expression for whole names of captures; only for a folder.
        point: A regular expression that is searched in a file's path below the folder. Its first
            group is the name of the capture point. None if all files are of one capture point.

    Returns:
        The files, whose folder is an absolute path: a task runs in another directory.

    Raises:
        FileNotFoundError: If there is no such path, or no capture below it.
        ValueError: If a capture is of no capture point, or the expression has no group.
        re.error: If an expression cannot be compiled.
    """
    if point is not None and re.compile(point).groups == 0:
        raise ValueError(f"the expression needs a group, the name of the capture point: {point!r}")
    root = Path(path).absolute()
    if root.is_file():
        stat = root.stat()
        folder = str(root.parent)
        found = [SourceFile(root.name, stat.st_size, stat.st_mtime_ns)]
    elif root.is_dir():
        folder = str(root)
        all_files = Folder(root, files=files, point=None, quiet=0).points()
        found = all_files.get("", [])
    else:
        raise FileNotFoundError(
            f"{path}: no such file or folder; all machines must see it under this path, for "
            "example on a shared file system"
        )
    if not found:
        raise FileNotFoundError(f"{path}: no name of a file below it matches {files!r}")
    points: dict[str, list[SourceFile]] = {}
    for file in found:
        points.setdefault(point_of(file, point), []).append(file)
    return [PointFiles(name, folder, tuple(points[name])) for name in sorted(points)]


def point_of(file: SourceFile, point: str | None) -> str:
    """Return the name of a file's capture point.

    Raises:
        ValueError: If it is of none.
    """
    if point is None:
        return ""
    match = re.search(point, file.name)
    if match is None:
        raise ValueError(
            f"{file.name}: it is of no capture point, because {point!r} does not match; change "
            "that expression, or leave such files out with the option files"
        )
    return match.group(1) or ""
