"""A streaming query that runs until no file is left, or until a task of it stops for ever.

`spark_stream_program.py FOLDER MASTER FORMAT` reads FOLDER/captures, two files a batch, into
FOLDER/out. It is a program of its own, so that Spark starts it as it starts a user's, and so that
it can be killed with all that it started.
"""

from __future__ import annotations

import sys
from pathlib import Path

from spark_faults import HaltingCaptures
from spark_sessions import CONFIG
from wsdefrag.spark import local_session


def main(folder: Path, master: str, source: str) -> None:
    """Run the query."""
    spark = local_session(master, config={**CONFIG, "spark.executor.memory": "512m"})
    spark.dataSource.register(HaltingCaptures)
    options = {"state": str(folder / "state"), "quiet": "0", "maxFilesPerTrigger": "2"}
    rows = spark.readStream.format(source).options(**options).load(str(folder / "captures"))
    writer = rows.writeStream.format("parquet").option("path", str(folder / "out"))
    query = writer.option("checkpointLocation", str(folder / "checkpoint")).start()
    query.processAllAvailable()
    query.stop()
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
