"""The reprs of objects: their state, and never a whole payload.

``WebSocketMessage`` alone shows everything, as mitmproxy's does. What the classes of captures show
is tested with them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import GenericAlias
from typing import Any

import pytest

import wsdefrag
from wire_writer import KEY, TEXT, close_frame, frame
from wsdefrag import (
    CaptureError,
    CheckpointError,
    ChunkDecoder,
    Close,
    DeflateParams,
    DirectionState,
    Fragmenter,
    Frame,
    FrameDecoder,
    FrameEncoder,
    HandshakeFailed,
    Incomplete,
    IncompleteMessage,
    InflateFailed,
    InvalidUtf8,
    LimitExceeded,
    Limits,
    MessageChunk,
    MessageReassembler,
    OpaqueMessage,
    Opcode,
    OutOfMemory,
    Ping,
    Pong,
    ProtocolError,
    ProtocolViolation,
    Strictness,
    TimedOut,
    UncollectedMessage,
    WebSocketConnection,
    WebSocketData,
    WebSocketDirection,
    WebSocketMessage,
)
from wsdefrag.deflate import DeflateOffer
from wsdefrag.handshake import ClientHandshake, ServerHandshake, accept_key

LONGEST = 199
LARGE = bytes(5_000_000)
ESCAPES = b"\x00" * 125
HUGE = 2**63 - 1
TIME = 1700000000.123456


def fed(made: Callable[..., Any], *chunks: bytes, limits: Limits | None = None) -> Any:
    reader = made(from_client=False, deflate=DeflateParams(), limits=limits)
    for chunk in chunks:
        reader.receive_data(chunk)
    return reader


def readers(made: Callable[..., Any]) -> Iterator[object]:
    """A reader in each of its states; what it holds is large."""
    yield fed(made)
    yield fed(made, frame(TEXT, b"a" * 5_000_000)[:-1])
    yield fed(made, close_frame(1000, ESCAPES[:100]))
    yield fed(made, frame(TEXT, LARGE) + b"\x09\x00" + LARGE)
    yield fed(made, frame(TEXT, LARGE), limits=Limits(max_frame_size=1000))


def connections() -> Iterator[WebSocketConnection]:
    for end in (b"", b"\x09\x80", close_frame(4999, b"\x01" * 123, key=KEY)):
        connection = WebSocketConnection()
        connection.receive_data(frame(TEXT, LARGE) + b"\x0a\x00", from_client=False)
        connection.receive_data(frame(TEXT, LARGE, key=KEY) + end, from_client=True)
        connection.receive_eof(from_client=False)
        yield connection


def errors(made: type[ProtocolError]) -> list[ProtocolError]:
    return [
        made("text is not UTF-8", kind="k" * 30, offset=HUGE, rfc_section="RFC 6455 section 8.1")
    ]


def overruns() -> Iterator[LimitExceeded]:
    for wire, limits in (
        (frame(TEXT, LARGE), Limits(max_frame_size=1)),
        (frame(TEXT, b"ab"), Limits(max_message_size=1)),
        (b"\x01\x00\x80\x00", Limits(max_fragments=1)),
        (frame(TEXT, b"\x4a\x4c\x4c\x84\x21\x00", rsv1=True), Limits(max_inflate_ratio=1e-300)),
    ):
        error: LimitExceeded = fed(MessageReassembler, wire, limits=limits).error
        yield error


def violations() -> Iterator[ProtocolViolation]:
    for error in errors(ProtocolError):
        yield ProtocolViolation(error, False, TIME, HUGE)
    for overrun in overruns():
        yield ProtocolViolation(overrun, False, TIME, HUGE)


def refused_heads() -> list[HandshakeFailed]:
    """Errors about heads that are long, and of bytes that have to be escaped."""
    start = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    errors = []
    for wire in (
        b"\xff" * 5000,
        b"GET /" + b"\xff\\" * 5000 + b" HTTP/1.1\r\n",
        start + b"\xff" * 5000 + b": x\r\n",
        start + b"X" * 5000 + b" : x\r\n",
        start + b"Sec-WebSocket-Key: " + b"\xff" * 5000 + b"\r\n\r\n",
    ):
        with pytest.raises(HandshakeFailed) as caught:
            ServerHandshake().receive_data(wire)
        errors.append(caught.value)
    key = "AAAAAAAAAAAAAAAAAAAAAA=="
    client = ClientHandshake("x", key=key, deflate=DeflateOffer())
    with pytest.raises(HandshakeFailed) as caught:
        client.receive_data(
            b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate; " + b"x" * 5000 + b"\r\n\r\n"
        )
    return [*errors, caught.value]


def cut() -> IncompleteMessage:
    reassembler = fed(MessageReassembler, frame(TEXT, LARGE, fin=False))
    with pytest.raises(IncompleteMessage) as caught:
        reassembler.receive_eof()
    return caught.value


def encoders() -> Iterator[FrameEncoder]:
    encoder = FrameEncoder(from_client=True, deflate=DeflateParams())
    yield encoder
    encoder.fragment(Opcode.TEXT, LARGE, fin=False)
    yield encoder


def frames() -> Iterator[Frame]:
    for payload in (b"", b"hi", ESCAPES, LARGE):
        for opcode in (Opcode.CONTINUATION, Opcode.BINARY):
            yield Frame(opcode, False, True, True, True, b"\x00" * 4, payload, 10**9, 10**9)
            yield Frame(opcode, True, False, False, False, None, payload, 0, 10)


SHOWN: dict[type, Callable[[], Any]] = {
    CheckpointError: lambda: [CheckpointError("the state is damaged", kind="damaged")],
    CaptureError: lambda: [CaptureError("x: damaged", file="x" * 5000, record=HUGE, offset=HUGE)],
    ChunkDecoder: lambda: readers(ChunkDecoder),
    Close: lambda: [Close(4999, "\x00" * 123, False, TIME, HUGE), Close(1000, "", True, 0.0, 0)],
    DeflateParams: lambda: [DeflateParams()],
    DirectionState: lambda: [
        state for one in connections() for state in (one.from_client, one.from_server)
    ],
    Fragmenter: lambda: [Fragmenter(max_size=HUGE)],
    Frame: frames,
    FrameDecoder: lambda: readers(FrameDecoder),
    FrameEncoder: encoders,
    Incomplete: lambda: [
        Incomplete(Opcode.CONTINUATION, content, False, TIME, HUGE)
        for content in (LARGE, ESCAPES, b"a" * 5_000_000, b"")
    ],
    HandshakeFailed: lambda: refused_heads(),
    IncompleteMessage: lambda: [cut()],
    InflateFailed: lambda: errors(InflateFailed),
    InvalidUtf8: lambda: errors(InvalidUtf8),
    LimitExceeded: overruns,
    Limits: lambda: [Limits(max_frame_size=HUGE, max_message_size=HUGE, max_fragments=HUGE)],
    MessageChunk: lambda: [
        MessageChunk(Opcode.TEXT, content, finished, False, TIME, HUGE)
        for content in (b"", LARGE, ESCAPES)
        for finished in (False, True)
    ],
    MessageReassembler: lambda: readers(MessageReassembler),
    OpaqueMessage: lambda: [
        OpaqueMessage(Opcode.BINARY, content, 7, "x" * 1000, False, TIME, HUGE)
        for content in (b"", LARGE, b"\xff" * 100)
    ],
    OutOfMemory: lambda: [OutOfMemory("no memory for the payload", offset=HUGE)],
    Ping: lambda: [Ping(ESCAPES, False, TIME, HUGE), Ping(b"", True, TIME, 0)],
    Pong: lambda: [Pong(ESCAPES, False, TIME, HUGE), Pong(b"", True, TIME, 0)],
    ProtocolError: lambda: errors(ProtocolError),
    ProtocolViolation: violations,
    TimedOut: lambda: [TimedOut("close", False, TIME), TimedOut("idle", None, 1e308)],
    UncollectedMessage: lambda: [UncollectedMessage(Opcode.BINARY, HUGE, False, TIME, HUGE)],
    Strictness: lambda: [Strictness(**dict.fromkeys(Strictness.__dataclass_fields__, False))],
    WebSocketConnection: connections,
    WebSocketData: lambda: [WebSocketData([WebSocketMessage(2, True, LARGE)])],
    WebSocketDirection: lambda: readers(WebSocketDirection),
}
ELSEWHERE = {
    "Budget": "tested with the relay",
    "CloseCode": "an IntEnum",
    "InternalError": "made by the native module only",
    "Opcode": "an IntEnum",
    "WebSocketError": "only its subclasses are made",
    "PassThroughRelay": "tested with the relay",
    "RelayDirection": "tested with the relay",
    "WebSocketMessage": "mitmproxy's, which shows everything",
    "WebSocketRelay": "tested with the relay",
}


@pytest.mark.parametrize("made", SHOWN, ids=lambda made: made.__name__)
def test_repr_and_text_are_one_short_line(made: Any) -> None:
    for thing in SHOWN[made]():
        assert isinstance(thing, made)
        for shown in (repr(thing), str(thing)):
            assert len(shown) <= LONGEST, shown
            assert made.__name__ in shown or isinstance(thing, Exception)
            assert " object at 0x" not in shown
            assert shown.isprintable()


def test_every_public_class_has_been_looked_at() -> None:
    # Until CPython 3.10, `tuple[int]` passes for a class.
    public = {
        name
        for name in wsdefrag.__all__
        if not isinstance(found := getattr(wsdefrag, name), GenericAlias) and inspect.isclass(found)
    } - ELSEWHERE.keys()
    assert public == {made.__name__ for made in SHOWN}


def test_message_shows_everything() -> None:
    assert len(repr(WebSocketMessage(2, True, LARGE))) > 4 * len(LARGE)


def test_repr_shows_the_state() -> None:
    zeros = "\\x00" * 14
    for value, shown in {
        Ping(b"ok", False, 1.5, 0): "payload=b'ok', from_client=False, timestamp=1.5, offset=0",
        Pong(b"a" * 125, True, 1.5, 7): (
            f"payload=b'{'a' * 57}'... (125 bytes), from_client=True, timestamp=1.5, offset=7"
        ),
        Close(1000, "bye", False, 1.5, 0): (
            "close_code=1000, close_reason='bye', from_client=False, timestamp=1.5, offset=0"
        ),
        Incomplete(Opcode.BINARY, LARGE, False, 1.5, 0): (
            f"type=<Opcode.BINARY: 2>, content=b'{zeros}'... (5000000 bytes), from_client=False, "
            "timestamp=1.5, offset=0"
        ),
        Frame(Opcode.PING, True, False, False, False, None, b"hi", 0, 4): (
            "opcode=<Opcode.PING: 9>, fin=True, payload=b'hi', offset=0, wire_length=4"
        ),
        Frame(Opcode.TEXT, False, True, False, False, b"key!", b"a" * 50, 9, 56): (
            "opcode=<Opcode.TEXT: 1>, fin=False, rsv1=True, masking_key=b'key!', "
            f"payload=b'{'a' * 40}'... (50 bytes), offset=9, wire_length=56"
        ),
    }.items():
        assert repr(value) == f"{type(value).__name__}({shown})"


def test_repr_of_a_reader_shows_how_far_it_is() -> None:
    for value, shown in {
        fed(FrameDecoder, b"\x81\x02hi\x81"): (
            "bytes_received=5 bytes_buffered=1 bytes_discarded=0"
        ),
        fed(MessageReassembler, b"\x81\x02hi\x88\x02\x03\xe8?"): (
            "bytes_received=9 bytes_buffered=0 bytes_discarded=1 close_received=1000"
        ),
        fed(WebSocketDirection, b"\x81\x02hi\x09\x00"): (
            "bytes_received=6 bytes_buffered=0 bytes_discarded=2 error=fragmented_control_frame@4"
        ),
    }.items():
        assert repr(value) == f"<{type(value).__name__} from_client=False {shown}>"
    encoder = FrameEncoder(from_client=True)
    assert repr(encoder) == "<FrameEncoder from_client=True inside_message=False closed=False>"


def test_connection_shows_what_it_kept_and_how_it_ended() -> None:
    connection = WebSocketConnection()
    connection.receive_data(b"\x81\x02hi\x09\x00", from_client=False)
    assert repr(connection) == (
        "<WebSocketConnection messages=1 bytes_from_client=0 bytes_from_server=6 "
        "error_from_server=fragmented_control_frame>"
    )
    connection.receive_eof(from_client=True)
    assert repr(connection).endswith(" close_code=1006>")


def test_subclass_shows_its_own_name() -> None:
    class Mine(MessageReassembler):
        __slots__ = ()

    assert repr(Mine(from_client=True)).startswith("<Mine from_client=True ")
