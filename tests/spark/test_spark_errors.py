"""What is wrong is said with the name of the file and what to do; no half output looks whole."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException

from capture_parts import rotated
from child_process import child
from recorded_captures import DIRECTORY
from spark_rows import expected, found
from wsdefrag.spark.options import ReadOptions
from wsdefrag.spark.session import find_java

DEMO = DIRECTORY / "demo.pcapng"


def read(spark: Any, path: Path, **options: str) -> Any:
    return spark.read.format("wsdefrag").options(**options).load(str(path))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Three files of one capture, of which the middle one is a text, and the last one is cut."""
    first, second, third = rotated("demo", tmp_path, 3)
    second.write_text("not packets")
    third.write_bytes(third.read_bytes()[:-5])
    return first.parent


@pytest.mark.parametrize("table", ["messages", "connections", "events"])
def test_damaged_files_fail_the_query(
    spark: Any, damaged: Path, tmp_path: Path, table: str
) -> None:
    rows = read(spark, damaged, table=table)
    with pytest.raises(PySparkException) as raised:
        rows.write.parquet(str(tmp_path / "out"))
    assert "part-001.pcapng: not a capture file: it looks like text" in str(raised.value)
    assert "part-002.pcapng" in str(raised.value)
    assert "option('errors', 'rows')" in str(raised.value)
    assert not (tmp_path / "out" / "_SUCCESS").exists()


@pytest.mark.parametrize("table", ["messages", "connections", "events"])
def test_damaged_files_are_rows(spark: Any, damaged: Path, table: str) -> None:
    options = {"table": table, "errors": "rows", "capturePoint": "^()part"}
    rows = read(spark, damaged, **options)
    errors = rows.where("read_error is not null").toArrow().to_pylist()
    assert [row["read_error"].split(": ")[0] for row in errors] == [
        str(damaged / "part-001.pcapng"),
        str(damaged / "part-002.pcapng"),
    ]
    assert {name for row in errors for name, value in row.items() if value is not None} == {
        "read_error",
        "capture_point",
    }
    good = found(rows.where("read_error is null").drop("read_error", "capture_point"))
    assert good == expected(sorted(damaged.glob("*.pcapng")), table)


def test_one_file_that_is_no_capture_is_a_row(spark: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_text("not packets")
    (row,) = read(spark, path, errors="rows", columns="seq").collect()
    assert row.seq is None
    assert row.read_error == f"{path}: not a capture file: it looks like text"


@pytest.mark.skipif(os.getuid() == 0, reason="root reads every file")
def test_unreadable_file_is_named(spark: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    shutil.copy(DEMO, path)
    path.chmod(0)
    with pytest.raises(PySparkException, match=r"a\.pcap: Permission denied"):
        read(spark, path).collect()


def test_file_that_changes_before_it_is_read_fails_the_query(spark: Any, tmp_path: Path) -> None:
    """The plan of a query that was made is kept, and so are the sizes of its files."""
    path = tmp_path / "a.pcapng"
    shutil.copy(DEMO, path)
    rows = read(spark, path)
    rows.rdd.getNumPartitions()
    path.write_bytes(DEMO.read_bytes()[:-100])
    with pytest.raises(PySparkException, match=r"a\.pcapng: it had \d+ bytes"):
        rows.collect()


def test_folders_without_captures_are_named(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "_hidden.pcap").touch()
    with pytest.raises(PySparkException, match="no name of a file below it matches"):
        read(spark, tmp_path).collect()
    with pytest.raises(PySparkException, match="no such file or folder; all machines must"):
        read(spark, tmp_path / "nowhere").collect()


def test_captures_of_no_point_are_named(spark: Any, points: Path) -> None:
    shutil.copy(DEMO, points / "stray.pcapng")
    with pytest.raises(PySparkException, match=r"stray\.pcapng: it is of no capture point"):
        read(spark, points, capturePoint=r"^(.+)-\d+\.pcap").collect()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "the path is missing"),
        ({"path": "x", "tabel": "events"}, "no option 'tabel'; its options are path, files, "),
        ({"path": "x", "table": "rows"}, "table must be one of messages, connections, events"),
        ({"path": "x", "errors": "drop"}, "errors must be one of fail, rows, not 'drop'"),
        ({"path": "x", "content": "no"}, "content must be true or false, not 'no'"),
        ({"path": "x", "memory": "1g"}, "memory must be a whole number, not '1g'"),
        ({"path": "x", "spread": "0"}, "spread must be a number from 1 to 64, not '0'"),
        ({"path": "x", "spread": "65"}, "spread must be a number from 1 to 64, not '65'"),
        ({"path": "x", "spread": "all"}, "spread must be a whole number, not 'all'"),
        ({"path": "x", "idleTimeout": "1h"}, "idleTimeout must be a number of seconds"),
        ({"path": "x", "capturePoint": "("}, "capturePoint is no regular expression"),
        ({"path": "x", "capturePoint": "x"}, "capturePoint needs a group"),
        ({"path": "x", "files": "*"}, "files is no regular expression"),
    ],
)
def test_wrong_options_say_what_is_right(options: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ReadOptions.of(options)


def test_unknown_columns_are_named(spark: Any) -> None:
    with pytest.raises(PySparkException, match="the table messages has no column 'sqe'; it has"):
        read(spark, DEMO, columns="uid,sqe")


def test_other_schemas_are_refused(spark: Any) -> None:
    reader = spark.read.format("wsdefrag").schema("uid binary")
    with pytest.raises(PySparkException, match=r"cannot be changed by \.schema"):
        reader.load(str(DEMO)).collect()


def test_missing_java_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"has no bin/java: install Java 17"):
        find_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"no java in PATH: install Java 17"):
        find_java()
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"later, and .*java says openjdk version \"11"):
        find_java()


def test_missing_pyspark_is_said() -> None:
    code = (
        "import sys; sys.modules['pyspark'] = None\n"
        "import wsdefrag.spark\n"
        "try:\n    wsdefrag.spark.WebSocketCaptures\n"
        "except ImportError as error:\n    print(error)"
    )
    status, output, errors = child(code)
    assert (status, errors) == (0, "")
    assert output == "wsdefrag.spark needs pyspark: pip install 'wsdefrag[spark]'\n"
    assert sys.modules["pyspark"] is not None
