"""The compared readers, each as one function: it takes a chunk and returns the messages.

Opening a reader gives a `Feed`, which takes a chunk and returns the messages that it completed. The
benchmark iterates over them and drops them before it feeds the next chunk (`consume`). A `Feed` has
only the code that a user of the library must write to get messages:

- ours and aiohttp's compiled reader are called directly;
- websockets' sans-I/O protocol gives frames, joined as its own assembler joins them, without its
  locks and its queue;
- wsproto gives pieces of frames (`wsproto_readers`);
- the two floors (`benches/floor`) get payloads instead of chunks, in the batches in which the
  chunks would have completed them.

Size limits are 64 MiB wherever a reader has them. The readers that give text as `str` decode it,
which is how they check it; ours checks it and keeps the bytes.
"""

import asyncio
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, Any, cast

import wsdefrag_floor
from aiohttp.base_protocol import BaseProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CTRL_OPCODES, Frame
from websockets.frames import Opcode as FrameOpcode
from websockets.protocol import Protocol, Side

import wsdefrag
from engine import wsproto_readers
from engine.corpus import BINARY, DEFLATE_TAIL, MIB, TEXT, Content, Workload

if TYPE_CHECKING:
    from aiohttp._websocket import reader_py as aiohttp_reader
else:
    # By its own name, so that the pure-Python twin cannot silently take its place.
    aiohttp_reader = importlib.import_module("aiohttp._websocket.reader_c")

MAX_SIZE = 64 * MIB

Feed = Callable[[Any], Iterable[object]]


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes:
        name: what the tables call it.
        open: makes a new reader for the start of a workload's stream.
        contents: the messages among all that one stream made the reader yield.
        inputs: what is fed, piece by piece: the chunks, or the payloads for a floor.
        share: how much of a stream is fed, 0 to 1; slow readers get less of it.
        only: the workloads it is measured on; empty for all of them.
    """

    name: str
    open: Callable[[Workload], Feed]
    contents: Callable[[Iterable[Any], Workload], list[Content]]
    inputs: Callable[[Workload], Sequence[object]] = lambda workload: workload.chunks
    share: float = 1.0
    only: tuple[str, ...] = ()


def consume(reader: Reader, workload: Workload, inputs: Sequence[object]) -> None:
    """What is timed: a new reader takes the whole stream, and its messages are dropped."""
    feed = reader.open(workload)
    for part in inputs:
        for _ in feed(part):
            pass


def collect(reader: Reader, workload: Workload) -> list[Content]:
    """All messages of the stream, for comparison with the corpus."""
    feed = reader.open(workload)
    items = [item for part in reader.inputs(workload) for item in feed(part)]
    return reader.contents(items, workload)


def open_wsdefrag(workload: Workload) -> Feed:
    """Ours, called directly."""
    deflate = wsdefrag.DeflateParams() if workload.compressed else None
    return wsdefrag.MessageReassembler(
        from_client=workload.from_client, deflate=deflate
    ).receive_data


def message_contents(messages: Iterable[Any], _: Workload) -> list[Content]:
    """For objects with the attributes of mitmproxy's messages."""
    return [(message.type == TEXT, message.content) for message in messages]


def open_websockets(workload: Workload) -> Feed:
    """Frames of the sans-I/O protocol, joined to messages and decoded where they are text."""
    side = Side.SERVER if workload.from_client else Side.CLIENT
    protocol = Protocol(side, max_size=MAX_SIZE)
    if workload.compressed:
        protocol.extensions = [PerMessageDeflate(False, False, 15, 15)]
    fragments: list[Frame] = []

    def feed(chunk: bytes) -> Iterable[object]:
        messages: list[str | bytes] = []
        protocol.receive_data(chunk)
        for frame in cast("list[Frame]", protocol.events_received()):
            if frame.opcode in CTRL_OPCODES:
                continue
            if frame.fin and not fragments:
                opcode, data = frame.opcode, bytes(frame.data)
            else:
                fragments.append(frame)
                if not frame.fin:
                    continue
                opcode = fragments[0].opcode
                data = b"".join(fragment.data for fragment in fragments)
                fragments.clear()
            messages.append(data.decode() if opcode is FrameOpcode.TEXT else data)
        protocol.data_to_send()  # The answers to pings, which would pile up.
        return messages

    return feed


def data_contents(messages: Iterable[str | bytes], _: Workload) -> list[Content]:
    """For messages that are nothing but a `str` or a `bytes`."""
    return [
        (True, message.encode()) if isinstance(message, str) else (False, message)
        for message in messages
    ]


