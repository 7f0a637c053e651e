"""The commands' own help, as sections of the reference."""

from __future__ import annotations

import click

from wsdefrag.cli.group import wsdefrag

_WIDTH = 90


def commands() -> str:
    """The help of the command and of each of its subcommands, in Markdown."""
    top = _context(wsdefrag, None, "wsdefrag")
    parts = [f"## `wsdefrag`\n\n{_help(top)}"]
    for name in wsdefrag.list_commands(top):
        command = wsdefrag.get_command(top, name)
        assert command is not None
        parts.append(f"## `wsdefrag {name}`\n\n{_help(_context(command, top, name))}")
    return "\n".join(parts)


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    """A context with the command's settings: click keeps the help option of the first context."""
    width = {"max_content_width": _WIDTH, "terminal_width": _WIDTH}
    return click.Context(command, parent, name, **{**command.context_settings, **width})


def _help(context: click.Context) -> str:
    return f"```text\n{context.get_help().rstrip()}\n```\n"
