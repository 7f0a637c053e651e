"""The wire cases: byte sequences that broke other parsers, and their expected results.

They are the lines of `vectors/wire.jsonl`, which the Rust tests read too. Each has the results
expected of its bytes, however they are cut into chunks; `wire_case.py` has the form and the runner.
"""

from __future__ import annotations

import wsdefrag
from vectors import Line, deflate_params, lines, read_bytes
from wire_case import Case, Cut, Fails, Seen

LONG = 100_000
"""Bytes from which on a case is read whole and in chunks, not at every split."""

_TYPES = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}


def case_of(line: Line) -> Case:
    """The wire case that a line of `wire.jsonl` or `errors.jsonl` describes."""
    limits, strictness = line.get("limits"), line.get("strictness")
    return Case(
        line["name"],
        read_bytes(line["wire"]),
        sees=tuple(map(_seen, line["events"])),
        ends=_end(line),
        from_client=line["from"] == "client",
        deflate=deflate_params(line),
        limits=None if limits is None else wsdefrag.Limits(**limits),
        strictness=None if strictness is None else wsdefrag.Strictness(**strictness),
        discarded=line.get("discarded"),
        tolerated=tuple(sorted(line.get("tolerated", {}).items())),
    )


def _seen(event: Line) -> Seen:
    if "close" in event:
        return ("close", event["close"], event["reason"])
    ((kind, content),) = event.items()
    return (kind, read_bytes(content))


def _end(line: Line) -> Fails | Cut | None:
    if error := line.get("error"):
        return Fails(error["kind"], error["offset"], error.get("known_after"))
    if cut := line.get("incomplete"):
        return Cut(_TYPES[cut["type"]], read_bytes(cut["content"]), cut["offset"])
    return None


_LINES = lines("wire")

EVERY_CASE: list[Case] = [case_of(line) for line in _LINES if "extension" not in line]

EXTENSION_LINES: list[Line] = [line for line in _LINES if "extension" in line]
"""The lines about an extension that is not known, which only a connection can be told of."""

CASES: list[Case] = [case for case in EVERY_CASE if len(case.wire) < LONG]
"""Every case short enough to be cut in many ways."""

LONG_CASES: list[Case] = [case for case in EVERY_CASE if len(case.wire) >= LONG]
"""Cases of up to two megabytes, that a parser must read in linear time."""
