"""The options that several subcommands share.

A command adds groups of options with the decorator ``selects(...)`` and gets their values as one
``Selection``. Options that the command does not have keep their defaults, which select everything.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import click

from wsdefrag.cli.option_values import (
    addresses,
    count,
    deflate_header,
    duration,
    key_logs,
    moment,
    number_ranges,
    of_capture,
    positive_size,
    size,
)
from wsdefrag.cli.selection import DEFAULT_MEMORY, RULES, STATUSES, Selection
from wsdefrag.limits import Limits

_F = TypeVar("_F", bound=Callable[..., Any])
_Option = Callable[[Any], Any]

_DEFAULTS = Limits()


# The help shows options in the order of these groups.
CONNECTION_FILTERS: tuple[_Option, ...] = (
    click.option("--host", multiple=True, metavar="PATTERN", help="Only this Host; * matches any."),
    click.option("--path", multiple=True, metavar="PATTERN", help="Only this path and query."),
    click.option(
        "--connection",
        multiple=True,
        metavar="N,N-M",
        callback=number_ranges,
        help="Only connections with these numbers.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65_535),
        multiple=True,
        metavar="PORT",
        help="Only this TCP port, on either side.",
    ),
    click.option(
        "--address",
        callback=addresses,
        multiple=True,
        metavar="IP",
        help="Only this IP address, on either side.",
    ),
)

SENDER: tuple[_Option, ...] = (
    click.option(
        "--from",
        "sender",
        type=click.Choice(["client", "server"]),
        help="Only messages of this sender.",
    ),
)

MESSAGE_FILTERS: tuple[_Option, ...] = (
    click.option("--type", type=click.Choice(["text", "binary"]), help="Only this type."),
    click.option(
        "--since",
        metavar="TIME",
        callback=moment,
        help="At or after this time: ISO 8601 (local without a zone), or seconds since 1970.",
    ),
    click.option(
        "--until", metavar="TIME", callback=moment, help="Before this time, same formats."
    ),
)

CONTENT_FILTERS: tuple[_Option, ...] = (
    click.option(
        "--grep",
        multiple=True,
        metavar="REGEX",
        callback=of_capture,
        help="Only messages that contain this; repeat for several.",
    ),
    click.option(
        "--grep-not",
        multiple=True,
        metavar="REGEX",
        callback=of_capture,
        help="Only messages that do not contain this.",
    ),
    click.option("-i", "--ignore-case", is_flag=True, help="Ignore case in --grep and --grep-not."),
    click.option(
        "--json",
        multiple=True,
        metavar="CONDITION",
        callback=of_capture,
        help="Only JSON that meets this, such as '.user == \"ann\"'.",
    ),
    click.option(
        "--status",
        multiple=True,
        type=click.Choice(STATUSES),
        metavar="STATUS",
        help=f"Only messages with this status: {', '.join(STATUSES)}.",
    ),
    click.option("--min-size", metavar="BYTES", callback=size, help="Only this long, or longer."),
    click.option("--max-size", metavar="BYTES", callback=size, help="Only this long, or shorter."),
    click.option(
        "--around",
        type=int,
        metavar="N",
        default=0,
        callback=count,
        help="Show N rows of the connection before and after each of these.",
    ),
)

CHOOSING: tuple[_Option, ...] = (
    *SENDER,
    *CONNECTION_FILTERS,
    *MESSAGE_FILTERS,
    *CONTENT_FILTERS,
)
"""All options that choose messages."""

SUMMARY: _Option = click.option(
    "--summary", is_flag=True, help="Print totals and speed at the end."
)

NO_EVENTS: _Option = click.option(
    "--no-events", is_flag=True, help="Leave out gaps, control frames and violations."
)

WIDTH: _Option = click.option(
    "--width",
    type=int,
    metavar="COLUMNS",
    callback=count,
    help="Cut lines to this; 0: never.  [default: the terminal's; 0 in a pipe or file]",
)

KEYLOG: _Option = click.option(
    "--keylog",
    type=click.Path(exists=True, dir_okay=False, readable=True),
    multiple=True,
    metavar="FILE",
    callback=key_logs,
    help="Key log of TLS (SSLKEYLOGFILE); repeatable.",
)

RESYNC: _Option = click.option(
    "--resync", is_flag=True, help="Search for the next frame after a loss."
)


def format_option(*formats: str, help: str = "Output format.") -> _Option:
    """Return the option ``--format``; the first format is the default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help=help,
    )


READING: tuple[_Option, ...] = (
    KEYLOG,
    RESYNC,
    click.option(
        "--key",
        type=click.Choice(["auto", "addresses", "tagged"]),
        default="auto",
        show_default=True,
        help="Whether tags split connections with equal addresses: where needed, never, always.",
    ),
    click.option(
        "--decode-as",
        multiple=True,
        metavar="RULE",
        callback=of_capture,
        help="udp.port==PORT,NAME: the tunnel on a UDP port, such as vxlan.",
    ),
    click.option(
        "--deflate",
        metavar="HEADER",
        callback=deflate_header,
        help="Extensions header, if no response says it.",
    ),
    click.option(
        "--memory",
        metavar="BYTES",
        default=f"{DEFAULT_MEMORY >> 20}M",
        callback=positive_size,
        help="Limit of all that is unfinished; K, M, G may follow.  [default: 512M]",
    ),
    click.option(
        "--idle-timeout",
        type=float,
        metavar="SECONDS",
        callback=duration,
        help="End a WebSocket that has no packet for so long.  [default: never]",
    ),
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        default=1,
        show_default=True,
        help="Threads that follow connections.",
    ),
    click.option(
        "--tolerate",
        type=click.Choice([*RULES, "loss", "all"]),
        multiple=True,
        metavar="WHAT",
        help=f"Do not fail on: {', '.join(RULES)}, loss, all; repeatable.",
    ),
    click.option(
        "--max-message-size",
        metavar="BYTES",
        callback=size,
        default=f"{_DEFAULTS.max_message_size}",
        help="Limit of a message, inflated; 0: none.  [default: 64M]",
    ),
    click.option(
        "--max-frame-size",
        metavar="BYTES",
        callback=size,
        default=f"{_DEFAULTS.max_frame_size}",
        help="Limit of a frame; 0: none.  [default: 64M]",
    ),
    click.option(
        "--max-fragments",
        type=int,
        metavar="COUNT",
        callback=count,
        default=_DEFAULTS.max_fragments,
        show_default=True,
        help="Limit of frames in a message; 0: none.",
    ),
)


def selects(*groups: Sequence[_Option]) -> Callable[[_F], _F]:
    """Add groups of options to a command; it gets their values as the argument ``selection``.

    Args:
        groups: The groups, in the order in which the help shows them.

    Returns:
        The decorator.
    """
    known = {field.name for field in fields(Selection)}

    def decorate(command: _F) -> _F:
        @functools.wraps(command)
        def selecting(*arguments: object, **options: Any) -> object:  # noqa: ANN401
            values = {name: options.pop(name) for name in known & options.keys()}
            return command(*arguments, selection=Selection(**values), **options)

        decorated: Any = selecting
        for option in reversed([option for group in groups for option in group]):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate
