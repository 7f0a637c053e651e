"""What options take, beyond what click knows.

Each callback turns the text of an option into a value, or fails with the reason and in click's
way of reporting wrong usage. An option that was not given is None and stays so.
"""

from __future__ import annotations

import re
from datetime import datetime

import click

from wsdefrag.deflate import DeflateParams


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


def checked_seconds(value: object) -> float:
    """Refuse what is not a time in seconds since the epoch.

    Args:
        value: Anything.

    Returns:
        The seconds.

    Raises:
        ValueError: If it is no number, or no time between the years 1970 and 9999.
    """
    if isinstance(value, (int, float)) and value >= 0:
        try:
            datetime.fromtimestamp(value)
        except (OverflowError, OSError, ValueError):  # which one depends on the platform
            pass
        else:
            return float(value)
    raise ValueError(f"{value!r} is no time in seconds since the epoch")


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
