"""Writes the tables of ``Capture.to_arrow()`` to Parquet files and to Arrow IPC files.

The native module reads and encodes; here its blocks are written. Batches are encoded while the
table is read, so memory does not grow with the capture.
"""

from __future__ import annotations

from typing import IO, Literal, Protocol

from wsdefrag._native import ArrowStream, TablePass
from wsdefrag.capture.capture import Capture
from wsdefrag.formats.output import write_blocks


class ArrowTable(Protocol):
    """A table that exports an Arrow stream, such as those of ``Capture.to_arrow()``."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table (Arrow PyCapsule interface)."""


def write_parquet(
    table: ArrowTable,
    file: IO[bytes],
    *,
    compression: Literal["zstd", "lz4"] | None = "zstd",
    compression_level: int | None = None,
) -> int:
    """Write a table as a Parquet file.

    A row group ends at 64 MiB of values, at 16 MiB of encoded ones, or at 1,048,576 rows. Columns
    have dictionaries and statistics; of ``text`` and ``content`` only the nulls are counted.

    Args:
        table: A table of a capture, a capture for its messages, or any table that exports an Arrow
            stream.
        file: A binary file, open for writing.
        compression: How pages are compressed; None for no compression.
        compression_level: The level of zstd, from 1 to 22; None for 1.

    Returns:
        How many rows were written.

    Raises:
        CaptureError: If the capture is damaged. The file is valid and contains everything that was
            read before.
        OSError: If the capture cannot be read, after the file was ended as well, or if the file
            cannot be written.
        ValueError: If an argument has none of its values, a column of another library's table
            cannot be written, or its stream fails.

    Example:
        >>> import io
        >>> from wsdefrag.capture import Capture, write_parquet
        >>> tables = Capture("vectors/captures/demo.pcapng").to_arrow()
        >>> write_parquet(tables.connections, io.BytesIO())
        5
    """
    return _write(table, file, "parquet", compression, compression_level)


def write_arrow(
    table: ArrowTable,
    file: IO[bytes],
    *,
    compression: Literal["zstd", "lz4"] | None = "zstd",
    compression_level: int | None = None,
) -> int:
    """Write a table as an Arrow IPC file, which can be memory-mapped.

    Args:
        table: A table of a capture, a capture for its messages, or any table that exports an Arrow
            stream.
        file: A binary file, open for writing.
        compression: How the buffers are compressed; None for no compression.
        compression_level: The level of zstd, from 1 to 22; None for 1.

    Returns:
        How many rows were written.

    Raises:
        CaptureError: If the capture is damaged. The file is valid and contains everything that was
            read before.
        OSError: If the capture cannot be read, after the file was ended as well, or if the file
            cannot be written.
        ValueError: If an argument has none of its values, a column of another library's table
            cannot be written, or its stream fails.
    """
    return _write(table, file, "arrow", compression, compression_level)


def _write(
    table: ArrowTable,
    file: IO[bytes],
    format: Literal["parquet", "arrow"],
    compression: Literal["zstd", "lz4"] | None,
    compression_level: int | None,
) -> int:
    source: object
    if isinstance(table, Capture):
        source = table.to_arrow().messages
    elif isinstance(table, ArrowStream):
        source = table
    else:
        source = table.__arrow_c_stream__()
    made = TablePass(source, format, compression=compression, compression_level=compression_level)
    return write_blocks(made, file)
