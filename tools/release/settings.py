"""Reads `Cargo.toml`, `pyproject.toml` and their like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli


def read(root: Path, name: str) -> dict[str, Any]:
    """The contents of a TOML file of the checkout."""
    return tomli.loads((root / name).read_text(encoding="utf-8"))


def version(root: Path) -> str:
    """The version, from the only place that has it."""
    found: str = read(root, "Cargo.toml")["workspace"]["package"]["version"]
    return found
