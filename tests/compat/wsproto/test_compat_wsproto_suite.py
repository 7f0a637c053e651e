"""wsproto's own tests, run with the replacement.

The tests are in wsproto's source distribution of one release, which is downloaded from the package
index and checked by its hash. `EXCEPTIONS` lists the tests that must fail, each with the section of
the RFC that decides it; exactly these must fail.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from hang_guard import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[3]
RELEASE = "1.3.2"
SHA256 = "b86885dcf294e15204919950f666e06ffc6c7c114ca900b060d6e16293528294"
CACHE = ROOT / "target" / "wsproto-tests"

DEFLATE = "tests/test_permessage_deflate.py::TestPerMessageDeflate::"
EXCEPTIONS = {
    # A 102 is no refusal: the final response follows.
    "tests/test_client.py::test_broken_handshake": "RFC 9110 section 15.2",
    # `worship me` is no parameter: a client ends the connection, a server declines.
    DEFLATE + "test_finalize_ignores_rubbish": "RFC 7692 section 7.1",
    DEFLATE + "test_accept_ignores_rubbish": "RFC 7692 section 7.1",
}
"""Test names as pytest prints them, and the paragraph that decides against each."""
LEAST = 230
"""wsproto's tests: as many as there are, so that none can get lost."""


def fetch() -> Path:
    """The source distribution, kept for the next run."""
    kept = CACHE / f"wsproto-{RELEASE}.tar.gz"
    if not kept.exists():
        # Another process may fetch it at the same time, so it is moved here when it is whole.
        CACHE.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=CACHE))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-binary", ":all:"]
        done = subprocess.run(
            [*command, "--dest", place, f"wsproto=={RELEASE}"],
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"wsproto's tests could not be fetched:\n{done.stderr}"
        (place / kept.name).replace(kept)
        place.rmdir()
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == SHA256, f"{kept} is another file"
    return kept


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """wsproto's tests, in a directory where nothing of wsproto itself is."""
    place = tmp_path_factory.mktemp("wsproto")
    with tarfile.open(fetch()) as archive:
        for member in archive.getmembers():
            name = Path(member.name)
            if name.parts[1:2] == ("tests",) and name.suffix == ".py":
                content = archive.extractfile(member)
                assert content is not None
                target = place / "tests" / name.name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(content.read())
    return place


def run(suite: Path, *options: str) -> str:
    """What pytest printed."""
    done = subprocess.run(
        [sys.executable, "-m", "wsdefrag.compat.wsproto", "-m", "pytest", *options, "tests"],
        cwd=suite,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout


def test_wsprotos_own_tests_pass_but_for_the_listed(suite: Path) -> None:
    shown = run(suite, "-q", "-rA", "--tb=no", "-W", "error", "-p", "no:cacheprovider")
    run_at_all = set(re.findall(r"^(?:PASSED|FAILED|ERROR) (.+)$", shown, re.MULTILINE))
    failed = set(re.findall(r"^(?:FAILED|ERROR) (\S+)", shown, re.MULTILINE))
    assert len(run_at_all) >= LEAST, shown
    assert failed == set(EXCEPTIONS), shown


def test_they_run_on_the_drop_in(suite: Path) -> None:
    """Otherwise passing tests would prove nothing."""
    (suite / "tests" / "test_place.py").write_text(
        "import wsproto, wsproto.connection, wsproto.handshake, wsproto.extensions\n"
        "def test_place():\n"
        "    for one in (wsproto.Connection, wsproto.WSConnection, wsproto.connection.Connection,\n"
        "                wsproto.handshake.H11Handshake, wsproto.extensions.PerMessageDeflate):\n"
        "        assert one.__module__.startswith('wsdefrag.compat.wsproto')\n"
    )
    shown = run(suite, "-q", "-k", "test_place", "-p", "no:cacheprovider")
    assert "1 passed" in shown, shown
