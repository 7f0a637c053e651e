"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Format a number and a noun.

    Args:
        number: The number.
        noun: The singular of the noun; its plural must end in s.

    Returns:
        The number in groups of three digits, and the singular or plural.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
