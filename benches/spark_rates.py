"""Measures Spark: its rate beside that of one process, and what the start of a job takes.

    .venv-spark/bin/python benches/spark_rates.py [MIB]

Two capture points of MIB (256) of mixed traffic each, in files of 64 MiB, on this machine. What is
read is thrown away, so that only reading is measured. Each measure is the best of three.

``followed`` is what a task does with the connections of other tasks, if several read one capture
point (the option ``spread``): all packets are read, and no rows are made. ``moved`` is the other
way to spread one: the bytes of the files, cut into blocks of 256 KiB, go through Spark's shuffle to
as many tasks as there are cores, which read nothing of them, and do not even give them to Python.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

sys.path.insert(0, str(Path(__file__).parent))

from captures.corpus import Network, Traffic
from captures.packets import write_pcap
from engine.corpus import MIB
from wsdefrag.capture import Capture
from wsdefrag.spark import local_session

PART = 64 * MIB
POINT = r"^(.+)-\d+\.pcap"
ROUNDS = 3


def rotate(source: Path, directory: Path, point: str) -> None:
    """Writes the packets of a pcap file into files of 64 MiB."""
    content = source.read_bytes()
    head, at, start, number = content[:24], 24, 24, 0
    while at < len(content):
        at += 16 + int.from_bytes(content[at + 8 : at + 12], "little")
        if at - start >= PART or at >= len(content):
            path = directory / f"{point}-{number:04}.pcap"
            path.write_bytes(head + content[start:at])
            start, number = at, number + 1
    source.unlink()


def best(call: Callable[[], Any]) -> float:
    """The shortest time of some rounds, in seconds."""
    seconds = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - before)
    return min(seconds)


def thrown_away(rows: Any) -> None:  # noqa: ANN401
    rows.write.format("noop").mode("overwrite").save()


@contextlib.contextmanager
def session(cores: int, local: Path) -> Iterator[Any]:
    spark = local_session(
        f"local[{cores},4]",
        config={
            "spark.driver.memory": "1g",
            "spark.ui.enabled": "false",
            "spark.local.dir": str(local),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        },
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


def one_process(points: list[list[Path]]) -> int:
    return sum(
        batch.num_rows
        for paths in points
        for batch in pa.RecordBatchReader.from_stream(Capture(paths))
    )


def followed(paths: list[Path]) -> int:
    """Reads all packets, and makes no row: no connection has this port."""
    read = pa.RecordBatchReader.from_stream(Capture(paths, ports=[1]))
    return sum(batch.num_rows for batch in read)


BLOCK = 256 << 10
SHARES = 64
"""Keys of blocks: enough that each task gets as many."""


class Blocks(DataSource):
    """The bytes of files, as rows with the number of a share; the option ``paths`` names them."""

    @classmethod
    def name(cls) -> str:
        return "blocks"

    def schema(self) -> str:
        return "share int, place long, bytes binary"

    def reader(self, schema: Any) -> BlocksReader:  # noqa: ANN401
        return BlocksReader(self.options["paths"].split(os.pathsep))


class BlocksReader(DataSourceReader):
    """Reads each file in a task."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths

    def partitions(self) -> Sequence[InputPartition]:
        return [InputPartition(path) for path in self._paths]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        types = pa.schema({"share": pa.int32(), "place": pa.int64(), "bytes": pa.binary()})
        with Path(partition.value).open("rb") as file:
            place = 0
            while block := file.read(BLOCK):
                row = {"share": [place % SHARES], "place": [place], "bytes": [block]}
                yield pa.RecordBatch.from_pydict(row, types)
                place += 1


def moved(spark: Any, paths: list[Path], tasks: int) -> Any:  # noqa: ANN401
    """The bytes of files after a shuffle, sorted in each of so many tasks."""
    files = os.pathsep.join(map(str, paths))
    blocks = spark.read.format("blocks").option("paths", files).load()
    return blocks.repartition(tasks, "share").sortWithinPartitions("share", "place")


def main() -> None:
    """Measures and prints."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name, "captures")
        directory.mkdir()
        for seed, point in enumerate(("east", "west")):
            whole = Path(name, "whole.pcap")
            write_pcap(whole, Traffic(f"spark {seed}").mixed(Network()), size * MIB)
            rotate(whole, directory, point)
        points = [sorted(directory.glob(f"{point}-*")) for point in ("east", "west")]
        small = Path(name, "small.pcap")
        small.write_bytes(points[0][0].read_bytes()[:24])
        write_pcap(small, Traffic("small").mixed(Network()), MIB)
        total = sum(path.stat().st_size for paths in points for path in paths)
        rows = one_process(points)
        seconds = best(lambda: one_process(points))
        print(f"{total / 1e6:.0f} MB, {rows:,} messages, load {os.getloadavg()[0]:.1f}")
        print(f"one process: {total / 1e6 / seconds:.0f} MB/s, {rows / seconds:,.0f} messages/s")
        seconds = best(lambda: sum(map(followed, points)))
        print(f"one process, followed without rows: {total / 1e6 / seconds:.0f} MB/s")
        measure(Path(name), directory, small, total, rows)


def measure(scratch: Path, directory: Path, small: Path, total: int, rows: int) -> None:
    """Measures Spark with one core and with two, and prints."""
    for cores in (1, 2):
        local = scratch / f"local{cores}"
        before = time.perf_counter()
        with session(cores, local) as spark:
            print(f"local[{cores}]: session in {time.perf_counter() - before:.1f} s")
            source = spark.read.format("wsdefrag")
            thrown_away(source.load(str(small)))
            again = spark.read.format("wsdefrag")
            alone = best(lambda again=again: thrown_away(again.load(str(small))))
            print(f"  a job of one task of 1 MiB: {alone:.2f} s")
            read = spark.read.format("wsdefrag").option("capturePoint", POINT)
            seconds = best(lambda read=read: thrown_away(read.load(str(directory))))
            print(f"  by point: {total / 1e6 / seconds:.0f} MB/s, {rows / seconds:,.0f} rows/s")
            measure_spread(spark, directory, cores)


def measure_spread(spark: Any, directory: Path, cores: int) -> None:  # noqa: ANN401
    """Measures one capture point that several tasks read, and prints."""
    paths = sorted(directory.glob("east-*"))
    total = sum(path.stat().st_size for path in paths)
    for tasks in (1, 2, 4):
        read = spark.read.format("wsdefrag").options(files=r"east-.*", spread=str(tasks))
        seconds = best(lambda read=read: thrown_away(read.load(str(directory))))
        print(f"  one point, spread {tasks}: {total / 1e6 / seconds:.0f} MB/s")
    none = spark.read.format("wsdefrag").options(files=r"east-.*").load(str(directory))
    seconds = best(lambda: thrown_away(none.where("host = 'nobody'")))
    print(f"  one point, followed without rows: {total / 1e6 / seconds:.0f} MB/s")
    spark.dataSource.register(Blocks)
    seconds = best(lambda: thrown_away(moved(spark, paths, cores)))
    print(f"  one point, moved: {total / 1e6 / seconds:.0f} MB/s")


if __name__ == "__main__":
    main()
