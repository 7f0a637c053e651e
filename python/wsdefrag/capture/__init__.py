"""Packet captures in, WebSocket messages out.

A ``Capture`` says what to read and which part of it; ``messages()``, ``connections()`` and
``to_arrow()`` read it. Packets go through link, IP and TCP headers into one stream a direction,
with explicit gaps where bytes were not captured; then through the HTTP upgrade into the two
directions of a WebSocket, which are read as ``MessageReassembler`` reads them. Nothing is put
together across a gap, nothing is inflated on a guess, and each connection ends with an account of
its bytes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from wsdefrag._native import ArrowStream, CapturedMessage
from wsdefrag.capture.capture import ArrowTables, Capture
from wsdefrag.capture.connection import (
    Account,
    CapturedClose,
    CapturedConnection,
    CapturedRequest,
    CapturedResponse,
)
from wsdefrag.capture.reader import CaptureReader, PacketCounts

if TYPE_CHECKING:
    from wsdefrag.formats.conversations import Conversation
    from wsdefrag.formats.har import write_har
    from wsdefrag.formats.jsonl import write_jsonl
    from wsdefrag.formats.mitm import write_flow, write_mitm
    from wsdefrag.formats.plot import write_plot
    from wsdefrag.formats.tables import write_arrow, write_parquet

__all__ = [
    "Account",
    "ArrowStream",
    "ArrowTables",
    "Capture",
    "CaptureReader",
    "CapturedClose",
    "CapturedConnection",
    "CapturedMessage",
    "CapturedRequest",
    "CapturedResponse",
    "Conversation",
    "PacketCounts",
    "write_arrow",
    "write_flow",
    "write_har",
    "write_jsonl",
    "write_mitm",
    "write_parquet",
    "write_plot",
]

# The formats import this package, so it imports each of them when a name of theirs is asked for.
_FORMATS = {
    "Conversation": "conversations",
    "write_arrow": "tables",
    "write_flow": "mitm",
    "write_har": "har",
    "write_jsonl": "jsonl",
    "write_mitm": "mitm",
    "write_parquet": "tables",
    "write_plot": "plot",
}

if not TYPE_CHECKING:  # a type checker would take it for any name

    def __getattr__(name: str) -> object:
        """Import a name out of a format's module when it is first asked for."""
        if name not in _FORMATS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        function = getattr(import_module(f"wsdefrag.formats.{_FORMATS[name]}"), name)
        globals()[name] = function
        return function


def __dir__() -> list[str]:
    """Name the functions of the formats too, imported or not."""
    return sorted({*globals(), *__all__})
