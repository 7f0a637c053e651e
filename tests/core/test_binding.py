"""The border between the engine and the interpreter: memory, interrupts, cycles, buffers."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import weakref
import zlib
from array import array
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import wsdefrag
from memory_growth import needs_freed_memory_back
from wsdefrag import (
    DeflateParams,
    FrameDecoder,
    IncompleteMessage,
    MessageReassembler,
    WebSocketMessage,
    _native,  # noqa: TID251
)
from wsdefrag.errors import ProtocolError

REFUSED = """
import resource, zlib
from pathlib import Path
import wsdefrag

MIB = 1 << 20

def header(first, length):
    return bytes((first, 0x7F)) + length.to_bytes(8, "big")

def packed(content):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflater.compress(content) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]

bomb = packed(bytes(60 * MIB))
streams = {
    "whole": [header(0x82, 40 * MIB) + bytes(40 * MIB)],
    "frame": [header(0x82, 40 * MIB) + bytes(3 * MIB), bytes(37 * MIB)],
    "fragments": [header(0x02, 3 * MIB) + bytes(3 * MIB), header(0x00, 37 * MIB) + bytes(37 * MIB)],
    "deflate": [b"\\xc2\\x7e" + len(bomb).to_bytes(2, "big") + bomb],
}
stream = streams[NAME]
before = wsdefrag.MessageReassembler(from_client=False, deflate=wsdefrag.DeflateParams())
reassembler = wsdefrag.MessageReassembler(from_client=False, deflate=wsdefrag.DeflateParams())
reassembler.receive_data(b"\\x82\\x01a")
del streams

pages = int(Path("/proc/self/statm").read_text().split()[0])
room = pages * resource.getpagesize() + 16 * MIB
resource.setrlimit(resource.RLIMIT_AS, (room, room))
for chunk in stream:
    if reassembler.error is None:
        assert reassembler.receive_data(chunk) == []
assert type(reassembler.error) is wsdefrag.OutOfMemory, reassembler.error
second_frame = 3 + 10 + 3 * MIB
assert reassembler.error.offset == (second_frame if NAME == "fragments" else 3)
assert reassembler.error.kind == "out_of_memory"
assert reassembler.error.close_code == 1011
assert reassembler.error.rfc_section == "RFC 6455 section 10.4"
assert reassembler.bytes_buffered == 0
for call in (lambda: reassembler.receive_data(b""), reassembler.receive_eof):
    try:
        call()
    except MemoryError as error:
        assert f"at byte {reassembler.error.offset} " in str(error)
    else:
        raise AssertionError("no MemoryError")
