"""``PointLog``: the files of a capture point that a stream took, and the states after them.

::

    STATE/POINT/file-N.json    file N, from 0, as it was when the query took it; it stays so
    STATE/POINT/state-N        the state of the capture after the first N files

A file is in the log before an offset counts it. So whoever plans a batch again, after a restart,
finds the same files for it. A state is a function of the files before it: if it is not there, it is
made again. So the order in which tasks write them, and how often, does not matter.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from wsdefrag.ingest.folder import SourceFile
from wsdefrag.ingest.synced import sync_folder, write_synced


class PointLog:
    """The log of a capture point.

    Args:
        folder: The folder of the query's states, which all machines see.
        point: The name of the capture point.
    """

    def __init__(self, folder: str, point: str) -> None:
        self.folder = Path(folder, f"point-{quote(point, safe='')}")

    def files(self, start: int = 0, end: int | None = None) -> list[SourceFile]:
        """Return the files with the numbers from ``start`` to ``end``, in their order.

        Args:
            start: The first number.
            end: The number after the last one; None for all that there are.
        """
        found: list[SourceFile] = []
        while end is None or start + len(found) < end:
            path = self._file(start + len(found))
            if end is None and not path.exists():
                break
            entry = json.loads(path.read_text(encoding="utf-8"))
            found.append(SourceFile(entry["name"], entry["size"], entry["mtime_ns"]))
        return found

    def append(self, file: SourceFile, number: int) -> None:
        """Take a file, as the one with this number."""
        entry = {"name": file.name, "size": file.size, "mtime_ns": file.mtime_ns}
        self._write(self._file(number), json.dumps(entry).encode())

    def latest_state(self, most: int) -> tuple[int, bytes | None]:
        """Return the latest state after at most so many files, and how many; 0 if there is none."""
        numbers = [number for number in self._states() if number <= most]
        if not numbers:
            return 0, None
        number = max(numbers)
        return number, self._state(number).read_bytes()

    def save_state(self, number: int, state: bytes) -> None:
        """Keep the state after so many files."""
        self._write(self._state(number), state)

    def forget(self, before: int) -> None:
        """Remove the states before the one after so many files, if that one is there."""
        numbers = self._states()
        if before in numbers:
            for number in numbers:
                if number < before:
                    self._state(number).unlink(missing_ok=True)

    def _file(self, number: int) -> Path:
        return self.folder / f"file-{number:08}.json"

    def _state(self, number: int) -> Path:
        return self.folder / f"state-{number:08}"

    def _states(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        names = [re.fullmatch(r"state-(\d+)", path.name) for path in self.folder.iterdir()]
        return [int(match[1]) for match in names if match]

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file that is there as a whole or not at all; only its owner may read it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{path.name}-{uuid4().hex}"
        try:
            write_synced(temporary, content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(self.folder)
