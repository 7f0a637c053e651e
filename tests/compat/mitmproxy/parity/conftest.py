"""Starts mitmproxy's side for the parity tests and reports its release."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import parity_codec
from parity_codec import decode, encode

ENVIRONMENT = Path(__file__).resolve().parents[4] / ".venv-mitmproxy"
RELEASE = pytest.StashKey[str]()


class Mitmproxy:
    """Calls operations in mitmproxy's environment."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, name: str, *arguments: Any) -> Any:
        """Do an operation there and give its outcome as ``parity_operations.run`` does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(encode([name, list(arguments)]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "mitmproxy's side ended; its standard error says why"
        return decode(line)

    def value(self, name: str, *arguments: Any) -> Any:
        """Do an operation there that must succeed, and return its value."""
        outcome = self.run(name, *arguments)
        assert "value" in outcome, outcome
        return outcome["value"]


@pytest.fixture(scope="session")
def mitmproxy(request: pytest.FixtureRequest) -> Iterator[Mitmproxy]:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        pytest.fail(f"{ENVIRONMENT.name} is missing: run `make mitmproxy-env`", pytrace=False)
    with subprocess.Popen(
        [python, Path(parity_codec.__file__).with_name("parity_peer.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sys.__stderr__,
        text=True,
    ) as process:
        # Leaving the block closes the pipe, which ends the process, and waits for it.
        peer = Mitmproxy(process)
        request.config.stash[RELEASE] = peer.value("release")
        yield peer


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    release = config.stash.get(RELEASE, "nothing: mitmproxy could not be started")
    terminalreporter.write_line(f"mitmproxy parity was tested against {release}")
