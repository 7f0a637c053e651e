"""The changelog has a section for this version, with its date."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from release import settings
from release.part import Failed, Missing, Release

_HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<date>\S+)$", re.MULTILINE)


def section(root: Path, version: str) -> tuple[str, str]:
    """The date and the text of a version's section.

    Raises:
        Failed: If there is no such section, or nothing in it.
    """
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(text))
    for number, heading in enumerate(headings):
        if heading["version"] == version:
            after = headings[number + 1].start() if number + 1 < len(headings) else len(text)
            body = text[heading.end() : after].strip()
            if not body:
                raise Failed(f"CHANGELOG.md: the section of {version} is empty")
            return heading["date"], body
    raise Failed(f"CHANGELOG.md has no section `## [{version}] - DATE`")


def check(release: Release) -> str:
    """Look for the section and its date."""
    version = settings.version(release.root)
    date, body = section(release.root, version)
    entries = sum(line.startswith("- ") for line in body.splitlines())
    if date == "unreleased":
        raise Missing(
            f"CHANGELOG.md: give the section of {version} ({entries} entries) its date: "
            f"`## [{version}] - YYYY-MM-DD`"
        )
    try:
        dt.date.fromisoformat(date)
    except ValueError as error:
        raise Failed(f"CHANGELOG.md: {date} is not a date (YYYY-MM-DD)") from error
    return f"{version} of {date}: {entries} entries"
