"""The crates that are linked into a wheel, for all platforms that get one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from release import commands, settings

BINDING = "wsdefrag-py"


@dataclass(frozen=True)
class Crate:
    """A crate of another project that is linked into a wheel.

    Attributes:
        name: Its name.
        version: Its version.
        expression: Its licence, in SPDX's form.
        folder: Its source.
        authors: Who wrote it, as its manifest says.
        repository: Where it is developed; empty if its manifest does not say so.
        checksum: The SHA-256 of its archive, from `Cargo.lock`.
        targets: The platforms whose wheels have it.
        uses: The crates that it uses: names and versions.
    """

    name: str
    version: str
    expression: str
    folder: Path
    authors: str
    repository: str
    checksum: str
    targets: tuple[str, ...]
    uses: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Linked:
    """What is linked besides our own crates.

    Attributes:
        crates: All of them, by name and version.
        direct: Names and versions of those that our own crates use.
    """

    crates: tuple[Crate, ...]
    direct: tuple[tuple[str, str], ...]


def targets(root: Path) -> list[str]:
    """The platforms that get a wheel."""
    found: list[str] = settings.read(root, "deny.toml")["graph"]["targets"]
    return found


@cache
def linked(root: Path) -> Linked:
    """The crates of others that are linked; not those that only run while building.

    Raises:
        Failed: If cargo does not answer.
    """
    where: dict[tuple[str, str], list[str]] = {}
    for target in targets(root):
        for key in _tree(root, target):
            where.setdefault(key, []).append(target)
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    metadata = json.loads(commands.output(command, root))
    packages = {one["id"]: one for one in metadata["packages"]}
    checksums = {
        (one["name"], one["version"]): one.get("checksum", "")
        for one in settings.read(root, "Cargo.lock")["package"]
    }
    found, direct = [], set()
    for node in metadata["resolve"]["nodes"]:
        package = packages[node["id"]]
        key = _key(package)
        uses = _uses(node, packages) & where.keys()
        if key in where and package["source"] is None:
            direct |= {use for use in uses if checksums[use]}
        elif key in where:
            crate = Crate(
                name=package["name"],
                version=package["version"],
                expression=package["license"].replace("/", " OR "),
                folder=Path(package["manifest_path"]).parent,
                authors=", ".join(author.partition(" <")[0] for author in package["authors"]),
                repository=package["repository"] or "",
                checksum=checksums[key],
                targets=tuple(where[key]),
                uses=tuple(sorted(uses)),
            )
            found.append(crate)
    found.sort(key=lambda crate: (crate.name, crate.version))
    return Linked(tuple(found), tuple(sorted(direct)))


def _tree(root: Path, target: str) -> set[tuple[str, str]]:
    """Names and versions of the crates that cargo links for a platform."""
    command = ["cargo", "tree", "--locked", "--package", BINDING, "--target", target]
    form = ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    lines = commands.output([*command, *form], root).splitlines()
    # aes v0.9.4
    return {(words[0], words[1][1:]) for words in map(str.split, lines) if words}


def _key(package: dict[str, Any]) -> tuple[str, str]:
    return package["name"], package["version"]


def _uses(node: dict[str, Any], packages: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        _key(packages[dependency["pkg"]])
        for dependency in node["deps"]
        if any(kind["kind"] is None for kind in dependency["dep_kinds"])
    }
