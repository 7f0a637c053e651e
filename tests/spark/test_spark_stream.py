"""A streaming query that stops, dies and is started again has the rows of `Capture`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from capture_parts import rotated
from hang_guard import HANG_SECONDS
from spark_rows import Columns, expected, found

SUPPORT = Path(__file__).parents[1] / "support"
MASTERS = ["local[2,4]", "local-cluster[2,1,1024]"]


@contextmanager
def query(folder: Path, master: str, source: str) -> Iterator[subprocess.Popen[bytes]]:
    """The query as a process, and all that it starts; they are gone at the end."""
    program = SUPPORT / "spark_stream_program.py"
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, program, folder, master, source],
            stdout=said,
            stderr=said,
            env={**os.environ, "PYTHONPATH": str(SUPPORT)},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(HANG_SECONDS)


def run(folder: Path, master: str) -> None:
    """Run the query until no file is left."""
    with query(folder, master, "wsdefrag") as process:
        process.wait(HANG_SECONDS)
    assert process.returncode == 0, (folder / "said").read_text()[-4000:]


def die_in_second_batch(folder: Path, master: str) -> None:
    """Run the query, and kill it with all of Spark while a task of its second batch gives rows."""
    end = time.monotonic() + HANG_SECONDS
    with query(folder, master, "halting") as process:
        while not (folder / "state" / "halted").exists():
            assert process.poll() is None, (folder / "said").read_text()[-4000:]
            assert time.monotonic() < end, "it does not get to its second batch"
            time.sleep(0.05)


def batches(folder: Path) -> list[list[str]]:
    """The files of each batch that was committed, in their order."""
    logs = (folder / "out" / "_spark_metadata").glob("[0-9]*")
    found: list[list[str]] = []
    for log in sorted(logs, key=lambda path: int(path.name.split(".")[0])):
        lines = log.read_text().splitlines()[1:]
        found.append([json.loads(line)["path"].removeprefix("file://") for line in lines])
    return found


def committed(folder: Path) -> Columns:
    """The rows of all batches, in their order."""
    files = [file for batch in batches(folder) for file in batch]
    return found(pa.concat_tables([parquet.read_table(file) for file in files]))


@pytest.mark.parametrize("master", MASTERS)
def test_query_that_died_inside_a_batch_and_stopped_between_batches_goes_on(
    tmp_path: Path, master: str
) -> None:
    (tmp_path / "later").mkdir()
    captures = tmp_path / "captures"
    captures.mkdir()
    files = rotated("demo", tmp_path / "later", 6)
    here = [Path(shutil.copy(file, captures)) for file in files[:4]]
    die_in_second_batch(tmp_path, master)
    assert len(batches(tmp_path)) == 1
    run(tmp_path, master)
    assert len(batches(tmp_path)) == 2
    here += [Path(shutil.copy(file, captures)) for file in files[4:]]
    run(tmp_path, master)
    assert len(batches(tmp_path)) == 3
    assert committed(tmp_path) == expected(here, "messages", continues=True)
