"""The types of native functions and attributes, for the reference.

A compiled module has signatures without types; its stub has both. Names of public classes in
docstrings become links.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from types import (
    BuiltinFunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
)

import reference_names
import wsdefrag

_STUB = Path(wsdefrag.__file__).with_name("_native.pyi")
_NATIVE = "wsdefrag._native"
_LITERAL = re.compile(r"(?<![`:>])``(\w+)``(?!`)")


@cache
def _stub() -> dict[str, ast.FunctionDef]:
    """The functions and methods of the stub, by their qualified names."""
    found: dict[str, ast.FunctionDef] = {}
    for node in ast.parse(_STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = (one for one in node.body if isinstance(one, ast.FunctionDef))
            found |= {f"{node.name}.{one.name}": one for one in methods}
    return found


@cache
def _public() -> dict[str, str]:
    """The modules of public classes and functions, by name; the first module that has it counts."""
    found: dict[str, str] = {}
    for module in (*reference_names.PAGES, *reference_names.other_modules()):
        for name in reference_names.public(module):
            found.setdefault(name, module)
    return found


def _qualified(value: object) -> str | None:
    """The name in the stub of something native."""
    if isinstance(value, (MethodDescriptorType, GetSetDescriptorType, MemberDescriptorType)):
        owner = value.__objclass__
        return f"{owner.__name__}.{value.__name__}" if owner.__module__ != "builtins" else None
    if isinstance(value, BuiltinFunctionType):
        of = value.__self__
        return f"{of.__name__}.{value.__name__}" if inspect.isclass(of) else value.__name__
    if inspect.isclass(value):
        made = value.__dict__.get("__new__"), value.__dict__.get("__init__")
        native = not any(inspect.isfunction(getattr(one, "__func__", one)) for one in made)
        for base in value.__mro__ if native else ():
            for maker in ("__new__", "__init__"):
                if f"{base.__name__}.{maker}" in _stub() and base.__module__ != "builtins":
                    return f"{base.__name__}.{maker}"
    return None


def signature(
    app: object,
    what: str,
    name: str,
    value: object,
    options: object,
    text: str | None,
    returns: str,
) -> tuple[str, str | None] | None:
    """Give what is native its signature from the stub."""
    node = _stub().get(_qualified(value) or "")
    if node is None or what in ("property", "attribute"):
        return None
    is_static = any(ast.unparse(one) == "staticmethod" for one in node.decorator_list)
    arguments = node.args
    before = [*arguments.posonlyargs, *arguments.args]
    if before and not is_static and before[0].arg in ("self", "cls"):
        (arguments.posonlyargs or arguments.args).pop(0)
    made = f"({ast.unparse(arguments)})"
    if what == "class" or node.returns is None:
        return made, None
    return made, ast.unparse(node.returns)


def docstring(
    app: object, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Say the type of a native attribute, and link the names of public classes."""
    node = _stub().get(_qualified(value) or "")
    is_attribute = isinstance(value, (GetSetDescriptorType, MemberDescriptorType))
    if is_attribute and lines and node is not None and node.returns is not None:
        lines[0] = f"``{ast.unparse(node.returns)}`` {lines[0]}"
    own = name.rpartition(".")[2]
    for number, line in enumerate(lines):
        if not line.startswith(("    ", ">>>", "...")):
            lines[number] = _LITERAL.sub(lambda found: _linked(found, own), line)


def _linked(found: re.Match[str], own: str) -> str:
    name = found[1]
    if name == own or name not in _public() or not name[0].isupper():
        return found[0]
    return f":py:obj:`~{_public()[name]}.{name}`"
