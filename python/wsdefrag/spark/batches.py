"""One capture point's files, as batches of a table: all of its connections, or a share of them.

The rows come while the files are read. What is wrong with a file, or whether one changed, is
certain only at the end. Then it is the last row, or the task fails; Spark drops the rows of a task
that failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from wsdefrag.capture import Capture
from wsdefrag.errors import WebSocketError
from wsdefrag.spark.options import ReadOptions
from wsdefrag.spark.points import PointFiles, PointShare
from wsdefrag.spark.schema import TableSchema

_ADVICE = " (with .option('errors', 'rows') the rest is read, and this is a row)"
"""How to read on, at the end of an error's text."""

_KINDS = re.compile(r"^(External|Io) error: ")
"""What an Arrow stream puts before the text of an error."""


def _said(error: Exception) -> str:
    """Return what a stream's error says."""
    return _KINDS.sub("", str(error))


class FilesUnread(WebSocketError):
    """Files that could not be read, or not whole."""


class TableRead:
    """A table of a capture point's files, while it is read.

    Attributes:
        errors: What could not be read; whole after the last batch.
        is_ended: Whether the files were read to their end.
    """

    def __init__(
        self, capture: Capture, files: PointFiles, options: ReadOptions, schema: TableSchema
    ) -> None:
        self._capture, self._files, self._options, self._schema = capture, files, options, schema
        self.errors: list[str] = []
        self.is_ended = False

    def batches(self) -> Iterator[Any]:
        """Read the table.

        Yields:
            Batches in the types of Spark.

        Raises:
            FileChanged: If a file is another one than when the query was planned.
            FilesUnread: After the last batch, if a file could not be read whole, unless errors are
                rows.
        """
        table = self._capture._table(self._options.table)
        try:
            for batch in pa.RecordBatchReader.from_stream(table):
                yield self._schema.batch(batch, self._files.point)
            self.is_ended = True
        except MemoryError:
            raise
        except (OSError, pa.ArrowException) as error:
            self.errors.append(_said(error))
        self._files.check()
        self.errors += [warning for warning in table.warnings if warning not in self.errors]
        if self.errors and not self._options.gives_errors:
            raise FilesUnread("; ".join(self.errors) + _ADVICE)


def point_batches(
    share: PointShare, options: ReadOptions, filters: dict[str, Any]
) -> Iterator[Any]:
    """Read a table of a capture point, or the rows of a share of its connections.

    Args:
        share: The files of the capture point, and the share. All files are read for any share, so
            each of its tasks finds what is wrong with them; as rows, the first one gives it.
        options: What the query asks for.
        filters: Further arguments of ``Capture``.

    Yields:
        Batches in the types of Spark.

    Raises:
        FileChanged: As in ``TableRead.batches``.
        FilesUnread: As there.
        MemoryError: If the connections of a share hold more than their part of the memory.
    """
    files = share.files
    files.check()
    schema = TableSchema(options)
    capture = Capture(
        files.paths(),
        capture_point=files.point,
        columns={options.table: schema.sources()},
        **options.capture,
        **filters,
    )
    if share.of > 1:
        capture = capture._share(share.index, share.of)
    read = TableRead(capture, files, options, schema)
    try:
        yield from read.batches()
    except MemoryError as error:
        if share.of == 1:
            raise
        raise MemoryError(f"{error} (options memory and spread)") from error
    if read.errors and share.index == 0:
        yield schema.error_batch(read.errors, files.point)
