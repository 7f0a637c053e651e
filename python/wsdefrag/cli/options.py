"""The options that commands share, and what options take beyond what click knows.

A command takes groups of options with ``selects(...)`` and gets one ``Selection``; what it does
not offer has the value that means everything.

Each callback turns the text of an option into a value, or fails with the reason and in click's
way of reporting wrong usage. An option that was not given is None and stays so.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import click

from wsdefrag.cli.input.source import checked_seconds
from wsdefrag.cli.selection import RULES, Selection
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits

_F = TypeVar("_F", bound=Callable[..., Any])
_Option = Callable[[Any], Any]

_DEFAULTS = Limits()
_COUNT = click.IntRange(min=0)


def deflate_header(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> DeflateParams | None:
    """Read a ``Sec-WebSocket-Extensions`` value; an empty one stands for no extension."""
    if value is None:
        return None
    try:
        agreed = DeflateParams.from_header(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None
    # Bytes that nobody compressed need no option, so this is more likely a slip.
    if agreed is None and value.strip():
        raise click.BadParameter(f"{value!r} does not name permessage-deflate.")
    return agreed


def seconds(
    context: click.Context, parameter: click.Parameter, value: float | None
) -> float | None:
    """Refuse a number that is no time."""
    if value is None:
        return None
    try:
        return checked_seconds(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time in seconds since the epoch.") from None


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read a moment: ISO 8601, in local time where it names no zone, or seconds since the epoch."""
    if value is None:
        return None
    try:
        return checked_seconds(float(value))
    except ValueError:
        pass
    try:
        # Python 3.10 knows neither the Z nor fractions of other than 3 or 6 digits.
        iso = f"{value[:-1]}+00:00" if value.endswith(("Z", "z")) else value
        iso = re.sub(r"\.(\d+)", lambda match: f".{match[1][:6]:0<6}", iso)
        return checked_seconds(datetime.fromisoformat(iso).timestamp())
    except (ValueError, OverflowError, OSError):
        reason = f"{value!r} is neither an ISO 8601 time nor seconds since the epoch."
        raise click.BadParameter(reason) from None


def _addresses(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse what is no IP address."""
    try:
        return tuple(str(ipaddress.ip_address(text)) for text in value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


# In the order in which the help shows them.
CONNECTION_FILTERS: tuple[_Option, ...] = (
    click.option("--host", multiple=True, metavar="PATTERN", help="Only this Host; * is anything."),
    click.option("--path", multiple=True, metavar="PATTERN", help="Only this path and query."),
    click.option(
        "--port",
        type=click.IntRange(0, 65_535),
        multiple=True,
        metavar="PORT",
        help="Only this TCP port, of either side.",
    ),
    click.option(
        "--address",
        callback=_addresses,
        multiple=True,
        metavar="IP",
        help="Only this IP address, of either side.",
    ),
)

SENDER: tuple[_Option, ...] = (
    click.option(
        "--from",
        "sender",
        type=click.Choice(["client", "server"]),
        help="Only messages of this side.",
    ),
)

MESSAGE_FILTERS: tuple[_Option, ...] = (
    click.option("--type", type=click.Choice(["text", "binary"]), help="Only these messages."),
    click.option(
        "--since",
        metavar="TIME",
        callback=moment,
        help="From this time on: ISO 8601, or seconds since 1970.",
    ),
    click.option(
        "--until", metavar="TIME", callback=moment, help="Before this time, given likewise."
    ),
)

READING: tuple[_Option, ...] = (
    click.option("--resync", is_flag=True, help="Look for frames again after a loss."),
    click.option(
        "--tolerate",
        type=click.Choice([*RULES, "loss", "all"]),
        multiple=True,
        metavar="WHAT",
        help=f"Let pass: {', '.join(RULES)}, loss, all; repeatable.",
    ),
    click.option(
        "--max-message-size",
        type=_COUNT,
        metavar="BYTES",
        default=_DEFAULTS.max_message_size,
        show_default="64 MiB",
        help="Of a message, inflated; 0: no limit.",
    ),
    click.option(
        "--max-frame-size",
        type=_COUNT,
        metavar="BYTES",
        default=_DEFAULTS.max_frame_size,
        show_default="64 MiB",
        help="Of a frame; 0: no limit.",
    ),
    click.option(
        "--max-fragments",
        type=_COUNT,
        metavar="COUNT",
        default=_DEFAULTS.max_fragments,
        show_default=True,
        help="Frames of a message; 0: no limit.",
    ),
)


def selects(*groups: Sequence[_Option]) -> Callable[[_F], _F]:
    """Give a command groups of options and one argument, ``selection``, for all their values.

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
