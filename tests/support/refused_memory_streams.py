"""What is read while memory is refused: streams of many kinds, and every class that reads streams.

What was complete before the refusal has to come, in order, at the latest with the next call.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import wsdefrag
from refused_memory import MIB, Scarce, sweep
from wire_writer import BINARY, CONTINUATION, KEY, PING, deflated_zeros, frame

AGREED = wsdefrag.DeflateParams()


@dataclass
class Stream:
    """Bytes of one side, and what they are.

    ``items`` are whether it is a message, its content, and where its last frame ends.
    """

    wire: bytes
    items: list[tuple[bool, bytes, int]]
    from_client: bool = False

    @property
    def another(self) -> bytes:
        """One message more."""
        return frame(BINARY, b"another", key=KEY if self.from_client else None)


def repeated(
    count: int, opcode: int, payload: bytes, start: int, *, key: bytes | None = None
) -> Stream:
    one = frame(opcode, payload, key=key)
    items = [
        (opcode == BINARY, payload, start + len(one) * number) for number in range(1, count + 1)
    ]
    return Stream(one * count, items, key is not None)


def pings() -> Stream:
    return repeated(400_000, PING, b"", 0)


def small() -> Stream:
    return repeated(200_000, BINARY, b"hi", 0, key=KEY)


def large() -> Stream:
    before = repeated(1000, BINARY, b"before", 0)
    content = bytes(range(256)) * (60 * MIB // 256)
    wire = before.wire + frame(BINARY, content)
    after = repeated(1000, BINARY, b"after", len(wire))
    items = [*before.items, (True, content, len(wire)), *after.items]
    return Stream(wire + after.wire, items)


def bomb() -> Stream:
    before = repeated(1000, BINARY, b"before", 0)
    wire = before.wire + frame(BINARY, b"".join(deflated_zeros(60)), rsv1=True)
    after = repeated(1000, BINARY, b"after", len(wire))
    items = [*before.items, (True, bytes(60 * MIB), len(wire)), *after.items]
    return Stream(wire + after.wire, items)


def fragments() -> Stream:
    before = repeated(1000, BINARY, b"before", 0)
    items = before.items
    parts = [before.wire]
    size = len(before.wire)
    for number in range(16_000):
        part = frame(CONTINUATION if number else BINARY, b"fragment" * 256, fin=number == 15_999)
        if number % 16 == 8:
            part += frame(PING, b"%d" % number)
        size += len(part)
        parts.append(part)
        if number % 16 == 8:
            items.append((False, b"%d" % number, size))
    items.append((True, b"fragment" * 256 * 16_000, size))
    return Stream(b"".join(parts), items)


STREAMS: dict[str, Callable[[], Stream]] = {
    "pings": pings,
    "small messages": small,
    "large message": large,
    "bomb": bomb,
    "fragments": fragments,
}


class Reader:
    """A class that reads streams, as the tests here use it."""

    messages_only = False
    retain: int | None = 0

    def __init__(self, stream: Stream) -> None:
        self.from_client = stream.from_client
        self.object: Any = self.make()

    def make(self) -> Any:
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Any]:
        events: list[Any] = self.object.receive_data(data)
        return events

    def state(self) -> Any:
        return self.object

    def finish(self, stream: Stream, events: list[Any], error: object, scarce: Scarce) -> None:
        """Look at what else there is."""


class Reassembler(Reader):
    messages_only = True

    def make(self) -> Any:
        return wsdefrag.MessageReassembler(from_client=self.from_client, deflate=AGREED)


class Direction(Reader):
    def make(self) -> Any:
        return wsdefrag.WebSocketDirection(from_client=self.from_client, deflate=AGREED)


class Connection(Reader):
    def make(self) -> Any:
        return wsdefrag.WebSocketConnection(deflate=AGREED, retain=self.retain)

    def feed(self, data: bytes) -> list[Any]:
        events: list[Any] = self.object.receive_data(data, from_client=self.from_client)
        return events

    def state(self) -> Any:
        return self.object.from_client if self.from_client else self.object.from_server

    def finish(self, stream: Stream, events: list[Any], error: object, scarce: Scarce) -> None:
        messages = [one for one in events if isinstance(one, wsdefrag.WebSocketMessage)]
        if self.retain == 0:
            messages.clear()
        kept = self.object.websocket.messages
        assert len(kept) == len(messages)
        assert all(one is other for one, other in zip(kept, messages, strict=True))


class ConnectionWithRecord(Connection):
    retain = None


class PassThrough(Connection):
    def make(self) -> Any:
        return wsdefrag.PassThroughRelay(deflate=AGREED, retain=self.retain, collect_up_to=1 << 40)

    def finish(self, stream: Stream, events: list[Any], error: Any, scarce: Scarce) -> None:
        """What was read was sent on, and at most one frame that there was no event for."""
        super().finish(stream, events, error, scarce)
        sent = self.object.data_to_send(to_client=not self.from_client)
        if error is None:
            assert sent == stream.wire + stream.another
        else:
            ends = [one[2] for one in stream.items if one[2] > error.offset][:1]
            assert sent in [stream.wire[:end] for end in (error.offset, *ends)]


class PassThroughBytes(PassThrough):
    def make(self) -> Any:
        return wsdefrag.PassThroughRelay(
            mode="bytes", deflate=AGREED, retain=self.retain, collect_up_to=1 << 40
        )

    def finish(self, stream: Stream, events: list[Any], error: Any, scarce: Scarce) -> None:
        Connection.finish(self, stream, events, error, scarce)
        sent = self.object.data_to_send(to_client=not self.from_client)
        if error is None:
            assert sent == stream.wire + stream.another
        else:
            assert stream.wire.startswith(sent)
            assert len(sent) >= error.offset


class Relay(Connection):
    def make(self) -> Any:
        return wsdefrag.WebSocketRelay(deflate=AGREED, retain=self.retain)

    def finish(self, stream: Stream, events: list[Any], error: Any, scarce: Scarce) -> None:
        """What was decided on has been sent; a control frame may overtake an open message."""
        super().finish(stream, events, error, scarce)
        for event in events:
            self.object.forward(event)
        sent = self.object.data_to_send(to_client=not self.from_client)
        peer = wsdefrag.WebSocketDirection(from_client=self.from_client, deflate=AGREED)
        read = peer.receive_data(sent)
        assert [content_of(one) for one in read] == [content_of(one) for one in events]
        assert peer.receive_eof() == []
        assert self.object.data_to_send(to_client=not self.from_client) == b""


class Decoder(Reader):
    def make(self) -> Any:
        return wsdefrag.FrameDecoder(from_client=self.from_client)


READERS: dict[str, type[Reader]] = {
    "MessageReassembler": Reassembler,
    "WebSocketDirection": Direction,
    "WebSocketConnection": Connection,
    "WebSocketConnection with a record": ConnectionWithRecord,
    "WebSocketRelay": Relay,
    "PassThroughRelay": PassThrough,
    "PassThroughRelay, bytes": PassThroughBytes,
    "FrameDecoder": Decoder,
}


def content_of(event: Any) -> bytes:
    content: bytes = event.content if hasattr(event, "content") else event.payload
    return content


def read(kind: type[Reader], stream: Stream, scarce: Scarce) -> None:
    reader = kind(stream)
    events: list[Any] = []
    with scarce:
        events = reader.feed(stream.wire)
    if reader.state().bytes_received == 0:
        assert scarce.refused
        events = reader.feed(stream.wire)
    assert reader.state().bytes_received == len(stream.wire)
    error = reader.state().error
    raised = False
    try:
        while more := reader.feed(b""):
            events += more
        if error is None:
            events += reader.feed(stream.another)
    except wsdefrag.OutOfMemory as again:
        raised = True
        if again.offset != error.offset:
            raise
    items = [one for one in stream.items if one[0] or not kind.messages_only]
    if error is None:
        items.append((True, b"another", len(stream.wire) + len(stream.another)))
    else:
        assert type(error) is wsdefrag.OutOfMemory, error
        scarce.refused = True
        items = items[: bisect_right(items, error.offset, key=lambda one: one[2])]
        if events and isinstance(events[-1], wsdefrag.ProtocolViolation):
            events.pop()
        else:
            assert raised
    assert len(events) == len(items), (len(events), len(items), error)
    assert [content_of(one) for one in events] == [one[1] for one in items]
    reader.finish(stream, events, error, scarce)


def run(name: str, kind: str) -> None:
    """Sweep one class and one kind of stream."""
    stream = STREAMS[kind]()
    needs_more = not (READERS[name].messages_only and kind == "pings")
    sweep(lambda scarce: read(READERS[name], stream, scarce), needs_more=needs_more)
