"""Runs what docstrings show, and the examples; `tests/docs` runs the pages.

Each part fails if it finds nothing to run, so that none of them can go missing unnoticed.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import GenericAlias, ModuleType

import pytest

import wsdefrag
import wsdefrag.capture
from hang_guard import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

# They import mitmproxy, which is in an environment of its own; its tests load them there.
MITMPROXY = {
    f"wsdefrag.compat.mitmproxy.{name}" for name in ("addon", "layer", "message_hooks", "options")
}

# Likewise with pyspark.
SPARK = {
    f"wsdefrag.spark.{name}"
    for name in ("batches", "filters", "schema", "session", "source", "stream")
}


def package_modules() -> list[ModuleType]:
    """The package and every module in it that can be here, the native one among them."""
    found = {info.name for info in pkgutil.walk_packages(wsdefrag.__path__, "wsdefrag.")}
    assert found >= MITMPROXY | SPARK
    names = sorted(found - MITMPROXY - SPARK)
    return [wsdefrag, *(importlib.import_module(name) for name in names)]


def public_classes() -> list[type]:
    """The classes that the package exports."""
    packages = (wsdefrag, wsdefrag.capture)
    exported = [getattr(package, name) for package in packages for name in package.__all__]
    # Python 3.10 takes an alias such as `tuple[int, bytes]` for a class.
    return [one for one in exported if inspect.isclass(one) and not isinstance(one, GenericAlias)]


@pytest.mark.parametrize("module", package_modules(), ids=lambda module: module.__name__)
def test_docstrings_run(module: ModuleType) -> None:
    assert module.__doc__, "every module says what it is"
    result = doctest.testmod(module, report=True)
    assert result.failed == 0


def test_docstrings_have_something_to_run() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [
        example
        for module in package_modules()
        for test in finder.find(module, module.__name__)
        for example in test.examples
    ]
    assert len(examples) >= len(public_classes())


@pytest.mark.parametrize("public", public_classes(), ids=lambda public: public.__name__)
def test_public_class_has_an_example(public: type) -> None:
    documentation = inspect.cleandoc(public.__doc__ or "")
    examples = doctest.DocTestParser().get_examples(documentation)
    assert examples, f"{public.__name__} shows no example"


def test_there_are_examples() -> None:
    assert EXAMPLES, "examples/ holds no Python file"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path: Path, tmp_path: Path) -> None:
    """Without arguments, in an empty directory, and with something to show."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", path],
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "the example printed nothing"
