"""Prints what hostile captures take at most, as a table of `docs/captures.md`.

    python benches/captures/memory_table.py [MIB]

MIB is the option `memory` (512). Each capture is read in a process of its own, at n and at 4n, as
objects and as an Arrow table. Files of up to 700 MB go to a temporary directory.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from capture_hostile import measured

MIB = 1 << 20

ROWS = [
    ("unfinished_bombs", 10, "compressed messages of 60 MiB that never end"),
    ("complete_bombs", 15, "compressed messages of 24 MiB"),
    ("unfinished_heads", 3_000, "heads of 60 kB that never end"),
    ("holes", 300, "960 kB held after a hole"),
    ("searches", 15_000, "live connections without a handshake, searched for frames"),
    ("live_plain", 15_000, "live connections"),
    ("live_deflate", 17_000, "live connections with deflate"),
]


def main() -> None:
    """Measures and prints."""
    memory = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    print("| capture | n | objects: n | 4n | Arrow: n | 4n |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind, count, text in ROWS:
        peaks = [
            measured(kind, times * count, memory * MIB, way)["peak"] // MIB
            for way in ("objects", "arrow")
            for times in (1, 4)
        ]
        cells = " | ".join(f"{peak:,}" for peak in peaks)
        print(f"| {text} | {count:,} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
