"""Runs what the pages of the documentation show, and follows their links.

`doc_blocks` says how. `python tests/support/doc_files.py PAGE...` writes what the blocks of a page
print into the page.
"""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from pathlib import Path

import pytest

import doc_blocks
from doc_files import ALONE, PAGES, ROOT, SPARK, fill
from hang_guard import HANG_SECONDS

WITH_BLOCKS = [
    page for page in PAGES if page not in SPARK and doc_blocks.blocks(page.read_text("utf-8"))
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_there_is_something_to_run() -> None:
    """A fence that is not found would be a test that is not there."""
    found = [block for page in PAGES for block in doc_blocks.blocks(page.read_text("utf-8"))]
    fences = sum(
        len(re.findall(rf"^ *```{language}$", page.read_text("utf-8"), re.MULTILINE))
        for page in PAGES
        for language in ("python", "sh", "console", "sql")
    )
    assert len(found) == fences > 100


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=name_of)
def test_blocks_of_a_page_run_and_print_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = page.read_text("utf-8")
    if page in ALONE:
        copy = tmp_path / page.name
        copy.write_text(text, encoding="utf-8")
        program = ROOT / "tests" / "support" / "doc_files.py"
        subprocess.run([sys.executable, program, copy], check=True, timeout=HANG_SECONDS)
        printed = copy.read_text("utf-8")
    else:
        fill(tmp_path, text)
        monkeypatch.chdir(tmp_path)
        printed = doc_blocks.ran(page, text)
        gc.collect()
    assert printed.splitlines() == text.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text("utf-8"))
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    missing = [target for target in local if target and not (page.parent / target).exists()]
    assert not missing
