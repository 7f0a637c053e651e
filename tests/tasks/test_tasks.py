"""What a task of any engine reads, and when it fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from capture_parts import rotated
from recorded_captures import DIRECTORY
from wsdefrag.capture import Capture
from wsdefrag.ingest.folder import FILES, SourceFile
from wsdefrag.tasks.points import FileChanged, PointFiles, points_of, shares_of
from wsdefrag.tasks.table_read import FilesUnread, TableRead, read_share

DEMO = DIRECTORY / "demo.pcapng"


def reading(path: Path) -> TableRead:
    """The messages of a folder, as one task reads them."""
    (share,) = shares_of(points_of(str(path), FILES, None), 1)
    return read_share(share, Capture("-"), "messages", ["uid", "seq", "file"])


def test_smaller_points_have_fewer_tasks() -> None:
    def point(name: str, *sizes: int) -> PointFiles:
        files = [SourceFile(f"{name}-{number}", size, 0) for number, size in enumerate(sizes)]
        return PointFiles(name, "/captures", tuple(files))

    points = [point("a", 40, 60), point("b", 21), point("c", 1), point("d", 0)]
    shares = [(share.files.point, share.index, share.of) for share in shares_of(points, 5)]
    assert shares == [
        *(("a", index, 5) for index in range(5)),
        *(("b", index, 2) for index in range(2)),
        ("c", 0, 1),
        ("d", 0, 1),
    ]
    assert [share.of for share in shares_of([point("d", 0)], 5)] == [1]
    assert shares_of([], 5) == []


@pytest.mark.parametrize("tasks", [0, 65])
def test_numbers_of_tasks_are_checked(tasks: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 64, not {tasks}"):
        shares_of([], tasks)


def test_expression_without_a_group_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a group, the name of the capture point: 'x'"):
        points_of(str(tmp_path), FILES, "x")


def test_files_that_changed_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    shutil.copy(DEMO, path)
    (planned,) = points_of(str(tmp_path), r".*\.pcap", None)
    planned.check()
    os.utime(path, ns=(1, 1))
    with pytest.raises(FileChanged, match=r"a\.pcap: it was written again after .* closed"):
        planned.check()
    path.write_bytes(DEMO.read_bytes()[:100])
    with pytest.raises(FileChanged, match=r"a\.pcap: it had \d+ bytes .* and now 100; "):
        planned.check()
    path.unlink()
    with pytest.raises(FileChanged, match=r"a\.pcap: it was there .*No such file.* same path"):
        planned.check()


def test_file_that_changes_while_it_is_read_fails_the_task(tmp_path: Path) -> None:
    """Its first rows were given, so only the end of the task can say so."""
    files = rotated("demo", tmp_path, 3)
    batches = reading(tmp_path).batches()
    assert next(batches).num_rows
    os.utime(files[1], ns=(1, 1))
    with pytest.raises(FileChanged, match=r"part-001\.pcapng: it was written again"):
        list(batches)


def test_files_that_cannot_be_read_are_named_after_the_rows(tmp_path: Path) -> None:
    first, second, third = rotated("demo", tmp_path, 3)
    second.write_text("not packets")
    third.write_bytes(third.read_bytes()[:-5])
    read = reading(tmp_path)
    rows = pa.Table.from_batches(read.batches(), read.schema())
    assert set(rows["file"].to_pylist()) == {str(first)}
    assert read.errors[0] == f"{second}: not a capture file: it looks like text"
    with pytest.raises(
        FilesUnread, match=r"part-001\.pcapng: not a .*; .*part-002\.pcapng.* \(.\)"
    ):
        read.require_whole(" (!)")
