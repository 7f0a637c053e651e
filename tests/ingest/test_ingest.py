"""An ingest: the lake has the rows of one pass over all files, exactly once, whatever happens."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from capture_parts import rotated
from hang_guard import HANG_SECONDS
from ingest_lakes import (
    commits,
    committed_files,
    expected,
    lake_rows,
    parquet_files,
    quietly,
    run_child,
    sources,
)
from wsdefrag.capture import Capture
from wsdefrag.ingest import Ingest, IngestLocked, IngestMetrics, ingest, known
from wsdefrag.ingest import commits as commits_module
from wsdefrag.ingest import lake as lake_module
from wsdefrag.ingest.commits import Commits
from wsdefrag.ingest.synced import sync_folder, write_synced

KILLS = int(os.environ.get("WSDEFRAG_KILLS", "20"))


def test_lake_has_the_rows_of_one_pass(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 8)
    counts = ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert counts.files == len(files)
    assert lake_rows(lake) == expected(files)
    assert committed_files(lake) == parquet_files(lake)
    rows = sum(file["rows"] for commit in commits(lake) for file in commit["files"])
    assert rows == sum(map(len, expected(files).values())) == counts.rows


def test_ingest_again_does_nothing(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    rotated("demo", folder, 3)
    ingest(folder, lake, quiet=0, log=quietly)
    before = lake_rows(lake), commits(lake)
    assert ingest(folder, lake, quiet=0, log=quietly).files == 0
    assert (lake_rows(lake), commits(lake)) == before


def test_newest_file_waits_until_it_is_closed(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 4)
    last = files[-1].rename(tmp_path / "last")
    assert ingest(folder, lake, quiet=3600, log=quietly).files == 2
    last.rename(files[-1])
    assert ingest(folder, lake, quiet=3600, log=quietly).files == 1
    assert ingest(folder, lake, quiet=0, end=True, log=quietly).files == 1
    assert lake_rows(lake) == expected(files)


def test_clock_that_was_set_back_changes_nothing(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 4)
    for number, file in enumerate(files):
        # Times of files are in the future, and in another order than packets.
        os.utime(file, (4e9 - number, 4e9 - number))
    assert ingest(folder, lake, quiet=10, end=True, log=quietly).files == 4
    assert lake_rows(lake) == expected(files)


def test_bad_file_is_set_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 4)
    (folder / "part-001b.pcap").write_bytes(b"no capture at all, certainly")
    counts = ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert (counts.files, counts.set_aside) == (4, 1)
    (bad,) = [source for source in sources(lake) if source["status"] == "set aside"]
    assert bad["name"] == "part-001b.pcap"
    assert "not a capture" in bad["error"]
    assert lake_rows(lake) == expected(files)


@pytest.mark.parametrize("name", ["ENOENT", "EMFILE", "ENFILE", "ENOMEM", "ESTALE", "ETIMEDOUT"])
def test_file_that_can_be_read_later_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 3)
    failing = failing_once(lake_module.write, getattr(errno, name), files[0])
    monkeypatch.setattr(lake_module, "write", failing)
    with pytest.raises(OSError, match=os.strerror(getattr(errno, name))):
        ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert commits(lake) == []
    assert ingest(folder, lake, quiet=0, end=True, log=quietly).set_aside == 0
    assert lake_rows(lake) == expected(files)


def test_change_after_reading_is_said(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 3)
    whole = expected(files)
    ingest(folder, lake, quiet=0, log=quietly)
    files[0].write_bytes(files[0].read_bytes()[:100])
    with files[1].open("ab") as file:
        file.write(bytes(16))
    said: list[tuple[str, dict[str, Any]]] = []
    with Ingest(
        folder, lake, quiet=0, log=lambda event, **values: said.append((event, values))
    ) as made:
        made.run()
        made.end()
    changed = [values for event, values in said if event == "changed"]
    assert [(it["file"], it["kind"]) for it in changed] == [
        ("part-000.pcapng", "truncated"),
        ("part-001.pcapng", "changed"),
    ]
    assert [it["status"] for it in sources(lake)][3:] == [
        "truncated after it was read",
        "changed after it was read",
    ]
    assert lake_rows(lake) == whole


def test_second_ingest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    arguments = tmp_path / "captures", tmp_path / "lake"
    with Ingest(*arguments, log=quietly), pytest.raises(IngestLocked, match="another ingest"):
        Ingest(*arguments, log=quietly)
    Ingest(*arguments, log=quietly).close()


def test_capture_points_are_apart(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    for point in ("left", "right"):
        (folder / point).mkdir(parents=True)
        rotated("demo", folder / point, 3)
    counts = ingest(folder, lake, quiet=0, point="^([^/]+)/", end=True, log=quietly)
    assert counts.files == 6
    messages = pl.read_parquet(lake / "messages/**/*.parquet", hive_partitioning=True)
    whole = pl.DataFrame(Capture("vectors/captures/demo.pcapng"))
    assert messages.height == 2 * whole.height
    assert messages["uid"].n_unique() == 2 * whole["uid"].n_unique()


def test_polars_and_duckdb_read_the_lake_as_one_table(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 5)
    ingest(folder, lake, quiet=0, end=True, log=quietly)
    for table, rows in expected(files).items():
        pattern = str(lake / table / "**/*.parquet")
        frame = pl.scan_parquet(pattern, hive_partitioning=True).collect()
        assert frame.height == len(rows)
        assert {"date", "hour"} <= set(frame.columns)
        source = f"read_parquet('{pattern}', hive_partitioning = true)"
        query = f"SELECT count(*), count(date), count(hour) FROM {source}"
        assert duckdb.execute(query).fetchone() == (len(rows),) * 3


@pytest.mark.random
def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Files arrive while processes are killed after so many lines of their logs, or at once.

    Every second process commits each file by itself, and the others all files that are there.
    """
    chance = random.Random(os.environ.get("WSDEFRAG_SALT", "1"))
    made, folder, lake = tmp_path / "made", tmp_path / "captures", tmp_path / "lake"
    made.mkdir()
    folder.mkdir()
    waiting = rotated("demo", made, 2 * KILLS)
    whole, count = expected(waiting), len(waiting)
    for number in range(KILLS):
        # There may be fewer than two for each.
        new = waiting[: -(-len(waiting) // (KILLS - number))]
        for path in new:
            path.rename(folder / path.name)
        del waiting[: len(new)]
        bounds, most = (("--commit-bytes", "1"), len(new)) if number % 2 else ((), 1)
        child = run_child(folder, lake, "--follow", "--quiet", "0", *bounds)
        assert child.stderr is not None
        for _ in range(chance.randint(0, most)):
            if not child.stderr.readline():
                break
        child.kill()
        child.wait(HANG_SECONDS)
        child.stderr.close()
    for path in waiting:
        path.rename(folder / path.name)
    child = run_child(folder, lake, "--quiet", "0", "--end")
    _, errors = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 0, errors
    assert lake_rows(lake) == whole
    numbers = [commit["commit"] for commit in commits(lake)]
    assert numbers == list(range(1, len(numbers) + 1))
    names = [source["name"] for source in sources(lake)]
    assert len(names) == len(set(names)) == count


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_full_disk_commits_nothing_and_the_next_run_goes_on(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 3)

    def limited() -> None:
        """Let no file become longer than 2 KiB."""
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    child = run_child(folder, lake, "--quiet", "0", preexec_fn=limited)
    _, errors = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 2, errors
    assert commits(lake) == []
    assert not any(lake.rglob("*.parquet"))
    ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert lake_rows(lake) == expected(files)


def failing_once(function: Callable[..., Any], code: int, *path: Path) -> Callable[..., Any]:
    """A function whose first call fails as the system does, for a path."""
    errors = iter([OSError(code, os.strerror(code), *map(str, path))])

    def call(*arguments: Any, **options: Any) -> Any:
        for error in errors:
            raise error
        return function(*arguments, **options)

    return call


def test_disk_that_cannot_confirm_a_commit_does_not_undo_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit has its name, so its Parquet files are no leftovers."""
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 3)
    failing = failing_once(sync_folder, errno.EIO)
    monkeypatch.setattr(commits_module, "sync_folder", failing)
    with pytest.raises(OSError, match="Input/output error"):
        ingest(folder, lake, quiet=0, log=quietly)
    assert [commit["commit"] for commit in commits(lake)] == [1]
    ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert lake_rows(lake) == expected(files)


def test_end_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the capture goes on: the next commit has the number of the one that failed."""
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 4)
    last = files[-1].rename(tmp_path / "last")
    with Ingest(folder, lake, quiet=0, log=quietly) as made:
        made.run()
        before = lake_rows(lake)
        failing = failing_once(write_synced, errno.ENOSPC)
        monkeypatch.setattr(commits_module, "write_synced", failing)
        with pytest.raises(OSError, match="No space left"):
            made.end()
        assert lake_rows(lake) == before
        last.rename(files[-1])
        made.run()
        made.end()
    assert lake_rows(lake) == expected(files)


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 3)
    ingest(folder, lake, quiet=3600, log=quietly)
    (one,) = list((lake / "messages").rglob("*-00000001-*.parquet"))[:1]
    leftover = one.with_name(one.name.replace("-00000001-", "-00000003-"))
    shutil.copy(one, leftover)
    (next((lake / "_ingest").glob("*/temporary")) / "7.parquet").write_bytes(b"half")
    ingest(folder, lake, quiet=0, end=True, log=quietly)
    assert lake_rows(lake) == expected(files)


