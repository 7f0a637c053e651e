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

_KINDS = re.compile(r"^(External|Io) error: ")
"""What an Arrow stream puts before the text of an error."""


def said(error: Exception) -> str:
    """Return what a stream's error says."""
    return _KINDS.sub("", str(error))


def advice() -> str:
    """Return how to read on, for the text of an error."""
    return " (with .option('errors', 'rows') the rest is read, and this is a row)"


class FilesUnread(WebSocketError):
    """Files that could not be read, or not whole."""


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
        FileChanged: If a file is another one than when the query was planned.
        FilesUnread: After the last batch, if a file could not be read whole, unless errors are
            rows.
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
    table = capture._table(options.table)
    errors: list[str] = []
    try:
        for batch in pa.RecordBatchReader.from_stream(table):
            yield schema.batch(batch, files.point)
    except MemoryError:
        raise
    except (OSError, pa.ArrowException) as error:
        errors.append(said(error))
    files.check()
    errors += [warning for warning in table.warnings if warning not in errors]
    if errors and not options.gives_errors:
        raise FilesUnread("; ".join(errors) + advice())
    if errors:
        yield schema.error_batch(errors, files.point)
