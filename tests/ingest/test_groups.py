"""Groups of files: however many are committed together, the lake has the same rows."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import capture_files
from capture_craft import Captured, packed
from capture_parts import rotated
from capture_recordings import packets_of
from hang_guard import HANG_SECONDS
from ingest_lakes import (
    commits,
    committed_files,
    expected,
    lake_rows,
    parquet_files,
    quietly,
    sources,
)
from recorded_captures import load
from wsdefrag.ingest import Ingest, ingest
from wsdefrag.ingest import lake as lakes
from wsdefrag.ingest.folder import Folder, SourceFile
from wsdefrag.ingest.group import MOST_FILES, Bounds, Group

SUPPORT = Path(__file__).parents[1] / "support"
COUNTERS = ("status", "messages", "bytes", "warnings")

NEEDS_FORK = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


def names(lake: Path) -> list[list[str]]:
    """The files of each commit of a lake."""
    return [[source["name"] for source in commit["sources"]] for commit in commits(lake)]


def state(lake: Path) -> bytes:
    """The state after the last commit."""
    (path,) = lake.glob(f"_ingest/*/{commits(lake)[-1]['state']}")
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for captures."""
    made = tmp_path / "captures"
    made.mkdir()
    return made


@pytest.mark.parametrize("name", ["demo", "cable-many", "lossy-many", "deflate-fragments", "tls"])
def test_files_together_are_as_files_apart(name: str, folder: Path, tmp_path: Path) -> None:
    """Rows, what is counted of each file, and the state after the last one."""
    files = rotated(name, folder, 9)
    options: dict[str, Any] = {"quiet": 0, "log": quietly, "resync": True}
    if name == "tls":
        options["keylog"] = "vectors/captures/tls.keys.log"
    together, apart = tmp_path / "together", tmp_path / "apart"
    ingest(folder, together, **options)
    ingest(folder, apart, commit_bytes=1, **options)
    assert names(together) == [[file.name for file in files]]
    assert names(apart) == [[file.name] for file in files]
    assert state(together) == state(apart)
    counted = [
        [{key: source[key] for key in COUNTERS} for source in sources(lake)]
        for lake in (together, apart)
    ]
    assert counted[0] == counted[1]
    assert len(list(together.rglob("*.parquet"))) < len(list(apart.rglob("*.parquet")))
    whole = expected(files, **{key: options[key] for key in options if key in ("keylog", "resync")})
    assert whole["messages"]
    for lake in (together, apart):
        ingest(folder, lake, end=True, **options)
        assert lake_rows(lake) == whole
    at_once = tmp_path / "at-once"
    ingest(folder, at_once, end=True, **options)
    assert names(at_once) == [[file.name for file in files]]
    assert commits(at_once)[0]["ended"]
    assert commits(at_once)[0]["state"] is None
    assert lake_rows(at_once) == whole


def test_capture_ends_after_files_that_come_while_others_are_read(
    folder: Path, tmp_path: Path
) -> None:
    files = rotated("demo", folder, 4)
    later = [file.rename(tmp_path / file.name) for file in files[2:]]

    def come(event: str, **_: object) -> None:
        if event == "committed" and later:
            file = later.pop(0)
            file.rename(folder / file.name)

    ingest(folder, tmp_path / "lake", quiet=0, commit_bytes=1, end=True, log=come)
    assert names(tmp_path / "lake") == [[file.name] for file in files]
    assert [commit["ended"] for commit in commits(tmp_path / "lake")] == [False] * 3 + [True]
    assert lake_rows(tmp_path / "lake") == expected(files)


def test_capture_that_is_followed_does_not_end(folder: Path, tmp_path: Path) -> None:
    with (
        Ingest(folder, tmp_path / "lake", log=quietly) as made,
        pytest.raises(ValueError, match="does not end"),
    ):
        made.run(follow=True, end=True)


def test_sums_of_a_commit_are_those_of_its_files(folder: Path, tmp_path: Path) -> None:
    rotated("demo", folder, 5)
    counts = ingest(folder, tmp_path / "lake", quiet=0, log=quietly)
    (commit,) = commits(tmp_path / "lake")
    for key in ("messages", "bytes"):
        assert sum(source[key] for source in commit["sources"]) == commit[key]
    assert (counts.files, counts.commits, counts.bytes) == (5, 1, commit["bytes"])
    assert counts.messages == commit["messages"] > 0


