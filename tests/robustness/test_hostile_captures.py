"""Captures made to fill the memory: reading them takes the bound and a constant, at n and at 4n.

Each capture is read in a process of its own. What it costs is the peak of the process's memory,
less what it was before reading. Nothing depends on the clock.
"""

from __future__ import annotations

import pytest

from capture_hostile import measured

MIB = 1 << 20

BOUND = 64 * MIB
"""The option `memory` of the captures."""

CONSTANT = 72 * MIB
"""What reading takes besides: a batch of rows, buffers, and one message that is inflated."""


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("unfinished_heads", 1_500),
        ("unfinished_messages", 50),
        ("unfinished_bombs", 10),
        ("holes", 100),
        ("fragments", 100),
        ("live_deflate", 3_000),
        ("control_frames", 100_000),
        ("syn_scan", 30_000),
    ],
)
def test_hostile_capture_stays_within_the_bound(kind: str, count: int) -> None:
    few, many = (measured(kind, times * count, BOUND) for times in (1, 4))
    for found in (few, many):
        assert found["peak"] < BOUND + CONSTANT, found
        ended = found.get("end_of_capture", 0) + found.get("evicted", 0)
        assert found.get("balanced", 0) == ended, "accounts balance"


def test_largest_message_goes_first_and_says_so() -> None:
    found = measured("unfinished_messages", 100, BOUND)
    assert found["too_big"] + found["incomplete"] == 100
    assert found["too_big"] >= 60
    assert found["end_of_capture"] == found["balanced"] == 100
    assert "evicted" not in found


def test_connections_go_when_nothing_else_is_left() -> None:
    found = measured("live_plain", 10_000, 16 * MIB)
    assert found["ok"] == 10_000
    assert found["evicted"] > 1_000
    assert found["evicted"] + found["end_of_capture"] == 10_000
