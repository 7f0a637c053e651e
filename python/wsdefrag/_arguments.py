"""Checks arguments and raises ``TypeError`` or ``ValueError`` before any bytes are read.

A bool is not accepted as a number, although ``isinstance(True, int)``: passing True as a limit is a
mistake, and must not mean one byte.
"""

from __future__ import annotations

import math
import sys

_HIGHEST_LEVEL = 9
_LARGEST_COUNT = (1 << 64) - 1


def require_optional(name: str, value: object, wanted: type) -> None:
    """Raise TypeError unless ``value`` is None or of the wanted class."""
    if value is not None and not isinstance(value, wanted):
        raise TypeError(f"{name} must be {wanted.__name__} or None, not {type(value).__name__}")


def require_bool(name: str, value: object) -> None:
    """Raise TypeError unless ``value`` is a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}")


def require_str(name: str, value: object) -> str:
    """Return ``value``; raise TypeError unless it is a str."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def require_int(name: str, value: object) -> int:
    """Return ``value``; raise TypeError unless it is an int."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    return value


def require_size(name: str, value: object) -> int:
    """Return ``value``: a size in bytes.

    Raises TypeError unless it is an int, and ValueError if it is negative. No memory is larger than
    ``sys.maxsize``, so a larger number becomes that.
    """
    size = require_int(name, value)
    if size < 0:
        raise ValueError(f"{name} must not be negative, got {size}")
    return min(size, sys.maxsize)


def require_number(name: str, value: object) -> float:
    """Return ``value``; raise TypeError unless it is an int or a float."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    return value


def require_extension(extension: object) -> str | None:
    """Return ``extension``: the name of an extension, or None.

    Raises TypeError unless it is a str or None, and ValueError if it is empty or the name of an
    extension that this package implements.
    """
    if extension is None:
        return None
    if not isinstance(extension, str):
        raise TypeError(f"extension must be a str or None, not {type(extension).__name__}")
    if not extension or extension == "permessage-deflate":
        raise ValueError(f"extension must be the name of another extension, not {extension!r}")
    return extension


def require_most(name: str, value: object) -> int | None:
    """Return ``value``: a number of bytes, or None; as an unsigned 64-bit number.

    Raises TypeError unless it is an int or None, and ValueError if it is negative.
    """
    if value is None:
        return None
    most = require_int(name, value)
    if most < 0:
        raise ValueError(f"{name} must be 0 or more, or None, not {most}")
    return min(most, _LARGEST_COUNT)


def require_seconds(name: str, value: object) -> float | None:
    """Return ``value``: seconds, or None.

    Raises TypeError unless it is a number or None, and ValueError unless it is positive and finite.
    """
    if value is None:
        return None
    seconds = float(require_number(name, value))
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name} must be a positive number of seconds, not {value}")
    return seconds


def require_retain(retain: object) -> int | None:
    """Return ``retain``: how many messages to keep, or None for all.

    Raises TypeError unless it is an int or None, and ValueError if it is negative. No list is
    longer than ``sys.maxsize``, so a larger number becomes that.
    """
    if retain is None:
        return None
    count = min(require_int("retain", retain), sys.maxsize)
    if count < 0:
        raise ValueError(f"retain must be 0 or more, or None, not {count}")
    return count


def require_compression(compress_from: object, compression_level: object) -> int:
    """Return the smallest message size to compress, in bytes, as an unsigned 64-bit number.

    Raises TypeError unless both are ints, and ValueError if the size is negative or the level is
    not from 0 to 9.
    """
    least = require_int("compress_from", compress_from)
    if least < 0:
        raise ValueError(f"compress_from must not be negative, got {least}")
    if not 0 <= require_int("compression_level", compression_level) <= _HIGHEST_LEVEL:
        raise ValueError(f"compression_level must be from 0 to 9, not {compression_level}")
    return min(least, _LARGEST_COUNT)
