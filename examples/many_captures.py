"""Reads several captures in parallel, one thread for each, into one table.

    python examples/many_captures.py [CAPTURE ...]

The reader releases the GIL, so threads run in parallel. A `Capture` can also be pickled and sent to
other processes or machines; its rows are the same everywhere. Within a capture, (connection,
from_client, seq) identifies a row. Needs `pip install 'wsdefrag[arrow]'`.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from wsdefrag.capture import Capture

DIRECTORY = Path(__file__).parents[1] / "vectors" / "captures"
RECORDED = [DIRECTORY / name for name in ("plain-small.pcapng", "ipv6.pcapng", "vlan.pcapng")]


def read(path: Path) -> pa.Table:
    """Read the messages of one capture, with a column for the name of its file."""
    table = pa.table(Capture(path))
    name = pa.array([path.name] * len(table)).dictionary_encode()
    return table.append_column("capture", name)


def main() -> None:
    """Read all captures and print the messages and bytes of each."""
    paths = [Path(argument) for argument in sys.argv[1:]] or RECORDED
    with ThreadPoolExecutor() as pool:
        table = pa.concat_tables(pool.map(read, paths)).unify_dictionaries()
    size = pc.binary_length(table["content"])
    totals = table.append_column("size", size).group_by("capture")
    rows = totals.aggregate([("seq", "count"), ("size", "sum")]).to_pylist()
    for row in sorted(rows, key=lambda row: row["capture"]):
        print(f"{row['seq_count']:>8} messages {row['size_sum']:>12} bytes  {row['capture']}")


if __name__ == "__main__":
    main()
