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

if TYPE_CHECKING:
    from wsdefrag.capture.capture import ArrowTables, Capture
    from wsdefrag.capture.connection import (
        Account,
        CapturedClose,
        CapturedConnection,
        CapturedRequest,
        CapturedResponse,
    )
    from wsdefrag.capture.packet_counts import PacketCounts
    from wsdefrag.capture.reader import CaptureReader
    from wsdefrag.capture.tls import CapturedTls, TlsAccount
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

# Where the other names are. They are imported when they are first used: the modules of the formats
# import this package, and the start of the command takes longer than reading a small capture.
_MODULES = {
    "Account": "capture.connection",
    "ArrowTables": "capture.capture",
    "Capture": "capture.capture",
    "CaptureReader": "capture.reader",
    "CapturedClose": "capture.connection",
    "CapturedConnection": "capture.connection",
    "CapturedRequest": "capture.connection",
    "CapturedResponse": "capture.connection",
    "CapturedTls": "capture.tls",
    "Conversation": "formats.conversations",
    "PacketCounts": "capture.packet_counts",
    "TlsAccount": "capture.tls",
    "write_arrow": "formats.tables",
    "write_flow": "formats.mitm",
    "write_har": "formats.har",
    "write_jsonl": "formats.jsonl",
    "write_mitm": "formats.mitm",
    "write_parquet": "formats.tables",
    "write_plot": "formats.plot",
    "write_report": "formats.report",
}

if not TYPE_CHECKING:  # with __getattr__, a type checker would accept every name

    def __getattr__(name: str) -> object:
        """Import a name from its module when it is first used."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"wsdefrag.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List all public names, also those that have not been imported yet."""
    return sorted({*globals(), *__all__})
