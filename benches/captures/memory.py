"""Measures the memory and cores that reading captures takes; memory does not grow with the file.

As in `scaling`, every measure of memory runs in a process of its own, and growth is that of the
resident memory's peak over what was resident before the first packet.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from captures.files import CONNECTIONS, File, Sizes, many_file
from captures.fresh import in_new_process
from captures.packets import cut_pcap
from captures.ways import ARROW, OBJECTS, OURS
from engine.corpus import MIB
from engine.scaling import Measure, memory, start_peak

FLAT = 2
"""How much larger a peak may be for a file four times as long. In proportion it would be 4; not 1,
because what is under way at the worst moment varies."""

COMPRESSED = 45
"""KiB that a connection with deflate both ways may take where little was sent."""

TWO_THREADS = 0.7
"""The share of one thread's time that two may need, to count as two cores at work."""


def peak_growth(way: str, path: str) -> int:
    """Bytes by which resident memory grows at most while a file is read."""
    before = start_peak()
    OURS[way](path)
    return memory("VmHWM") - before


def flat_memory(what: str, way: str, paths: list[str]) -> Measure:
    """Peaks of files of growing length; the last one's against that of the one before."""
    peaks = [in_new_process(peak_growth, way, path) for path in paths]
    shown = [f"{peak / MIB:,.1f} MiB" for peak in peaks]
    sizes = [f"{Path(path).stat().st_size / MIB:,.0f} MiB" for path in paths]
    return Measure(
        f"{what}, {way}: peak growth for {sizes[-1]} over that for {sizes[-2]}",
        ", ".join(map(": ".join, zip(sizes, shown, strict=True))),
        peaks[-1] / peaks[-2],
        "x",
        FLAT,
    )


def compressed_memory(path: str) -> Measure:
    """Connections that each have a deflate window a direction."""
    growth = in_new_process(peak_growth, ARROW, path)
    return Measure(
        f"{CONNECTIONS:,} live connections with deflate both ways, {ARROW}: peak growth",
        f"{growth / MIB:,.1f} MiB",
        growth / CONNECTIONS / 1024,
        "KiB a connection",
        COMPRESSED,
    )


def wall_times(way: str, paths: list[str]) -> tuple[float, float]:
    """Seconds in which one thread and two threads read all files; medians of five in turns."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    OURS[way](paths[0])
    for _ in range(5):
        for threads, times in seconds.items():
            with ThreadPoolExecutor(threads) as pool:
                start = time.perf_counter()
                list(pool.map(OURS[way], paths))
                times.append(time.perf_counter() - start)
    return statistics.median(seconds[1]), statistics.median(seconds[2])


def two_threads(file: File, way: str, number: int) -> Measure:
    """Several readings at once, in one process."""
    one, two = in_new_process(wall_times, way, [file.path] * number)
    return Measure(
        f"{number} x {file.name}, {way}: time of two threads over that of one",
        f"{one * 1e3:,.0f} ms, {two * 1e3:,.0f} ms",
        two / one,
        "x",
        TWO_THREADS if way == ARROW else None,
    )


def measure_memory(directory: Path, mixed: File, sizes: Sizes) -> list[Measure]:
    """All measures of memory."""
    pieces = []
    for size in sizes.pieces[:-1]:
        piece = directory / f"piece-{size // MIB}.pcap"
        cut_pcap(Path(mixed.path), piece, size)
        pieces.append(str(piece))
    pieces.append(mixed.path)
    many = [many_file(directory, size).path for size in (sizes.many, 4 * sizes.many)]
    measures = []
    for way in (ARROW, OBJECTS):
        measures.append(flat_memory("mixed traffic", way, pieces))
        measures.append(flat_memory(f"{CONNECTIONS:,} live connections", way, many))
    measures.append(compressed_memory(many_file(directory, sizes.many, deflate=True).path))
    return measures


def measure_threads(files: list[File]) -> list[Measure]:
    """Two and four readings at once, with small and with large messages."""
    return [
        two_threads(file, way, number)
        for file in files
        for way in (ARROW, OBJECTS)
        for number in (2, 4)
    ]