event_loop = asyncio.new_event_loop()
"""Never runs: the queue's constructor asks for one, and waiting on the queue is not measured."""


def aiohttp_is_compiled() -> bool:
    """Whether the reader is an extension module."""
    return str(aiohttp_reader.__file__).endswith(tuple(EXTENSION_SUFFIXES))


def open_aiohttp(workload: Workload) -> Feed:
    """The compiled reader, its messages taken out of the queue in the cheapest way."""
    queue, feed_data = aiohttp_queue(workload)
    buffer = queue._buffer

    def feed(chunk: bytes) -> Iterable[object]:
        # Iterated over and cleared, which costs aiohttp less than its `read()` for each message.
        buffer.clear()
        feed_data(chunk)
        return buffer

    return feed


def open_aiohttp_awaited(workload: Workload) -> Feed:
    """The compiled reader, its messages taken out of the queue in the public way."""
    queue, feed_data = aiohttp_queue(workload)
    buffer = queue._buffer

    async def drain() -> list[object]:
        return [await queue.read() for _ in range(len(buffer))]

    def feed(chunk: bytes) -> Iterable[object]:
        feed_data(chunk)
        try:
            drain().send(None)
        except StopIteration as finished:  # At once: nothing in a filled queue waits.
            return cast("list[object]", finished.value)
        raise AssertionError("the queue waited")

    return feed


def aiohttp_queue(
    workload: Workload,
) -> tuple[aiohttp_reader.WebSocketDataQueue, Callable[[bytes], object]]:
    """A queue, and the method that feeds the reader in front of it."""
    # The limit is where a transport would be paused. There is none here, so it is out of reach.
    queue = aiohttp_reader.WebSocketDataQueue(BaseProtocol(event_loop), 1 << 30, loop=event_loop)
    reader = aiohttp_reader.WebSocketReader(
        queue, MAX_SIZE, compress=workload.compressed, decode_text=True
    )
    return queue, reader.feed_data


def message_data(messages: Iterable[Any], workload: Workload) -> list[Content]:
    """For aiohttp's messages, pings among them."""
    data = [message.data for message in messages if message.type in (TEXT, BINARY)]
    return data_contents(data, workload)


def queue_contents(items: Iterable[Any], workload: Workload) -> list[Content]:
    """For the inside of aiohttp's queue: pairs of a message and its size."""
    return message_data([message for message, _ in items], workload)


def open_copy(_: Workload) -> Feed:
    """The floor for everything that is not compressed."""
    return wsdefrag_floor.copy


def copy_inputs(workload: Workload) -> Sequence[object]:
    """The contents, in one list for each chunk that ends some of them."""
    return [[workload.contents[number] for number in batch] for batch in workload.batches]


def open_inflate(_: Workload) -> Feed:
    """The floor for compressed messages."""
    return wsdefrag_floor.Inflater().inflate


def inflate_inputs(workload: Workload) -> Sequence[object]:
    """Whole deflate data with its inflated size, in one list for each chunk that ends some."""
    sized = [
        (payload + DEFLATE_TAIL, len(content))
        for payload, content in zip(workload.payloads, workload.contents, strict=True)
    ]
    return [[sized[number] for number in batch] for batch in workload.batches]


def floor_contents(contents: Iterable[bytes], workload: Workload) -> list[Content]:
    """For the floors, which give contents and know no types."""
    return [(workload.is_text, content) for content in contents]


READERS = (
    Reader("wsdefrag", open_wsdefrag, message_contents),
    Reader("wsproto message", wsproto_readers.open_messages, message_contents, share=1 / 4),
    Reader(
        "wsproto message, bytearray",
        wsproto_readers.open_bytearray_messages,
        message_contents,
        share=1 / 4,
        only=("1 MiB binary",),
    ),
    Reader(
        "wsproto frames", wsproto_readers.open_events, wsproto_readers.event_contents, share=1 / 4
    ),
    Reader("websockets", open_websockets, data_contents, share=1 / 4),
    Reader("aiohttp", open_aiohttp, queue_contents),
    Reader(
        "aiohttp, awaited",
        open_aiohttp_awaited,
        message_data,
        only=("32 B text", "300 B JSON", "1 KiB binary"),
    ),
    Reader("copy floor", open_copy, floor_contents, copy_inputs),
    Reader(
        "flate2 floor",
        open_inflate,
        floor_contents,
        inflate_inputs,
        only=("1 KiB JSON, deflate",),
    ),
)
