"""The repository's address, and what follows from it on the package index.

`Repository` of `[project.urls]` in `pyproject.toml` is the only place that has the address. The
README's links lead to files beside it, which the index does not have. So what is published is built
from a copy in which they are absolute (`whole`).
"""

from __future__ import annotations

import re
from pathlib import Path

from release import settings
from release.part import Failed, Missing, Release

MISSING = (
    "the repository's address is not set. Write into pyproject.toml:\n"
    "[project.urls]\n"
    'Repository = "https://github.com/OWNER/wsdefrag"'
)
_ADDRESS = re.compile(r"https://[\w.-]+(?:/[\w.-]+)+")
_LINK = re.compile(r"(!?\[[^\]]*\])\((?!\w+:|#)([^)\s]+)\)")


def address(root: Path) -> str:
    """The address of the repository.

    Raises:
        Missing: If it is not set.
        Failed: If it is no address.
    """
    found: str | None = (
        settings.read(root, "pyproject.toml")["project"].get("urls", {}).get("Repository")
    )
    if found is None:
        raise Missing(MISSING)
    if _ADDRESS.fullmatch(found) is None:
        raise Failed(f"pyproject.toml: `Repository` is {found!r}; write https://HOST/OWNER/NAME")
    return found


def links(repository: str, version: str) -> dict[str, str]:
    """What `[project.urls]` says of a release."""
    return {
        "Repository": repository,
        "Documentation": f"{repository}/blob/v{version}/docs/index.md",
        "Changelog": f"{repository}/blob/v{version}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def absolute(readme: str, repository: str, version: str) -> str:
    """The README with links that lead to this version's files, wherever it is read."""

    def leading(link: re.Match[str]) -> str:
        form = "raw" if link[1].startswith("!") else "blob"
        return f"{link[1]}({repository}/{form}/v{version}/{link[2]})"

    return _LINK.sub(leading, readme)


def whole(root: Path) -> None:
    """Change `README.md` and `pyproject.toml` of a copy into what the index shows.

    Raises:
        Missing: If the address is not set.
    """
    repository, version = address(root), settings.version(root)
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(absolute(text, repository, version), encoding="utf-8")
    project = root / "pyproject.toml"
    before, heading, after = project.read_text(encoding="utf-8").partition("[project.urls]\n")
    section, end, rest = after.partition("\n[")
    kept = [line for line in section.splitlines() if not line.startswith(tuple(links("", "")))]
    made = [f'{name} = "{url}"' for name, url in links(repository, version).items()]
    lines = "\n".join([*made, *(line for line in kept if line)])
    project.write_text(f"{before}{heading}{lines}\n{end}{rest}", encoding="utf-8")


def check(release: Release) -> str:
    """Look for the address, and for README links that lead nowhere."""
    readme = (release.root / "README.md").read_text(encoding="utf-8")
    for link in _LINK.finditer(readme):
        if not (release.root / link[2].partition("#")[0]).exists():
            raise Failed(f"README.md links to {link[2]}, which is not there")
    repository = address(release.root)
    count = len(_LINK.findall(readme))
    return f"{repository}: {count} links of the README lead there, and the index's own"
