"""The licences of all linked crates, in one file that every wheel has."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from release import crates
from release.crates import Crate
from release.part import Failed, Release

FILE = "third-party/LICENSES.txt"
# Where a crate gives a choice, the first of these that it offers is ours.
_PREFERRED = ("MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "Zlib", "ISC")
_NAMES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
_CODE = (".rs", ".toml", ".c", ".h", ".py")
# Words of a file's name that say which licence it has.
_TAGS = {"mit": "MIT", "apache": "Apache-2.0", "unlicense": "Unlicense", "bsd": "BSD"}
# Texts of choices that are not ours, whose names do not say so.
_NOT_CHOSEN = {
    ("zstd-sys", "zstd/COPYING"),  # the GPL; zstd may be had under the BSD licence instead
    ("aho-corasick", "COPYING"),  # names the two licences
    ("memchr", "COPYING"),  # likewise
}
_HEAD = """\
Licences of the software that is linked into the wheels of wsdefrag.

`make third-party` writes this file from the crates that cargo links, for every platform that gets
a wheel. Where a crate gives a choice of licences, it is used under the one that is named here.
Rust's standard library is linked as well: MIT OR Apache-2.0, copyright the Rust project's
contributors.
"""


def chosen(expression: str) -> tuple[str, ...]:
    """The licences that a crate is used under.

    Args:
        expression: SPDX's form of what the crate offers, without parentheses.

    Raises:
        Failed: If the expression has a form that is not known here.
    """
    if "(" in expression:
        raise Failed(f"{expression}: parentheses are not read; extend tools/release/licences.py")
    found = []
    for choice in expression.split(" AND "):
        offered = choice.split(" OR ")
        found.append(next((one for one in _PREFERRED if one in offered), offered[0]))
    return tuple(found)


def texts(crate: Crate, root: Path) -> list[str]:
    """The texts that have to come with a crate: its licences and notices.

    Raises:
        Failed: If it has none, and its licence is none whose text is at hand.
    """
    licences = chosen(crate.expression)
    files = sorted(
        path.relative_to(crate.folder)
        for path in crate.folder.rglob("*")
        if _NAMES.match(path.name) and path.is_file() and path.suffix not in _CODE
    )
    found = [
        (crate.folder / path).read_text(encoding="utf-8")
        for path in files
        if _is_chosen(path, licences) and (crate.name, path.as_posix()) not in _NOT_CHOSEN
    ]
    return found or [_standard(crate, licence, root) for licence in licences]


def _is_chosen(path: Path, licences: tuple[str, ...]) -> bool:
    tags = [licence for tag, licence in _TAGS.items() if tag in path.name.lower()]
    return not tags or any(licence.startswith(tag) for tag in tags for licence in licences)


def _standard(crate: Crate, licence: str, root: Path) -> str:
    """A licence's text for a crate whose archive does not have it."""
    if licence == "Apache-2.0":
        return (root / "LICENSE-APACHE").read_text(encoding="utf-8")
    if licence == "MIT":
        text = (root / "LICENSE-MIT").read_text(encoding="utf-8")
        return re.sub(r"(?m)^Copyright .*$", f"Copyright (c) {crate.authors}", text)
    raise Failed(f"{crate.name} {crate.version} ({licence}) has no licence text")


def made(root: Path) -> str:
    """The file, as it has to be."""
    linked = crates.linked(root).crates
    users: dict[str, list[str]] = {}
    lines = []
    for crate in linked:
        licences = " AND ".join(chosen(crate.expression))
        choice = "" if licences == crate.expression else f", used under {licences}"
        lines.append(f"{crate.name} {crate.version}: {crate.expression}{choice}")
        for text in texts(crate, root):
            plain = "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
            users.setdefault(plain, []).append(f"{crate.name} {crate.version}")
    parts = [_HEAD, "\n".join(lines) + "\n"]
    for text, names in users.items():
        heading = textwrap.fill(", ".join(dict.fromkeys(names)), 98, break_on_hyphens=False)
        parts.append(f"{'=' * 98}\n{heading}\n{'=' * 98}\n\n{text}\n")
    return "\n".join(parts)


def write(root: Path) -> None:
    """Write the file."""
    (root / FILE).write_text(made(root), encoding="utf-8")


def check(release: Release) -> str:
    """Compare the file with the crates that are linked."""
    path = release.root / FILE
    if not path.exists() or path.read_text(encoding="utf-8") != made(release.root):
        raise Failed(f"{FILE} is not what the linked crates ask for: run `make third-party`")
    linked = crates.linked(release.root).crates
    return f"{len(linked)} linked crates, each with its text, in {path.stat().st_size // 1024} KiB"
