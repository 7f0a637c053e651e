"""Measures the memory of a script in a process of its own.

A script does its work once to warm up, measures, does it many times more, and prints by how many
bytes the resident memory, its peak and the address space have grown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import wire_writer
from free_threaded import FREE_THREADED, KEEPS_MEMORY
from hang_guard import HANG_SECONDS

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc"
)


needs_freed_memory_back = pytest.mark.skipif(FREE_THREADED, reason=KEEPS_MEMORY)


MIB = 1 << 20


PREAMBLE = """
import gc, json
from pathlib import Path
from wire_writer import *
import wsdefrag
from wsdefrag import (
    DeflateParams,
    FrameEncoder,
    Limits,
    MessageReassembler,
    WebSocketConnection,
    WebSocketDirection,
)

MIB = 1 << 20
agreed = DeflateParams()

def memory():
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM", "VmSize")}

def grown(before):
    after = memory()
    print(json.dumps({name: after[name] - before[name] for name in before}))
"""


@dataclass(frozen=True)
class Growth:
    """By how many bytes memory grew: what is resident, its peak, and the address space."""

    resident: int
    peak: int
    address_space: int


def measure(script: str) -> Growth:
    """Run a script that ends by calling `grown`, and read what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script],
        cwd=Path(wire_writer.__file__).parent,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        # glibc keeps large blocks after it has freed one of their size, unless this is fixed.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"},
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    return Growth(printed["VmRSS"], printed["VmHWM"], printed["VmSize"])
