"""The command `wsdefrag`: its help, its version, and its error without click."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import wsdefrag
from cli_command import environment, invoke
from hang_guard import HANG_SECONDS
from wsdefrag.cli import group


def test_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(group.wsdefrag, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"wsdefrag {wsdefrag.__version__}\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_shows_examples_and_fits_a_terminal(flag: str) -> None:
    whole = CliRunner().invoke(group.wsdefrag, [flag])
    assert whole.exit_code == 0
    assert "_WSDEFRAG_COMPLETE=bash_source" in whole.stdout
    command = invoke(flag)
    assert command.exit_code == 0
    assert "\n    wsdefrag messages server.bin --from server\n" in command.stdout
    assert max(map(len, command.stdout.splitlines())) <= 80
    assert len(command.stdout.splitlines()) <= 85


def test_misspelt_command_names_the_one_that_was_meant() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wsdefrag", "conections", "x.pcap"],
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert b"No such command 'conections'. Did you mean 'connections'?" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "wsdefrag", "messages"],
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert b"Missing argument 'CAPTURE...'. - is standard input." in done.stderr


def test_without_click_one_line_tells_what_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from wsdefrag.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().splitlines() == [
        "wsdefrag: the command needs click: pip install 'wsdefrag[cli]'"
    ]


def test_package_does_not_import_click() -> None:
    code = "import sys, wsdefrag, wsdefrag.cli; sys.exit('click' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], timeout=HANG_SECONDS, check=True)


def test_script_for_mitmproxy_is_where_the_command_says() -> None:
    result = CliRunner().invoke(group.wsdefrag, ["mitmproxy-addon"])
    assert result.exit_code == 0
    script = Path(result.stdout.rstrip("\n"))
    # Neither the command nor the script needs mitmproxy for this.
    assert compile(script.read_text(encoding="utf-8"), str(script), "exec")


@pytest.mark.parametrize("name", ["connections", "convert", "messages", "plot"])
def test_help_fits_a_narrow_terminal(name: str) -> None:
    """All lines but examples, which are to be copied."""
    done = subprocess.run(
        [sys.executable, "-m", "wsdefrag", name, "--help"],
        env=environment(COLUMNS="60"),
        capture_output=True,
        timeout=HANG_SECONDS,
        check=True,
    )
    lines = [line for line in done.stdout.decode().splitlines() if "wsdefrag" not in line]
    assert [line for line in lines if len(line) > 60] == []
    assert "Exit status:" in lines
