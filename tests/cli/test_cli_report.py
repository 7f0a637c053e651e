"""The subcommand `report`: options, errors, what the file holds."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from capture_craft import Captured
from capture_files import pcapng
from cli_captures import DEMO, broken, gapped, invoke_capture, plain, run_capture
from report_page import contents, rows, summary


def report(tmp_path: Path, data: bytes | Path, *options: object, status: int = 0) -> bytes:
    """The page of a capture."""
    path = data if isinstance(data, Path) else tmp_path / "capture.pcapng"
    if isinstance(data, bytes):
        path.write_bytes(data)
    out = tmp_path / "out.html"
    ran = invoke_capture("report", path, "-o", out, "--force", *options)
    assert ran.exit_code == status, ran.output
    return out.read_bytes()


def test_report_has_all_contents_in_order(tmp_path: Path) -> None:
    page = report(tmp_path, plain())
    assert contents(page).startswith(b"one" + b"\x00\xff" + "drei €".encode() + b"four\n")
    # Four messages and two closes.
    assert summary(page)["rows"] == 6
    assert summary(page)["title"].endswith("capture.pcapng")
    assert summary(page)["selection"] == []


def test_no_content_leaves_contents_out(tmp_path: Path) -> None:
    page = report(tmp_path, plain(), "--no-content")
    assert b"drei" not in contents(page)
    assert summary(page)["content"] is False
    assert rows(page) == 6


def test_filters_choose_rows_and_are_named(tmp_path: Path) -> None:
    filters = ("--from", "client", "--connection", "0,2-4", "--type", "text")
    page = report(tmp_path, DEMO, *filters)
    chosen = summary(page)["selection"]
    assert chosen == ["--from client", "--connection 0", "--connection 2-4", "--type text"]
    assert rows(page) < rows(report(tmp_path, DEMO))


def test_title_is_text(tmp_path: Path) -> None:
    title = "<script>alert(1)</script> & more"
    page = report(tmp_path, plain(), "--title", title)
    assert summary(page)["title"] == title
    assert b"<script>alert" not in page
    assert b"<title>&lt;script&gt;alert(1)&lt;/script&gt; &amp; more</title>" in page


def test_page_names_no_address_to_load_from(tmp_path: Path) -> None:
    page = report(tmp_path, DEMO).decode().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|<link|<img|<iframe|\bsrc=", page)


@pytest.mark.parametrize("make", [gapped, broken])
def test_losses_and_violations_change_the_exit_status(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    report(tmp_path, make(), status=1)
    report(tmp_path, make(), "--tolerate", "all")


def test_packets_that_were_not_followed_are_notes(tmp_path: Path) -> None:
    page = report(tmp_path, pcapng([Captured(1, b"\x00" * 40)], 147), status=1)
    assert any("link type 147" in note for note in summary(page)["notes"])


def test_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    out.write_bytes(b"mine")
    refused = run_capture("report", DEMO, "-o", out)
    assert refused.returncode == 2
    assert b"--force replaces it" in refused.stderr
    assert out.read_bytes() == b"mine"


def test_report_goes_to_standard_output(tmp_path: Path) -> None:
    ran = run_capture("report", "-", "-o", "-", stdin=plain())
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(b"<!doctype html>")
    assert summary(ran.stdout)["files"] == ["<stdin>"]


def test_missing_directory_is_said(tmp_path: Path) -> None:
    ran = run_capture("report", DEMO, "-o", tmp_path / "nowhere" / "out.html")
    assert ran.returncode == 2
    assert b"nowhere does not exist." in ran.stderr


def test_damaged_file_gives_a_report_that_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(DEMO.read_bytes())
    broken_file = tmp_path / "cut.pcapng.gz"
    broken_file.write_bytes(whole[: len(whole) // 2] + b"\xff" * 100)
    page = report(tmp_path, broken_file, status=1)
    assert page.endswith(b"</html>\n")
    assert any("cut.pcapng.gz" in note for note in summary(page)["notes"])
