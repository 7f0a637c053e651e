"""The values of options: callbacks that convert their texts.

Each converts the text of an option to a value, or raises ``click.BadParameter``. An option that was
not given stays None.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from wsdefrag.capture import Capture
from wsdefrag.capture._arguments import checked_address
from wsdefrag.cli.input.inputs import is_capture, is_regular
from wsdefrag.cli.input.source import checked_seconds

if TYPE_CHECKING:
    from wsdefrag.deflate import DeflateParams

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
    # Few calls need it, and the start of the command is short without it.
    from wsdefrag.deflate import DeflateParams

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


def positive_size(context: click.Context, parameter: click.Parameter, value: str) -> int:
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


def of_capture(
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


def key_logs(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse a capture, which is the other argument."""
    for path in value:
        # A pipe gives its bytes only once.
        if is_regular(path) and is_capture(path):
            raise click.BadParameter(f"{path!r} is a capture, not a key log.")
    return value


def addresses(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse a text that is not an IP address."""
    try:
        return tuple(map(checked_address, value))
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


def number_ranges(
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
