"""Reads the captures of several capture points in parallel into one table.

    python examples/many_captures.py [CAPTURE ...]

A capture point is an interface or a tap whose capture goes on from file to file. Its files are one
`Capture`, which merges them by time, so that a connection that spans two files is whole. Files of
one folder whose names differ only in digits belong to one point here; change `point_of` for other
names. The reader releases the GIL, so a thread for each point uses the cores. Within a point,
(connection, from_client, seq) identifies a row. Needs `pip install 'wsdefrag[arrow]'`.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from wsdefrag.capture import Capture

DIRECTORY = Path(__file__).parents[1] / "vectors" / "captures"
RECORDED = [DIRECTORY / name for name in ("plain-small.pcapng", "ipv6.pcapng", "vlan.pcapng")]


def point_of(path: Path) -> str:
    """Return the capture point of a file; eth0_00001.pcap and eth0_00002.pcap are of one."""
    return str(path.with_name(re.sub(r"(?<=[-_.])[0-9]+|(?<=cap)[0-9]+", "*", path.name)))


def read(point: str, paths: list[Path]) -> pa.Table:
    """Read the messages of one capture point, with a column for its name."""
    tables = Capture(paths).to_arrow()
    table = pa.table(tables.messages)
    for warning in tables.messages.warnings:
        print(warning, file=sys.stderr)
    name = pa.array([Path(point).name] * len(table)).dictionary_encode()
    return table.append_column("point", name)


def main() -> None:
    """Read all captures and print the messages and bytes of each capture point."""
    points: dict[str, list[Path]] = {}
    for path in [Path(argument) for argument in sys.argv[1:]] or RECORDED:
        points.setdefault(point_of(path), []).append(path)
    with ThreadPoolExecutor() as pool:
        table = pa.concat_tables(pool.map(read, points, points.values())).unify_dictionaries()
    # A message is in one of the two columns.
    text, content = (pc.binary_length(table[name]) for name in ("text", "content"))
    size = pc.coalesce(text, content)
    totals = table.append_column("size", size).group_by("point")
    rows = totals.aggregate([("seq", "count"), ("size", "sum")]).to_pylist()
    for row in sorted(rows, key=lambda row: row["point"]):
        print(f"{row['seq_count']:>8} messages {row['size_sum']:>12} bytes  {row['point']}")


if __name__ == "__main__":
    main()
