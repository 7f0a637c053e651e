"""The ways to read a capture that are compared: ours in this process, programs as commands.

Our ways in this process use one thread. They keep nothing in memory: Arrow is consumed batch by
batch, messages one by one. A program writes to `/dev/null`. Programs that are not installed are
left out.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pyarrow as pa

from wsdefrag.capture import Capture

ARROW = "wsdefrag, to Arrow"
OBJECTS = "wsdefrag, as objects"
NO_CONTENT = "wsdefrag, connections without content"
LISTING = "`wsdefrag messages`"
JSONL = "`wsdefrag messages --format jsonl`"
HAR = "`wsdefrag convert -o x.har`"
MITM = "`wsdefrag convert -o x.mitm`"
PARQUET = "`wsdefrag convert -o x.parquet`"
REPORT = "`wsdefrag report`"
TSHARK_FIELDS = "tshark, fields"
TSHARK_JSON = "tshark, JSON"
MITMPROXY = "mitmproxy, flow file"

HERE = Path(__file__).resolve().parent
MITMPROXY_PYTHON = HERE.parents[1] / ".venv-mitmproxy" / "bin" / "python"
WSDEFRAG = Path(sys.executable).with_name("wsdefrag")

PREFERENCES = (
    "tcp.reassemble_out_of_order:TRUE",
    "tcp.desegment_tcp_streams:TRUE",
    "websocket.decompress:TRUE",
)
COLUMNS = (
    "frame.number",
    "frame.time_epoch",
    "tcp.stream",
    "websocket.opcode",
    "websocket.payload.text",
    "data.data",
)
DISSECTION = ["-2", *chain(*(("-o", one) for one in PREFERENCES)), "-Y", "websocket"]
FIELDS = ["-T", "fields", *chain(*(("-e", one) for one in COLUMNS))]
JSON = ["-T", "json", "--no-duplicate-keys", "-J", "frame tcp websocket data data-text-lines json"]


class Failed(Exception):
    """A program failed."""


def to_arrow(path: str) -> int:
    """Reads the table of messages batch by batch; how many rows it has."""
    stream = pa.RecordBatchReader.from_stream(Capture(path, threads=1).to_arrow().messages)
    return sum(batch.num_rows for batch in stream)


def as_objects(path: str) -> int:
    """Reads the messages one by one; how many they are."""
    number = 0
    for _ in Capture(path, threads=1).messages():
        number += 1
    return number


def without_content(path: str) -> int:
    """Reads the table of connections alone; how many rows it has."""
    stream = pa.RecordBatchReader.from_stream(
        Capture(path, content=False, threads=1).to_arrow().connections
    )
    return sum(batch.num_rows for batch in stream)


OURS: dict[str, Callable[[str], int]] = {
    ARROW: to_arrow,
    OBJECTS: as_objects,
    NO_CONTENT: without_content,
}


def time_ours(way: str, path: str, rounds: int) -> list[float]:
    """Reads a file again and again.

    Returns:
        The seconds of each round; one more before them is not counted.
    """
    read = OURS[way]
    expected = read(path)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        number = read(path)
        seconds.append(time.perf_counter() - start)
        assert number == expected
    return seconds


def commands() -> dict[str, Callable[[str], list[str]]]:
    """The programs that are installed: for each way the command that reads a file."""
    found: dict[str, Callable[[str], list[str]]] = {
        LISTING: lambda path: [str(WSDEFRAG), "messages", path],
        JSONL: lambda path: [str(WSDEFRAG), "messages", "--format", "jsonl", path],
        HAR: lambda path: converted(path, "har"),
        MITM: lambda path: converted(path, "mitm"),
        PARQUET: lambda path: converted(path, "parquet"),
        REPORT: lambda path: [str(WSDEFRAG), "report", path, "-o", os.devnull],
    }
    if tshark := shutil.which("tshark"):
        found[TSHARK_FIELDS] = lambda path: [tshark, "-r", path, *DISSECTION, *FIELDS]
        found[TSHARK_JSON] = lambda path: [tshark, "-r", path, *DISSECTION, *JSON]
    return found


def converted(path: str, format_name: str) -> list[str]:
    """Our command that makes a file of another format."""
    return [str(WSDEFRAG), "convert", path, "--format", format_name, "-o", os.devnull]


LOSSES = 1
"""The exit status of our command where a capture is read to its end and does not hold all."""


def time_command(command: list[str]) -> float:
    """The seconds from a command's start to its end."""
    start = time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode and not (command[0] == str(WSDEFRAG) and done.returncode == LOSSES):
        complaints = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Failed(complaints[-1])
    return seconds


def count_tshark(path: str) -> int:
    """How many messages tshark finds: frames with the opcode of a text or a binary message."""
    command = commands()[TSHARK_FIELDS](path)
    done = subprocess.run(command, capture_output=True, check=True)
    packets = (line.split(b"\t") for line in done.stdout.splitlines() if b"\t" in line)
    opcodes = (opcode for packet in packets for opcode in packet[3].split(b","))
    return sum(opcode in (b"1", b"2") for opcode in opcodes)


def write_flows(path: str, flows: Path) -> None:
    """Writes a capture as mitmproxy's flow file."""
    from wsdefrag.formats.mitm import write_mitm

    with flows.open("wb") as file:
        write_mitm(Capture(path), file)


def time_mitmproxy(flows: Path, rounds: int) -> tuple[list[float], int]:
    """Reads a flow file with mitmproxy's own reader, in its environment.

    Returns:
        The seconds of each round, and how many messages there are.
    """
    done = subprocess.run(
        [MITMPROXY_PYTHON, HERE / "mitmproxy_reader.py", flows, str(rounds)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, messages = json.loads(done.stdout)
    return seconds, messages


def versions() -> dict[str, str]:
    """What the ways depend on, besides what the engine's benchmarks name."""
    found = {"pyarrow": pa.__version__}
    if tshark := shutil.which("tshark"):
        first_line, _, _ = output_of(tshark, "--version").partition("\n")
        found["tshark"] = first_line.removeprefix("TShark (Wireshark) ").rstrip(".")
    else:
        found["tshark"] = "not installed, so nothing is compared with it"
    if MITMPROXY_PYTHON.exists():
        found["mitmproxy"] = output_of(str(MITMPROXY_PYTHON), "-c", MITMPROXY_VERSION)
    else:
        found["mitmproxy"] = "not installed (`make mitmproxy-env`), so nothing is compared with it"
    return found


MITMPROXY_VERSION = """
import platform, mitmproxy.version
print(mitmproxy.version.VERSION, "on CPython", platform.python_version())
"""


def output_of(*command: str) -> str:
    """What a command prints, without the line end."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()
