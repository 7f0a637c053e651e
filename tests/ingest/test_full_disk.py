"""An ingest into a disk that is really full: a small file system, in a mount namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from capture_parts import rotated
from hang_guard import HANG_SECONDS

SUPPORT = Path(__file__).parents[1] / "support"


def namespace(empty: Path) -> list[str]:
    """The command that gives a program mounts of its own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no unshare, which would allow to mount a small file system")
    command = [unshare, "--mount"] if os.getuid() == 0 else [unshare, "--map-root-user", "--mount"]
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(empty)]
    tried = subprocess.run(
        [*command, *mount], capture_output=True, text=True, check=False, timeout=HANG_SECONDS
    )
    if tried.returncode:
        pytest.skip(f"a small file system cannot be mounted: {tried.stderr.strip()}")
    return command


@pytest.mark.random
@pytest.mark.parametrize("size", [1, 1 << 30], ids=["a file a commit", "one commit"])
def test_disk_that_is_full_at_any_place_costs_nothing(size: int, tmp_path: Path) -> None:
    folder, empty = tmp_path / "captures", tmp_path / "disk"
    folder.mkdir()
    empty.mkdir()
    rotated("demo", folder, 2)
    program = [sys.executable, str(SUPPORT / "full_disk_program.py")]
    arguments = [str(folder), str(empty), str(size)]
    done = subprocess.run(
        [*namespace(empty), *program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
    )
    assert done.returncode == 0, done.stderr
    pages, files = map(int, done.stdout.split())
    assert pages > 10
    assert files > 10
