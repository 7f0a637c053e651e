"""``event_text``: describes an event of a capture in words, for people."""

from __future__ import annotations

from wsdefrag._native import event_text

__all__ = ["event_text"]
