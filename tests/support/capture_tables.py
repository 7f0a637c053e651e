"""Converts a capture to a file of tables with the command, and reads the file back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from pyarrow import ipc, parquet

from cli_captures import invoke_capture

Rows = list[dict[str, Any]]
Reader = Callable[[Path], Rows]


def _rows(table: pa.Table) -> Rows:
    """All columns but the times, whose nanoseconds Python's dates cannot hold."""
    types = pa.types
    kept = [
        field.name
        for field in table.schema
        if not (types.is_timestamp(field.type) or types.is_duration(field.type))
    ]
    rows: Rows = table.select(kept).to_pylist()
    return rows


def _duckdb(path: Path) -> Rows:
    with duckdb.connect() as connection:
        found = connection.sql("SELECT * FROM read_parquet(?)", params=[str(path)])
        return _rows(found.to_arrow_table())


def _ipc(path: Path) -> Rows:
    with pa.memory_map(str(path)) as source:
        return _rows(ipc.open_file(source).read_all())


def parquet_rows(path: Path) -> Rows:
    return _rows(parquet.read_table(path))


READERS: dict[str, tuple[str, Reader]] = {
    "pyarrow": ("parquet", parquet_rows),
    "polars": ("parquet", lambda path: pl.read_parquet(path).to_dicts()),
    "duckdb": ("parquet", _duckdb),
    "pyarrow, arrow": ("arrow", _ipc),
    "polars, arrow": ("arrow", lambda path: pl.read_ipc(path).to_dicts()),
}


def converted(source: Path | bytes, output: Path, *options: object, code: int = 0) -> Path:
    if isinstance(source, bytes):
        result = invoke_capture("convert", "-", "-o", output, *options, stdin=source)
    else:
        result = invoke_capture("convert", source, "-o", output, *options)
    assert result.exit_code == code, result.stderr
    return output
