"""The options that several subcommands share.

A command adds groups of options with the decorator ``selects(...)`` and gets their values as one
``Selection``. Options that the command does not have keep their defaults, which select everything.

The callbacks convert the text of an option to a value, or raise ``click.BadParameter``. An option
that was not given stays None.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import click

from wsdefrag.capture import Capture
from wsdefrag.cli.input.inputs import is_capture, is_regular
from wsdefrag.cli.input.source import checked_seconds
from wsdefrag.cli.selection import DEFAULT_MEMORY, RULES, STATUSES, Selection
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits

_F = TypeVar("_F", bound=Callable[..., Any])
_Option = Callable[[Any], Any]

_DEFAULTS = Limits()


# The end of a range of connections that has none.
_LAST_NUMBER = 10**18 - 1


def count(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    """Refuse a negative number. ``click.IntRange`` would repeat its range in the help."""
    if value is not None and value < 0:
        raise click.BadParameter(f"{value} is less than 0.")
    return value


def deflate_header(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> DeflateParams | None:
    """Parse a ``Sec-WebSocket-Extensions`` value; an empty value means no extension."""
    if value is None:
        return None
    try:
        agreed = DeflateParams.from_header(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None
    # A value that names only other extensions is more likely a mistake than intended.
    if agreed is None and value.strip():
        raise click.BadParameter(f"{value!r} does not name permessage-deflate.")
    return agreed


def seconds(
    context: click.Context, parameter: click.Parameter, value: float | None
) -> float | None:
    """Refuse a number that is not a valid time."""
    if value is None:
        return None
    try:
        return checked_seconds(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a time in seconds since 1970.") from None


def _size(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """Parse a number of bytes from 1: ``512M`` is 512 MiB."""
    size = _bytes(value)
    if not size:
        raise click.BadParameter(f"{value!r} is not a number of bytes from 1, such as 512M.")
    return size


def size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Parse a number of bytes from 0: ``512M`` is 512 MiB."""
    if value is None:
        return None
    size = _bytes(value)
    if size is None:
        raise click.BadParameter(f"{value!r} is not a number of bytes, such as 512 or 64K.")
    return size


def _bytes(value: str) -> int | None:
    match = re.fullmatch(r"(\d{1,15})([KMG]?)", value, re.ASCII | re.IGNORECASE)
    size = int(match[1]) << 10 * " KMG".index(match[2].upper() or " ") if match else -1
    return size if 0 <= size <= sys.maxsize else None


def duration(
    context: click.Context, parameter: click.Parameter, value: float | None
) -> float | None:
    """Refuse a number that is not a duration."""
    if value is not None and not value >= 0:
        raise click.BadParameter(f"{value} is not a number of seconds from 0.")
    return value


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Parse a time: ISO 8601 (local time if it has no zone), or seconds since the epoch."""
    if value is None:
        return None
    try:
        return checked_seconds(float(value))
    except ValueError:
        pass
    try:
        # Python 3.10 accepts neither Z nor fractions with other than 3 or 6 digits.
        iso = f"{value[:-1]}+00:00" if value.endswith(("Z", "z")) else value
        iso = re.sub(r"\.(\d+)", lambda match: f".{match[1][:6]:0<6}", iso)
        return checked_seconds(datetime.fromisoformat(iso).timestamp())
    except (ValueError, OverflowError, OSError):
        reason = f"{value!r} is neither an ISO 8601 time nor seconds since 1970."
        if re.fullmatch(r"\d\d:\d\d(:\d\d(\.\d+)?)?", value):
            reason = f"{value!r} has no date; `wsdefrag stats` prints it. Give YYYY-MM-DDT{value}."
        raise click.BadParameter(reason) from None


def _of_capture(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse a value that ``Capture`` does not take for its argument of the same name."""
    if not value:
        return value
    arguments: dict[str, Any] = {parameter.name or "": value}
    try:
        Capture(os.devnull, **arguments)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None
    return value


def _key_logs(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse a capture, which is the other argument."""
    for path in value:
        # A pipe gives its bytes only once.
        if is_regular(path) and is_capture(path):
            raise click.BadParameter(f"{path!r} is a capture, not a key log.")
    return value


def _addresses(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse a text that is not an IP address."""
    try:
        return tuple(str(ipaddress.ip_address(text)) for text in value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


def _numbers(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[range, ...]:
    """Parse numbers and ranges of them: ``3``, ``0,4-7``, ``9-``."""
    ranges = []
    for part in ",".join(values).split(",") if values else ():
        match = re.fullmatch(r"\s*(\d{1,18})(-(\d{1,18})?)?\s*", part, re.ASCII)
        if match is None:
            reason = f"{part!r} is neither a number nor a range of numbers, such as 4-7."
            raise click.BadParameter(reason)
        first = int(match[1])
        last = first if match[2] is None else int(match[3] or _LAST_NUMBER)
        if last < first:
            raise click.BadParameter(f"{part!r} ends before it begins.")
        ranges.append(range(first, last + 1))
    return tuple(ranges)


# The help shows options in the order of these groups.
CONNECTION_FILTERS: tuple[_Option, ...] = (
    click.option("--host", multiple=True, metavar="PATTERN", help="Only this Host; * matches any."),
    click.option("--path", multiple=True, metavar="PATTERN", help="Only this path and query."),
    click.option(
        "--connection",
        multiple=True,
        metavar="N,N-M",
        callback=_numbers,
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
        callback=_addresses,
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
        callback=_of_capture,
        help="Only messages that contain this; repeat for several.",
    ),
    click.option(
        "--grep-not",
        multiple=True,
        metavar="REGEX",
        callback=_of_capture,
        help="Only messages that do not contain this.",
    ),
    click.option("-i", "--ignore-case", is_flag=True, help="Ignore case in --grep and --grep-not."),
    click.option(
        "--json",
        multiple=True,
        metavar="CONDITION",
        callback=_of_capture,
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
    callback=_key_logs,
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
        callback=_of_capture,
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
        callback=_size,
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
