"""The interpreters on this machine that a wheel is built for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from release.part import Failed

_OLDEST, _NEWEST = 10, 15
_PROGRAM = (
    "import sys, sysconfig; t = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else '';"
    "print(sys.implementation.name, '%d.%d' % sys.version_info[:2] + t)"
)


@dataclass(frozen=True)
class Interpreter:
    """An interpreter.

    Attributes:
        path: Where it is.
        name: Its version, such as ``3.13`` or ``3.14t``.
    """

    path: Path
    name: str

    @property
    def tags(self) -> str:
        """The tags of its wheels, such as ``cp313-cp313``."""
        number = self.name.replace(".", "")
        return f"cp{number.rstrip('t')}-cp{number}"


def found(wanted: Collection[str] = ()) -> list[Interpreter]:
    """One interpreter of each version: on the path, or one of pyenv's.

    Args:
        wanted: Only these versions; all without any.

    Raises:
        Failed: If there is none, or a version that is wanted is not there.
    """
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    interpreters = []
    for minor in range(_OLDEST, _NEWEST + 1):
        for name in (f"3.{minor}", f"3.{minor}t"):
            program = f"python{name}"
            candidates = sorted(home.glob(f"3.{minor}.*/bin/{program}"), reverse=True)
            on_path = shutil.which(program)
            if on_path is not None:
                candidates.append(Path(on_path))
            path = next((one for one in candidates if _is(one, name)), None)
            if path is not None:
                interpreters.append(Interpreter(path, name))
    if not interpreters:
        raise Failed(f"no CPython 3.{_OLDEST} or newer on this machine")
    missing = set(wanted) - {one.name for one in interpreters}
    if missing:
        raise Failed(f"no CPython {', '.join(sorted(missing))} on this machine")
    return [one for one in interpreters if not wanted or one.name in wanted]


def _is(path: Path, name: str) -> bool:
    """Whether it starts and is that version; pyenv has a shim for each that is switched off."""
    done = subprocess.run([path, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    return done.stdout.strip() == f"cpython {name}"