assert before.receive_data(b"\\x82\\x01b")[0].content == b"b"
print("done")
"""


@needs_freed_memory_back
@pytest.mark.parametrize("name", ["whole", "frame", "fragments", "deflate"])
def test_refused_memory_is_a_memory_error_and_nothing_worse(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"NAME = {name!r}\n{REFUSED}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("made", [MessageReassembler, FrameDecoder])
def test_raised_error_leaves_no_cycle_behind(
    made: type[MessageReassembler | FrameDecoder],
) -> None:
    class Marker:
        """Something that the frame of the raising function holds."""

    def raise_its_error() -> weakref.ref[Marker]:
        marker = Marker()
        reader = made(from_client=False)
        reader.receive_data(b"\x83\x00")
        assert reader.error is not None
        try:
            raise reader.error
        except ProtocolError:
            return weakref.ref(marker)

    reference = raise_its_error()
    gc.collect()
    assert reference() is None


def test_messages_are_not_tracked_and_their_subclasses_are() -> None:
    class Tagged(WebSocketMessage):
        owner: object

    (message,) = MessageReassembler(from_client=False).receive_data(b"\x82\x01a")
    assert not gc.is_tracked(message)
    tagged = Tagged(1, True, b"x")
    tagged.owner = tagged
    reference = weakref.ref(tagged)
    del tagged
    gc.collect()
    assert reference() is None


def test_untracking_is_for_one_class_only() -> None:
    class Other(_native.MessageStorage):
        __slots__ = ()

    with pytest.raises(RuntimeError):
        _native.untracked(Other)
    assert gc.is_tracked(Other())


def test_content_of_a_bytes_subclass_becomes_bytes() -> None:
    class Loud(bytes):
        pass

    message = WebSocketMessage(2, True, Loud(b"x"))
    assert type(message.content) is bytes
    assert message.content == b"x"


def test_threads_read_long_chunks_side_by_side() -> None:
    content = bytes(range(256)) * 4096
    length = len(content).to_bytes(8, "big")
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = (deflater.compress(content) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    stored = zlib.compressobj(0, zlib.DEFLATED, -15)
    plain = (stored.compress(content) + stored.flush(zlib.Z_SYNC_FLUSH))[:-4]
    wire = b"\x82\x7f" + length + content
    wire += b"\xc2\x7e" + len(packed).to_bytes(2, "big") + packed
    wire += b"\xc2\x7f" + len(plain).to_bytes(8, "big") + plain

    def read(_: int) -> list[bytes]:
        reassembler = MessageReassembler(from_client=False, deflate=DeflateParams())
        messages = [m.content for _ in range(5) for m in reassembler.receive_data(wire)]
        reassembler.receive_eof()
        return messages

    with ThreadPoolExecutor(4) as pool:
        assert all(got == [content] * 15 for got in pool.map(read, range(8)))


def test_fields_cannot_be_deleted() -> None:
    message = WebSocketMessage(2, True, b"x", 1.0)
    for name in ("type", "from_client", "content", "timestamp", "dropped", "injected"):
        with pytest.raises((TypeError, AttributeError)):
            delattr(message, name)
    assert message.get_state() == (2, True, b"x", 1.0, False, False)


WIRE = b"\x82\x06abcdef"
BUFFERS: dict[str, Any] = {
    "ctypes string": ctypes.create_string_buffer(WIRE, len(WIRE)),
    "ctypes array": (ctypes.c_ubyte * len(WIRE))(*WIRE),
    "array of integers": array("I", WIRE),
    "every other byte": memoryview(
        bytes(byte for pair in zip(WIRE, WIRE, strict=True) for byte in pair)
    )[::2],
    "backwards": memoryview(WIRE[::-1])[::-1],
    "two dimensions": memoryview(WIRE).cast("B", (2, 4)),
    "empty": memoryview(b""),
}


@pytest.mark.parametrize("name", BUFFERS)
def test_any_buffer_is_read(name: str) -> None:
    reassembler = MessageReassembler(from_client=False)
    messages = reassembler.receive_data(BUFFERS[name])
    assert reassembler.error is None
    assert [message.content for message in messages] == ([] if name == "empty" else [b"abcdef"])


@pytest.mark.parametrize("data", ["text", None, 5, [1, 2], object()])
def test_what_is_no_buffer_is_a_type_error(data: Any) -> None:
    for reader in (MessageReassembler(from_client=False), FrameDecoder(from_client=False)):
        with pytest.raises(TypeError):
            reader.receive_data(data)
        assert reader.bytes_received == 0


@pytest.mark.parametrize("cut", [b"\x81", b"\x81\x05he", b"\x89\x03a"])
def test_end_holds_nothing_back(cut: bytes) -> None:
    for reader in (MessageReassembler(from_client=False), FrameDecoder(from_client=False)):
        reader.receive_data(cut)
        assert reader.bytes_buffered > 0
        for _ in range(2):
            with pytest.raises(IncompleteMessage):
                reader.receive_eof()
        assert reader.bytes_buffered == 0


def test_version_is_that_of_the_distribution() -> None:
    from importlib import metadata

    assert wsdefrag.__version__ == metadata.version("wsdefrag")
