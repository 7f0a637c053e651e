"""The test that leaves something open is the one that fails: see `support/leaks.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import leaks
from hang_guard import HANG_SECONDS

pytestmark = pytest.mark.skipif(not leaks.PROC.exists(), reason="Linux's /proc says what is open")

LEAKING = {
    "a socket that is dropped": "socket.socket()",
    "a socket that is kept": "kept.append(socket.socket())",
    "a pipe that is kept": "kept.append(os.pipe()); socket.socket().close()",
    "a process that is dropped": "subprocess.Popen([sys.executable, '-c', ''])",
    "a process that is kept": "kept.append(subprocess.Popen([sys.executable, '-c', '']))",
    "a transport that is dropped": "asyncio.run(connects())",
    "a task that asyncio complains of": "asyncio.run(fails())",
}
GOOD = {
    "nothing": "pass",
    "a socket that is closed": "socket.socket().close()",
    "a process that is waited for": "subprocess.run([sys.executable, '-c', ''], check=True)",
    "what a fixture of the module holds": "listener.getsockname()",
}
FAILING = {
    "a test that fails": "one = socket.socket(); other = subprocess.Popen([sys.executable]); 1 / 0",
}
PROGRAM = """
import asyncio, os, socket, subprocess, sys
import pytest

kept = []

@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one

async def connects():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    await asyncio.open_connection(*server.sockets[0].getsockname())

async def fails():
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

def test_first(listener):
    {first}

def test_second(listener):
    socket.socket().close()
    x = [[] for _ in range(10_000)]
"""


@pytest.fixture(scope="module")
def blamed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The tests that fail, for each thing that the first of two does: all in one run."""
    support = Path(leaks.__file__).resolve().parent
    place = tmp_path_factory.mktemp("leaking")
    cases = {**LEAKING, **GOOD, **FAILING}
    for number, first in enumerate(cases.values()):
        (place / f"test_{number}.py").write_text(PROGRAM.replace("{first}", first))
    (place / "conftest.py").write_text((support.parent / "conftest.py").read_text())
    (place / "pytest.ini").write_text(f"[pytest]\nfilterwarnings = error\npythonpath = {support}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rfEp", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    said = re.findall(r"^(PASSED|FAILED|ERROR) test_(\d+)\.py::(\w+)", done.stdout, re.MULTILINE)
    assert len({(number, test) for _, number, test in said}) == 2 * len(cases), done.stdout
    return {
        name: {test for how, at, test in said if int(at) == number and how != "PASSED"}
        for number, name in enumerate(cases)
    }


@pytest.mark.parametrize("case", [*LEAKING, *FAILING])
def test_what_is_left_open_fails_the_test_that_left_it(
    blamed: dict[str, set[str]], case: str
) -> None:
    assert blamed[case] == {"test_first"}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_closed_fails_nobody(blamed: dict[str, set[str]], case: str) -> None:
    assert blamed[case] == set()
