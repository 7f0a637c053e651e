"""The stub of the native module says what the module itself says.

`stubtest` compares signatures; docstrings are compared here, because editors show the stub's and
`help()` shows the module's.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import wsdefrag
from wsdefrag import _native  # noqa: TID251

STUB = Path(wsdefrag.__file__).with_name("_native.pyi")


def documented() -> Iterator[tuple[str, str]]:
    """Every function and method of the stub that has a docstring, by its dotted name."""
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for member in members:
            if isinstance(member, ast.FunctionDef) and (doc := ast.get_docstring(member)):
                yield prefix + member.name, doc


@pytest.mark.parametrize(
    ("name", "doc"), list(documented()), ids=lambda value: value.split("\n")[0]
)
def test_docstring_is_the_modules_own(name: str, doc: str) -> None:
    value: object = _native
    for part in name.split("."):
        value = getattr(value, part)
    assert inspect.cleandoc(value.__doc__ or "") == doc
