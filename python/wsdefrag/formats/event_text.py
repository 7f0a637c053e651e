"""Describes an event of a capture in words, for people: one line without a line end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native

if TYPE_CHECKING:
    from wsdefrag.capture.reader import CapturedEvent


def event_text(event: CapturedEvent) -> str:
    """Describe an event.

    Args:
        event: A control frame, a gap or a violation.

    Returns:
        Its size, and what it cost as far as that is certain. The time, the connection, the sender,
        the kind and the payload are left to the caller.
    """
    return _native.event_text(event)
