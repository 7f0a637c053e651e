"""No wheel is larger than its budget."""

from __future__ import annotations

from release.part import Failed, Release

# Four fifths of it are Arrow, Parquet and the compressions.
BUDGET = 8_000_000
"""The bytes that a wheel may have."""


def check(release: Release) -> str:
    """Compare the size of each wheel and sdist with the budget."""
    sizes = {path.name: path.stat().st_size for path in release.needed_wheels() + release.sdists}
    large = [f"{name}: {size:,} bytes" for name, size in sizes.items() if size > BUDGET]
    if large:
        raise Failed("\n".join([f"more than {BUDGET:,} bytes:", *large]))
    return f"at most {max(sizes.values()):,} of {BUDGET:,} bytes"
