"""``Fields``: the fields of an HTTP head (RFC 9110 section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from wsdefrag import _native
from wsdefrag._shown import shown


class Fields(Sequence[tuple[str, str]]):
    """The fields of a head in their order: pairs of a name and a value.

    Names keep their case, and are looked up without regard to it. Each character of a value stands
    for a byte (ISO 8859-1). Spaces around a value are not part of it.

    Args:
        fields: Pairs of a name and a value.

    Example:
        >>> from wsdefrag.handshake import Fields
        >>> fields = Fields([("Connection", "keep-alive"), ("connection", "Upgrade")])
        >>> fields.get("Connection"), fields.tokens("connection"), len(fields)
        ('keep-alive, Upgrade', ['keep-alive', 'upgrade'], 2)
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Keep the fields; the class documents the argument."""
        self._fields = tuple([(name, value) for name, value in fields])

    def get(self, name: str) -> str | None:
        """Give the values of the fields of this name, joined by ``", "`` (RFC 9110 section 5.3).

        Args:
            name: The name, in any case.

        Returns:
            The value; None if there is no such field.
        """
        values = self.get_all(name)
        return ", ".join(values) if values else None

    def get_all(self, name: str) -> list[str]:
        """Give the values of the fields of this name, in order.

        Args:
            name: The name, in any case.
        """
        wanted = name.lower()
        return [value for other, value in self._fields if other.lower() == wanted]

    def tokens(self, name: str) -> list[str]:
        """Give the members of the lists in the fields of this name (RFC 9110 section 5.6.1).

        Commas inside quoted strings separate nothing, and empty members are left out.

        Args:
            name: The name, in any case.

        Returns:
            The members in lower case, in order.
        """
        values = self.get_all(name)
        return [member.lower() for value in values for member in _native.list_members(value)]

    @overload
    def __getitem__(self, index: int) -> tuple[str, str]: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, str], ...]: ...

    def __getitem__(self, index: int | slice) -> tuple[str, str] | tuple[tuple[str, str], ...]:
        """Give a field, or a tuple of some."""
        return self._fields[index]

    def __len__(self) -> int:
        """Give the number of fields."""
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        """Whether the fields are the same, in the same order and case."""
        if not isinstance(other, Fields):
            return NotImplemented
        return self._fields == other._fields

    def __hash__(self) -> int:
        """Hash the fields."""
        return hash(self._fields)

    def __repr__(self) -> str:
        """Show the number of fields and their names."""
        return shown("Fields", f"{len(self)}: {', '.join(name for name, _ in self._fields)}")


def encoded(fields: Iterable[tuple[str, str | bytes]]) -> list[tuple[str, bytes]]:
    """Encode the values of fields that a caller adds to a head.

    Raises:
        TypeError: If a name is not a str, or a value neither str nor bytes.
        ValueError: If a value has a character that is not a byte in ISO 8859-1.
    """
    pairs = []
    for name, value in fields:
        if not isinstance(name, str) or not isinstance(value, (str, bytes)):
            raise TypeError(f"a field must be a str and a str or bytes, not {name!r} and {value!r}")
        pairs.append((name, value.encode("latin-1") if isinstance(value, str) else value))
    return pairs
