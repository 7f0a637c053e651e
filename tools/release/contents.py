"""What is in a wheel and in an sdist, and what the package index will say of them."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

from release import commands, licences, sbom, settings
from release.part import Failed, Release

_LICENCES = ("LICENSE", "LICENSE-MIT", "LICENSE-APACHE", licences.FILE)
_IN_WHEEL = ("wsdefrag/__init__.py", "wsdefrag/py.typed", "wsdefrag/_native.pyi")
_IN_SDIST = (
    *_LICENCES,
    sbom.FILE,
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "pyproject.toml",
    "python/wsdefrag/_native.pyi",
    "rust/wsdefrag-py/src/lib.rs",
)
_BUILT = (".so", ".pyd", ".pyc", ".rlib")


def check(release: Release) -> str:
    """Look into each wheel and sdist."""
    release.needed_wheels()
    twine = [sys.executable, "-m", "twine", "check", "--strict"]
    commands.output([*twine, *release.wheels, *release.sdists], release.root)
    version = settings.version(release.root)
    wrong = []
    for wheel in release.wheels:
        wrong += [f"{wheel.name}: {text}" for text in _of_wheel(wheel, release.root, version)]
    for sdist in release.sdists:
        wrong += [f"{sdist.name}: {text}" for text in _of_sdist(sdist)]
    if wrong:
        raise Failed("\n".join(wrong))
    counts = f"{len(release.wheels)} wheels, {len(release.sdists)} sdists"
    return f"{counts}: licences, bill of materials, types, metadata"


def _of_wheel(wheel: Path, root: Path, version: str) -> list[str]:
    wrong = []
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"wsdefrag-{version}.dist-info"
        wanted = [*_IN_WHEEL, *(f"{info}/licenses/{name}" for name in _LICENCES)]
        wanted.append(f"{info}/sboms/{Path(sbom.FILE).name}")
        wrong += [f"{name} is missing" for name in wanted if name not in names]
        wrong += [
            f"{name} has no business in it"
            for name in names
            if name.endswith(".pyc") or not name.startswith(("wsdefrag/", f"{info}/"))
        ]
        if wrong:
            return wrong
        for name, file in ((wanted[-2], licences.FILE), (wanted[-1], sbom.FILE)):
            if archive.read(name) != (root / file).read_bytes():
                wrong.append(f"{name} is not {file} of the checkout")
        metadata = BytesParser().parsebytes(archive.read(f"{info}/METADATA"))
    return wrong + _of_metadata(metadata, version)


def _of_metadata(metadata: Message, version: str) -> list[str]:
    wrong = []
    if metadata["Version"] != version:
        wrong.append(f"its metadata has version {metadata['Version']}")
    needed = [one for one in metadata.get_all("Requires-Dist", []) if "extra ==" not in one]
    if needed:
        wrong.append(f"it needs {needed}")
    return wrong


def _of_sdist(sdist: Path) -> list[str]:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wrong = [f"{name} is missing" for name in _IN_SDIST if name not in names]
    return wrong + [f"{name} was built" for name in names if name.endswith(_BUILT)]
