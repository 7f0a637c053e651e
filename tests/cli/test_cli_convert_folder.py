"""`wsdefrag convert -o FOLDER`: all tables in one pass, and what is left of them after an error."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from cli_captures import DEMO, damaged, gapped, invoke_capture, run_capture
from cli_command import environment, objects, started
from hang_guard import HANG_SECONDS
from wsdefrag.capture import Capture

FORMATS = ["parquet", "arrow", "jsonl"]
TABLES = ["messages", "connections", "events"]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def rows(path: Path) -> int:
    """How many rows a file has."""
    if path.suffix == ".parquet":
        return int(parquet.read_metadata(path).num_rows)
    if path.suffix == ".arrow":
        return int(ipc.open_file(path.read_bytes()).read_all().num_rows)
    return len(objects(path.read_bytes()))


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("format", FORMATS)
def test_folder_has_all_tables(tmp_path: Path, format: str, exists: bool) -> None:
    folder = tmp_path / "tables"
    if exists:
        folder.mkdir()
    given = str(folder) if exists else f"{folder}/"
    result = invoke_capture("convert", DEMO, "-o", given, "--format", format)
    assert (result.exit_code, result.stderr) == (0, "")
    assert names(folder) == sorted(f"{table}.{format}" for table in TABLES)
    tables = Capture(DEMO).to_arrow()
    for table in TABLES:
        assert rows(folder / f"{table}.{format}") == pa.table(getattr(tables, table)).num_rows
        one = tmp_path / f"{table}.{format}"
        options = ["--no-events"] if (format, table) == ("jsonl", "messages") else []
        alone = invoke_capture("convert", DEMO, "-o", one, "--table", table, *options)
        assert alone.exit_code == 0
        assert one.read_bytes() == (folder / one.name).read_bytes()


def test_one_pass_reads_a_pipe(tmp_path: Path) -> None:
    data = DEMO.read_bytes()
    done = run_capture("convert", "-", "-o", tmp_path, "--format", "parquet", stdin=data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [rows(tmp_path / f"{table}.parquet") for table in TABLES[:2]] == [502, 5]


def test_losses_are_said_and_the_files_are_whole(tmp_path: Path) -> None:
    for name, data in (("gapped", gapped()), ("damaged", damaged(DEMO.read_bytes()))):
        folder = f"{tmp_path / name}/"
        result = invoke_capture("convert", "-", "-o", folder, "--format", "parquet", stdin=data)
        assert result.exit_code == 1
        lines = invoke_capture("convert", "-", "-o", "-", "--format", "jsonl", stdin=data)
        assert result.stderr == lines.stderr
        assert names(Path(folder)) == sorted(f"{table}.parquet" for table in TABLES)
        assert rows(Path(folder) / "messages.parquet") > 0


def test_files_that_exist_are_left_alone_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_bytes(b"precious")
    result = invoke_capture("convert", DEMO, "-o", tmp_path, "--format", "parquet")
    assert result.exit_code == 2
    assert "events.parquet exists; --force replaces it." in " ".join(result.stderr.split())
    assert names(tmp_path) == ["events.parquet"]
    forced = invoke_capture("convert", DEMO, "-o", tmp_path, "--format", "parquet", "--force")
    assert forced.exit_code == 0
    assert names(tmp_path) == sorted(f"{table}.parquet" for table in TABLES)
    assert rows(tmp_path / "events.parquet") > 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-o", "new", "--format", "arrow"], "new has no suffix: give new/ or new.arrow."),
        (["-o", "new/", "--format", "har"], "A folder needs a format with rows"),
        (["-o", "new/", "--format", "arrow", "--table", "events"], "--table is for a file"),
        (["-o", "new/", "--format", "jsonl", "--no-events"], "--no-events is only for messages"),
        (["-o", "no/new/", "--format", "arrow"], "the directory no does not exist."),
        (["-o", "m.jsonl", "--compression", "lz4"], "--compression is only for parquet and arrow."),
        (
            ["-o", "m.arrow", "--compression", "lz4", "--compression-level", "3"],
            "--compression-level is only for zstd.",
        ),
        (["-o", "m.arrow", "--compression-level", "23"], "23 is not in the range 1<=x<=22"),
    ],
)  # fmt: skip
def test_unusable_options_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke_capture("convert", DEMO, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in " ".join(result.stderr.split())
    assert names(tmp_path) == []


def test_folder_without_a_format_gets_parquet(tmp_path: Path) -> None:
    assert invoke_capture("convert", DEMO, "-o", f"{tmp_path}/new/").exit_code == 0
    assert names(tmp_path / "new") == sorted(f"{table}.parquet" for table in TABLES)


def test_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tables").write_bytes(b"")
    result = invoke_capture("convert", DEMO, "-o", f"{tmp_path}/tables/")
    assert result.exit_code == 2
    assert "tables is a file, not a folder." in result.stderr


def test_output_without_its_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke_capture("convert", DEMO, "out.parquet")
    assert result.exit_code == 2
    assert "'out.parquet' does not exist; -o names the output." in result.stderr


@pytest.mark.parametrize(
    ("options", "codec"),
    [
        ([], "ZSTD"),
        (["--compression-level", "19"], "ZSTD"),
        (["--compression", "none"], "UNCOMPRESSED"),
        (["--compression", "lz4"], "LZ4"),
    ],
)
def test_compression_is_chosen(tmp_path: Path, options: list[str], codec: str) -> None:
    output = tmp_path / "m.parquet"
    assert invoke_capture("convert", DEMO, "-o", output, *options).exit_code == 0
    column = parquet.read_metadata(output).row_group(0).column(0)
    assert column.compression.startswith(codec)


def test_what_is_no_capture_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "none.pcapng"
    source.write_bytes(b"\x0a\x0d\x0d\x0a" + b"nothing of a section")
    result = invoke_capture("convert", source, "-o", f"{tmp_path}/new/", "--format", "parquet")
    assert result.exit_code == 2
    assert names(tmp_path) == ["none.pcapng"]


@pytest.mark.unmeasured
@pytest.mark.skipif(sys.platform == "win32", reason="limits and signals are those of POSIX")
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "wsdefrag", "convert", str(DEMO)]
    options = ["-o", f"{tmp_path}/new/", "--format", "parquet"]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; "$@"', "sh", *program, *options],
        capture_output=True,
        env=environment(),
        timeout=HANG_SECONDS,
        check=False,
    )
    says = f"wsdefrag: {tmp_path}/new/messages.parquet: File too large\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", says)
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind are those of POSIX")
def test_signal_leaves_nothing(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "new"
    os.mkfifo(pipe)
    arguments = ["convert", "-o", f"{folder}/", "--format", "parquet", DEMO, pipe]
    with started(*arguments) as process, pipe.open("wb"):
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, error) == (130, b"")
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="that directory is Linux's")
def test_unwritable_folder_is_one_line() -> None:
    done = run_capture("convert", DEMO, "-o", "/proc/new/", "--format", "arrow")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"wsdefrag: /proc/new/: No such file or directory\n"


def test_empty_capture_has_files_without_rows(tmp_path: Path) -> None:
    empty = io.BytesIO(DEMO.read_bytes())
    options = ["--host", "nobody.example"]
    result = invoke_capture(
        "convert", "-", "-o", tmp_path, "--format", "parquet", *options, stdin=empty.read()
    )
    assert result.exit_code == 0
    assert [rows(tmp_path / f"{table}.parquet") for table in TABLES] == [0, 0, 0]
