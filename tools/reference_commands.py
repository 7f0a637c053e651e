"""The commands' own help, as sections of the reference."""

from __future__ import annotations

import click

from wsdefrag.cli.group import wsdefrag

_WIDTH = 90


def commands() -> str:
    """The help of the command and of each of its subcommands, in Markdown."""
    top = click.Context(
        wsdefrag, info_name="wsdefrag", max_content_width=_WIDTH, terminal_width=_WIDTH
    )
    parts = [f"## `wsdefrag`\n\n{_help(top)}"]
    for name in wsdefrag.list_commands(top):
        command = wsdefrag.get_command(top, name)
        assert command is not None
        context = click.Context(
            command, top, info_name=name, max_content_width=_WIDTH, terminal_width=_WIDTH
        )
        parts.append(f"## `wsdefrag {name}`\n\n{_help(context)}")
    return "\n".join(parts)


def _help(context: click.Context) -> str:
    return f"```text\n{context.get_help().rstrip()}\n```\n"
