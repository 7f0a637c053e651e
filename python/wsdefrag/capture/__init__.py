"""Packet captures in, WebSocket messages out.

A ``Capture`` says what to read and which part of it; ``messages()``, ``connections()`` and
``to_arrow()`` read it. Packets go through link, IP and TCP headers into one stream a direction,
with explicit gaps where bytes were not captured; then through the HTTP upgrade into the two
directions of a WebSocket, which are read as ``MessageReassembler`` reads them. Nothing is put
together across a gap, nothing is inflated on a guess, and each connection ends with an account of
its bytes.
"""

from wsdefrag._native import ArrowStream, CapturedMessage
from wsdefrag.capture.connection import (
    Account,
    CapturedClose,
    CapturedConnection,
    CapturedRequest,
    CapturedResponse,
)
from wsdefrag.capture.description import ArrowTables, Capture
from wsdefrag.capture.har import write_har
from wsdefrag.capture.jsonl import write_jsonl
from wsdefrag.capture.mitm import write_flow, write_mitm
from wsdefrag.capture.plot import write_plot
from wsdefrag.capture.reader import CaptureReader, PacketCounts
from wsdefrag.capture.tables import write_arrow, write_parquet

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
    "PacketCounts",
    "write_arrow",
    "write_flow",
    "write_har",
    "write_jsonl",
    "write_mitm",
    "write_parquet",
    "write_plot",
]
