"""``WebSocketCaptures``: the data source ``wsdefrag``, and its reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    Filter,
    InputPartition,
)
from pyspark.sql.types import StructType

from wsdefrag.spark.batches import point_batches
from wsdefrag.spark.filters import capture_filters
from wsdefrag.spark.options import ReadOptions
from wsdefrag.spark.schema import TableSchema
from wsdefrag.tasks.points import points_of, shares_of


class WebSocketCaptures(DataSource):
    r"""The WebSocket messages, connections or events of packet captures.

    A partition is the files of one capture point. Its rows are exactly those of ``Capture``, in the
    same order, with the same ``uid``. ``(uid, from_client, seq)`` identifies a message in every
    run. With the option ``spread`` a capture point has several partitions: each has all rows of
    some of its connections, in the same order.

    Options, whose names may have any case:

    - ``path``: a folder of captures, or one capture; the argument of ``load``. All machines must
      see it under this path.
    - ``files``: a regular expression for whole names of captures. Files and folders whose names
      begin with ``.`` or ``_`` are never read.
    - ``capturePoint``: a regular expression that is searched in a file's path below the folder,
      whose first group is the name of its capture point, such as ``^(.+)-\d+\.pcap``. Then the
      column ``capture_point`` is added. Without it all files are one capture.
    - ``table``: ``messages`` (the default), ``connections`` or ``events``.
    - ``columns``: names of columns, separated by commas; a column that is not named is not made.
    - ``errors``: ``fail`` (the default) if a file that cannot be read whole fails the query;
      ``rows`` if it is a row that says why in the added column ``read_error``.
    - ``spread``: how many tasks, from 1 (the default) to 64, read the capture point with the most
      bytes; others get fewer in proportion to theirs. Each reads all files, and gives the rows of a
      share of the connections. A task whose connections hold more than its part of ``memory`` fails
      the query. Not for ``readStream``.
    - ``keylog``, ``content``, ``resync``, ``deflate``, ``key``, ``idleTimeout``,
      ``maxConnections``, ``memory``, ``decodeAs``: as for ``Capture``.

    - ``state``, ``quiet``, ``maxFilesPerTrigger``: only for ``readStream``. A folder for what goes
      on from file to file, which all machines see; seconds without a change after which a point's
      newest file is read (10); how many files a micro-batch has at most.

    Conditions on ``host``, ``path``, ``from_client``, ``timestamp`` and ``timestamp_ns`` are
    applied while the captures are read.

    Example::

        wsdefrag.spark.register(spark)
        messages = spark.read.format("wsdefrag").load("captures")
    """

    def __init__(self, options: Any) -> None:  # noqa: ANN401  (pyspark's type has no name)
        super().__init__(options)
        self._options = ReadOptions.of(dict(options))

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "wsdefrag"

    def schema(self) -> StructType:
        """Return the columns of the table."""
        return TableSchema(self._options).spark()

    def reader(self, schema: StructType) -> CaptureSourceReader:
        """Return the reader of a query.

        Raises:
            ValueError: If the query wants columns that the table does not have.
        """
        self._check(schema)
        return CaptureSourceReader(self._options)

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:  # noqa: N802  (Spark's name)
        """Return the reader of a streaming query.

        Raises:
            FileNotFoundError: If there is no such folder.
            ValueError: If there is no folder for states, or the query wants columns that the table
                does not have.
        """
        from wsdefrag.spark.stream import CaptureStreamReader

        self._check(schema)
        return CaptureStreamReader(self._options)

    def _check(self, schema: StructType) -> None:
        own = TableSchema(self._options).spark()
        if schema != own:
            raise ValueError(
                "the columns of wsdefrag cannot be changed by .schema(...); "
                f".option('columns', ...) chooses among them: {own.simpleString()}"
            )


class CaptureSourceReader(DataSourceReader):
    """Reads a table, a partition for each capture point, or for each share of one."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._filters: dict[str, Any] = {}

    def pushFilters(self, filters: list[Filter]) -> list[Filter]:  # noqa: N802  (Spark's name)
        """Take the conditions that captures can apply; Spark applies all of them again."""
        self._filters = capture_filters(self._options.table, filters)
        return filters

    def partitions(self) -> Sequence[InputPartition]:
        """Find the files of each capture point, and how many tasks read them."""
        options = self._options
        points = points_of(options.path, options.files, options.point)
        return [InputPartition(share) for share in shares_of(points, options.tasks)]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Read a capture point, or a share of one."""
        return point_batches(partition.value, self._options, self._filters)
