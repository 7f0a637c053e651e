"""Checks of what callers pass in: mistakes become ``TypeError`` here, before any bytes are read.

A bool is never taken for a number, although ``isinstance(True, int)``: nobody means a limit of
one byte by True.
"""

from __future__ import annotations

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


def require_int(name: str, value: object) -> int:
    """Give ``value`` back, or raise TypeError unless it is an int."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    return value


def require_number(name: str, value: object) -> float:
    """Give ``value`` back, or raise TypeError unless it is an int or a float."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    return value


def require_retain(retain: object) -> int | None:
    """Give ``retain`` back, which is a count of messages to keep, or None for all of them.

    Raises TypeError unless it is an int or None, and ValueError if it is negative.
    """
    if retain is None:
        return None
    count = require_int("retain", retain)
    if count < 0:
        raise ValueError(f"retain must be a count from 0, or None, not {count}")
    return count


def require_compression(compress_from: object, compression_level: object) -> int:
    """Give the least size that is compressed, in bytes, no larger than the engine can count.

    Raises TypeError unless both are ints, and ValueError unless the size is from 0 and the level
    from 0 to 9.
    """
    least = require_int("compress_from", compress_from)
    if least < 0:
        raise ValueError(f"compress_from must not be negative, got {least}")
    if not 0 <= require_int("compression_level", compression_level) <= _HIGHEST_LEVEL:
        raise ValueError(f"compression_level must be from 0 to 9, not {compression_level}")
    return min(least, _LARGEST_COUNT)
