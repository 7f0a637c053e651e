"""`compare`: which turns are equal, different, missing, extra or unknown."""

from __future__ import annotations

import random
import time

import pytest

from wsdefrag.replay import Turn, compare

GAP = Turn(False, "gap", 0)
LOST = Turn(False, "message", 0, 1, b"", status="undecodable")


def turns(letters: str) -> list[Turn]:
    """A text for each letter; ? is one that was not captured whole, _ a gap."""
    special = {"?": LOST, "_": GAP}
    return [special.get(one) or Turn(False, "message", 0, 1, one.encode()) for one in letters]


def shown(recorded: str, received: str) -> str:
    """Each row in short: `a` equal, `a/b` different, `-a` missing, `+b` extra, `?` unknown."""
    parts = []
    for row in compare(turns(recorded), turns(received)):
        old = "" if row.recorded is None else row.recorded.content.decode() or "?"
        new = "" if row.received is None else row.received.content.decode()
        parts.append(
            {
                "equal": new,
                "different": f"{old}/{new}",
                "missing": f"-{old}",
                "extra": f"+{new}",
                "unknown": f"{old}?{new}" if old != "?" else f"?{new}",
            }[row.result]
        )
    return " ".join(parts)


@pytest.mark.parametrize(
    ("recorded", "received", "expected"),
    [
        ("", "", ""),
        ("abc", "abc", "a b c"),
        ("abc", "axc", "a b/x c"),
        ("abc", "ac", "a -b c"),
        ("abc", "ab", "a b -c"),
        ("abc", "abxc", "a b +x c"),
        ("abc", "abcx", "a b c +x"),
        ("abc", "", "-a -b -c"),
        ("", "abc", "+a +b +c"),
        ("abcd", "xyzd", "a/x b/y c/z d"),
        ("abcd", "xd", "a/x -b -c d"),
        ("ad", "xyzd", "a/x +y +z d"),
        ("abc", "xyz", "a/x b/y c/z"),
        ("ab", "ba", "+b a -b"),
        ("aaa", "aa", "a a -a"),
        # One message that was not captured whole stands for one.
        ("a?c", "axc", "a ?x c"),
        ("a?c", "ac", "a ? c"),
        ("a?", "a", "a ?"),
        # A gap stands for any number.
        ("a_c", "ac", "a c"),
        ("a_c", "axyzc", "a ?x ?y ?z c"),
        ("a_", "axyz", "a ?x ?y ?z"),
        ("_", "", ""),
        ("a_cd", "axyd", "a ?x ?y -c d"),
        ("a_c", "axy", "a ?x c/y"),
    ],
)
def test_rows(recorded: str, received: str, expected: str) -> None:
    assert shown(recorded, received) == expected


def test_everything_stands_in_one_row_whatever_comes() -> None:
    chance = random.Random(6455)
    for _ in range(2_000):
        recorded = turns("".join(chance.choices("abc?_", k=chance.randrange(12))))
        received = turns("".join(chance.choices("abcd", k=chance.randrange(12))))
        rows = compare(recorded, received)
        old = [row.recorded for row in rows if row.recorded is not None]
        new = [row.received for row in rows if row.received is not None]
        assert old == [turn for turn in recorded if turn.kind != "gap"]
        assert new == received
        for row in rows:
            if row.result == "equal":
                assert row.recorded is not None
                assert row.received is not None
                assert row.recorded.content == row.received.content
            assert (row.result == "missing") <= (row.received is None)
            assert (row.result == "extra") <= (row.recorded is None)


def test_types_and_close_codes_are_compared() -> None:
    one, other = Turn(False, "message", 0, 1, b"a"), Turn(False, "message", 0, 2, b"a")
    assert [row.result for row in compare([one], [other])] == ["different"]
    one, other = [Turn(False, "close", 0, close_code=code) for code in (1000, 1001)]
    assert [row.result for row in compare([one], [other])] == ["different"]
    assert [row.result for row in compare([one], [one])] == ["equal"]


def test_key_says_what_is_compared() -> None:
    one, other = Turn(False, "message", 0, 1, b"a1"), Turn(False, "message", 0, 1, b"a2")
    rows = compare([one], [other], key=lambda turn: turn.content[:1])
    assert [row.result for row in rows] == ["equal"]


def test_time_is_linear_where_nothing_is_equal() -> None:
    """Twenty times as much takes less than two hundred times as long, on any machine."""

    def seconds(count: int) -> float:
        recorded = [Turn(False, "message", 0, 1, b"%d" % number) for number in range(count)]
        received = [Turn(False, "message", 0, 1, b"x%d" % number) for number in range(count)]
        begun = time.process_time()
        compare(recorded, received)
        return time.process_time() - begun

    small = min(seconds(200) for _ in range(3))
    assert seconds(4_000) < 200 * max(small, 1e-3)
