"""A large message is in memory once, while it is read or written, and is then released."""

from __future__ import annotations

import pytest

from memory_growth import MIB, measure, needs_freed_memory_back, needs_proc

pytestmark = needs_proc


def test_large_frame_in_chunks_takes_its_size_once() -> None:
    script = """
chunk = bytes(range(256)) * 256
header = frame(BINARY, b'', form=64, announced=512 * len(chunk))
reassembler = MessageReassembler(from_client=False)
before = memory()
reassembler.receive_data(header)
for _ in range(511):
    assert reassembler.receive_data(chunk) == []
(message,) = reassembler.receive_data(chunk)
assert len(message.content) == 32 * MIB
assert message.content[-65536:] == chunk
grown(before)
"""
    growth = measure(script)
    assert growth.peak < 40 * MIB


@needs_freed_memory_back
def test_large_message_leaves_nothing_behind() -> None:
    script = """
wire = fragments(BINARY, [bytes(MIB)] * 32)
packed = frame(BINARY, deflate(bytes(32 * MIB)), rsv1=True)
reassembler = MessageReassembler(from_client=False, deflate=agreed)
reassembler.receive_data(frame(BINARY, deflate(b'warm'), rsv1=True))
before = memory()
for one in (*wire, packed):
    reassembler.receive_data(one)
grown(before)
"""
    assert measure(script).resident < 4 * MIB


@pytest.mark.parametrize(
    "encode",
    [
        "FrameEncoder(from_client=True).binary(content)",
        "FrameEncoder(from_client=False).binary(content)",
        "FrameEncoder(from_client=True).message(1, content)",
        "FrameEncoder(from_client=True).text(text)",
        "FrameEncoder(from_client=True).binary(content, fragments=[4096] * (64 * 256))",
        "FrameEncoder(from_client=True).frame(2, content)",
    ],
    ids=["masked", "unmasked", "text_bytes", "text", "fragments", "frame"],
)
def test_large_message_is_encoded_in_one_copy(encode: str) -> None:
    script = f"""
content = bytes(range(128)) * (8192 * 64)
text = content.decode() if 'text(' in {encode!r} else ''
before = memory()
wire = {encode}
assert 64 * MIB < len(wire) < 65 * MIB
grown(before)
"""
    assert measure(script).peak < 68 * MIB


@needs_freed_memory_back
def test_large_text_beyond_ascii_leaves_no_copy_with_its_str() -> None:
    script = """
text = 'é' * (16 * MIB)
before = memory()
assert len(FrameEncoder(from_client=False).text(text)) > 32 * MIB
grown(before)
"""
    assert measure(script).resident < 2 * MIB


@needs_freed_memory_back
def test_large_compressed_message_leaves_nothing_behind() -> None:
    script = """
import random
content = random.Random(0).randbytes(MIB) * 16
encoder = FrameEncoder(from_client=True, deflate=agreed)
encoder.binary(content[:1000])
before = memory()
assert len(encoder.binary(content)) > 16 * MIB
grown(before)
"""
    growth = measure(script)
    assert growth.resident < 2 * MIB
    # What was compressed is held once until it is masked into the result; room for it is doubled.
    assert growth.peak < 52 * MIB
