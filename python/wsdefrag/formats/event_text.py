"""Describes an event of a capture in words, for people: one line without a line end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsdefrag.capture.reader import CapturedEvent

_EFFECTS = {
    "nothing": "in a part that is not read",
    "frame": "inside a frame",
    "window": "inside a compressed frame; later compressed messages cannot be inflated",
    "search": "over the start of a frame; frames are searched for",
    "end": "over the start of a frame; the rest is not read (--resync searches for the next frame)",
}


def event_text(event: CapturedEvent) -> str:
    """Describe an event.

    Args:
        event: A control frame, a gap or a violation.

    Returns:
        Its size, and what it cost as far as that is certain. The time, the connection, the sender,
        the kind and the payload are left to the caller.
    """
    if event.kind == "gap":
        costs = [_EFFECTS[event.effect or "nothing"]]
        if event.incomplete:
            costs.append(_counted(event.incomplete, "message incomplete", "messages incomplete"))
        if event.undecodable:
            costs.append(_counted(event.undecodable, "message undecodable", "messages undecodable"))
        if event.lost:
            costs.append(_counted(event.lost, "byte lost", "bytes lost"))
        return f"{_counted(event.length, 'byte', 'bytes')} missing, {'; '.join(costs)}"
    if event.kind == "violation":
        return event.error or ""
    missing = f", {event.missing_bytes} missing" if event.missing_bytes else ""
    size = f"{_counted(event.length, 'byte', 'bytes')}{missing}"
    if event.kind == "close" and event.close_code is not None:
        code = "without a code" if event.close_code == 1005 else str(event.close_code)
        return f"{code}{f' {event.close_reason}' if event.close_reason else ''}"
    return size


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
