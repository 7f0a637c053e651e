"""Reads WebSocket messages from packet captures.

A ``Capture`` names the files and the filters; its methods ``messages()``, ``connections()`` and
``to_arrow()`` read the files. Reading has three stages:

1. The link, IP and TCP headers of each packet are parsed, and the TCP segments of a connection
   are put in order: one byte stream for each direction. Bytes that were not captured are gaps in
   the stream.
2. The HTTP upgrade at the start of a connection is read (RFC 6455 section 4).
3. The frames of both directions are read into messages, as ``MessageReassembler`` does.

The bytes before and after a gap never form one message. A compressed message is never inflated
when the data before it is unknown. Each connection has two accounts, one for each direction, which
count every byte (see ``Account``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from wsdefrag._native import ArrowStream, CapturedEvent, CapturedMessage
from wsdefrag.capture.capture import ArrowTables, Capture
from wsdefrag.capture.connection import (
    Account,
    CapturedClose,
    CapturedConnection,
    CapturedRequest,
    CapturedResponse,
)
from wsdefrag.capture.reader import CaptureReader, PacketCounts
from wsdefrag.capture.tls import CapturedTls, TlsAccount

if TYPE_CHECKING:
    from wsdefrag.formats.conversations import Conversation
    from wsdefrag.formats.har import write_har
    from wsdefrag.formats.jsonl import write_jsonl
    from wsdefrag.formats.mitm import write_flow, write_mitm
    from wsdefrag.formats.plot import write_plot
    from wsdefrag.formats.report import write_report
    from wsdefrag.formats.tables import write_arrow, write_parquet

__all__ = [
    "Account",
    "ArrowStream",
    "ArrowTables",
    "Capture",
    "CaptureReader",
    "CapturedClose",
    "CapturedConnection",
    "CapturedEvent",
    "CapturedMessage",
    "CapturedRequest",
    "CapturedResponse",
    "CapturedTls",
    "Conversation",
    "PacketCounts",
    "TlsAccount",
    "write_arrow",
    "write_flow",
    "write_har",
    "write_jsonl",
    "write_mitm",
    "write_parquet",
    "write_plot",
    "write_report",
]

# The modules of the formats import this package. To avoid an import circle, this package imports
# each of them only when one of their names is used.
_FORMATS = {
    "Conversation": "conversations",
    "write_arrow": "tables",
    "write_flow": "mitm",
    "write_har": "har",
    "write_jsonl": "jsonl",
    "write_mitm": "mitm",
    "write_parquet": "tables",
    "write_plot": "plot",
    "write_report": "report",
}

if not TYPE_CHECKING:  # with __getattr__, a type checker would accept every name

    def __getattr__(name: str) -> object:
        """Import a name from a format's module when the name is first used."""
        if name not in _FORMATS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        function = getattr(import_module(f"wsdefrag.formats.{_FORMATS[name]}"), name)
        globals()[name] = function
        return function


def __dir__() -> list[str]:
    """List all public names, also those that have not been imported yet."""
    return sorted({*globals(), *__all__})
