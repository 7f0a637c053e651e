"""Arrow tables in files: Parquet, and Arrow's own file format.

Needs pyarrow (the extra ``arrow``), which is imported when a function is called. A table is
written batch by batch as it is read, so memory does not grow with the capture.
"""

from __future__ import annotations

from contextlib import closing
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pyarrow as pa


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

    return _write(table, lambda schema: ParquetWriter(file, schema, compression="zstd"))


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
