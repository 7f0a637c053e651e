"""Makes the pictures of the pages: a report and a plot of a recording with some packets taken out.

    python tools/screenshot_report.py

It needs Chromium and the tests' packages.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browser import Page, browser  # noqa: E402  (needs the path)
from wsdefrag.capture import Capture, write_plot, write_report  # noqa: E402

RECORDING = ROOT / "vectors" / "captures" / "demo.pcapng"
IMAGES = ROOT / "docs" / "images"

_PACKET_BLOCK = 6
"""The type of an enhanced packet block of pcapng."""

_LOST = {150, 151, 260, 301, 420}
"""The packets that are taken out."""


def with_losses(data: bytes) -> bytes:
    """A little-endian pcapng file without some of its packets."""
    kept, at, packet = bytearray(), 0, 0
    while at < len(data):
        kind, length = (
            int.from_bytes(data[at + part : at + part + 4], "little") for part in (0, 4)
        )
        packet += kind == _PACKET_BLOCK
        if kind != _PACKET_BLOCK or packet not in _LOST:
            kept += data[at : at + length]
        at += length
    return bytes(kept)


def main() -> None:
    """Write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    lossy = with_losses(RECORDING.read_bytes())
    with (IMAGES / "plot.svg").open("wb") as file:
        write_plot(Capture(io.BytesIO(lossy)), file, format="svg", title="Five packets lost")
    with tempfile.TemporaryDirectory() as folder, browser() as page:
        path = Path(folder) / "report.html"
        with path.open("wb") as file:
            capture = Capture(io.BytesIO(lossy), resync=True)
            write_report(capture, file, title="A recording with five packets lost")
        page.resize((1280, 900))
        page.emulate()
        page.open(path)
        _save(page, "report-overview.png")
        page.emulate(dark=True)
        page.open(path, "#1")
        page.press("n")
        page.wait("document.querySelector('.list [aria-selected=true]') !== null")
        _save(page, "report-messages.png")


def _save(page: Page, name: str) -> None:
    page.wait("![...document.querySelectorAll('.preview')].some(e => e.innerText === '…')")
    page.screenshot(IMAGES / name)


if __name__ == "__main__":
    main()
