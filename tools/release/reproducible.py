"""Two builds in different directories give the same bytes.

One is a wheel of the part `wheels`, from a copy of the checkout and cargo's own registry. The other
one is that of the part `sdist`, from the sdist, another directory, and vendored crates. The sdist
is made twice as well.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from release import sdist
from release.part import Failed, Release


def check(release: Release) -> str:
    """Compare the two wheels."""
    others = list(sdist.wheel_folder(release).glob("*.whl"))
    pairs = [
        (wheel, other)
        for wheel in release.needed_wheels()
        for other in others
        if wheel.name == other.name
    ]
    if not pairs:
        raise Failed("nothing to compare: run the parts `wheels` and `sdist` first")
    again = sdist.made(release, release.work / "sdist-again")
    if any(_hash(one.read_bytes()) != _hash(again.read_bytes()) for one in release.sdists):
        raise Failed(f"{again.name} was made twice and differs")
    ((wheel, other),) = pairs
    if _hash(wheel.read_bytes()) != _hash(other.read_bytes()):
        raise Failed(
            "\n".join([f"{wheel.name} was built twice and differs:", *_different(wheel, other)])
        )
    return f"{wheel.name} twice: SHA-256 {_hash(wheel.read_bytes())}"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _different(one: Path, other: Path) -> list[str]:
    """The names of the files that differ; none if only the archives' own data do."""
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        firsts, seconds = set(first.namelist()), set(second.namelist())
        names = [name for name in firsts & seconds if first.read(name) != second.read(name)]
        return sorted([*names, *(f"{name} (in one only)" for name in firsts ^ seconds)])
