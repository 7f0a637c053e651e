"""Which of a query's conditions a capture can apply itself.

A capture may give more rows than a condition wants, and never fewer: Spark applies all conditions
again. Hosts and paths are patterns there, and times are floats.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pyspark.sql.datasource import (
    EqualNullSafe,
    EqualTo,
    Filter,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Not,
    StringContains,
    StringEndsWith,
    StringStartsWith,
)

MARGIN = 0.001
"""Seconds by which the limits of times are widened, which is more than what floats round off."""

_PATTERNS = {"host": "hosts", "path": "request_paths"}


def capture_filters(table: str, filters: Iterable[Filter]) -> dict[str, Any]:
    """Return arguments of ``Capture`` that keep all rows which meet all conditions.

    Args:
        table: The name of the table.
        filters: The conditions.
    """
    chosen: dict[str, Any] = {}
    for filter in filters:
        is_negated = isinstance(filter, Not)
        condition: Any = filter.child if isinstance(filter, Not) else filter
        column: tuple[str, ...] = getattr(condition, "attribute", ())
        if len(column) != 1:
            continue
        name = column[0]
        if name in _PATTERNS and not is_negated:
            patterns = _patterns(condition)
            if patterns:
                chosen.setdefault(_PATTERNS[name], patterns)
        elif name == "from_client" and table != "connections":
            side = _side(condition)
            if side is not None:
                chosen["from_client"] = side is not is_negated
        elif name in ("timestamp", "timestamp_ns") and not is_negated and table != "connections":
            _limit(chosen, condition)
    return chosen


def _patterns(condition: Any) -> list[str]:  # noqa: ANN401
    """Patterns of which a text that meets the condition matches at least one; none if unknown."""
    if isinstance(condition, In):
        values = [value for value in condition.value if value is not None]
    elif isinstance(condition, EqualTo | EqualNullSafe):
        values = [condition.value]
    elif isinstance(condition, StringStartsWith):
        values = [f"{condition.value}*"]
    elif isinstance(condition, StringEndsWith):
        values = [f"*{condition.value}"]
    elif isinstance(condition, StringContains):
        values = [f"*{condition.value}*"]
    else:
        return []
    return values if all(isinstance(value, str) for value in values) else []


def _side(condition: Any) -> bool | None:  # noqa: ANN401
    is_equal = isinstance(condition, EqualTo | EqualNullSafe)
    return condition.value if is_equal and isinstance(condition.value, bool) else None


def _limit(chosen: dict[str, Any], condition: Any) -> None:  # noqa: ANN401
    """Narrow the times of the rows."""
    value = getattr(condition, "value", None)
    if isinstance(value, datetime) and value.tzinfo is not None:
        seconds = value.timestamp()
    elif isinstance(value, int) and not isinstance(value, bool):
        seconds = value / 1e9
    else:
        return
    is_equal = isinstance(condition, EqualTo | EqualNullSafe)
    if is_equal or isinstance(condition, GreaterThan | GreaterThanOrEqual):
        chosen["since"] = max(chosen.get("since", seconds - MARGIN), seconds - MARGIN)
    if is_equal or isinstance(condition, LessThan | LessThanOrEqual):
        chosen["until"] = min(chosen.get("until", seconds + MARGIN), seconds + MARGIN)
