"""Writes what wheels say of the software of others in them: `third-party/`.

python tools/write_third_party.py
"""

from __future__ import annotations

from pathlib import Path

from release import licences, sbom

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Write the licences and the bill of materials."""
    (ROOT / "third-party").mkdir(exist_ok=True)
    licences.write(ROOT)
    sbom.write(ROOT)


if __name__ == "__main__":
    main()
