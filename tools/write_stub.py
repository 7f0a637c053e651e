"""Writes the stub of the native module, `python/wsdefrag/_native.pyi`, from the built module.

Names, signatures, defaults, docstrings and whether a class can be subclassed come from the module;
types come from `native_types.py`; the layout comes from ruff. So the same module always gives the
same file. If the stub differs, the module was changed and the stub not written again.

    python tools/write_stub.py            write the file
    python tools/write_stub.py --check    end with 1, and the difference, if it is not that file

Methods stand in the order of the Rust code. Attributes have no order in a built module: those that
the class's docstring lists come first, as listed there, and the others by name.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import inspect
import re
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import WrapperDescriptorType

import native_types
from wsdefrag import _native  # noqa: TID251

STUB = Path(__file__).parents[1] / "python" / "wsdefrag" / "_native.pyi"
# CPython's flag of a class that may be subclassed.
BASE_TYPE = 1 << 10
CONSTRUCTOR = "__new__"


class Missing(Exception):
    """What the tables of `native_types.py` lack, or have for nothing."""


class Types:
    """The tables of `native_types.py`; remembers what was asked for."""

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()
        self.missing: list[str] = []

    def find(self, table: str, *keys: str) -> str:
        """Give the type of the first of these keys that the table has."""
        entries: dict[str, str] = getattr(native_types, table)
        for key in keys:
            if key in entries:
                self.used.add((table, key))
                return entries[key]
        self.missing.append(f"{table} has neither of: {', '.join(keys)}")
        return "Any"

    def has(self, table: str, key: str) -> bool:
        """Whether the table has this key."""
        return key in getattr(native_types, table)

    def settle(self) -> None:
        """Raise for what was missing, and for entries that nothing asked for."""
        wrong = list(self.missing)
        for table in ("PARAMETERS", "RESULTS", "SETTABLE", "SIGNATURES", "VARIABLES", "SOURCES"):
            entries = getattr(native_types, table)
            wrong += [
                f"{table}: nothing uses {key}" for key in entries if (table, key) not in self.used
            ]
        if wrong:
            raise Missing("tools/native_types.py:\n  " + "\n  ".join(wrong))


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines of a body."""
    for line in lines:
        yield f"    {line}" if line else ""


def definition(head: Sequence[str], body: Sequence[str]) -> Iterator[str]:
    """A function and what stands above it, with an empty line before them if it has a body."""
    if body:
        yield ""
    yield from head[:-1]
    yield f"{head[-1]}:" + ("" if body else " ...")
    yield from indented(body)


def docstring(value: object) -> list[str]:
    """The lines of the docstring of a class or a member, or nothing."""
    if isinstance(value, WrapperDescriptorType):
        # CPython's own words for `__iter__` and its like.
        return []
    text = inspect.cleandoc(getattr(value, "__doc__", None) or "")
    if not text:
        return []
    raw = "r" if "\\" in text else ""
    end = '\n"""' if "\n" in text else '"""'
    return f'{raw}"""{text}{end}'.split("\n")


def parameter_type(found: Types, path: str, parameter: str) -> str:
    """The type of a parameter; one of a constructor is that of the attribute it sets."""
    keys = (f"{path}.{parameter}", parameter)
    cls, _, name = path.rpartition(".")
    if name == CONSTRUCTOR and not any(found.has("PARAMETERS", key) for key in keys):
        return found.find("RESULTS", f"{cls}.{parameter}", parameter)
    return found.find("PARAMETERS", *keys)


def function(found: Types, path: str, value: object, first: str | None) -> Iterator[str]:
    """A function or method; `first` is the name of its first parameter, None for a function."""
    name = path.rpartition(".")[2]
    if found.has("SIGNATURES", path):
        signature = found.find("SIGNATURES", path)
    else:
        written = inspect.signature(value)  # type: ignore[arg-type]
        parameters = list(written.parameters.values())
        if first == "self":
            parameters = parameters[1:]
        typed = [
            parameter.replace(
                annotation=Bare(parameter_type(found, path, parameter.name)),
                default=parameter.default
                if parameter.default is inspect.Parameter.empty
                else Bare(repr(parameter.default)),
            )
            for parameter in parameters
        ]
        if first:
            kind = (
                inspect.Parameter.POSITIONAL_ONLY
                if any(one.kind is inspect.Parameter.POSITIONAL_ONLY for one in typed)
                else inspect.Parameter.POSITIONAL_OR_KEYWORD
            )
            typed.insert(0, inspect.Parameter(first, kind))
        result = "Self" if first == "cls" else found.find("RESULTS", path, name)
        signature = f"{inspect.Signature(typed)} -> {result}"
    # A method without a `self` is static; the functions of the module have no dot.
    above = ["@staticmethod"] if first is None and "." in path else []
    body = [] if first == "cls" else docstring(value)
    yield from definition([*above, f"def {name}{signature}"], body)


