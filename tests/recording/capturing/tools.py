"""The programs that captures are made with: dumpcap, tshark, editcap and others.

Each is run with a list of arguments, to its end; the error of one that fails has its output.
`Dumpcap` alone runs in the background. It is ready once it prints which file it writes. It is ended
with SIGINT to its own process, so that it writes its statistics.
"""

from __future__ import annotations

import asyncio
import re
import signal
import struct
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

SETTLE = 0.3  # seconds from "ready" to the first packet surely seen, and from the last to the end
TIME_LIMIT = 120  # seconds a tool may take
SECTION_HEADER = b"\x0a\x0d\x0d\x0a"
INTERFACE = b"\x01\0\0\0"
# Where the options of a block begin, and which of them name the machine: shb_hardware and shb_os,
# if_os and if_hardware.
MACHINE_OPTIONS = {SECTION_HEADER: (24, (2, 3)), INTERFACE: (16, (12, 15))}


def run(*command: str | Path, directory: Path | None = None) -> bytes:
    """Run a program to its end, in `directory`, and return what it printed.

    Raises:
        RuntimeError: it failed, or it takes too long.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=directory, capture_output=True, timeout=TIME_LIMIT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def version(program: str) -> str:
    """Return the version that a Wireshark program prints."""
    found = re.search(r"(\d+\.\d+\.\d+)", run(program, "--version").decode())
    if not found:
        raise RuntimeError(f"{program} does not tell its version")
    return found[1]


class Dumpcap:
    """One running dumpcap."""

    def __init__(self, process: Process, file: Path) -> None:
        self.file = file
        self._process = process

    @classmethod
    async def start(cls, file: Path, *options: str) -> Dumpcap:
        """Start capturing into `file` and return once packets are seen.

        Raises:
            RuntimeError: dumpcap did not start.
        """
        command = ("dumpcap", "-q", "-B", "32", *options, "-w", str(file))
        process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
        printed = b""
        while process.stderr and (line := await process.stderr.readline()):
            printed += line
            if line.startswith(b"File:"):
                await asyncio.sleep(SETTLE)
                return cls(process, file)
        await process.wait()
        raise RuntimeError(f"{' '.join(command)}: {printed.decode(errors='replace').strip()}")

    async def stop(self) -> None:
        """End the capture.

        Raises:
            RuntimeError: dumpcap lost packets, or got none.
        """
        await asyncio.sleep(SETTLE)
        self._process.send_signal(signal.SIGINT)
        _, errors = await self._process.communicate()
        counts = re.findall(r": (\d+)/(\d+) \(pcap:", errors.decode())
        if not counts or any(dropped != "0" for _, dropped in counts):
            raise RuntimeError(f"dumpcap lost packets: {errors.decode().strip()}")


def without_machine(file: Path) -> None:
    """Take the names of processor and kernel out of a pcapng file.

    They are all that a capture says of the machine it was made on; the other
    options (which program wrote it, the interface, the filter) stay. Other formats have none.
    """
    data = file.read_bytes()
    if not data.startswith(SECTION_HEADER):
        return
    blocks, position = b"", 0
    while position < len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        blocks += _block_without_machine(data[position : position + length])
        position += length
    file.write_bytes(blocks)


def _block_without_machine(block: bytes) -> bytes:
    start, names = MACHINE_OPTIONS.get(block[:4], (0, ()))
    if not names:
        return block
    options, position = b"", start
    while position < len(block) - 4:
        code, size = struct.unpack_from("<HH", block, position)
        end = position + 4 + size + -size % 4
        if code not in names:
            options += block[position:end]
        position = end
    total = struct.pack("<I", start + len(options) + 4)
    return block[:4] + total + block[8:start] + options + total
