"""How many columns of a terminal a text takes."""

from __future__ import annotations

from unicodedata import category, east_asian_width


def terminal_columns(text: str) -> int:
    """Count the columns: none for a character that combines, two for a wide one (UAX 11)."""
    columns = {"Mn": 0, "Me": 0}
    return sum(
        columns.get(category(char), 2 if east_asian_width(char) in "FW" else 1) for char in text
    )
