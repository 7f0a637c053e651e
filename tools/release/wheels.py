"""Builds a wheel for each interpreter on the machine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from release import builds, commands, copies, interpreters
from release.part import Failed, Release


def check(release: Release) -> str:
    """Build the wheels from a copy of the checkout."""
    source = copies.made(release.root, release.work / "source")
    dist = release.work / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    found = interpreters.found(release.interpreters)
    maturin = Path(sys.executable).with_name("maturin")
    paths = [one.path for one in found]
    commands.logged(
        [maturin, "build", *builds.arguments(), "--out", dist, "--interpreter", *paths],
        source,
        release.work / "wheels.log",
        builds.environment(
            source, release.work / "build", builds.registry(), builds.date(release.root)
        ),
    )
    release.wheels = sorted(dist.glob("*.whl"))
    missing = [
        one.name for one in found if not any(one.tags in wheel.name for wheel in release.wheels)
    ]
    if missing:
        raise Failed(f"no wheel was built for {', '.join(missing)}")
    platforms = {wheel.stem.split("-", 4)[4] for wheel in release.wheels}
    return f"CPython {', '.join(one.name for one in found)}: {', '.join(sorted(platforms))}"
