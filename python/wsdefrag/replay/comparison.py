"""``compare``: how what one side sent now differs from what it sent when it was recorded.

Both are lists in order. At a difference, the next turn that both lists have is searched for, at
most ``_WINDOW`` turns ahead in each. The turns before it are paired as *different*; recorded ones
that are left are *missing*, received ones that are left are *extra*. So one lost message does not
make all later ones different, and the time is linear.

What was not captured whole is *unknown*: one turn stands for one message, a gap for any number.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from wsdefrag.replay.recording import Turn

Result: TypeAlias = Literal["equal", "different", "missing", "extra", "unknown"]
Key: TypeAlias = Callable[[Turn], Hashable]

# How far ahead the next common turn is searched for, in turns.
_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Row:
    """A turn that was recorded, a turn that was received, or both.

    Attributes:
        result: ``"equal"``, ``"different"``, ``"missing"`` (nothing was received), ``"extra"``
            (nothing was recorded), or ``"unknown"`` (what was recorded is not known).
        recorded: What was recorded, or None.
        received: What was received, or None.
    """

    result: Result
    recorded: Turn | None
    received: Turn | None


def whole(turn: Turn) -> Hashable:
    """Return what is compared of a turn: all but the times, and but the reason of a Close."""
    return turn.kind, turn.type, turn.close_code, b"" if turn.kind == "close" else turn.content


def compare(recorded: Sequence[Turn], received: Sequence[Turn], *, key: Key = whole) -> list[Row]:
    """Compare what was received with what was recorded.

    Args:
        recorded: What the side sent when it was recorded.
        received: What it sent now.
        key: What is compared of a turn.

    Returns:
        A row for each turn, in order; gaps have none.

    Example:
        >>> from wsdefrag.replay import Turn, compare
        >>> one, two, three = [Turn(False, "message", 0, 1, text) for text in (b"1", b"2", b"3")]
        >>> [row.result for row in compare([one, two, three], [one, three, three])]
        ['equal', 'missing', 'equal', 'extra']
    """
    return _Comparison(recorded, received, key).rows()


class _Comparison:
    def __init__(self, recorded: Sequence[Turn], received: Sequence[Turn], key: Key) -> None:
        self._recorded, self._received = recorded, received
        # Nothing is equal to a turn that is not known.
        self._wanted = [key(turn) if turn.is_known else None for turn in recorded]
        self._found = [key(turn) for turn in received]
        self._rows: list[Row] = []
        self._i = self._j = 0

    def rows(self) -> list[Row]:
        recorded, received = self._recorded, self._received
        while self._i < len(recorded) and self._j < len(received):
            turn = recorded[self._i]
            if turn.kind == "gap":
                self._pass_gap()
            elif self._wanted[self._i] == self._found[self._j]:
                self._pair("equal")
            elif not turn.is_known:
                self._pass_unknown()
            else:
                self._pass_difference()
        after_gap = self._i > 0 and recorded[self._i - 1].kind == "gap"
        self._take_recorded(len(recorded))
        self._take_received(len(received), "unknown" if after_gap else "extra")
        return self._rows

    def _pass_gap(self) -> None:
        """What is received before the next common turn may have been in the gap."""
        self._i += 1
        common = self._common()
        if common is not None:
            self._take_received(common[1], "unknown")
            self._take_recorded(common[0])
            return
        left = sum(turn.kind != "gap" for turn in self._recorded[self._i :])
        surplus = len(self._received) - self._j - left
        self._take_received(self._j + max(surplus, 0), "unknown")

    def _pass_unknown(self) -> None:
        after = self._i + 1
        if after < len(self._wanted) and self._wanted[after] == self._found[self._j]:
            self._take_recorded(after)
        else:
            self._pair("unknown")

    def _pass_difference(self) -> None:
        common = self._common()
        i, j = common if common is not None else (self._i + 1, self._j + 1)
        while self._i < i and self._j < j and self._recorded[self._i].is_known:
            recorded, received = self._recorded[self._i].kind, self._received[self._j].kind
            if recorded == received:
                self._pair("different")
            elif received == "close":
                self._take_recorded(self._i + 1)
            else:
                self._take_received(self._j + 1, "extra")
        if common is not None:
            self._take_recorded(i)
            self._take_received(j, "extra")

    def _common(self) -> tuple[int, int] | None:
        """Return the places of the next turn that both have, the nearest one."""
        places: dict[Hashable, int] = {}
        for j in range(min(self._j + _WINDOW, len(self._found)) - 1, self._j - 1, -1):
            places[self._found[j]] = j
        best: tuple[int, int] | None = None
        for i in range(self._i, min(self._i + _WINDOW, len(self._wanted))):
            j = places.get(self._wanted[i], -1)
            if j >= 0 and (best is None or self._distance(i, j) < self._distance(*best)):
                best = i, j
        return best

    def _distance(self, i: int, j: int) -> tuple[int, int]:
        ahead = i - self._i, j - self._j
        return max(ahead), sum(ahead)

    def _pair(self, result: Result) -> None:
        self._rows.append(Row(result, self._recorded[self._i], self._received[self._j]))
        self._i += 1
        self._j += 1

    def _take_recorded(self, end: int) -> None:
        for turn in self._recorded[self._i : end]:
            if turn.kind != "gap":
                self._rows.append(Row("missing" if turn.is_known else "unknown", turn, None))
        self._i = max(self._i, end)

    def _take_received(self, end: int, result: Result) -> None:
        for turn in self._received[self._j : end]:
            self._rows.append(Row(result, None, turn))
        self._j = max(self._j, end)
