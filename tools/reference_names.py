"""The public names of the package, as sections of the reference.

Public is what a module lists in ``__all__``. Modules whose names begin with an underscore are not
public, nor are those of the command. Output formats are public by way of `wsdefrag.capture`.
"""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

import wsdefrag

PAGES = (
    "wsdefrag",
    "wsdefrag.capture",
    "wsdefrag.dask",
    "wsdefrag.handshake",
    "wsdefrag.ingest",
    "wsdefrag.proxy",
    "wsdefrag.replay",
    "wsdefrag.compat.wsproto",
)
"""The modules that have pages of their own."""

_NOT_PUBLIC = ("wsdefrag.cli", "wsdefrag.formats", "wsdefrag.__main__")

# They need mitmproxy or pyspark, which are in environments of their own; `docs/mitmproxy.md` and
# `docs/how-to/spark.md` describe them.
_ELSEWHERE = ("wsdefrag.compat.mitmproxy", "wsdefrag.spark")

# What every class of its kind has says nothing about this one.
_BASES = (
    "object, BaseException, Exception, RuntimeError, MemoryError, tuple, int, str, Enum, IntEnum"
)

# What other classes of the package call. A caller has no use for it.
_INTERNAL = {
    "wsdefrag.proxy.ProxyConnection": (
        *("leg_made", "leg_is_slow", "leg_is_stuck", "leg_ended", "leg_lost", "shut_down"),
        *("session_is_closing", "session_has_settled", "count_messages"),
        *("client_leg", "server_leg"),
    ),
    "wsdefrag.proxy.Records": ("start", "close", "begin", "added", "write"),
}


def public(module: str) -> list[str]:
    """The public names of a module, sorted."""
    return sorted(import_module(module).__all__)


def section(module: str, names: list[str]) -> str:
    """The documentation of names of a module, in Markdown."""
    blocks = [_block(module, name) for name in names]
    return "```{eval-rst}\n" + "\n".join(blocks) + "```\n"


def _block(module: str, name: str) -> str:
    value = getattr(import_module(module), name)
    if inspect.isclass(value):
        options = [":members:", f":inherited-members: {_BASES}"]
        if internal := _INTERNAL.get(f"{module}.{name}"):
            options.append(f":exclude-members: {', '.join(internal)}")
        if issubclass(value, BaseException):
            options.append(":show-inheritance:")
        lines = [f".. autoclass:: {module}.{name}", *(f"   {option}" for option in options)]
    elif callable(value) and hasattr(value, "__code__"):
        lines = [f".. autofunction:: {module}.{name}"]
    else:
        lines = [f".. autodata:: {module}.{name}"]
    return "\n".join(lines) + "\n"


def public_modules() -> list[str]:
    """The public modules of the package, by name."""
    found = ["wsdefrag"]
    for info in pkgutil.walk_packages(wsdefrag.__path__, "wsdefrag."):
        hidden = any(part.startswith("_") for part in info.name.split("."))
        if hidden or info.name.startswith((*_NOT_PUBLIC, *_ELSEWHERE)):
            continue
        if hasattr(import_module(info.name), "__all__"):
            found.append(info.name)
    return sorted(found)


def other_modules() -> dict[str, list[str]]:
    """The public modules without a page, with those of their names that no earlier module has."""
    seen = {id(getattr(import_module(module), name)) for module in PAGES for name in public(module)}
    others: dict[str, list[str]] = {}
    for module in public_modules():
        names = [
            name
            for name in public(module)
            if module not in PAGES
            and id(getattr(import_module(module), name)) not in seen
            and getattr(getattr(import_module(module), name), "__module__", "").startswith(
                "wsdefrag"
            )
        ]
        if names:
            others[module] = names
            seen.update(id(getattr(import_module(module), name)) for name in names)
    return others


def modules() -> str:
    """Sections for the public modules that have no page."""
    parts = []
    for module, names in other_modules().items():
        summary = (inspect.getdoc(import_module(module)) or "").partition("\n")[0]
        parts.append(f"## `{module}`\n\n{summary.replace('``', '`')}\n\n{section(module, names)}")
    return "\n".join(parts)
