"""What is wrong is said with the name of the file and what to do; no half output looks whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from capture_parts import rotated, two_points
from child_process import child
from dask_rows import (
    DEMO,
    MANY,
    POINT,
    TABLES,
    assert_equal,
    expected,
    in_order,
    with_point,
)
from wsdefrag.dask import read_captures
from wsdefrag.tasks.points import FileChanged
from wsdefrag.tasks.table_read import FilesUnread


@pytest.mark.parametrize("table", TABLES)
def test_damaged_files_fail_the_computation(tmp_path: Path, table: Any) -> None:
    _, second, third = rotated("demo", tmp_path, 3)
    second.write_text("not packets")
    third.write_bytes(third.read_bytes()[:-5])
    frame = read_captures(tmp_path, table=table)
    with pytest.raises(FilesUnread, match="not a capture file: it looks like text") as raised:
        in_order(frame)
    assert str(second) in str(raised.value)
    assert str(third) in str(raised.value)


@pytest.mark.parametrize("how", ["shorter", "same size", "gone"])
@pytest.mark.parametrize("table", TABLES)
def test_file_that_changes_before_it_is_read_fails_the_task(
    tmp_path: Path, table: Any, how: str
) -> None:
    """The other capture point has its rows, and none of the changed one are given."""
    folder = two_points(tmp_path)
    frame = read_captures(folder, table=table, capture_point=POINT)
    path = folder / "west-03.pcapng"
    if how == "shorter":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "same size":
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()
    east, west = frame.partitions
    for failing in (frame, west):
        with pytest.raises(FileChanged, match=r"west-03\.pcapng: it (had|was) .* the query"):
            in_order(failing)
    whole = expected(sorted(folder.glob("east-*")), table, capture_point="east")
    assert_equal(in_order(east), with_point(whole, "east"))


def test_plans_of_changed_files_are_other_computations(tmp_path: Path) -> None:
    """What a scheduler kept of one is not taken for the other."""
    path = tmp_path / "a.pcapng"
    shutil.copy(DEMO, path)
    names = [read_captures(path)._name for _ in range(2)]
    os.utime(path, ns=(1, 1))
    changed = read_captures(path)._name
    assert names[0] == names[1] != changed
    assert changed != read_captures(path, content=False)._name


def test_processes_say_which_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_text("not packets")
    code = (
        "from wsdefrag.dask import read_captures\n"
        f"frame = read_captures({str(path)!r})\n"
        "try:\n    frame.compute(scheduler='processes', num_workers=1)\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    status, output, errors = child(code)
    assert (status, errors) == (0, "")
    assert "FilesUnread" in output
    assert f"{path}: not a capture file: it looks like text" in output


def test_too_little_memory_for_shares_fails_the_task() -> None:
    memory = 1 << 20
    assert len(in_order(read_captures(MANY, memory=memory))) == expected(MANY, "messages").num_rows
    frame = read_captures(MANY, memory=memory, spread=64)
    with pytest.raises(MemoryError, match=r"part of the memory.*options memory and spread"):
        in_order(frame)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"columns": ["sqe"]}, ValueError, 'the table messages has no column "sqe"'),
        ({"columns": "seq"}, TypeError, "columns must be several strings"),
        ({"table": "rows"}, ValueError, "'rows' is no table"),
        ({"capture_point": "x"}, ValueError, "needs a group"),
        ({"capture_point": "^(x)"}, ValueError, r"demo\.pcapng: it is of no capture point"),
        ({"spread": 65}, ValueError, "spread must be a number from 1 to 64"),
        ({"tabel": "events"}, TypeError, "'tabel'"),
        ({"continues": True}, TypeError, "'continues'"),
    ],
)
def test_wrong_arguments_are_said_at_once(options: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        read_captures(DEMO, **options)


def test_missing_captures_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file or folder; all machines must"):
        read_captures(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no name of a file below it matches"):
        read_captures(tmp_path)


@pytest.mark.parametrize("package", ["dask", "pandas", "pyarrow"])
def test_missing_package_is_said(package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from wsdefrag.dask import read_captures\n"
        f"try:\n    read_captures({str(DEMO)!r})\n"
        "except ImportError as error:\n    print(error)"
    )
    status, output, errors = child(code)
    assert (status, errors) == (0, "")
    assert output.startswith("wsdefrag.dask needs Dask with pandas and pyarrow (")
    assert output.endswith("): pip install 'wsdefrag[dask]'\n")


def test_dask_is_imported_when_it_is_needed() -> None:
    code = (
        "import sys, wsdefrag.dask\n"
        "print([name for name in ('dask', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    assert child(code) == (0, "[]\n", "")
