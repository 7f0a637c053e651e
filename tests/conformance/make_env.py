"""Make a virtual environment that holds the Autobahn TestSuite, for the runs beside this file.

The suite runs on CPython 2.7 only, and builds only with the releases below. The last release of
virtualenv that supports 2.7 is installed into a temporary directory, so nothing is installed into
an interpreter of the machine.

Usage: ``python make_env.py DIRECTORY``. An environment that is there and works is left alone. Exit
status 3, with a message: there is no CPython 2.7.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

VIRTUALENV = "virtualenv==20.15.1"

# Each step needs the one before it.
STEPS = (
    ("setuptools==44.0.0", "wheel==0.36.2"),
    ("incremental==16.10.1",),
    ("autobahntestsuite==25.10.1",),
)

NO_PYTHON_2 = 3

VERSION_PROGRAM = "import platform as p; print(p.python_implementation() + p.python_version()[:3])"
RELEASE_PROGRAM = (
    "import platform as p; from autobahntestsuite import choosereactor, fuzzing, version as v;"
    "print('Autobahn TestSuite %s on Python %s' % (v, p.python_version()))"
)


def interpreters() -> Iterator[Path]:
    """Find what may be a CPython 2.7."""
    for name in ("python2.7", "python2", "python"):
        found = shutil.which(name)
        if found is not None:
            yield Path(found)
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(home.glob("versions/2.7*/bin/python2.7"), reverse=True)


def output(*command: str | Path) -> str | None:
    """What a command prints; None if it fails. A pyenv shim exists for versions switched off."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def python_2() -> Path | None:
    """The first CPython 2.7 that can be started."""
    return next(
        (path for path in interpreters() if output(path, "-c", VERSION_PROGRAM) == "CPython2.7"),
        None,
    )


def release(environment: Path) -> str | None:
    """Say which suite an environment holds; None if it does not work."""
    return output(environment / "bin" / "python", "-c", RELEASE_PROGRAM)


def make(environment: Path, interpreter: Path) -> str | None:
    """Make the environment; None if something cannot be installed."""
    with tempfile.TemporaryDirectory() as directory:
        tool = Path(directory) / "bin" / "python"
        python = environment / "bin" / "python"
        virtualenv = ("-m", "virtualenv", "--quiet", "--clear", "--no-download", "--python")
        install = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        commands: list[list[str | Path]] = [
            [sys.executable, "-m", "venv", directory],
            [tool, *install, VIRTUALENV],
            [tool, *virtualenv, interpreter, environment],
            # 2.7 is past its end, which the installer need not say each time.
            *([python, *install, "--no-python-version-warning", *step] for step in STEPS),
        ]
        if any(subprocess.run(command, check=False).returncode for command in commands):
            return None
    return release(environment)


def main() -> None:
    """Make the environment that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: make_env.py DIRECTORY")
    environment = Path(sys.argv[1]).resolve()
    made = release(environment)
    if made is None:
        interpreter = python_2()
        if interpreter is None:
            print("no CPython 2.7 on this machine: the Autobahn TestSuite cannot be run")
            sys.exit(NO_PYTHON_2)
        made = make(environment, interpreter)
    if made is None:
        sys.exit("the Autobahn TestSuite could not be installed")
    print(f"{environment.name}: {made}")


if __name__ == "__main__":
    main()
