"""``TableRead``: a table of a capture point's files, while it is read.

The rows come while the files are read. What is wrong with a file, or whether one changed, is
certain only at the end. So a task that fails has given rows before, which its engine drops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from wsdefrag.capture import Capture
from wsdefrag.errors import WebSocketError
from wsdefrag.tasks.points import PointFiles, PointShare

_KINDS = re.compile(r"^(External|Io) error: ")
"""What an Arrow stream puts before the text of an error."""


def _said(error: Exception) -> str:
    """Return what a stream's error says."""
    return _KINDS.sub("", str(error))


class FilesUnread(WebSocketError):
    """Files that could not be read, or not whole."""


class TableRead:
    """A table of a capture point's files, while it is read.

    Args:
        capture: The capture of the files, or a share of it.
        files: The files, as they were when the query was planned.
        table: The name of the table.
        tasks: How many tasks share the capture.

    Attributes:
        errors: What could not be read; whole after the last batch.
        is_ended: Whether the files were read to their end.
    """

    def __init__(self, capture: Capture, files: PointFiles, table: str, *, tasks: int = 1) -> None:
        self._capture, self._files, self._table, self._tasks = capture, files, table, tasks
        self.errors: list[str] = []
        self.is_ended = False

    def schema(self) -> Any:  # noqa: ANN401  (pyarrow has no types of its own)
        """Return the columns, in the types of Arrow."""
        return pa.schema(self._capture._table(self._table))

    def batches(self) -> Iterator[Any]:
        """Read the table.

        Yields:
            Batches of Arrow.

        Raises:
            FileChanged: If a file is another one than when the query was planned.
            MemoryError: If memory is refused, or the connections of a share hold more than its part
                of the memory.
        """
        table = self._capture._table(self._table)
        try:
            yield from pa.RecordBatchReader.from_stream(table)
            self.is_ended = True
        except MemoryError as error:
            if self._tasks == 1:
                raise
            raise MemoryError(f"{error} (options memory and spread)") from error
        except (OSError, pa.ArrowException) as error:
            self.errors.append(_said(error))
        self._files.check()
        self.errors += [one for one in table.warnings if one not in self.errors]

    def require_whole(self, advice: str = "") -> None:
        """Check, after the last batch, that all files were read whole.

        Args:
            advice: What stands at the end of the error's text.

        Raises:
            FilesUnread: If one was not.
        """
        if self.errors:
            raise FilesUnread("; ".join(self.errors) + advice)


def read_share(share: PointShare, like: Capture, table: str, columns: Iterable[str]) -> TableRead:
    """Begin to read a table of a capture point, or the rows of a share of its connections.

    Args:
        share: The files of the capture point, and the share. All files are read for any share.
        like: A capture with the options and the filters; of which files does not matter.
        table: The name of the table.
        columns: The names of its columns, in their order.

    Raises:
        FileChanged: If a file is another one than when the query was planned.
    """
    files = share.files
    files.check()
    capture = like._of_point(files.paths(), files.point, {table: columns})
    if share.of > 1:
        capture = capture._share(share.index, share.of)
    return TableRead(capture, files, table, tasks=share.of)
