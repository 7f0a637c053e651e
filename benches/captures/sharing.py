"""Measures how much faster several threads read one capture, and what each of their stages takes.

`sharing_model` says what that means for machines with more cores.
"""

import os
import resource
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

import pyarrow as pa

from capture_conversation import answer_head, capture_of, merged, request_head, text
from captures.corpus import Traffic
from captures.files import File
from captures.fresh import in_new_process
from captures.packets import write_pcap
from captures.sharing_model import FOLLOWING, STAGES, Shared
from engine.corpus import MIB
from tls_craft import TlsTalk
from tls_keys import SUITES
from wsdefrag.capture import Capture
from wsdefrag.formats.jsonl import write_jsonl
from wsdefrag.formats.tables import write_parquet

ROUNDS = 5
FEEDS = 200
TLS_FEEDS = 50
LOOK = 0.002
"""Seconds between two looks at the threads."""
TOGETHER = 60
"""Texts of 200 B in a record of TLS."""


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


class Watch:
    """Looks at what the threads of this process take while a capture is read.

    A thread's time cannot be asked for after its end, so what it took since the last look is not
    seen. What this process took in all is known, and what was not seen is given to the threads by
    what was.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}
        self._own = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK):
            for task in Path("/proc/self/task").iterdir():
                try:
                    # A name has 15 bytes at most.
                    name = (task / "comm").read_text().strip()
                    spent = int((task / "schedstat").read_text().split()[0]) / 1e9
                except OSError:
                    continue
                if name.startswith("wsdefrag-"):
                    self._seen[name.removeprefix("wsdefrag-"), task.name] = spent
        self._own = time.thread_time()

    def stages(self, work: Callable[[], None]) -> dict[str, float]:
        """Does the work; processor seconds of each of its stages."""
        self._thread.start()
        whole, caller = spent(), time.thread_time()
        work()
        caller = time.thread_time() - caller
        self._stop.set()
        self._thread.join()
        of_threads = max(spent() - whole - self._own - caller, 0.0)
        roles: dict[str, float] = defaultdict(float)
        for (name, _), seconds in self._seen.items():
            stage = {"reader": STAGES[0], "encode": STAGES[3], "conten": STAGES[4]}.get(
                name, FOLLOWING
            )
            roles[stage] += seconds
        factor = of_threads / sum(roles.values()) if roles else 0.0
        found = {stage: seconds * factor for stage, seconds in roles.items()} | {STAGES[2]: caller}
        return {stage: found[stage] for stage in STAGES if stage in found}


def spent() -> float:
    """Processor seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def times(way: str, path: str, keylog: str | None, rounds: int) -> dict[str, object]:
    """Seconds of one thread and of as many as there are cores, in turns; fields of `Shared`.

    Two threads do work of several stages, so the stages are those of three at least.
    """
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
    watched = [
        Watch().stages(lambda: WAYS[way](Capture(path, threads=max(cores, 3), keylog=keylog)))
        for _ in range(rounds)
    ]
    return {
        "cores": cores,
        "one": statistics.median(wall[1]),
        "all": statistics.median(wall[cores]),
        "cpu_one": statistics.median(busy[1]),
        "cpu_all": statistics.median(busy[cores]),
        "stages": {
            stage: statistics.median(found.get(stage, 0.0) for found in watched)
            for stage in STAGES
            if any(stage in found for found in watched)
        },
    }


def write_tls(directory: Path, size: int) -> tuple[Path, Path]:
    """Writes a capture of connections with TLS 1.3 (AES-128-GCM) in turn, and its key log."""
    wire = text(False, "x" * 200) * TOGETHER
    talks = []
    for number in range(TLS_FEEDS):
        talk = TlsTalk(SUITES[0x1301], seed=number, client=(f"10.2.0.{number + 1}", 40_000))
        talk.open().handshake()
        talk.say(True, request_head())
        talk.say(False, answer_head())
        for _ in range(max(1, size // TLS_FEEDS // len(wire))):
            talk.say(False, wire)
        talks.append(talk)
    paths = directory / "feeds-tls.pcapng", directory / "feeds-keys.log"
    paths[0].write_bytes(capture_of(merged(*(talk.conversation for talk in talks))))
    paths[1].write_bytes(b"".join(talk.key_log for talk in talks))
    return paths


def shared_files(directory: Path, files: list[File], quick: bool) -> list[tuple[File, str | None]]:
    """Files of the other measures, one of many feeds, and one of TLS with its key log."""
    size = (1 if quick else 64) * MIB
    feeds = directory / "feeds.pcap"
    write_pcap(feeds, Traffic("feeds").feeds(FEEDS), size)
    tls, log = write_tls(directory, size)
    return [
        (File(f"texts of 200 B in {FEEDS} connections", str(feeds), size), None),
        *((file, None) for file in files),
        (File(f"TLS, texts of 200 B in {TLS_FEEDS} connections", str(tls), size), str(log)),
    ]


def measure_sharing(files: list[tuple[File, str | None]], rounds: int = ROUNDS) -> list[Shared]:
    """How all cores share each file, for each output.

    Args:
        files: The files, each with the path of its key log if it has one.
        rounds: How often each is read.
    """
    found = []
    for file, keylog in files:
        for way in WAYS:
            shared = in_new_process(times, way, file.path, keylog, rounds)
            found.append(Shared(file.name, way, **shared))
            print(f"{found[-1].measure().what}: {found[-1].all / found[-1].one:.2f}x", flush=True)
    return found
