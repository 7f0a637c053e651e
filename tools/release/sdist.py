"""Makes the sdist, and builds a wheel from it alone, without a network."""

from __future__ import annotations

import shutil
import sys
import tarfile
from pathlib import Path

from release import builds, commands, copies
from release.part import Release

_VENDORED = """
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "{folder}"
"""

# What a build frontend calls (PEP 517). pip has the metadata written before, and then they are
# compressed into other bytes.
_BUILD = "import sys, maturin; maturin.build_wheel(sys.argv[1])"


def check(release: Release) -> str:
    """Make the sdist, unpack it, give it the crates' sources, and build it offline."""
    sdist = made(release, release.work / "sdist")
    release.sdists = [sdist]

    folder = release.work / "from-sdist"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    vendored = folder / "vendored"
    vendor = ["cargo", "vendor", "--locked", "--quiet", "--versioned-dirs", vendored]
    commands.logged(vendor, unpacked, release.work / "vendor.log")
    (unpacked / ".cargo").mkdir(exist_ok=True)
    text = _VENDORED.format(folder=vendored)
    (unpacked / ".cargo" / "config.toml").write_text(text, encoding="utf-8")

    target = folder / "build"
    environment = builds.environment(unpacked, target, vendored, builds.date(release.root))
    environment |= {
        "CARGO_NET_OFFLINE": "true",
        "MATURIN_PEP517_ARGS": " ".join(builds.arguments()),
    }
    wheel_folder(release).mkdir()
    commands.logged(
        [sys.executable, "-c", _BUILD, wheel_folder(release)],
        unpacked,
        release.work / "from-sdist.log",
        environment,
    )
    (wheel,) = wheel_folder(release).glob("*.whl")
    size = sdist.stat().st_size // 1024
    count = sum(1 for _ in vendored.iterdir())
    return f"{sdist.name}, {size} KiB: {wheel.name} from it and {count} vendored crates, offline"


def made(release: Release, folder: Path) -> Path:
    """Make the sdist in a folder, which is emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    source = copies.made(release.root, release.work / f"{folder.name}-source")
    command = [Path(sys.executable).with_name("maturin"), "sdist", "--out", folder]
    date = {"SOURCE_DATE_EPOCH": builds.date(release.root)}
    commands.logged(command, source, release.work / f"{folder.name}.log", date)
    (sdist,) = folder.glob("*.tar.gz")
    return sdist


def wheel_folder(release: Release) -> Path:
    """Where the wheel is that was built from the sdist."""
    return release.work / "from-sdist" / "wheel"
