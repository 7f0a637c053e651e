"""A streaming query that is stopped between batches and dies inside one.

`spark_stream_program.py FOLDER` prints "equal" and the number of rows if what was committed has the
rows of `Capture`. It is a program of its own, so that Spark starts it as it starts a user's.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from capture_parts import rotated
from wsdefrag.capture import Capture
from wsdefrag.spark import local_session

CONFIG = {
    "spark.driver.memory": "512m",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def run(spark: Any, scratch: Path) -> None:
    """Run the query until no file is left."""
    options = {"state": str(scratch / "state"), "quiet": "0", "maxFilesPerTrigger": "2"}
    rows = spark.readStream.format("wsdefrag").options(**options).load(str(scratch / "captures"))
    writer = rows.writeStream.format("parquet").option("path", str(scratch / "out"))
    query = writer.option("checkpointLocation", str(scratch / "checkpoint")).start()
    query.processAllAvailable()
    query.stop()


def forget_last_batch(scratch: Path) -> None:
    """Make it look as if the query had died before the commit of its last batch."""
    commits = scratch / "checkpoint" / "commits"
    last = max(int(path.name) for path in commits.glob("[0-9]*"))
    for folder in (commits, scratch / "out" / "_spark_metadata"):
        for path in (*folder.glob(f"{last}"), *folder.glob(f".{last}.*")):
            path.unlink()


def committed(scratch: Path) -> Any:
    """The rows of all batches, in their order."""
    files: list[str] = []
    logs = (scratch / "out" / "_spark_metadata").glob("[0-9]*")
    for log in sorted(logs, key=lambda path: int(path.name.split(".")[0])):
        for line in log.read_text().splitlines()[1:]:
            path = json.loads(line)["path"].removeprefix("file://")
            if path not in files:
                files.append(path)
    return pa.concat_tables([parquet.read_table(file) for file in files])


def main(scratch: Path) -> None:
    """Run the query twice, and compare."""
    (scratch / "later").mkdir()
    (scratch / "captures").mkdir()
    files = rotated("demo", scratch / "later", 6)
    here = [shutil.copy(file, scratch / "captures") for file in files[:3]]
    spark = local_session("local[2,4]", config=CONFIG)
    run(spark, scratch)
    forget_last_batch(scratch)
    here += [shutil.copy(file, scratch / "captures") for file in files[3:]]
    run(spark, scratch)
    spark.stop()
    got = committed(scratch)
    wanted = pa.table(Capture(here, continues=True).to_arrow().messages)
    for name in wanted.column_names:
        column = wanted.column(name)
        if pa.types.is_timestamp(column.type):
            name, column = f"{name}_ns", column.cast(pa.int64())
        assert got.column(name).to_pylist() == column.to_pylist(), name
    print("equal", got.num_rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
