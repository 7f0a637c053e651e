"""Arrow tables in files: Parquet, and Arrow's own file format.

Needs pyarrow (the extra ``arrow``), which is imported when a function is called. A table is
written as it is read, so memory does not grow with the capture: batch by batch, or, as a Parquet
file wants its row groups larger than batches are, a few batches at a time.
"""

from __future__ import annotations

from contextlib import closing
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter
    from typing_extensions import Self

# A row group is written when it has so much. Readers take them as a whole and skip them as a whole;
# each has its own dictionaries and statistics, which small ones consist of.
_GROUP_BYTES = 16 << 20
_GROUP_ROWS = 1 << 17


class ArrowTable(Protocol):
    """A table that exports itself as an Arrow stream: ``Capture.to_arrow()`` gives two."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table, as the Arrow PyCapsule interface has it."""


def write_parquet(table: ArrowTable, file: IO[bytes]) -> int:
    """Write a table as a Parquet file, compressed with zstd.

    Args:
        table: The table.
        file: Where to write, open for bytes.

    Returns:
        How many rows were written.

    Raises:
        ModuleNotFoundError: If pyarrow is not installed.
        pyarrow.ArrowInvalid: If the capture is broken. The file is whole all the same and holds
            all that was read before.
        OSError: If the capture cannot be read, or the file not be written.
    """
    from pyarrow.parquet import ParquetWriter

    return _write(table, lambda schema: _RowGroups(ParquetWriter(file, schema, compression="zstd")))


def write_arrow(
    table: ArrowTable, file: IO[bytes], *, compression: Literal["zstd", "lz4"] | None = "zstd"
) -> int:
    """Write a table in Arrow's file format, which readers may map into memory.

    Args:
        table: The table.
        file: Where to write, open for bytes.
        compression: How the buffers are compressed; None to leave them as they are in memory.

    Returns:
        How many rows were written.

    Raises:
        ModuleNotFoundError: If pyarrow is not installed.
        pyarrow.ArrowInvalid: If the capture is broken. The file is whole all the same and holds
            all that was read before.
        OSError: If the capture cannot be read, or the file not be written.
    """
    from pyarrow import ipc

    options = ipc.IpcWriteOptions(compression=compression)
    return _write(table, lambda schema: ipc.new_file(file, schema, options=options))


class _RowGroups:
    """Gathers batches into row groups, and writes what is left when its block is left."""

    def __init__(self, writer: ParquetWriter) -> None:
        self._writer = writer
        self._batches: list[pa.RecordBatch] = []
        self._bytes = self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with self._writer:
            self._write_group()

    def write_batch(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._bytes += batch.nbytes
        self._rows += batch.num_rows
        if self._bytes >= _GROUP_BYTES or self._rows >= _GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow as pa

        if self._batches:
            group = pa.Table.from_batches(self._batches)
            self._writer.write_table(group, row_group_size=group.num_rows)
        self._batches = []
        self._bytes = self._rows = 0


def _write(table: ArrowTable, make_writer: Callable[[Any], Any]) -> int:
    import pyarrow as pa

    rows = 0
    stream = pa.RecordBatchReader.from_stream(table)
    # Leaving the writer's block ends the file, also when reading failed.
    with make_writer(stream.schema) as writer, closing(_batches(stream)) as batches:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _batches(stream: pa.RecordBatchReader) -> Generator[pa.RecordBatch, None, None]:
    with stream:
        yield from stream
