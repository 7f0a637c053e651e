"""``Script``: which recorded connection a request gets."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsdefrag.replay.recording import RecordedConnection

# Paths that a refusal names.
_MOST_PATHS = 20


class Script:
    """Chooses recorded connections by path and order.

    Args:
        connections: The connections, in their order.
        any_path: Whether a path that was not recorded gets one of all connections.
    """

    def __init__(self, connections: Sequence[RecordedConnection], *, any_path: bool) -> None:
        self._all, self._any_path = connections, any_path
        self._by_target: defaultdict[str, list[RecordedConnection]] = defaultdict(list)
        self._by_path: defaultdict[str, list[RecordedConnection]] = defaultdict(list)
        self._chosen: Counter[RecordedConnection] = Counter()
        for one in connections:
            self._by_target[one.target].append(one)
            self._by_path[_path(one.target)].append(one)

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._all)

    def choose(self, target: str) -> RecordedConnection | None:
        """Return the first of the connections that were chosen least often.

        Args:
            target: The path and query of a request.

        Returns:
            A connection with this path and query, or else with this path; None if there is none.
        """
        fitting = self._by_target.get(target) or self._by_path.get(_path(target))
        fitting = fitting or (list(self._all) if self._any_path else [])
        if not fitting:
            return None
        chosen = min(fitting, key=self._chosen.__getitem__)
        self._chosen[chosen] += 1
        return chosen

    def paths(self) -> bytes:
        """Return a text that names the recorded paths."""
        known = sorted(self._by_path)
        lines = ["recorded were connections to", *known[:_MOST_PATHS]]
        if len(known) > _MOST_PATHS:
            lines.append(f"and {len(known) - _MOST_PATHS:,} more")
        return "".join(f"{line}\n" for line in lines).encode("latin-1", "replace")


def _path(target: str) -> str:
    return target.partition("?")[0]
