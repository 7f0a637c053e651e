"""What a data frame of Dask has to have: the rows of ``Capture``, in its types."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from recorded_captures import DIRECTORY
from wsdefrag.capture import Capture

DEMO = DIRECTORY / "demo.pcapng"
MANY = DIRECTORY / "cable-many.pcapng"
POINT = r"^(.+)-\d+\.pcap"
TABLES: Any = ("messages", "connections", "events")


def expected(files: Path | Iterable[Path], table: str, **options: Any) -> Any:
    """A table of ``Capture``, of pyarrow."""
    return pa.table(getattr(Capture(files, **options).to_arrow(), table))


def in_order(frame: Any) -> Any:
    """Compute a data frame in this thread."""
    return frame.compute(scheduler="synchronous")


def found(frame: Any) -> Any:
    """A data frame of pandas as a table of pyarrow."""
    return pa.Table.from_pandas(frame, preserve_index=False)


def assert_equal(frame: Any, whole: Any) -> None:
    """Assert that a data frame has the rows of a table in their order, columns and types.

    Nothing in pandas says that a column has no nulls, or has the schema's metadata.
    """
    rows = found(frame)
    assert rows.column_names == whole.column_names
    for name in whole.column_names:
        assert rows.schema.field(name).type == whole.schema.field(name).type, name
        assert rows[name].to_pylist() == whole[name].to_pylist(), name


def with_point(whole: Any, point: str) -> Any:
    """A table with the column ``capture_point``."""
    return whole.append_column("capture_point", pa.repeat(point, whole.num_rows))
