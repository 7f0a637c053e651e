"""Runs the tests of packages that use wsproto, on wsproto and on the replacement for it.

    python tests/third_party/run.py DIRECTORY [PACKAGE...]

DIRECTORY is an environment with this package, made by `make test-third-party`; what the tests need
is installed there. Each package's tests are those of its source distribution. Each test that passes
on wsproto has to pass on the replacement, except those that are named with a reason. What fails
on both, as tests do that look up a name where there is no DNS, is not the replacement's.

Prints a line for each package, and the tests that pass on wsproto alone; exit status 1 if there are
such. A test that fails on the replacement has a second try, because some of these tests wait for a
fixed time.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

TOOLS = ["pytest", "pytest-asyncio", "pytest-trio", "pytest-mock", "trustme", "setuptools"]

PYTEST = [
    "-m",
    "pytest",
    "-q",
    "--tb=short",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "-W",
    "ignore",
]

# A test that hangs is one that fails.
SECONDS = 900


@dataclass(frozen=True)
class Suite:
    """The tests of a package.

    Attributes:
        package: Its name and version.
        needs: What its tests need besides `TOOLS`.
        arguments: For pytest.
        exceptions: Tests that need not pass on the replacement.
    """

    package: str
    version: str
    needs: tuple[str, ...]
    arguments: tuple[str, ...]
    exceptions: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder in its source distribution."""
        return f"{self.package.replace('-', '_')}-{self.version}"


SUITES = (
    Suite(
        "trio-websocket",
        "0.12.2",
        (),
        ("-p", "no:asyncio", "-o", "trio_mode=true", "tests"),
        # A 100 is no refusal (RFC 9110 section 15.2).
        ("test_reject_handshake_invalid_info_status",),
    ),
    # Its tests of the client look up example.com.
    Suite("simple-websocket", "1.1.0", (), ("tests",)),
    Suite(
        "httpx-ws",
        "0.9.0",
        ("starlette", "uvicorn", "websockets", "trio"),
        ("-p", "no:asyncio", "tests"),
    ),
    Suite(
        "uvicorn",
        "0.54.0",
        ("httpx", "httpx2", "websockets", "a2wsgi", "python-dotenv", "pyyaml"),
        ("tests/protocols/test_websocket.py", "-k", "WSProtocol or wsproto"),
    ),
    Suite("hypercorn", "0.18.0", ("httpx", "trio"), ("tests",)),
)


def prepare(suite: Suite, python: Path, place: Path) -> Path:
    """Install what the tests need, and unpack the source distribution."""
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    needed = [f"{suite.package}=={suite.version}", *suite.needs, *TOOLS]
    subprocess.run([*pip, "install", *needed], check=True)
    unpacked = place / suite.folder
    if not unpacked.is_dir():
        source = ["--no-deps", "--no-binary", suite.package, "--dest", str(place)]
        command = [*pip, "download", *source, f"{suite.package}=={suite.version}"]
        subprocess.run(command, check=True)
        with tarfile.open(place / f"{suite.folder}.tar.gz") as archive:
            archive.extractall(place, filter="data")
    return unpacked


def results(suite: Suite, folder: Path, command: list[str | Path], *, name: str) -> dict[str, bool]:
    """Run the tests: whether each of them passes; skipped ones are left out."""
    report = folder / f"results-{name}.xml"
    report.unlink(missing_ok=True)
    log = folder / f"results-{name}.log"
    with log.open("wb") as file:
        try:
            subprocess.run(
                [*command, *PYTEST, f"--junitxml={report}", *suite.arguments],
                cwd=folder,
                stdout=file,
                stderr=file,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"{suite.package} on {name}: still running after {SECONDS} s")
    if not report.exists():
        print(log.read_text(errors="replace")[-2000:])
        return {}
    found: dict[str, bool] = {}
    for case in ET.parse(report).iter("testcase"):
        if case.find("skipped") is None:
            failed = case.find("failure") is not None or case.find("error") is not None
            found[f"{case.get('classname')}::{case.get('name')}"] = not failed
    return found


def compare(suite: Suite, python: Path, place: Path) -> bool:
    """Whether all that pass on wsproto pass on the replacement."""
    folder = prepare(suite, python, place)
    replaced: list[str | Path] = [python, "-m", "wsdefrag.compat.wsproto"]
    theirs = results(suite, folder, [python], name="wsproto")
    ours = results(suite, folder, replaced, name="replacement")
    expected = {name for name, passed in theirs.items() if passed}
    exceptions = {name for name in expected if name.partition("::")[2] in suite.exceptions}
    lost = {name for name in expected - exceptions if not ours.get(name)}
    if lost:
        again = results(suite, folder, replaced, name="replacement")
        ours.update(dict.fromkeys((name for name in lost if again.get(name)), True))
        lost = {name for name in lost if not again.get(name)}
    line = (
        f"{len(expected)} of {len(theirs)} pass on wsproto, {sum(ours.values())} on the replacement"
    )
    if exceptions:
        line += f"; {len(exceptions)} of them need not"
    print(f"{suite.package} {suite.version}: {line}", flush=True)
    for name in sorted(lost):
        print(f"  passes on wsproto alone: {name}")
    return bool(expected) and not lost


def main() -> int:
    """Compare all, or those that the command line names; the exit code."""
    environment = Path(sys.argv[1]).resolve()
    python, place = environment / "bin" / "python", environment / "suites"
    place.mkdir(exist_ok=True)
    chosen = [suite for suite in SUITES if suite.package in (sys.argv[2:] or suite.package)]
    compared = [compare(suite, python, place) for suite in chosen]
    return 0 if all(compared) else 1


if __name__ == "__main__":
    sys.exit(main())
