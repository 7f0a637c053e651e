"""Runs what the documentation shows of Spark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import doc_blocks
import spark_sessions
from doc_files import SPARK, fill


@pytest.fixture
def _small_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of pages are as small as those of other tests."""
    arguments = [f"--conf {key}={value}" for key, value in spark_sessions.CONFIG.items()]
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", " ".join([*arguments, "pyspark-shell"]))


@pytest.mark.parametrize("page", sorted(SPARK), ids=lambda page: page.stem)
@pytest.mark.usefixtures("_small_sessions")
def test_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text("utf-8")
    assert re.search(r"^```python$", text, re.MULTILINE)
    # A JVM finds files where it was started.
    spark_sessions.end_jvm()
    fill(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    assert doc_blocks.ran(page, text).splitlines() == text.splitlines()
