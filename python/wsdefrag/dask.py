r"""Captures as data frames of Dask.

A partition is the files of one capture point: they are one capture, because connections go on from
file to file. There is no place inside a stream where reading could begin, so neither a file nor a
range of bytes is read alone. `wsdefrag.tasks` plans and reads, as for Spark. A task keeps nothing
and changes nothing, so any scheduler of Dask can run it, and try it again.

Dask is imported when a data frame is made: ``pip install 'wsdefrag[dask]'``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from wsdefrag.capture import Capture
from wsdefrag.ingest.folder import FILES
from wsdefrag.tasks.points import PointShare, points_of, shares_of

if TYPE_CHECKING:
    import pandas as pd
    from dask.dataframe import DataFrame

__all__ = ["read_captures"]

_POINT = "capture_point"


def read_captures(
    path: str | os.PathLike[str],
    *,
    table: Literal["messages", "connections", "events"] = "messages",
    columns: Iterable[str] | None = None,
    capture_point: str | None = None,
    files: str = FILES,
    spread: int = 1,
    **options: Any,  # noqa: ANN401  (they are those of Capture)
) -> DataFrame:
    r"""Plan to read a folder of captures as a data frame of Dask.

    A partition has exactly the rows of ``Capture``, in the same order, with the same ``uid``.
    ``(uid, from_client, seq)`` identifies a message in every run. Columns have the types of Arrow
    (``pandas.ArrowDtype``), which are those of the tables (``docs/schema.md``). A partition is a
    data frame of pandas, which has to fit into the memory of its worker.

    Files are looked at now, and read by the tasks. If a file has another size or time then, or
    cannot be read whole, the task fails with a ``WebSocketError`` that names it. Columns that the
    computation does not use are not made.

    Args:
        path: A folder of captures, or one capture. All machines must see it under this path.
        table: The name of the table.
        columns: Names of columns, in this order; None for all.
        capture_point: A regular expression that is searched in a file's path below the folder,
            whose first group is the name of its capture point, such as ``^(.+)-\d+\.pcap``. Then
            the column ``capture_point`` is added. None if all files are one capture.
        files: A regular expression for whole names of captures. Files and folders whose names begin
            with ``.`` or ``_`` are never read.
        spread: How many tasks read the capture point with the most bytes, from 1 to 64; others get
            fewer in proportion to theirs. Each reads all files, and gives the rows of a share of
            the connections. A task whose connections hold more than its part of ``memory`` fails.
        **options: Arguments of ``Capture``, such as ``keylog`` and ``hosts``, but for ``continues``
            and the name of the capture point. The tasks get what a key log that is a file object
            holds; a path has to lead to the key log on all machines.

    Returns:
        The data frame, with a partition for each task, in the order of the capture points' names.

    Raises:
        FileNotFoundError: If there is no such path, or no capture below it.
        ImportError: If Dask, pandas or pyarrow is not installed.
        TypeError: As ``Capture``.
        ValueError: As ``Capture``; or if a capture is of no capture point, the expression has no
            group, or ``spread`` is none of these numbers.
        re.error: If an expression cannot be compiled.

    Example:
        >>> from wsdefrag.dask import read_captures
        >>> messages = read_captures("vectors/captures/demo.pcapng")
        >>> prices = messages[messages.host == "prices.example"]
        >>> int(prices.length.sum().compute(scheduler="synchronous"))
        96451
    """
    try:
        import pyarrow as pa
        from dask.dataframe import from_map
    except ImportError as error:
        needed = f"wsdefrag.dask needs Dask with pandas and pyarrow ({error})"
        raise ImportError(f"{needed}: pip install 'wsdefrag[dask]'") from error
    chosen: Any = {table: columns}
    like = Capture("-", columns=chosen, continues=False, **options)
    shares = shares_of(points_of(os.fspath(path), files, capture_point), spread)
    rows = pa.schema(like._table(table)).empty_table()
    meta = _frame(rows, None if capture_point is None else "")
    return from_map(_partition, shares, meta=meta, like=like, table=table, columns=None)


def _partition(share: PointShare, columns: list[str], *, like: Capture, table: str) -> pd.DataFrame:
    """Read the columns of a task's rows that the computation uses."""
    import pyarrow as pa

    from wsdefrag.tasks.table_read import read_share

    read = read_share(share, like, table, [name for name in columns if name != _POINT])
    rows = pa.Table.from_batches(read.batches(), read.schema())
    read.require_whole()
    return _frame(rows, share.files.point if _POINT in columns else None)[columns]


def _frame(rows: Any, point: str | None) -> pd.DataFrame:  # noqa: ANN401  (a table of pyarrow)
    """Convert a table, with the name of its capture point if it has one."""
    import pandas as pd
    import pyarrow as pa

    if point is not None:
        rows = rows.append_column(_POINT, pa.repeat(point, rows.num_rows))
    return rows.to_pandas(types_mapper=pd.ArrowDtype)
