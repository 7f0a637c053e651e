"""The limits and their defaults, as tables of the reference."""

from __future__ import annotations

import inspect
from dataclasses import fields

from wsdefrag import Limits
from wsdefrag.capture import Capture

_OF_CAPTURES = ("max_connections", "memory", "idle_timeout")


def limits() -> str:
    """Tables of the fields of ``Limits`` and of the bounds of a ``Capture``, in Markdown."""
    own = {field.name: field.default for field in fields(Limits)}
    parameters = inspect.signature(Capture).parameters
    bounds = {name: parameters[name].default for name in _OF_CAPTURES}
    of_limits = _table("`Limits`", own, _described(Limits))
    return of_limits + "\n" + _table("`Capture`", bounds, _described(Capture))


def _table(title: str, defaults: dict[str, object], described: dict[str, str]) -> str:
    rows = [f"| field of {title} | default | what it bounds |", "| --- | --- | --- |"]
    rows += [
        f"| `{name}` | {_shown(value)} | {described[name]} |" for name, value in defaults.items()
    ]
    return "\n".join(rows) + "\n"


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _described(documented: type) -> dict[str, str]:
    """What the section ``Args:`` of a docstring says of each argument."""
    text = inspect.cleandoc(documented.__doc__ or "")
    section = text.split("Args:\n", 1)[1].split("\n\n", 1)[0]
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if not line.startswith("     "):
            name, _, line = line.strip().partition(": ")
        found[name] = f"{found.get(name, '')} {line.strip()}".strip().replace("``", "`")
    return found
