"""Files of tables, and the notes on standard error, if the capture is damaged or has losses."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pyarrow import parquet

from capture_files import ENHANCED_PACKET
from capture_tables import READERS, converted
from cli_captures import DEMO, SNAPPED, cut_short, damaged, invoke_capture, plain
from wsdefrag.capture import Capture
from wsdefrag.formats.tables import write_parquet


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize("table", ["messages", "connections"])
def test_losses_are_said_as_by_other_formats(tmp_path: Path, suffix: str, table: str) -> None:
    lines = invoke_capture("convert", SNAPPED, "-o", "-", "--format", "jsonl")
    output = tmp_path / f"t.{suffix}"
    result = invoke_capture("convert", SNAPPED, "-o", output, "--table", table)
    assert result.exit_code == lines.exit_code == 1
    said = result.stderr
    if table == "messages":
        assert said == lines.stderr
    assert "37,011 bytes not captured; 22,428 bytes that cannot be assigned to frames" in said
    tolerant = invoke_capture("convert", SNAPPED, "-o", output, "--force", "--tolerate", "loss")
    assert tolerant.exit_code == 0


def test_summary_is_that_of_other_formats(tmp_path: Path) -> None:
    def told(*options: object) -> str:
        return invoke_capture("convert", DEMO, "--summary", *options).stderr.split(" read in")[0]

    columns = told("-o", tmp_path / "m.parquet")
    assert columns == told("-o", tmp_path / "m.jsonl")
    assert ": 502 messages with " in columns


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_damaged_record_costs_the_rest_of_its_direction(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "damaged.pcapng"
    source.write_bytes(damaged(DEMO.read_bytes()))
    output = tmp_path / f"m.{suffix}"
    result = invoke_capture("convert", source, "-o", output)
    assert result.exit_code == 1
    (said,) = [line for line in result.stderr.splitlines() if ": record " in line]
    assert said.startswith(f"wsdefrag: {source}: record ")
    assert said.endswith("a length of 3 bytes is too short; 244 bytes were skipped")
    assert "143 bytes not captured" in result.stderr
    _, read = READERS["pyarrow" if suffix == "parquet" else "pyarrow, arrow"]
    rows: dict[tuple[int, bool], list[bytes]] = {}
    for row in read(output):
        assert row["status"] == "ok"
        content = row["content"] if row["text"] is None else row["text"].encode()
        rows.setdefault((row["connection"], row["from_client"]), []).append(content)
    whole: dict[tuple[int, bool], list[bytes]] = {}
    for message in Capture(DEMO):
        side = (message.connection.connection, message.from_client)
        whole.setdefault(side, []).append(message.content)
    assert rows.keys() == whole.keys()
    for side, contents in rows.items():
        assert contents == whole[side][: len(contents)]
    assert [side for side in rows if rows[side] != whole[side]] == [(4, False)]


def test_nothing_readable_writes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "none.pcapng"
    source.write_bytes(b"\x0a\x0d\x0d\x0a" + b"nothing of a section")
    result = invoke_capture("convert", source, "-o", tmp_path / "m.parquet")
    assert result.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["none.pcapng"]


def test_cut_capture_from_a_pipe_is_written(tmp_path: Path) -> None:
    output = converted(cut_short(DEMO.read_bytes()), tmp_path / "m.parquet", code=1)
    assert parquet.read_metadata(output).num_rows > 100


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize("table", ["messages", "connections"])
def test_file_cut_at_its_end_is_a_loss_as_by_other_formats(
    tmp_path: Path, suffix: str, table: str
) -> None:
    source = tmp_path / "cut.pcapng"
    source.write_bytes(plain() + ENHANCED_PACKET.to_bytes(4, "little") + b"\x60\0\0\0\0\0")
    lines = invoke_capture("convert", source, "-o", tmp_path / "m.jsonl")
    output = tmp_path / f"m.{suffix}"
    result = invoke_capture("convert", source, "-o", output, "--table", table)
    assert (result.exit_code, result.stderr) == (lines.exit_code, lines.stderr)
    assert result.exit_code == 1
    assert "the file ends after 10 bytes of the record" in result.stderr
    tolerant = invoke_capture("convert", source, "-o", output, "--force", "--tolerate", "loss")
    assert tolerant.exit_code == 0


class Breaking(io.RawIOBase):
    """A file whose second half cannot be read."""

    def __init__(self, data: bytes) -> None:
        self._left = data[: len(data) // 2]

    def read(self, size: int = -1, /) -> bytes:
        if not self._left:
            raise OSError("the disk is gone")
        end = size if size >= 0 else len(self._left)
        data, self._left = self._left[:end], self._left[end:]
        return data


def test_library_ends_the_file_of_a_capture_that_cannot_be_read_to_its_end() -> None:
    file = io.BytesIO()
    tables = Capture(Breaking(DEMO.read_bytes())).to_arrow()
    with pytest.raises(OSError, match="the disk is gone"):
        write_parquet(tables.messages, file)
    assert parquet.read_metadata(io.BytesIO(file.getvalue())).num_rows > 100
