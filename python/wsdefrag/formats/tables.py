"""Writes the tables of ``Capture.to_arrow()`` to Parquet files and to Arrow IPC files.

Needs pyarrow (the extra ``arrow``), which is imported when a function is called. Batches are
written while the table is read, so memory does not grow with the capture. A Parquet row group is
larger than a batch, so several batches are collected for each row group.
"""

from __future__ import annotations

from contextlib import closing, nullcontext, suppress
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter
    from typing_extensions import Self

# A row group is written when it reaches one of these sizes. Each row group has its own dictionaries
# and statistics, so small row groups would waste space.
_GROUP_BYTES = 16 << 20
_GROUP_ROWS = 1 << 17


class ArrowTable(Protocol):
    """A table that exports an Arrow stream, such as those of ``Capture.to_arrow()``."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table (Arrow PyCapsule interface)."""


def write_parquet(table: ArrowTable, file: IO[bytes]) -> int:
    """Write a table as a Parquet file, compressed with zstd.

    Args:
        table: The table.
        file: A binary file, open for writing.

    Returns:
        How many rows were written.

    Raises:
        ModuleNotFoundError: If pyarrow is not installed.
        pyarrow.ArrowInvalid: If the capture is damaged. The file is valid and contains everything
            that was read before.
        OSError: If the capture cannot be read or the file cannot be written.
    """
    from pyarrow.parquet import ParquetWriter

    return _write(table, lambda schema: _RowGroups(ParquetWriter(file, schema, compression="zstd")))


def write_arrow(
    table: ArrowTable, file: IO[bytes], *, compression: Literal["zstd", "lz4"] | None = "zstd"
) -> int:
    """Write a table as an Arrow IPC file, which can be memory-mapped.

    Args:
        table: The table.
        file: A binary file, open for writing.
        compression: How the buffers are compressed; None for no compression.

    Returns:
        How many rows were written.

    Raises:
        ModuleNotFoundError: If pyarrow is not installed.
        pyarrow.ArrowInvalid: If the capture is damaged. The file is valid and contains everything
            that was read before.
        OSError: If the capture cannot be read or the file cannot be written.
    """
    from pyarrow import ipc

    options = ipc.IpcWriteOptions(compression=compression, emit_dictionary_deltas=True)
    return _write(
        table, lambda schema: _GrowingDictionaries(ipc.new_file(file, schema, options=options))
    )


class _RowGroups:
    """Collects batches into row groups; leaving the ``with`` block writes the last one."""

    def __init__(self, writer: ParquetWriter) -> None:
        self._writer = writer
        self._batches: list[pa.RecordBatch] = []
        self._bytes = self._rows = 0
        self._failed = False  # whether a write has raised

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._failed:
            self._write_group()
        # After a failed write, closing fails too, with an error that says less.
        with suppress(Exception) if self._failed else nullcontext():
            self._writer.close()

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
            self._failed = True
            self._writer.write_table(group, row_group_size=group.num_rows)
            self._failed = False
        self._batches = []
        self._bytes = self._rows = 0


class _GrowingDictionaries:
    """Gives the batches of an IPC file dictionaries that only grow.

    Each batch of a table has dictionaries of its own. A file may add to a dictionary, but not
    replace it.
    """

    def __init__(self, writer: Any) -> None:  # noqa: ANN401  (pyarrow has no types)
        self._writer = writer
        self._known: dict[str, tuple[dict[str, int], pa.Array]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.close()

    def write_batch(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        for index, field in enumerate(batch.schema):
            if pa.types.is_dictionary(field.type):
                column = self._grown(field.name, batch.column(index))
                batch = batch.set_column(index, field, column)
        self._writer.write_batch(batch)

    def _grown(self, name: str, column: pa.DictionaryArray) -> pa.DictionaryArray:
        import pyarrow as pa

        positions, values = self._known.get(name, ({}, column.dictionary.slice(0, 0)))
        texts = column.dictionary.to_pylist()
        new = [text for text in texts if text not in positions]
        if new:
            positions |= {text: len(positions) + place for place, text in enumerate(new)}
            values = pa.concat_arrays([values, pa.array(new, values.type)])
        self._known[name] = positions, values
        moved = pa.array([positions[text] for text in texts], column.indices.type)
        return pa.DictionaryArray.from_arrays(moved.take(column.indices), values)


def _write(table: ArrowTable, make_writer: Callable[[Any], Any]) -> int:
    import pyarrow as pa

    rows = 0
    stream = pa.RecordBatchReader.from_stream(table)
    # Leaving the ``with`` block completes the file, also after an error.
    with make_writer(stream.schema) as writer, closing(_batches(stream)) as batches:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _batches(stream: pa.RecordBatchReader) -> Generator[pa.RecordBatch, None, None]:
    with stream:
        yield from stream