@pytest.mark.parametrize(
    ("size", "count"), [(1, 1), (10, 1), (11, 2), (30, 2), (31, 3), (60, 3), (1000, 4)]
)
def test_file_that_reaches_the_bound_is_the_last_of_its_commit(size: int, count: int) -> None:
    waiting = [SourceFile(str(length), length, 0) for length in (10, 20, 30, 40)]
    assert Group(waiting, Bounds(size, 1.0)).files == waiting[:count]


def test_commit_has_no_more_names_than_its_file_should_have() -> None:
    waiting = [SourceFile(str(number), 0, 0) for number in range(MOST_FILES + 1)]
    assert Group(waiting, Bounds(1000, 1.0)).files == waiting[:-1]


def test_no_file_is_begun_after_the_time_of_a_commit(folder: Path, tmp_path: Path) -> None:
    files = rotated("demo", folder, 3)
    ingest(folder, tmp_path / "lake", quiet=0, commit_seconds=0, end=True, log=quietly)
    assert names(tmp_path / "lake") == [*([file.name] for file in files), []]
    assert lake_rows(tmp_path / "lake") == expected(files)


@pytest.mark.parametrize("bound", [{"commit_bytes": 0}, {"commit_seconds": -1.0}])
def test_bound_that_no_file_fits_is_refused(bound: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    with pytest.raises(ValueError, match=r"commit_\w+ must be at least"):
        Ingest(tmp_path / "captures", tmp_path / "lake", **bound)


def test_bad_files_inside_a_group_cost_themselves(folder: Path, tmp_path: Path) -> None:
    """Those before it are committed without it, and those after it together."""
    files = rotated("demo", folder, 6)
    for name in ("part-001b.pcap", "part-001c.pcap", "part-003b.pcap"):
        (folder / name).write_bytes(b"no capture at all, certainly")
    lake = tmp_path / "lake"
    counts = ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert (counts.files, counts.set_aside) == (6, 3)
    aside = [["part-001b.pcap"], ["part-001c.pcap"], ["part-003b.pcap"]]
    read = [file.name for file in files]
    in_order = [name for group in names(lake) for name in group]
    assert sorted(in_order) == sorted([*read, *(name for group in aside for name in group)])
    assert [name for name in in_order if name in read] == read
    for commit in commits(lake):
        if [source["name"] for source in commit["sources"]] in aside:
            assert commit["files"] == []
            assert "not a capture" in commit["sources"][0]["error"]
        else:
            assert {source["status"] for source in commit["sources"]} <= {"read"}
    assert lake_rows(lake) == expected(files)


def test_bad_file_that_comes_last_leaves_the_rows_of_the_others(
    folder: Path, tmp_path: Path
) -> None:
    files = rotated("demo", folder, 4)
    bad = folder / "zz.pcap"
    bad.write_bytes(bytes(64))
    lake = tmp_path / "lake"
    ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert names(lake) == [[file.name for file in files], ["zz.pcap"], []]
    assert lake_rows(lake) == expected(files)


def test_damage_is_said_of_its_file_alone(folder: Path, tmp_path: Path) -> None:
    files = rotated("demo", folder, 3)
    packed = gzip.compress(files[1].read_bytes())
    files[1].unlink()
    files[1] = files[1].with_name("part-001.pcapng.gz")
    files[1].write_bytes(packed[: len(packed) // 2])
    ingest(folder, tmp_path / "lake", quiet=0, end=True, log=quietly)
    assert names(tmp_path / "lake") == [[file.name for file in files]]
    assert [source["status"] for source in sources(tmp_path / "lake")] == [
        "read",
        "damaged",
        "read",
    ]
    warnings = [source["warnings"] for source in sources(tmp_path / "lake")]
    assert f"{files[1]}: the compressed data ends too early" in warnings[1]
    assert warnings[0] == warnings[2] == []
    assert lake_rows(tmp_path / "lake") == expected(files)


def test_file_that_is_gone_when_its_turn_comes_leaves_the_rows_of_the_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = rotated("demo", folder, 5)
    in_order = Folder.in_order

    def gone(looked_at: Folder, waiting: list[SourceFile]) -> list[SourceFile]:
        found = in_order(looked_at, waiting)
        files[3].unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Folder, "in_order", gone)
    lake = tmp_path / "lake"
    with pytest.raises(FileNotFoundError):
        ingest(folder, lake, quiet=0, log=quietly)
    assert names(lake) == [[file.name for file in files[:3]]]
    ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert names(lake)[1:] == [[files[4].name]]
    assert lake_rows(lake) == expected([*files[:3], files[4]])


class SetAfter:
    """An event that is set once it was asked so often."""

    def __init__(self, times: int) -> None:
        self._left = times

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0

    def wait(self, seconds: float) -> None:
        raise AssertionError("nothing is waited for")


def test_stop_commits_the_files_that_were_read(folder: Path, tmp_path: Path) -> None:
    files = rotated("demo", folder, 5)
    lake = tmp_path / "lake"
    with Ingest(folder, lake, quiet=0, log=quietly) as made:
        # It is asked before the group and after each file.
        made.run(follow=True, stop=SetAfter(3))  # type: ignore[arg-type]
        assert names(lake) == [[file.name for file in files[:3]]]
        made.run()
        made.end()
    assert names(lake)[1:] == [[file.name for file in files[3:]], []]
    assert lake_rows(lake) == expected(files)


def test_few_temporary_files_are_open_however_many_hours_a_group_has(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, packets = packets_of(load("demo").path.read_bytes())
    hours = [*range(14), 3, 4]
    files = []
    for number, hour in enumerate(hours):
        # The last files go back in time, so that hours come again.
        files.append(folder / f"part-{number:03}.pcapng")
        client = packed(f"192.0.2.{100 + number}")
        shifted = [
            Captured(it.time + 3600 * 10**9 * hour, it.data.replace(packed("192.0.2.10"), client))
            for it in packets
        ]
        files[-1].write_bytes(capture_files.pcapng(shifted, link))
    monkeypatch.setattr(Folder, "in_order", lambda _, waiting: waiting)
    monkeypatch.setattr(lakes, "MOST_OPEN", 3)
    most = 0
    write = lakes._Parts.write

    def noted(parts: lakes._Parts, number: int, block: bytes) -> None:
        nonlocal most
        write(parts, number, block)
        most = max(most, len(parts._open))

    monkeypatch.setattr(lakes._Parts, "write", noted)
    together, apart = tmp_path / "together", tmp_path / "apart"
    ingest(folder, together, quiet=0, end=True, log=quietly)
    assert most == 3
    ingest(folder, apart, quiet=0, commit_bytes=1, end=True, log=quietly)
    assert (len(commits(together)), len(commits(apart))) == (1, len(hours))
    folders = {path.parent for path in (together / "messages").rglob("*.parquet")}
    assert len(folders) == 14
    assert lake_rows(together) == lake_rows(apart)
    assert len(lake_rows(together)["messages"]) > len(hours)


@NEEDS_FORK
def test_killed_at_each_step_of_a_group_nothing_is_lost_or_doubled(
    folder: Path, tmp_path: Path
) -> None:
    files = rotated("demo", folder, 4)
    (folder / "part-001b.pcap").write_bytes(b"no capture at all, certainly")
    whole = expected(files)
    program = [sys.executable, str(SUPPORT / "dying_ingest.py"), str(folder), str(tmp_path)]
    done = subprocess.run(
        program, capture_output=True, text=True, check=False, timeout=HANG_SECONDS
    )
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    assert steps > 20
    for step in range(steps + 1):
        lake = tmp_path / str(step)
        ingest(folder, lake, quiet=0, end=True, log=quietly)
        assert lake_rows(lake) == whole, f"killed before step {step}"
        read = [name for group in names(lake) for name in group]
        assert sorted(read) == sorted(path.name for path in folder.iterdir())
        assert committed_files(lake) == parquet_files(lake)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_command_that_is_ended_leaves_its_group_to_the_next(folder: Path, tmp_path: Path) -> None:
    files = rotated("demo", folder, 4)
    lake = tmp_path / "lake"
    program = [sys.executable, str(SUPPORT / "stopped_ingest.py")]
    done = subprocess.run(
        [*program, str(folder), "--to", str(lake), "--quiet", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 143, done.stderr
    assert commits(lake) == []
    assert not list(lake.rglob("*.parquet"))
    ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert names(lake) == [[file.name for file in files]]
    assert lake_rows(lake) == expected(files)
