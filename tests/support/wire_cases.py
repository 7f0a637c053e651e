"""Byte sequences that broke other parsers of WebSocket frames, as tables.

The tables stand in one module a section; this one joins them. Each case says what must come of
its bytes however they are cut into chunks; `wire_case.py` has the form and the runner.
"""

from __future__ import annotations

import wire_cases_close
import wire_cases_deflate
import wire_cases_fragments
import wire_cases_frame
import wire_cases_inflate
import wire_cases_length
import wire_cases_text
from wire_case import Case

CASES: list[Case] = [
    *wire_cases_length.CASES,
    *wire_cases_frame.CASES,
    *wire_cases_fragments.CASES,
    *wire_cases_text.CASES,
    *wire_cases_close.CASES,
    *wire_cases_deflate.CASES,
    *wire_cases_inflate.CASES,
]
"""Every case short enough to be cut in many ways."""

LONG_CASES: list[Case] = wire_cases_fragments.LONG_CASES
"""Cases of up to two megabytes, that a parser must read in linear time."""
