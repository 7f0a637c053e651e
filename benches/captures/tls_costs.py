"""Measures what live TLS connections take in memory, what a gap costs, and tshark's export.

    python -m captures.tls_costs [CONNECTIONS]      10,000 unless told otherwise

A connection has its handshake, its upgrade and a message of each side, and does not end. A gap is
one lost segment of 1,448 bytes among records of 200 bytes, which takes the end of a record, some
whole ones and the start of another. The export is the one that shows decrypted messages to programs
without TLS; its time and that of reading it are compared with ours.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

import pyarrow as pa

from capture_conversation import Conversation, answer_head, capture_of, request_head, text
from captures.fresh import in_new_process
from captures.tls import seconds, write
from engine.corpus import MIB
from engine.scaling import memory, start_peak
from tls_craft import SERVER, TlsTalk
from tls_keys import SUITES
from wsdefrag.capture import Capture

ROUNDS = 5
GAPS = 200
"""Gaps in a capture of 8 MiB."""

SUITE_NAMES = {
    0x1301: "TLS 1.3 AES-128-GCM",
    0x1303: "TLS 1.3 ChaCha20",
    0xCCA8: "TLS 1.2 ChaCha20",
}


def live(directory: Path, count: int) -> tuple[Path, Path, Path]:
    """Write a capture of live connections with TLS, its key log, and one without TLS."""
    paths = directory / "live-tls.pcap", directory / "live.log", directory / "live.pcap"
    talks, clears, keys = [], [], b""
    for number in range(count):
        client = (f"10.1.{number // 250}.{number % 250 + 1}", 40_000)
        talk = TlsTalk(SUITES[0x1301], seed=number, client=client).open().handshake()
        clear = Conversation(client, SERVER).open()
        for from_client, data in (
            (True, request_head()),
            (False, answer_head()),
            (True, text(True, "a message")),
            (False, text(False, "a message")),
        ):
            talk.say(from_client, data)
            clear.say(from_client, data)
        talks += talk.conversation.segments
        clears += clear.segments
        keys += talk.key_log
    paths[0].write_bytes(capture_of(talks))
    paths[1].write_bytes(keys)
    paths[2].write_bytes(capture_of(clears))
    return paths


def growth(path: str, keys: str | None) -> int:
    """Bytes by which resident memory grows at most while a capture is read."""
    before = start_peak()
    capture = Capture(path, keylog=keys)
    rows = sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(capture))
    assert rows > 0
    return memory("VmHWM") - before


def print_live(directory: Path, count: int) -> None:
    """Print the memory of live connections."""
    tls, keys, clear = live(directory, count)
    with_tls = in_new_process(growth, str(tls), str(keys)) / count / 1024
    without = in_new_process(growth, str(clear), None) / count / 1024
    print(
        f"{count:,} live connections: {with_tls:.1f} KiB each with TLS, "
        f"{without:.1f} KiB in clear, {with_tls - without:.1f} KiB more",
        flush=True,
    )


def print_gaps(directory: Path, suite: int) -> None:
    """Print what a gap costs: the time with gaps over that without them, by gap."""
    talk = TlsTalk(SUITES[suite], seed=suite).open().handshake()
    talk.say(True, request_head())
    talk.say(False, answer_head())
    first = len(talk.conversation.segments)
    wire = text(False, "x" * 200)
    for _ in range(8 * MIB // (60 * len(wire))):
        sealed = b"".join(talk.sealed(False, 23, wire) for _ in range(60))
        talk.send(False, sealed)
    segments = talk.conversation.segments
    step = (len(segments) - first) // GAPS
    lost = set(range(first + step // 2, len(segments), step))
    whole, gapped, keys = (directory / name for name in ("whole.pcap", "gaps.pcap", "gaps.log"))
    whole.write_bytes(capture_of(segments))
    gapped.write_bytes(capture_of(it for at, it in enumerate(segments) if at not in lost))
    keys.write_bytes(talk.key_log)
    pairs = [
        (seconds(gapped, keys, resync=True), seconds(whole, keys, resync=True))
        for _ in range(ROUNDS)
    ]
    (_, read), (_, sent) = pairs[0]
    least = [min(pair[side][0] for pair in pairs) for side in (0, 1)]
    cost = (least[0] - least[1]) / len(lost) * 1e3
    print(
        f"{SUITE_NAMES[suite]}: {len(lost)} gaps, {cost:.3f} ms each; "
        f"{read:,} of {sent:,} messages read",
        flush=True,
    )


def print_export(directory: Path) -> None:
    """Print the time of tshark's export and of reading that, over ours of the encrypted capture."""
    tls, keys, _ = write(directory, 0x1301, 200, 1, 5 * MIB)
    exported = directory / "exported.pcapng"
    option = f"tls.keylog_file:{keys}"
    start = time.perf_counter()
    subprocess.run(
        ["tshark", "-r", tls, "-o", option, "-U", "OSI layer 7", "-w", exported],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    export = time.perf_counter() - start
    reading, rows = seconds(exported, None)
    ours = statistics.median(seconds(tls, keys)[0] for _ in range(ROUNDS))
    _, expected = seconds(tls, keys)
    print(
        f"tshark's export, then reading it: {(export + reading) / ours:.0f}x our time; "
        f"{rows:,} of {expected:,} messages",
        flush=True,
    )


def main() -> None:
    """Measures and prints."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for suite in SUITE_NAMES:
            print_gaps(directory, suite)
        print_export(directory)
        print_live(directory, count)


if __name__ == "__main__":
    main()
