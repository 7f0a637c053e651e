"""The reference has every public name, command and kind of error."""

from __future__ import annotations

import re
from importlib import import_module

import click
import pytest

import reference_commands
import reference_errors
import reference_names
from doc_files import ROOT
from reference_page import filled
from wsdefrag.cli.group import wsdefrag

REFERENCE = "\n".join(
    filled(page.read_text("utf-8")) for page in sorted((ROOT / "docs" / "reference").glob("*.md"))
)
DOCUMENTED = re.findall(r"^\.\. auto(?:class|function|data):: (\S+)$", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("module", reference_names.public_modules())
def test_public_names_of_a_module_are_there(module: str) -> None:
    documented = {id(_value(name)) for name in DOCUMENTED}
    missing = [
        name
        for name in reference_names.public(module)
        if id(_value(f"{module}.{name}")) not in documented
        and not _is_of_wsproto(module, _value(f"{module}.{name}"))
    ]
    assert not missing


def _is_of_wsproto(module: str, value: object) -> bool:
    """Whether the drop-in passes it on from wsproto, which documents it."""
    is_ours = getattr(value, "__module__", "").startswith("wsdefrag")
    return module.startswith("wsdefrag.compat.wsproto") and not is_ours


def _value(name: str) -> object:
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def test_members_that_are_left_out_exist() -> None:
    """A name that was changed would be in the reference again."""
    for name, members in reference_names._INTERNAL.items():
        found = {line.strip() for line in REFERENCE.splitlines()}
        assert f":exclude-members: {', '.join(members)}" in found
        value = _value(name)
        slots = getattr(value, "__slots__", ())
        assert all(hasattr(value, member) or member in slots for member in members)


def test_no_name_is_there_twice() -> None:
    assert len(DOCUMENTED) == len(set(DOCUMENTED)) > 50


def test_every_command_is_there_with_its_options() -> None:
    help_of_all = reference_commands.commands()
    context = click.Context(wsdefrag)
    for name in wsdefrag.list_commands(context):
        command = wsdefrag.get_command(context, name)
        assert command is not None
        assert f"## `wsdefrag {name}`" in help_of_all
        for parameter in command.params:
            assert all(option in help_of_all for option in parameter.opts if option[0] == "-")


def test_every_kind_of_error_is_there_with_an_example() -> None:
    made = reference_errors.errors()
    for kind, case in reference_errors.examples().items():
        assert f"## {kind}" in made
        assert case["error"]["text"] in made
