"""One capture point's files, as batches of a table: all of its connections, or a share of them.

What is wrong with a file is the last row, or the task fails; Spark drops the rows of a task that
failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wsdefrag.capture import Capture
from wsdefrag.spark.options import ReadOptions
from wsdefrag.spark.schema import TableSchema
from wsdefrag.tasks.points import PointShare
from wsdefrag.tasks.table_read import TableRead, read_share

_ADVICE = " (with .option('errors', 'rows') the rest is read, and this is a row)"
"""How to read on, at the end of an error's text."""


def converted(
    read: TableRead, options: ReadOptions, schema: TableSchema, point: str
) -> Iterator[Any]:
    """Read a table, and convert its batches.

    Args:
        read: The table.
        options: What the query asks for.
        schema: The columns that the query asks for.
        point: The name of the capture point.

    Yields:
        Batches in the types of Spark.

    Raises:
        FileChanged: As in ``TableRead.batches``.
        FilesUnread: After the last batch, if a file could not be read whole, unless errors are
            rows.
        MemoryError: As in ``TableRead.batches``.
    """
    for batch in read.batches():
        yield schema.batch(batch, point)
    if not options.gives_errors:
        read.require_whole(_ADVICE)


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
        FilesUnread: As in ``converted``.
        MemoryError: As in ``TableRead.batches``.
    """
    schema = TableSchema(options)
    like = Capture("-", **options.capture, **filters)
    read = read_share(share, like, options.table, schema.sources())
    yield from converted(read, options, schema, share.files.point)
    if read.errors and share.index == 0:
        yield schema.error_batch(read.errors, share.files.point)
