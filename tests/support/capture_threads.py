"""All outputs of a capture, to compare those of several threads with those of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capture_values import connection_values, event_values, message_values
from wsdefrag.capture import Capture, CapturedConnection, CapturedMessage
from wsdefrag.errors import CaptureError

BYTES: tuple[tuple[str, dict[str, Any]], ...] = (
    *(
        (name, {"table": table})
        for name in ("jsonl", "text")
        for table in ("connections", "events")
    ),
    *((name, {}) for name in ("jsonl", "text", "follow", "follow-hex", "har", "mitm", "report")),
    *((name, {}) for name in ("stats", "stats-by-connection", "stats-by-path")),
)
"""The formats of `CapturePlan.output`, with their arguments."""

TABLES = ["messages", "connections", "events"]


def outputs(source: Any, threads: int, **options: Any) -> dict[str, Any]:
    """Every output of a capture.

    Args:
        source: what `Capture` takes.
        threads: how many threads follow the connections.
        options: those of `Capture`.

    Returns:
        By the name of the output: its bytes or values, with everything that is counted.
    """
    capture = Capture(source, threads=threads, **options)
    made: dict[str, Any] = {"objects": objects(capture)}
    for name, arguments in BYTES:
        made[f"{name} {arguments}"] = written(capture._plan.output(name, **arguments))
    for name in ("parquet", "arrow", "jsonl"):
        files = capture._plan.table_files(name, TABLES, compression=None, compression_level=None)
        made[f"{name} files"] = written(files)
    return made


def objects(capture: Capture) -> list[Any]:
    """The items of a capture, in order, its counts and warnings, and what it raised."""
    values: list[Any] = []
    with capture.read() as reader:
        try:
            for item in reader:
                if isinstance(item, CapturedMessage):
                    values.append((item.connection.connection, message_values(item)))
                elif isinstance(item, CapturedConnection):
                    values.append(connection_values(item))
                else:
                    values.append((item.connection.connection, event_values(item)))
        except CaptureError as error:
            values.append(str(error))
        return [*values, reader.counts, reader.warnings]


def written(output: Any) -> list[Any]:
    """The bytes of each file of an output, and what was counted."""
    files: dict[int, bytes] = {}
    error = None
    try:
        while (part := output.next_part()) is not None:
            file, block = part
            files[file] = files.get(file, b"") + block
    except CaptureError as raised:
        error = str(raised)
    counted = [output.rows, output.counts, output.warnings, output.tally, output.bytes_read]
    return [files, error, *counted]


def assert_alike(source: Any, *threads: int, **options: Any) -> None:
    """Assert that all outputs are those of one thread, byte for byte."""
    alone = outputs(source, 1, **options)
    for number in threads:
        together = outputs(source, number, **options)
        for name, expected in alone.items():
            assert together[name] == expected, f"{name} of {number} threads"


def in_file(directory: Path, content: bytes) -> Path:
    """A file with these bytes."""
    path = directory / "capture"
    path.write_bytes(content)
    return path
