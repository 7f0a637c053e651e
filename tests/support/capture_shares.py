"""The rows of shares of a capture's connections, to compare them with those of one reader."""

from __future__ import annotations

import json
from typing import Any

from wsdefrag.capture import Capture

TABLES = ("messages", "connections", "events")


def rows(capture: Capture, table: str) -> list[bytes]:
    """The rows of a table, as lines of JSON with all columns."""
    made = capture._output("jsonl", {"table": table})
    blocks = []
    while (block := made.next_block()) is not None:
        blocks.append(bytes(block))
    return b"".join(blocks).splitlines()


def uid(row: bytes) -> str:
    """The identity of a row's connection."""
    value: str = json.loads(row)["uid"]
    return value


def assert_shared(source: Any, *numbers: int, **options: Any) -> list[int]:
    """Assert that so many shares have together the rows of one reader, each of them once.

    Returns:
        For the last number: how many connections each share has rows of.
    """
    whole = Capture(source, **options)
    sizes: list[int] = []
    for number in numbers:
        owners: dict[str, int] = {}
        for table in TABLES:
            expected = rows(whole, table)
            given = [rows(whole._share(index, number), table) for index in range(number)]
            for index, share in enumerate(given):
                for row in share:
                    # No connection is in two shares, in whatever table.
                    assert owners.setdefault(uid(row), index) == index
            for index, share in enumerate(given):
                assert share == [row for row in expected if owners.get(uid(row)) == index]
            assert sum(map(len, given)) == len(expected)
        sizes = [list(owners.values()).count(index) for index in range(number)]
    return sizes
