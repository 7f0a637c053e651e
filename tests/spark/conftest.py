"""Tests of the data source of Spark; `make test-spark` runs them, in their own environment."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("pyspark") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from spark_sessions import end_jvm, session

    @pytest.fixture(scope="module")
    def spark() -> Iterator[Any]:
        """A session in one process that tries a task up to four times."""
        with session("local[2,4]") as made:
            yield made

    @pytest.fixture(scope="session", autouse=True)
    def _no_jvm_is_left() -> Iterator[None]:
        yield
        end_jvm()

    @pytest.fixture(autouse=True)
    def _nothing_is_left_open() -> None:
        """A session keeps sockets and threads for the tests after it."""


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """A folder with the files of two capture points, whose times overlap."""
    from capture_parts import two_points

    return two_points(tmp_path)
