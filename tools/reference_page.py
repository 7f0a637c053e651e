"""Fills the pages of the reference while the site is built.

A line ``<!-- made: WHAT ARGUMENTS -->`` of a page stands for what is made of the code:

- ``api MODULE NAME...``: these public names of a module, from their docstrings
- ``api MODULE``: all its public names that the page does not name
- ``modules``: the public modules that have no page of their own, with their names
- ``commands``: the help of each command
- ``errors``: the kinds of errors, each with an example of ``vectors/errors.jsonl``
- ``limits``: the limits and their defaults
- ``file PATH``: a Markdown file of the checkout that is not in ``docs/``

So a new public name, command or kind of error is in the reference without a change of a page.
"""

from __future__ import annotations

import re
from pathlib import Path

import reference_commands
import reference_errors
import reference_limits
import reference_names

_MADE = re.compile(r"^<!-- made: (\w+)(?: (.+))? -->$", re.MULTILINE)


_ROOT = Path(__file__).resolve().parents[1]

# Markdown outside `docs/`, and the pages that show it. Links to them go to these pages.
FILES = {
    "DESIGN.md": "/explanation/design.md",
    "CHANGELOG.md": "/changelog.md",
    "benches/RESULTS.md": "/explanation/results.md",
    "tests/conformance/RESULTS.md": "/explanation/conformance.md",
}
_LINK = re.compile(rf"\]\((?:\.\./)*({'|'.join(map(re.escape, FILES))})(#[^)]*)?\)")


def filled(page: str) -> str:
    """A page's Markdown, with what its lines stand for in their place."""
    page = _LINK.sub(lambda link: f"]({FILES[link[1]]}{link[2] or ''})", page)
    named = {
        (module, name)
        for what, arguments in _MADE.findall(page)
        if what == "api"
        for module, *names in [arguments.split()]
        for name in names
    }

    def made(line: re.Match[str]) -> str:
        what, arguments = line[1], (line[2] or "").split()
        if what == "api":
            module, *names = arguments
            others = [one for one in reference_names.public(module) if (module, one) not in named]
            return reference_names.section(module, names or others)
        if what == "file":
            return _file(_ROOT / arguments[0])
        return _MAKERS[what]()

    return _MADE.sub(made, page)


def _file(path: Path) -> str:
    """A file without its heading; its links lead from the page that shows it."""
    _, _, text = path.read_text(encoding="utf-8").partition("\n")
    return re.sub(r"\]\((?![a-z]+:|#)([^)]+)\)", lambda link: _moved(path, link[1]), text)


def _moved(path: Path, target: str) -> str:
    name, _, anchor = target.partition("#")
    full = (path.parent / name).resolve().relative_to(_ROOT).as_posix()
    if full in FILES:
        full = FILES[full]
    elif full.startswith("docs/"):
        full = full.removeprefix("docs")
    else:
        full = f"../../{full}"
    return f"]({full}{'#' if anchor else ''}{anchor})"


_MAKERS = {
    "commands": reference_commands.commands,
    "errors": reference_errors.errors,
    "limits": reference_limits.limits,
    "modules": reference_names.modules,
}
