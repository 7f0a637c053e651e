"""The pages of the documentation, and the files that their commands and programs find.

A page runs in an empty directory with the folders `vectors` and `examples` of the checkout, and
with the files of ``FILES``: what a reader's own files are called there.

`python tests/support/doc_files.py PAGE...` writes what the blocks of pages print into the pages.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import doc_blocks
import doc_captures

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _recorded(name: str) -> Callable[[], bytes]:
    return (ROOT / "vectors" / name).read_bytes


FILES: dict[str, Callable[[], bytes]] = {
    "capture.pcapng": _recorded("captures/demo.pcapng"),
    "day.pcapng": _recorded("captures/demo.pcapng"),
    "demo.pcapng": _recorded("captures/demo.pcapng"),
    "plain-small.pcapng": _recorded("captures/plain-small.pcapng"),
    "snap-length.pcapng": _recorded("captures/snap-length.pcapng"),
    "tls.pcapng": _recorded("captures/tls.pcapng"),
    "keys.log": _recorded("captures/tls.keys.log"),
    "server.bin": _recorded("streams/deflate-takeover.server.bin"),
    "hooks.py": lambda: b"",
    "mine.pem": lambda: b"",
    "gap.pcapng": doc_captures.gap,
    "mirror.pcap": doc_captures.mirror,
    "flows.mitm": doc_captures.flows,
    "panel.har": doc_captures.archive,
    "damaged.pcapng": doc_captures.damage,
    **{f"part-{number}.pcapng": partial(doc_captures.part, number, 3) for number in range(3)},
}

ALONE = {
    ROOT / "docs" / "wsproto.md",
    ROOT / "docs" / "how-to" / "logs.md",
    ROOT / "docs" / "explanation" / "past-one-machine.md",
}
"""Pages whose Python changes modules or logs of this process, or leaves Dask's threads in it.

They get a process of their own.
"""

SPARK = {ROOT / "docs" / "how-to" / "spark.md"}
"""Pages that need pyspark and Java; the tests of Spark run them."""


@cache
def _contents(name: str) -> bytes:
    return FILES[name]()


def fill(folder: Path, text: str) -> None:
    """Put the files that a page names into a folder."""
    for name in ("vectors", "examples"):
        (folder / name).symlink_to(ROOT / name)
    for name in FILES:
        if name in text or ("part-*" in text and name.startswith("part-")):
            (folder / name).write_bytes(_contents(name))


def update(page: Path) -> None:
    """Run a page, and write what its blocks print into it."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), text)
        os.chdir(folder)
        try:
            text = doc_blocks.ran(page, text)
        finally:
            os.chdir(ROOT)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for argument in map(Path, sys.argv[1:]):
        update(argument.resolve())
