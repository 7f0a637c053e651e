"""Replacing wsproto: the command, its subprocesses, and `install`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hang_guard import HANG_SECONDS

WHICH = "import wsproto; print(wsproto.WSConnection.__module__)"
OURS = "wsdefrag.compat.wsproto.wsconnection"


def run(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command, with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "wsdefrag.compat.wsproto", *arguments],
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )


def test_script_module_and_code_are_run(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(f"import sys\n{WHICH}\nprint(*sys.argv)\n")
    for arguments in (["program.py", "-x"], ["-m", "program", "-x"]):
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        module, argv = done.stdout.splitlines()
        assert module == OURS
        assert argv.endswith("program.py -x")
    assert run("-c", WHICH, cwd=tmp_path).stdout.strip() == OURS


def test_program_is_found_by_its_name(tmp_path: Path) -> None:
    done = run("uvicorn", "--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "uvicorn" in done.stdout


def test_exit_status_is_the_programs(tmp_path: Path) -> None:
    assert run("-c", "raise SystemExit(7)", cwd=tmp_path).returncode == 7
    assert run("no-such-program", cwd=tmp_path).returncode == 2


def test_usage_is_shown_without_arguments(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m wsdefrag.compat.wsproto")


@pytest.mark.parametrize("start", ["spawn", "forkserver", "fork"])
def test_processes_of_the_program_get_it_too(tmp_path: Path, start: str) -> None:
    (tmp_path / "program.py").write_text(
        "import multiprocessing\n"
        f"def which():\n    {WHICH}\n"
        "if __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context({start!r})\n"
        "    process = context.Process(target=which)\n"
        "    process.start()\n"
        "    process.join(50)\n"
    )
    done = run("program.py", cwd=tmp_path)
    assert (done.stdout.strip(), done.stderr) == (OURS, "")


def test_the_interpreters_own_sitecustomize_is_run(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("own = 'run'\n")
    code = f"import sitecustomize; print(sitecustomize.own); {WHICH}"
    done = run("-c", code, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.stdout.split(), done.stderr) == (["run", OURS], "")


def test_nothing_else_is_left_on_the_path(tmp_path: Path) -> None:
    done = run(
        "-c", "import sys; print([one for one in sys.path if 'startup' in one])", cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"


def test_install_sets_the_names_that_differ_and_may_be_called_again() -> None:
    """In a process of its own: the other tests compare the drop-in with wsproto."""
    code = f"""
import wsproto, wsproto.connection, wsproto.extensions, wsproto.frame_protocol, wsproto.handshake
modules = [wsproto, wsproto.connection, wsproto.extensions, wsproto.frame_protocol,
           wsproto.handshake]
before = [dict(vars(module)) for module in modules]
from wsdefrag.compat.wsproto import install
install()
install()
changed = sorted(
    name
    for module, names in zip(modules, before)
    for name, value in vars(module).items()
    if names.get(name) is not value
)
print(*changed)
{WHICH}
client = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
print(type(client.handshake).__module__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=True,
    )
    changed, module, handshake = done.stdout.splitlines()
    assert changed == (
        "Connection Connection Connection H11Handshake H11Handshake PerMessageDeflate "
        "SUPPORTED_EXTENSIONS WSConnection client_extensions_handshake "
        "server_extensions_handshake split_comma_header"
    )
    assert module == OURS
    assert handshake == "wsdefrag.compat.wsproto.handshake"
