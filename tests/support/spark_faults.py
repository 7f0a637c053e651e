"""Data sources that fail in the middle of a task, as tasks on a cluster do.

The workers of Spark import them, so they need nothing of the tests. Options of ``FaultyCaptures``
besides those of the real one: ``fault`` says what happens, and ``marker`` is a folder with a file
for each attempt, named by its partition's capture point, the share of that if there are several,
and a number.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wsdefrag.spark.source import CaptureSourceReader, WebSocketCaptures
from wsdefrag.spark.stream import CaptureStreamReader

ROWS = 50
"""Rows of a batch, so that some batches come before the fault."""


class FaultyCaptures(WebSocketCaptures):
    """The format ``faulty``."""

    def __init__(self, options: Any) -> None:
        own = dict(options)
        self._fault, self._marker = own.pop("fault"), own.pop("marker")
        super().__init__(own)

    @classmethod
    def name(cls) -> str:
        return "faulty"

    def reader(self, schema: Any) -> CaptureSourceReader:
        return FaultyReader(self._options, self._fault, Path(self._marker))


class FaultyReader(CaptureSourceReader):
    """Its first attempt at each partition fails after two batches, if it has so many."""

    def __init__(self, options: Any, fault: str, marker: Path) -> None:
        super().__init__(options)
        self._fault, self._marker = fault, marker

    def read(self, partition: Any) -> Iterator[Any]:
        share = partition.value
        name = f"{share.files.point}.{share.index}" if share.of > 1 else share.files.point
        attempt = len(list(self._marker.glob(f"{name}-*"))) + 1
        (self._marker / f"{name}-{attempt}").touch()
        given = 0
        for batch in super().read(partition):
            for start in range(0, batch.num_rows, ROWS):
                yield batch.slice(start, ROWS)
                given += 1
                if given == 2 and attempt == 1:
                    self._fail(share.files.paths()[-1])

    def _fail(self, file: str) -> None:
        if self._fault == "raise":
            raise RuntimeError("a task fails after some batches")
        if self._fault == "kill worker":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._fault == "kill executor":
            # This worker was forked by a daemon, which the executor's JVM started.
            status = Path(f"/proc/{os.getppid()}/status").read_text(encoding="ascii")
            parent = next(line for line in status.splitlines() if line.startswith("PPid:"))
            os.kill(int(parent.split()[1]), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        if self._fault == "change file":
            # What is read on is another file than what the first batches are of.
            path = Path(file)
            path.write_bytes(path.read_bytes() + path.read_bytes())
            raise RuntimeError("a task fails, and a file was changed meanwhile")


class HaltingCaptures(WebSocketCaptures):
    """The format ``halting``: a stream that stops for ever in its second batch."""

    @classmethod
    def name(cls) -> str:
        return "halting"

    def streamReader(self, schema: Any) -> CaptureStreamReader:  # noqa: N802  (Spark's name)
        return HaltingReader(self._options)


class HaltingReader(CaptureStreamReader):
    """Its second batch gives some rows, makes the file ``halted`` beside the states, and stops."""

    def read(self, partition: Any) -> Iterator[Any]:
        rows = super().read(partition)
        if partition.value.start == 0:
            yield from rows
            return
        yield next(rows)
        Path(self._state, "halted").touch()
        while True:
            time.sleep(60)
