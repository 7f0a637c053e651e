"""Compares reading encrypted captures with reading the same messages in clear, and with tshark.

    python -m captures.tls [MIB]

For each suite and each size of messages and records a capture of MIB (50) is written, with its key
log, and one of the same bytes without TLS. Both are read to Arrow in turn. tshark reads a capture
of a tenth of the size, and its time is compared by the byte. The whole command is
`wsdefrag messages --keylog`, from its start to its end, which reads the same tenth.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

import pyarrow as pa

from capture_conversation import Conversation, answer_head, capture_of, request_head, text
from captures.part import compile_package
from captures.ways import DISSECTION, FIELDS, WSDEFRAG, time_command
from engine.corpus import MIB
from tls_craft import CLIENT, SEGMENT, SERVER, TlsTalk
from tls_keys import SUITES
from wsdefrag.capture import Capture

ROUNDS = 5
SHAPES = [
    ("200 B, a record each", 200, 1),
    ("200 B, 60 a record", 200, 60),
    ("16 kB", 16_000, 1),
    ("64 kB", 64_000, 1),
]


def write(
    directory: Path, suite: int, message: int, together: int, size: int
) -> tuple[Path, Path, Path]:
    """Write a capture with TLS, its key log, and one without TLS."""
    wire = text(False, "x" * message) * together
    talk = TlsTalk(SUITES[suite], seed=suite).open().handshake()
    clear = Conversation(CLIENT, SERVER).open()
    for from_client, data in ((True, request_head()), (False, answer_head())):
        talk.say(from_client, data)
        clear.say(from_client, data)
    for _ in range(max(1, size // len(wire))):
        talk.say(False, wire)
        clear.say(False, wire, size=SEGMENT)
    paths = directory / "tls.pcap", directory / "keys.log", directory / "clear.pcap"
    paths[0].write_bytes(capture_of(talk.conversation.segments))
    paths[1].write_bytes(talk.key_log)
    paths[2].write_bytes(capture_of(clear.segments))
    return paths


def seconds(path: Path, keys: Path | None, *, resync: bool = False) -> tuple[float, int]:
    """The seconds that reading to Arrow takes, and the number of messages."""
    start = time.perf_counter()
    capture = Capture(path, keylog=keys, resync=resync)
    rows = sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(capture))
    return time.perf_counter() - start, rows


def tshark_seconds(path: Path, keys: Path) -> float:
    """The seconds that tshark takes for the fields of messages."""
    option = f"tls.keylog_file:{keys}"
    command = ["tshark", "-r", str(path), "-o", option, *DISSECTION, *FIELDS]
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def command_seconds(path: Path, keys: Path) -> float:
    """The seconds that our command takes to print the messages, as a median."""
    command = [str(WSDEFRAG), "messages", str(path), "--keylog", str(keys)]
    return statistics.median(time_command(command) for _ in range(ROUNDS))


def main() -> None:
    """Measures and prints."""
    size = (int(sys.argv[1]) if len(sys.argv) > 1 else 50) * MIB
    compile_package()
    has_tshark = shutil.which("tshark") is not None
    print("| suite | texts | messages/s | MB/s | time of clear | tshark's fields | whole command |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for suite in (0x1301, 0x1302, 0x1303):
            for shape, message, together in SHAPES:
                tenth, keys, _ = write(directory, suite, message, together, size // 10)
                tshark = tshark_seconds(tenth, keys) if has_tshark else None
                whole = command_seconds(tenth, keys)
                tls, keys, clear = write(directory, suite, message, together, size)
                pairs = [(seconds(tls, keys), seconds(clear, None)) for _ in range(ROUNDS)]
                (_, rows), (_, expected) = pairs[0]
                assert rows == expected, (rows, expected)
                ours = statistics.median(pair[0][0] for pair in pairs)
                plain = statistics.median(pair[1][0] for pair in pairs)
                content = rows * message
                cells = [
                    f"{rows / ours:,.0f}",
                    f"{content / ours / 1e6:,.0f}",
                    f"{ours / plain:.2f}x",
                    f"{tshark * 10 / ours:.0f}x" if tshark else "not installed",
                    f"{tshark / whole:.1f}x" if tshark else f"{whole * 1e3:.0f} ms",
                ]
                print(f"| {suite:04x} | {shape} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