def test_log_is_json_and_metrics_count(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    names = [path.name for path in rotated("demo", folder, 3)]
    child = run_child(folder, lake, "--quiet", "0", "--commit-bytes", "1")
    _, errors = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 0, errors
    said = [json.loads(line) for line in errors.splitlines()]
    assert [(it["event"], it["files"]) for it in said] == [("committed", [name]) for name in names]
    with Ingest(folder, lake, quiet=0, log=quietly) as made:
        made.run()
        assert b"wsdefrag_ingest_files_total 0.0" in IngestMetrics(made).text()


def test_states_are_kept_for_their_owner_alone_and_old_ones_removed(tmp_path: Path) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    rotated("demo", folder, 6)
    ingest(folder, lake, quiet=0, keep_states=2, commit_bytes=1, log=quietly)
    states = sorted((lake / "_ingest").glob("*/state-*"))
    assert [path.name for path in states] == ["state-00000005", "state-00000006"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in states)


@pytest.mark.parametrize("every", [1, 3, 1000])
def test_commit_says_what_it_did_and_no_more(
    every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that had all names would make them quadratic over many files."""
    monkeypatch.setattr(known, "EVERY", every)
    written = []
    commits = Commits(tmp_path, "tap", keep=2)
    for number in range(200):
        source = {"name": f"part-{number:04d}.pcap", "size": number, "mtime_ns": 7}
        commits.commit({"sources": [source], "files": []}, None)
        written.append((commits.folder / f"commit-{number + 1:08d}.json").stat().st_size)
    assert max(written) <= written[0] + 8
    snapshots = list(commits.folder.glob("known-*"))
    assert len(snapshots) == (every < 200)
    again = Commits(tmp_path, "tap", keep=2)
    assert again.known == commits.known
    assert again.known == {f"part-{number:04d}.pcap": [number, 7] for number in range(200)}
    assert again.number == 200


def test_snapshots_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they are no longer than twice the commits."""
    monkeypatch.setattr(known, "EVERY", 1)
    lengths: list[int] = []

    def noted(path: Path, content: bytes) -> None:
        path.write_bytes(content)
        lengths.append(len(content))

    monkeypatch.setattr(known, "write_synced", noted)
    commits = Commits(tmp_path, "tap", keep=2)
    total = 0
    for number in range(300):
        source = {"name": f"part-{number:04d}.pcap", "size": number, "mtime_ns": 7}
        commits.commit({"sources": [source], "files": []}, None)
        total += (commits.folder / f"commit-{number + 1:08d}.json").stat().st_size
    assert sum(lengths) <= 2 * total
    assert len(lengths) < 20


def test_snapshot_that_was_not_committed_or_is_lost_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "EVERY", 2)
    commits = Commits(tmp_path, "tap", keep=2)
    for number in range(5):
        source = {"name": str(number), "size": number, "mtime_ns": 7}
        commits.commit({"sources": [source], "files": []}, None)
    expected_files = dict(commits.known)
    (commits.folder / "known-00000099.json").write_text('{"commit": 99, "files": {"x": [1, 1]}}')
    assert Commits(tmp_path, "tap", keep=2).known == expected_files
    for path in commits.folder.glob("known-*"):
        path.unlink()
    assert Commits(tmp_path, "tap", keep=2).known == expected_files


def test_files_that_are_gone_are_forgotten_and_read_again_if_they_come_back(
    tmp_path: Path,
) -> None:
    folder, lake = tmp_path / "captures", tmp_path / "lake"
    folder.mkdir()
    files = rotated("demo", folder, 4)
    last = files[-1].rename(tmp_path / "last")
    ingest(folder, lake, quiet=0, log=quietly)
    for file in files[:2]:
        file.unlink()
    last.rename(files[-1])
    assert ingest(folder, lake, quiet=0, log=quietly).files == 1
    assert commits(lake)[-1]["forgotten"] == [file.name for file in files[:2]]
    assert [commit["forgotten"] for commit in commits(lake)[:-1]] == [[]]
    known_files = Commits(lake, "", keep=2).known
    assert sorted(known_files) == [file.name for file in files[2:]]
    assert ingest(folder, lake, quiet=0, log=quietly).files == 0
    shutil.copy(files[-1], files[0])
    assert ingest(folder, lake, quiet=0, log=quietly).files == 1


def test_commit_of_another_version_is_refused(tmp_path: Path) -> None:
    commits = Commits(tmp_path, "tap", keep=2)
    commits.commit({"sources": [], "files": []}, None)
    path = commits.folder / "commit-00000001.json"
    path.write_text(path.read_text().replace('"version": 3', '"version": 2'))
    with pytest.raises(ValueError, match="has version 2; this wsdefrag reads version 3"):
        Commits(tmp_path, "tap", keep=2)