class Bare(str):
    """A piece of source that `inspect.Signature` prints as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def attribute(found: Types, path: str, value: object) -> Iterator[str]:
    """An attribute, as a property."""
    name = path.rpartition(".")[2]
    head = f"def {name}(self) -> {found.find('RESULTS', path, name)}"
    yield from definition(["@property", head], docstring(value))
    if found.has("SETTABLE", path):
        yield f"@{name}.setter"
        yield f"def {name}(self, value: {found.find('SETTABLE', path)}) -> None: ..."


def listed_attributes(cls: type) -> list[str]:
    """The attributes that a class's docstring lists, in its order."""
    _, _, listed = inspect.cleandoc(cls.__doc__ or "").partition("\nAttributes:\n")
    return re.findall(r"^    (\w+): ", listed, flags=re.MULTILINE)


def class_body(found: Types, cls: type) -> Iterator[str]:
    """The members that are not those of every object."""
    methods: list[str] = []
    attributes: list[str] = []
    for name, value in vars(cls).items():
        if name.startswith("__") and (
            name in {"__module__", "__weakref__"} or hasattr(object, name)
        ):
            continue
        (methods if callable(value) else attributes).append(name)
    order = {name: place for place, name in enumerate(listed_attributes(cls))}
    attributes.sort(key=lambda name: (order.get(name, len(order)), name))

    path = f"{cls.__name__}.{CONSTRUCTOR}"
    if cls.__text_signature__ is not None or found.has("SIGNATURES", path):
        yield from function(found, path, cls, "cls")
    for name in methods:
        value = vars(cls)[name]
        first = None if isinstance(value, staticmethod) else "self"
        yield from function(found, f"{cls.__name__}.{name}", getattr(cls, name), first)
    for name in attributes:
        if name == "__match_args__":
            yield f"{name} = {vars(cls)[name]!r}"
            continue
        yield from attribute(found, f"{cls.__name__}.{name}", vars(cls)[name])


def members(found: Types) -> Iterator[str]:
    """Everything that the module has: constants, functions, classes."""
    names = sorted(_native.__all__)
    for name in names:
        value = getattr(_native, name)
        if not callable(value):
            yield f"{name}: {found.find('RESULTS', name)}"
    yield ""
    for name in native_types.VARIABLES:
        yield f"{name} = {found.find('VARIABLES', name)}"
    for name in names:
        value = getattr(_native, name)
        if callable(value) and not isinstance(value, type):
            yield from function(found, name, value, None)
    for name in names:
        value = getattr(_native, name)
        if isinstance(value, type):
            (base,) = value.__bases__
            if not value.__flags__ & BASE_TYPE:
                yield "@final"
            elif base is object or own_size(value) != own_size(base):
                yield "@disjoint_base"
            yield f"class {name}:" if base is object else f"class {name}({base.__name__}):"
            yield from indented([*docstring(value), "", *class_body(found, value)])


def own_size(value: type) -> int:
    """Bytes of an instance without the slot for weak references, which any subclass may add."""
    return value.__basicsize__ - (struct.calcsize("P") if value.__weakrefoffset__ > 0 else 0)


def imports(found: Types, code: str) -> Iterator[str]:
    """Imports of all names that the code uses and does not define."""
    known = {*_native.__all__, *native_types.VARIABLES, *dir(builtins), "__match_args__"}
    nodes = list(ast.walk(ast.parse(code)))
    # `@content.setter` names the property above it.
    known |= {ast.unparse(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    for name in sorted(used - known):
        yield f"from {found.find('SOURCES', name)} import {name}"


def formatted(code: str) -> str:
    """The code in the house's format."""
    ruff = [sys.executable, "-m", "ruff"]
    name = ["--stdin-filename", str(STUB), "-"]
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):
        done = subprocess.run(
            [*ruff, *command, *name], input=code, capture_output=True, check=True, text=True
        )
        code = done.stdout
    return code


def stub() -> str:
    """The whole file."""
    found = Types()
    code = "\n".join(members(found))
    head = [
        *docstring(_native),
        "# Written by `make stub` from the built module and from tools/native_types.py.",
        "",
        *imports(found, code),
        "",
        f"__all__ = {sorted(_native.__all__)!r}",
        "",
    ]
    found.settle()
    return formatted("\n".join([*head, code, ""]))


def main() -> int:
    """Write or check the file; the exit code."""
    try:
        text = stub()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    if "--check" not in sys.argv[1:]:
        STUB.write_text(text, encoding="utf-8")
        return 0
    before = STUB.read_text(encoding="utf-8")
    sys.stdout.writelines(
        difflib.unified_diff(
            before.splitlines(keepends=True),
            text.splitlines(keepends=True),
            "python/wsdefrag/_native.pyi",
            "what `make stub` writes",
        )
    )
    return int(before != text)


if __name__ == "__main__":
    sys.exit(main())
