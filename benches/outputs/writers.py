"""The time of each `write_*` function, compared with that of `to_arrow` on the same file.

All write to `/dev/null`. They take turns in one process, so that they meet the same load.
"""

import os
import statistics
import time
from collections.abc import Callable
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from captures.ways import to_arrow
from engine.scaling import Measure
from wsdefrag.capture import (
    Capture,
    write_arrow,
    write_har,
    write_jsonl,
    write_mitm,
    write_parquet,
    write_report,
)
from wsdefrag.formats.output import write_output

Writer = Callable[[Capture, IO[bytes]], int]

LINES = {
    "table": "messages",
    "content": True,
    "events": True,
    "control_frames": True,
    "width": 0,
    "colours": False,
}
"""Lines of text as the command writes them into a pipe."""


def write_text(capture: Capture, file: IO[bytes]) -> int:
    """Writes the lines of `wsdefrag messages`."""
    return write_output(capture, file, "text", LINES)


WRITERS: dict[str, tuple[Writer, float | None]] = {
    "`write_jsonl`": (write_jsonl, 2.5),
    "text lines": (write_text, 2.5),
    "`write_har`": (write_har, 3),
    "`write_mitm`": (write_mitm, 3),
    "`write_parquet`": (write_parquet, None),
    "`write_arrow`": (write_arrow, None),
    "`write_report`": (write_report, None),
}
"""What writes, and at most how many times the time of `to_arrow` it may take."""

PARQUET_TIME = 1.0
"""The share of pyarrow's time that writing a table as Parquet may take."""


def seconds_of(work: Callable[[], object]) -> float:
    """The seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def time_writers(path: str, rounds: int) -> dict[str, float]:
    """Medians of the seconds of all writers, and of `to_arrow` under its own name.

    One round before the others is not counted.
    """
    seconds: dict[str, list[float]] = {"to_arrow": []}
    with open(os.devnull, "wb") as file:  # noqa: PTH123
        for round_number in range(rounds + 1):
            taken = {"to_arrow": seconds_of(lambda: to_arrow(path))}
            for name, (write, _) in WRITERS.items():
                taken[name] = seconds_of(lambda write=write: write(Capture(path), file))  # type: ignore[misc]
            if round_number:
                for name, one in taken.items():
                    seconds.setdefault(name, []).append(one)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def time_parquet(path: str, rounds: int) -> tuple[float, float]:
    """Medians of the seconds in which we and pyarrow write the same table as Parquet.

    Both get the batches that `to_arrow` gave, and compress with zstd at level 1.
    """
    table = pa.RecordBatchReader.from_stream(Capture(path)).read_all()
    seconds: list[tuple[float, float]] = []
    with open(os.devnull, "wb") as file:  # noqa: PTH123

        def theirs() -> None:
            with pq.ParquetWriter(
                file, table.schema, compression="zstd", compression_level=1
            ) as writer:
                for batch in table.to_batches():
                    writer.write_batch(batch)

        for _ in range(rounds + 1):
            ours = seconds_of(lambda: write_parquet(table, file))
            seconds.append((ours, seconds_of(theirs)))
    ours, other = zip(*seconds[1:], strict=True)
    return statistics.median(ours), statistics.median(other)


def writer_measures(name: str, medians: dict[str, float], *, judged: bool) -> list[Measure]:
    """The ratios of a file.

    Args:
        name: The file.
        medians: What `time_writers` returned.
        judged: Whether the targets are about this file.
    """
    base = medians["to_arrow"]
    return [
        Measure(
            f"{name}: {writer}, time over that of `to_arrow`",
            f"{base * 1e3:,.1f} ms, {medians[writer] * 1e3:,.1f} ms",
            medians[writer] / base,
            "x",
            limit if judged else None,
        )
        for writer, (_, limit) in WRITERS.items()
    ]


def parquet_measure(name: str, medians: tuple[float, float]) -> Measure:
    """Our time over pyarrow's."""
    ours, theirs = medians
    return Measure(
        f"{name}: `write_parquet` of a table, time over that of pyarrow",
        f"{ours * 1e3:,.1f} ms, {theirs * 1e3:,.1f} ms",
        ours / theirs,
        "x",
        PARQUET_TIME,
    )
