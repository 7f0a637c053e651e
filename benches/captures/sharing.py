"""Measures how much faster several threads read one capture, and what limits them.

The stages work at the same time: one thread reads the files and parses packets, some follow
connections, the caller's puts rows in order and makes the output, and another one encodes files of
columns. So with enough cores a capture takes as long as its slowest stage, and with few as long as
the sum of all shared by the cores. The processor time of each stage is measured while all cores
work, and gives the time that more cores would take; what the same sum says of this machine's cores
is shown beside what was measured.
"""

import os
import resource
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from captures.corpus import Traffic
from captures.files import File
from captures.fresh import in_new_process
from captures.packets import write_pcap
from captures.tls import write
from engine.corpus import MIB
from engine.scaling import Measure
from wsdefrag.capture import Capture
from wsdefrag.formats.jsonl import write_jsonl
from wsdefrag.formats.tables import write_parquet

ROUNDS = 5
MOST = 0.6
"""The share of one thread's time that two cores may need."""
CORES = (4, 8, 16)
FEEDS = 200


def to_arrow(capture: Capture) -> None:
    stream = pa.RecordBatchReader.from_stream(capture.to_arrow().messages)
    for _ in stream:
        pass


def to_jsonl(capture: Capture) -> None:
    with Path(os.devnull).open("wb") as file:
        write_jsonl(capture, file)


def to_parquet(capture: Capture) -> None:
    with Path(os.devnull).open("wb") as file:
        write_parquet(capture, file)


WAYS: dict[str, Callable[[Capture], None]] = {
    "Arrow": to_arrow,
    "JSON lines": to_jsonl,
    "Parquet": to_parquet,
}


class Stages:
    """The processor seconds of this process's threads by what they do."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        own = str(threading.get_native_id())
        while not self._stop.wait(0.005):
            for task in Path("/proc/self/task").iterdir():
                try:
                    name = (task / "comm").read_text().strip()
                    spent = int((task / "schedstat").read_text().split()[0]) / 1e9
                except OSError:
                    continue
                if task.name != own:
                    self._seconds[name, task.name] = spent

    def start(self) -> None:
        """Begins to look at the threads, which end with what they do."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stop.set()
        self._thread.join()

    def by_role(self, before: dict[str, float]) -> dict[str, float]:
        """Seconds of the reader, of the workers together, of the encoder and of the caller."""
        roles: dict[str, float] = defaultdict(float)
        for (name, task), spent in self._seconds.items():
            if name.startswith("wsdefrag-"):
                # A name has 15 bytes at most.
                kind = name.removeprefix("wsdefrag-").replace("encode", "encoder")
                roles["workers" if kind.isdigit() else kind] += spent
            elif int(task) == os.getpid():
                roles["caller"] += spent - before.get(task, 0.0)
        return dict(roles)


def spent() -> float:
    """Processor seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def times(way: str, path: str, keylog: str | None, rounds: int) -> dict[str, object]:
    """Seconds of one thread and of as many as there are cores, in turns."""
    cores = os.cpu_count() or 1
    wall: dict[int, list[float]] = {1: [], cores: []}
    busy: dict[int, list[float]] = {1: [], cores: []}
    WAYS[way](Capture(path, threads=1, keylog=keylog))
    for _ in range(rounds):
        for threads in wall:
            start, cpu = time.perf_counter(), spent()
            WAYS[way](Capture(path, threads=threads, keylog=keylog))
            wall[threads].append(time.perf_counter() - start)
            busy[threads].append(spent() - cpu)
    main = str(os.getpid())
    before = int(Path(f"/proc/self/task/{main}/schedstat").read_text().split()[0]) / 1e9
    stages = Stages()
    stages.start()
    WAYS[way](Capture(path, threads=cores, keylog=keylog))
    stages.stop()
    return {
        "cores": cores,
        "one": statistics.median(wall[1]),
        "all": statistics.median(wall[cores]),
        "cpu_one": statistics.median(busy[1]),
        "cpu_all": statistics.median(busy[cores]),
        "stages": stages.by_role({main: before}),
    }


def predicted(stages: dict[str, float], cores: int) -> float:
    """The seconds that so many cores take: the slowest stage, or all stages shared by the cores."""
    alone = [spent for role, spent in stages.items() if role != "workers"]
    return max(sum(stages.values()) / cores, stages.get("workers", 0.0) / cores, *alone)


def shared_files(directory: Path, files: list[File], quick: bool) -> list[tuple[File, str | None]]:
    """Files of the other measures, one of many feeds, and one of TLS with its key log."""
    size = (1 if quick else 64) * MIB
    feeds = directory / "feeds.pcap"
    write_pcap(feeds, Traffic("feeds").feeds(FEEDS), size)
    tls, log, _ = write(directory, 0x1301, 200, 60, size)
    return [
        (File(f"texts of 200 B in {FEEDS} connections", str(feeds), size), None),
        *((file, None) for file in files),
        (File("TLS, texts of 200 B in one connection", str(tls), size), str(log)),
    ]


def measure_sharing(files: list[tuple[File, str | None]], rounds: int = ROUNDS) -> list[Measure]:
    """The share of one thread's time that all cores need, by file and output, and what limits more.

    Args:
        files: The files, each with the path of its key log if it has one.
        rounds: How often each is read.
    """
    measures = []
    for file, keylog in files:
        for way in WAYS:
            found = in_new_process(times, way, file.path, keylog, rounds)
            cores, one, stages = found["cores"], found["one"], found["stages"]
            fit = predicted(stages, cores) / one
            later = ", ".join(f"{n}: {predicted(stages, n) / one:.2f}" for n in CORES)
            slowest = max(stages, key=lambda role: stages[role] / (16 if role == "workers" else 1))
            shown = ", ".join(f"{role} {spent * 1e3:,.0f}" for role, spent in stages.items())
            measures.append(
                Measure(
                    f"{file.name} to {way}: time of {cores} threads over that of one",
                    f"{one * 1e3:,.0f} ms, {found['all'] * 1e3:,.0f} ms; processor "
                    f"{found['cpu_all'] / found['cpu_one']:.2f}x; stages in ms: {shown}; model for "
                    f"{cores} cores {fit:.2f}, for more {later}, limited by the {slowest}",
                    found["all"] / one,
                    "x",
                    MOST if cores == 2 else None,
                )
            )
    return measures
