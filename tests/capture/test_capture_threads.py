"""Several threads give the same bytes as one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capture_files import pcapng
from capture_mutations import mutated
from capture_packets import Packets
from capture_recordings import LOADED, packets_of
from capture_spread import damage_records, in_files
from capture_threads import assert_alike, in_file

RUNS = int(os.environ.get("WSDEFRAG_MUTATIONS", "200")) // 100
SALT = os.environ.get("WSDEFRAG_SALT", "")
RECORDINGS = Path("vectors/captures")
FILES = sorted(path for path in RECORDINGS.rglob("*") if path.suffix in (".pcap", ".pcapng", ".gz"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_output_of_a_recording_is_that_of_one_thread(path: Path) -> None:
    keys = path.with_name("tls.keys.log") if "tls" in path.name else None
    assert_alike(path, 2, 3, 8, keylog=keys if keys and keys.exists() else None)


@pytest.mark.random
@pytest.mark.parametrize("name", ["demo", "deflate-directions", "cable-many", "lossy-many"])
def test_every_output_of_a_damaged_recording_is_that_of_one_thread(
    name: str, tmp_path: Path
) -> None:
    _, packets = packets_of(LOADED[name].path.read_bytes())
    for run in range(RUNS):
        seed = f"{name} threads {run}{SALT}"
        path = in_file(tmp_path, pcapng(mutated(packets, seed)))
        assert_alike(path, 2, 3, 8)
        assert_alike(path, 3, resync=True, idle_timeout=1.0)


@pytest.mark.random
def test_files_and_damaged_records_do_not_depend_on_threads(tmp_path: Path) -> None:
    _, packets = packets_of(LOADED["cable-many"].path.read_bytes())
    for run in range(RUNS):
        seed = f"threads {run}{SALT}"
        paths = []
        parts: list[Packets] = in_files(packets, seed)
        for number, part in enumerate(parts):
            path = tmp_path / f"{run}-{number}"
            path.write_bytes(pcapng(part))
            paths.append(path)
        assert_alike(paths, 3)
        damaged, _ = damage_records(packets, seed)
        assert_alike(in_file(tmp_path, damaged), 3)


@pytest.mark.parametrize(
    "limits",
    [{"max_connections": 3}, {"max_connections": 40}, {"memory": 300_000}, {"memory": 3_000_000}],
    ids=str,
)
def test_limits_of_all_connections_do_not_depend_on_threads(limits: dict[str, int]) -> None:
    for name in ("cable-many", "lossy-many", "deflate-directions"):
        assert_alike(LOADED[name].path, 2, 8, **limits)
