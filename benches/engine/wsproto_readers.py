"""wsproto as a reader: its events alone, and messages made of them.

wsproto yields pieces of frames: one event per frame and chunk. mitmproxy's WebSocket layer makes
messages of them: a list with one `bytes` per frame, extended by `+=` with every piece and joined
when the message ends, then a plain Python object whose constructor turns the opcode into an enum
member and reads the clock. `open_messages` does the same; what the layer does besides (relaying,
logging, hooks) is left out.

`+=` on `bytes` copies the frame so far, so the time for a frame grows with the square of the number
of its pieces.
`open_bytearray_messages` repairs that with the smallest change, for comparison.
"""

import time
from collections.abc import Callable, Iterable

from wsproto.connection import Connection, ConnectionType
from wsproto.events import Message
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import Opcode

from engine.corpus import Content, Workload

Feed = Callable[[bytes], Iterable[object]]


def connect(workload: Workload) -> Connection:
    """The side that receives the workload's stream."""
    side = ConnectionType.SERVER if workload.from_client else ConnectionType.CLIENT
    extensions: list[Extension] = []
    if workload.compressed:
        deflate = PerMessageDeflate()
        deflate.finalize("permessage-deflate")
        extensions.append(deflate)
    return Connection(side, extensions)


def open_events(workload: Workload) -> Feed:
    """The events alone, with nothing made of them."""
    connection = connect(workload)

    def feed(chunk: bytes) -> Iterable[object]:
        connection.receive_data(chunk)
        return connection.events()

    return feed


def event_contents(events: Iterable[object], _: Workload) -> list[Content]:
    """The messages that the events amount to."""
    contents: list[Content] = []
    parts: list[bytes] = []
    for event in events:
        if isinstance(event, Message):
            is_text = isinstance(event.data, str)
            parts.append(event.data.encode() if is_text else event.data)
            if event.message_finished:
                contents.append((is_text, b"".join(parts)))
                parts.clear()
    return contents


class PlainMessage:
    """A message as a plain Python class: the fields, and the work, of mitmproxy's constructor."""

    def __init__(
        self,
        type: int,
        from_client: bool,
        content: bytes,
        timestamp: float | None = None,
        dropped: bool = False,
        injected: bool = False,
    ) -> None:
        self.from_client = from_client
        self.type = Opcode(type)
        self.content = content
        self.timestamp = timestamp or time.time()
        self.dropped = dropped
        self.injected = injected


def open_messages(workload: Workload) -> Feed:
    """Mitmproxy's way: one `bytes` per frame."""
    connection = connect(workload)
    from_client = workload.from_client
    frames = [b""]

    def feed(chunk: bytes) -> Iterable[object]:
        nonlocal frames
        messages = []
        connection.receive_data(chunk)
        for event in connection.events():
            if isinstance(event, Message):
                if isinstance(event.data, str):
                    opcode = Opcode.TEXT
                    frames[-1] += event.data.encode()
                else:
                    opcode = Opcode.BINARY
                    frames[-1] += event.data
                if event.message_finished:
                    messages.append(PlainMessage(opcode, from_client, b"".join(frames)))
                    frames = [b""]
                elif event.frame_finished:
                    frames.append(b"")
        return messages

    return feed


def open_bytearray_messages(workload: Workload) -> Feed:
    """The same with one `bytearray` per message."""
    connection = connect(workload)
    from_client = workload.from_client
    buffer = bytearray()

    def feed(chunk: bytes) -> Iterable[object]:
        nonlocal buffer
        messages = []
        connection.receive_data(chunk)
        for event in connection.events():
            if isinstance(event, Message):
                is_text = isinstance(event.data, str)
                buffer += event.data.encode() if is_text else event.data
                if event.message_finished:
                    opcode = Opcode.TEXT if is_text else Opcode.BINARY
                    messages.append(PlainMessage(opcode, from_client, bytes(buffer)))
                    buffer = bytearray()
        return messages

    return feed
