"""One capture point's files, as batches of a table.

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
from wsdefrag.spark.points import PointFiles
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
    files: PointFiles, options: ReadOptions, filters: dict[str, Any]
) -> Iterator[Any]:
    """Read a table of a capture point.

    Args:
        files: The files of the capture point.
        options: What the query asks for.
        filters: Further arguments of ``Capture``.

    Yields:
        Batches in the types of Spark.

    Raises:
        FileChanged: As in ``TableRead.batches``.
        FilesUnread: As there.
    """
    files.check()
    schema = TableSchema(options)
    capture = Capture(
        files.paths(),
        capture_point=files.point,
        columns={options.table: schema.sources()},
        **options.capture,
        **filters,
    )
    read = TableRead(capture, files, options, schema)
    yield from read.batches()
    if read.errors:
        yield schema.error_batch(read.errors, files.point)
