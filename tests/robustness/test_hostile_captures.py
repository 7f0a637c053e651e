"""Captures made to fill the memory: reading takes the bound and a constant, whatever their size.

Each is read with n items and with 4n, in a process of its own. Its cost is the peak of the
process's memory, less what it was before reading. Nothing depends on the clock.
"""

from __future__ import annotations

import pytest

from capture_hostile import measured
from memory_growth import needs_freed_memory_back

MIB = 1 << 20

BOUND = 64 * MIB
"""The option `memory` of the captures."""

ENDS = ("fin", "end_of_capture", "evicted")

CONSTANT = 72 * MIB
"""What reading takes besides: a batch of rows, buffers, and one message that is inflated."""

STATUSES = ("ok", "incomplete", "undecodable", "too_big", "invalid_utf8", "protocol_error")

MESSAGES: dict[str, tuple[int, set[str]]] = {
    "unfinished_messages": (1, {"incomplete", "too_big"}),
    "unfinished_bombs": (1, {"incomplete", "too_big"}),
    "complete_bombs": (1, {"ok", "too_big"}),
    "held_bombs": (2, {"ok", "incomplete", "too_big"}),
    "fragments": (1, {"incomplete", "too_big"}),
    "live_deflate": (1, {"ok"}),
}
"""For each kind with messages: how many its connections have each, and what may become of them."""

GIVEN_UP = {
    "unfinished_heads": "ended_for_room",
    "unfinished_messages": "too_big",
    "unfinished_bombs": "too_big",
    "live_deflate": "evicted",
    "syn_scan": "ended_for_room",
}
"""What must be given up of the larger captures of these kinds, which do not fit into the bound."""


def check_messages(kind: str, count: int, found: dict[str, int]) -> None:
    """Each message is a row, whose status says whether it was read."""
    rows = {status: found.get(status, 0) for status in STATUSES}
    rows["ok"] -= found["after"]
    each, allowed = MESSAGES.get(kind, (0, set()))
    assert sum(rows.values()) == each * count, found
    assert {status for status, number in rows.items() if number} <= allowed, found


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("unfinished_heads", 1_500),
        ("unfinished_messages", 50),
        ("unfinished_bombs", 10),
        pytest.param("complete_bombs", 10, marks=needs_freed_memory_back),
        ("held_bombs", 10),
        ("holes", 100),
        ("fragments", 100),
        ("live_deflate", 3_000),
        ("searches", 5_000),
        ("control_frames", 250_000),
        ("syn_scan", 30_000),
        ("ip_fragments", 1_000),
        ("interfaces", 25_000),
        ("options", 200),
        ("many_secrets", 12),
        ("unknown_blocks", 15),
        ("gzip_bomb", 60),
        ("zstd_bomb", 60),
    ],
)
def test_hostile_capture_stays_within_the_bound(kind: str, count: int) -> None:
    few, many = (measured(kind, times * count, BOUND) for times in (1, 4))
    for times, found in ((1, few), (4, many)):
        assert found["peak"] < BOUND + CONSTANT, found
        assert found["balanced"] == sum(found.get(end, 0) for end in ENDS), "accounts balance"
        assert found["after"] == 1, "what comes after is read"
        check_messages(kind, times * count, found)
    if kind in GIVEN_UP:
        assert many.get(GIVEN_UP[kind], 0) > 0, many


@pytest.mark.parametrize(
    ("kind", "count"),
    [("unfinished_bombs", 10), ("complete_bombs", 10), ("live_deflate", 3_000)],
)
def test_table_of_a_hostile_capture_stays_within_the_bound(kind: str, count: int) -> None:
    for times in (1, 4):
        found = measured(kind, times * count, BOUND, "arrow")
        assert found["peak"] < BOUND + CONSTANT, found
        assert found["after"] == 1, "what comes after is read"
        check_messages(kind, times * count, found)


def test_largest_message_goes_first_and_says_so() -> None:
    found = measured("unfinished_messages", 100, BOUND)
    assert found["too_big"] + found["incomplete"] == 100
    assert found["too_big"] >= 60
    assert (found["end_of_capture"], found["balanced"]) == (100, 101)
    assert "evicted" not in found


def test_connections_go_when_nothing_else_is_left() -> None:
    found = measured("live_plain", 10_000, 16 * MIB)
    assert found["ok"] == 10_001
    assert found["evicted"] > 1_000
    assert found["evicted"] + found["end_of_capture"] == 10_000
