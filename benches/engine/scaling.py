"""Measures that time grows linearly with the input and that memory stays small.

Every measure runs in a process of its own, so that no other one has grown its heap. The input is
a header and then the same piece of payload again and again, so it takes no memory worth counting.
Resident memory is `VmRSS` and its peak `VmHWM` of `/proc/self/status`, in KiB: Linux only.
"""

import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import chain, repeat
from pathlib import Path

import wsdefrag
from engine.corpus import BINARY, CHUNK_SIZE, KIB, MIB, encode_frame, mask

ETHERNET_SEGMENT = 1460
"""Payload bytes of a full TCP segment on Ethernet: the piece a network read often gives."""

KEY = b"\x01\x02\x03\x04"


@dataclass(frozen=True)
class Measure:
    """One line of the table.

    Attributes:
        what: what was measured.
        detail: the raw numbers that `value` is computed from.
        value: the number that is judged.
        unit: its unit.
        limit: the target, which `value` may not reach; None where there is none.
    """

    what: str
    detail: str
    value: float
    unit: str
    limit: float | None


def message_pieces(size: int, chunk_size: int) -> Iterator[bytes]:
    """A masked binary message of `size` bytes: its header, then pieces of `chunk_size` bytes."""
    piece = bytes(chunk_size)
    full, rest = divmod(size, chunk_size)
    return chain([frame_header(size)], repeat(piece, full), [piece[:rest]] if rest else [])


def frame_header(size: int) -> bytes:
    """The header of a masked binary frame of `size` bytes, at least 64 KiB."""
    return encode_frame(BINARY, b"", key=KEY)[:1] + b"\xff" + size.to_bytes(8, "big") + KEY


def read_message(size: int, chunk_size: int) -> None:
    """Reassembles one message and makes sure that it is the right one."""
    receive_data = wsdefrag.MessageReassembler(from_client=True).receive_data
    messages = [
        message for piece in message_pieces(size, chunk_size) for message in receive_data(piece)
    ]
    (message,) = messages
    assert len(message.content) == size
    assert message.content[:5] == mask(bytes(5), KEY)


def memory(field: str) -> int:
    """`VmRSS` or `VmHWM` in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * KIB
    raise LookupError(field)


def start_peak() -> int:
    """Resets the peak to the memory that is resident now, and returns that, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def in_mib(size: float) -> str:
    """A number of bytes for the tables."""
    return f"{size / MIB:,.1f} MiB"


def linear_time(size: int, chunk_size: int) -> Measure:
    """The time of a whole message against that of half of it; 2 is linear, 4 is quadratic."""
    times: dict[int, list[float]] = {size // 2: [], size: []}
    for _ in range(5):
        for part, seconds in times.items():
            start = time.perf_counter()
            read_message(part, chunk_size)
            seconds.append(time.perf_counter() - start)
    half, full = (statistics.median(seconds) for seconds in times.values())
    return Measure(
        f"{size // MIB} MiB message in chunks of {chunk_size:,} B: time over that of half of it",
        f"{half * 1e3:,.1f} ms, {full * 1e3:,.1f} ms",
        full / half,
        "x",
        2.2,
    )


def stream_memory(total: int) -> Measure:
    """Memory while a long stream of messages of 64 KiB is consumed."""
    key_and_zeros = encode_frame(BINARY, bytes(64 * KIB), key=KEY)
    wire = key_and_zeros * 16
    chunks = [wire[start : start + CHUNK_SIZE] for start in range(0, len(wire), CHUNK_SIZE)]
    receive_data = wsdefrag.MessageReassembler(from_client=True).receive_data
    before = start_peak()
    count = 0
    for _ in range(total // MIB):
        for chunk in chunks:
            count += len(receive_data(chunk))
    assert count == total // (64 * KIB)
    after, peak = memory("VmRSS"), memory("VmHWM")
    return Measure(
        f"{total // MIB:,} MiB of messages of 64 KiB: peak growth of resident memory",
        f"before {in_mib(before)}, after {in_mib(after)}, peak {in_mib(peak)}",
        (peak - before) / MIB,
        "MiB",
        None,
    )


def message_memory(size: int, chunk_size: int) -> Measure:
    """Peak memory of one large message against its size."""
    before = start_peak()
    read_message(size, chunk_size)
    peak = memory("VmHWM")
    return Measure(
        f"{size // MIB} MiB message in chunks of {chunk_size:,} B: peak growth over its size",
        f"before {in_mib(before)}, peak {in_mib(peak)}",
        (peak - before) / size,
        "x",
        1.3,
    )


def promised_memory(count: int, size: int, given: int) -> Measure:
    """Memory of many reassemblers that were promised a large message."""
    header = frame_header(size)
    before = start_peak()
    reassemblers = [wsdefrag.MessageReassembler(from_client=True) for _ in range(count)]
    for reassembler in reassemblers:
        assert reassembler.receive_data(header) == []
        assert reassembler.receive_data(bytes(given)) == []
    peak = memory("VmHWM")
    assert all(reassembler.error is None for reassembler in reassemblers)
    return Measure(
        f"{count:,} reassemblers, each promised {size // MIB} MiB and given {given} B of it: "
        "memory together",
        f"before {in_mib(before)}, peak {in_mib(peak)}",
        (peak - before) / MIB,
        "MiB",
        16,
    )


MEASURES: tuple[tuple[Callable[..., Measure], tuple[int, ...]], ...] = (
    (linear_time, (4 * MIB, 1)),
    (linear_time, (64 * MIB, ETHERNET_SEGMENT)),
    (stream_memory, (1024 * MIB,)),
    (message_memory, (64 * MIB, CHUNK_SIZE)),
    (message_memory, (64 * MIB, ETHERNET_SEGMENT)),
    (promised_memory, (1000, 16 * MIB, 0)),
    (promised_memory, (1000, 16 * MIB, 1)),
)


def measure_all() -> list[Measure]:
    """Takes every measure, one after the other, each in a new process."""
    context = multiprocessing.get_context("spawn")
    results = []
    for measure, arguments in MEASURES:
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            results.append(pool.submit(measure, *arguments).result())
            print(f"{results[-1].what}: {results[-1].value:.2f} {results[-1].unit}", flush=True)
    return results


def main() -> None:
    """Writes the measures as JSON into the file named on the command line."""
    Path(sys.argv[1]).write_text(json.dumps([asdict(measure) for measure in measure_all()]))


if __name__ == "__main__":
    main()
