"""Formats durations for the tables."""


def duration(nanoseconds: float) -> str:
    """A time with three digits, in a unit that suits it."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:,.3g} {unit}"
    return f"{nanoseconds:,.0f} ns"
