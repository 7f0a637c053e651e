"""Makes a checkout into what the package index gets: README links and addresses become absolute.

It changes `README.md` and `pyproject.toml`, so it is for a checkout that is thrown away, such as a
workflow's. `make release-check` does the same to a copy.

    python tools/write_index_page.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from release import address
from release.part import Failed


def main() -> None:
    """Change the checkout that this file is in."""
    try:
        address.whole(Path(__file__).resolve().parents[1])
    except Failed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
