"""Checks of what callers pass in: mistakes become ``TypeError`` here, before any bytes are read.

A bool is never taken for a number, although ``isinstance(True, int)``: nobody means a limit of
one byte by True.
"""

from __future__ import annotations


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
