r"""Reads the bytes of WebSocket connections into messages.

wsdefrag parses frames (RFC 6455), unmasks and inflates them (RFC 7692), checks them, and joins the
fragments of TEXT and BINARY messages to ``WebSocketMessage`` objects.

Where to start:

- ``MessageReassembler``: reads one direction into messages; raises errors.
- ``WebSocketDirection``: reads one direction into all events; does not raise.
- ``WebSocketConnection``: reads both directions into all events; keeps the messages.
- ``WebSocketRelay``: forwards both directions; the caller decides on each message.
- ``PassThroughRelay``: forwards both directions without decisions; the caller watches.
- ``ChunkDecoder``: reads one direction into chunks of messages, as they arrive.
- ``FrameDecoder``: reads one direction into single frames.
- ``FrameEncoder``: encodes messages as bytes.
- ``wsdefrag.capture.Capture``: reads packet captures.

Example:
    >>> import wsdefrag
    >>> reassembler = wsdefrag.MessageReassembler(from_client=False)
    >>> for message in reassembler.receive_data(b"\x81\x05hello", timestamp=1700000000.25):
    ...     print(message.get_state())
    (1, False, b'hello', 1700000000.25, False, False)
    >>> reassembler.receive_eof()
"""

from importlib import import_module
from typing import TYPE_CHECKING

try:
    from wsdefrag._native import DirectionState, InternalError, RelayDirection, __version__
except ImportError as error:
    # The interpreter's own words for a subinterpreter that does not share the GIL, and ours.
    if "subinterpreters" in str(error):
        raise ImportError(
            "wsdefrag works only in interpreters that share the GIL of the main one: with a legacy "
            "configuration, not in one that has a GIL of its own, nor in one without a GIL"
        ) from error
    raise
from wsdefrag.errors import (
    CaptureError,
    CheckpointError,
    HandshakeFailed,
    IncompleteMessage,
    InflateFailed,
    InvalidUtf8,
    LimitExceeded,
    OutOfMemory,
    ProtocolError,
    WebSocketError,
)

if TYPE_CHECKING:
    from wsdefrag.budget import Budget
    from wsdefrag.chunks import ChunkDecoder
    from wsdefrag.connection import WebSocketConnection
    from wsdefrag.data import WebSocketData
    from wsdefrag.deflate import DeflateParams
    from wsdefrag.direction import WebSocketDirection
    from wsdefrag.encoder import FrameEncoder
    from wsdefrag.events import (
        Close,
        Event,
        Incomplete,
        MessageChunk,
        OpaqueMessage,
        Ping,
        Pong,
        ProtocolViolation,
        TimedOut,
        UncollectedMessage,
    )
    from wsdefrag.fragmenter import Fragmenter
    from wsdefrag.frames import Frame, FrameDecoder
    from wsdefrag.limits import Limits
    from wsdefrag.message import WebSocketMessage, WebSocketMessageState
    from wsdefrag.opcode import CloseCode, Opcode
    from wsdefrag.pass_through import PassThroughRelay
    from wsdefrag.reassembler import MessageReassembler
    from wsdefrag.relay import WebSocketRelay
    from wsdefrag.strictness import Strictness

__all__ = [
    "Budget",
    "CaptureError",
    "CheckpointError",
    "ChunkDecoder",
    "Close",
    "CloseCode",
    "DeflateParams",
    "DirectionState",
    "Event",
    "Fragmenter",
    "Frame",
    "FrameDecoder",
    "FrameEncoder",
    "HandshakeFailed",
    "Incomplete",
    "IncompleteMessage",
    "InflateFailed",
    "InternalError",
    "InvalidUtf8",
    "LimitExceeded",
    "Limits",
    "MessageChunk",
    "MessageReassembler",
    "OpaqueMessage",
    "Opcode",
    "OutOfMemory",
    "PassThroughRelay",
    "Ping",
    "Pong",
    "ProtocolError",
    "ProtocolViolation",
    "RelayDirection",
    "Strictness",
    "TimedOut",
    "UncollectedMessage",
    "WebSocketConnection",
    "WebSocketData",
    "WebSocketDirection",
    "WebSocketError",
    "WebSocketMessage",
    "WebSocketMessageState",
    "WebSocketRelay",
    "__version__",
]

# Where the other names are. They are imported when they are first used, because the start of the
# command takes longer than reading a small capture.
_MODULES = {
    "Budget": "budget",
    "ChunkDecoder": "chunks",
    "Close": "events",
    "CloseCode": "opcode",
    "DeflateParams": "deflate",
    "Event": "events",
    "Fragmenter": "fragmenter",
    "Frame": "frames",
    "FrameDecoder": "frames",
    "FrameEncoder": "encoder",
    "Incomplete": "events",
    "Limits": "limits",
    "MessageChunk": "events",
    "MessageReassembler": "reassembler",
    "OpaqueMessage": "events",
    "Opcode": "opcode",
    "PassThroughRelay": "pass_through",
    "Ping": "events",
    "Pong": "events",
    "ProtocolViolation": "events",
    "Strictness": "strictness",
    "TimedOut": "events",
    "UncollectedMessage": "events",
    "WebSocketConnection": "connection",
    "WebSocketData": "data",
    "WebSocketDirection": "direction",
    "WebSocketMessage": "message",
    "WebSocketMessageState": "message",
    "WebSocketRelay": "relay",
}

if not TYPE_CHECKING:  # with __getattr__, a type checker would accept every name

    def __getattr__(name: str) -> object:
        """Import a name when it is first used."""
        if name in _MODULES:
            value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        elif name in _MODULES.values():
            return import_module(f"{__name__}.{name}")
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """Return the names that were imported, and those that would be."""
        return sorted({*globals(), *__all__})
