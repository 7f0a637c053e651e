"""Make a virtual environment that holds mitmproxy, for the parity tests and those of the addon.

mitmproxy wants a newer Python than this package does, and brings dozens of pinned dependencies,
so it gets an environment of its own. The newest interpreter on the machine that can install it
is taken; older interpreters get an older mitmproxy, which is better than none.

Usage: ``python make_mitmproxy_env.py DIRECTORY``. An environment that is there and works is left
alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# The states that the tests compare have been the same in all releases of this range.
REQUIREMENT = "mitmproxy>=11,<13"

# Where current releases start. Below it pip settles for an older release.
NEWEST_MINOR, OLDEST_MINOR = 20, 12

VERSION_PROGRAM = "import sys; print('%d.%d' % sys.version_info[:2])"
RELEASE_PROGRAM = (
    "import sys, mitmproxy.version as v;"
    "print('mitmproxy', v.VERSION, 'on Python', '%d.%d.%d' % sys.version_info[:3])"
)


def interpreters() -> Iterator[Path]:
    """Find interpreters, newest first; the one that runs this comes last."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for minor in range(NEWEST_MINOR, OLDEST_MINOR - 1, -1):
        name = f"python3.{minor}"
        on_path = shutil.which(name)
        if on_path is not None:
            yield Path(on_path)
        # Sorted by version, so that 3.12.10 comes before 3.12.9.
        installed = home.glob(f"versions/3.{minor}.*/bin/{name}")
        yield from sorted(installed, key=lambda path: _numbers(path.parts[-3]), reverse=True)
    yield Path(sys.executable)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def runs(interpreter: Path) -> bool:
    """Whether it can be started; a pyenv shim exists for versions that are switched off."""
    found = subprocess.run(
        [interpreter, "-c", VERSION_PROGRAM], capture_output=True, text=True, check=False
    )
    return found.returncode == 0 and (
        interpreter == Path(sys.executable) or interpreter.name == f"python{found.stdout.strip()}"
    )


def release(environment: Path) -> str | None:
    """Say which mitmproxy an environment holds; None if it does not work."""
    python = environment / "bin" / "python"
    if not python.exists():
        return None
    answer = subprocess.run(
        [python, "-c", RELEASE_PROGRAM], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() if answer.returncode == 0 else None


def make(environment: Path, interpreter: Path) -> str | None:
    """Make the environment with one interpreter; None if mitmproxy cannot be installed by it."""
    pip: list[Path | str] = [
        environment / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
    ]
    steps: tuple[list[Path | str], ...] = (
        [interpreter, "-m", "venv", "--clear", environment],
        [*pip, "install", "--quiet", "--upgrade", "pip"],
        # Not binaries only: the release for Python 3.11 needs a package that has none.
        [*pip, "install", "--quiet", "--prefer-binary", REQUIREMENT],
    )
    if any(subprocess.run(step, check=False).returncode for step in steps):
        return None
    return release(environment)


def main() -> None:
    """Make the environment that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: make_mitmproxy_env.py DIRECTORY")
    environment = Path(sys.argv[1]).resolve()
    made = release(environment)
    for interpreter in interpreters():
        if made is not None:
            break
        if runs(interpreter):
            made = make(environment, interpreter)
    if made is None:
        sys.exit(f"no Python on this machine could install {REQUIREMENT}")
    print(f"{environment.name}: {made}")


if __name__ == "__main__":
    main()
