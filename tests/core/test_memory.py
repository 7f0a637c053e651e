"""What is held in memory, measured in a process of its own for each case.

Each script does its work once to warm up, measures, does it many times more, and prints by how
many bytes the resident memory, its peak and the address space have grown. The bounds leave room
for the allocator's habits, and lie far below what a leak or a trusting allocation would cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import wire_writer

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc"
)

MIB = 1 << 20

PREAMBLE = """
import gc, json
from pathlib import Path
from wire_writer import *
import wsdefrag
from wsdefrag import DeflateParams, FrameEncoder, Limits, MessageReassembler, WebSocketConnection

MIB = 1 << 20
agreed = DeflateParams()

def memory():
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM", "VmSize")}

def grown(before):
    after = memory()
    print(json.dumps({name: after[name] - before[name] for name in before}))
"""


@dataclass(frozen=True)
class Growth:
    """By how many bytes memory grew: what is resident, its peak, and the address space."""

    resident: int
    peak: int
    address_space: int


def measure(script: str) -> Growth:
    """Run a script that ends by calling `grown`, and read what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script],
        cwd=Path(wire_writer.__file__).parent,
        capture_output=True,
        text=True,
        timeout=300,
        # glibc keeps large blocks after it has freed one of their size, unless this is fixed.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"},
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    return Growth(printed["VmRSS"], printed["VmHWM"], printed["VmSize"])


STREAMS = {
    "small": "wire = frame(TEXT, 'größe'.encode() * 6)",
    "large": "wire = frame(BINARY, bytes(20_000))",
    "fragments": "wire = b''.join(fragments(TEXT, [b'abc'] * 4, between=[frame(PING, b'!')] * 3))",
    "compressed": "wire = frame(TEXT, deflate(b'the same words ' * 20), rsv1=True)",
    "final_blocks": "wire = frame(TEXT, deflate_final(b'the same words ' * 20), rsv1=True)",
}


@pytest.mark.parametrize("stream", STREAMS)
def test_memory_does_not_grow_over_100000_messages(stream: str) -> None:
    script = f"""
{STREAMS[stream]}
reassembler = MessageReassembler(from_client=False, deflate=agreed)
def read(times):
    chunk = wire * 10
    cut = len(wire) // 2
    for _ in range(times // 10):
        count = len(reassembler.receive_data(chunk[:cut]))
        count += len(reassembler.receive_data(chunk[cut:]))
        assert count == 10
read(5_000)
before = memory()
read(100_000)
grown(before)
"""
    assert measure(script).resident < 2 * MIB


@pytest.mark.parametrize("retain", ['"none"', "10"])
def test_memory_of_a_connection_that_does_not_retain_does_not_grow(retain: str) -> None:
    script = f"""
connection = WebSocketConnection(deflate=agreed, retain={retain})
client = frame(TEXT, b'question', key=KEY) + frame(PING, b'!', key=KEY)
server = frame(TEXT, deflate(b'answer ' * 30), rsv1=True)
def read(times):
    for _ in range(times):
        assert len(connection.receive_data(client, from_client=True)) == 2
        assert len(connection.receive_data(server, from_client=False)) == 1
read(5_000)
before = memory()
read(50_000)
grown(before)
"""
    assert measure(script).resident < 2 * MIB


def test_memory_does_not_grow_over_10000_connections_with_errors() -> None:
    script = """
Z = deflate(b'the same words, the same words')
ends = [
    b'\\x83\\x00',
    b'\\x81\\x7e\\x00\\x05hello',
    frame(TEXT, b'a' * 3000 + b'\\xff'),
    frame(TEXT, Z[:-1], rsv1=True),
    frame(TEXT, b'\\x07', rsv1=True),
    frame(BINARY, bytes(3000), fin=False) + frame(TEXT, b'a'),
    frame(BINARY, deflate(bytes(90_000)), rsv1=True),
    frame(CLOSE, b'\\x03'),
    frame(TEXT, b'unfinished', fin=False),
    frame(BINARY, bytes(5000))[:3000],
]
def read(times):
    for index in range(times):
        connection = WebSocketConnection(deflate=agreed, limits=Limits(max_message_size=80_000))
        connection.receive_data(frame(TEXT, Z, rsv1=True), from_client=False)
        events = connection.receive_data(ends[index % len(ends)], from_client=False)
        events += connection.receive_eof(from_client=False)
        assert len(events) == 1
        events += connection.receive_data(b'\\x81', from_client=True)
        connection.receive_eof(from_client=True)
        try:
            connection.server.receive_eof()
            raise AssertionError('no error')
        except wsdefrag.WebSocketError:
            pass
read(1_000)
before = memory()
read(10_000)
grown(before)
"""
    assert measure(script).resident < 3 * MIB


PROMISES = {
    "one_frame": "promise = bytes.fromhex('827f 0000000000ffffff')",
    "masked": "promise = bytes.fromhex('82ff 0000000000ffffff 01020304')",
    "compressed": "promise = bytes.fromhex('c27f 0000000000ffffff')",
    "fragment": "promise = bytes.fromhex('0200 007f 0000000000ffffff')",
    "one_byte_given": "promise = bytes.fromhex('827f 0000000000ffffff 00')",
}


@pytest.mark.parametrize("promise", PROMISES)
def test_length_announced_and_never_sent_takes_no_memory(promise: str) -> None:
    script = f"""
{PROMISES[promise]}
masked = bool(promise[1] & 0x80)
def make():
    reassembler = MessageReassembler(from_client=masked, deflate=agreed)
    reassembler.receive_data(promise)
    assert reassembler.error is None
    return reassembler
kept = [make() for _ in range(10)]
before = memory()
kept += [make() for _ in range(1000)]
grown(before)
"""
    growth = measure(script)
    assert growth.resident < 8 * MIB
    assert growth.address_space < 64 * MIB


@pytest.mark.parametrize(
    ("last", "counted", "held"),
    # The message that a Close cut short is held until the end of the stream reports it.
    [(r"b'\x83'", 1, 0), (r"b'\x80\x7d\xc0'", 3, 0), ("close_frame(1000)", 0, 5)],
    ids=["broken_rule", "invalid_text", "close"],
)
def test_bytes_after_the_end_of_a_direction_take_no_memory(
    last: str, counted: int, held: int
) -> None:
    script = f"""
reassembler = MessageReassembler(from_client=False)
last = {last}
reassembler.receive_events(b'\\x01\\x05hello' + last)
chunk = frame(BINARY, bytes(MIB - 10))
reassembler.receive_events(chunk)
before = memory()
for _ in range(1023):
    assert reassembler.receive_events(chunk) == []
assert (reassembler.error is None) != (reassembler.close is None)
assert reassembler.bytes_discarded == (1 << 30) + {counted}
assert reassembler.bytes_buffered == {held}
grown(before)
"""
    assert measure(script).peak < MIB


def test_bytes_after_an_error_are_dropped_by_the_plain_calls_too() -> None:
    script = """
reassembler = MessageReassembler(from_client=False)
reassembler.receive_data(b'\\x83')
chunk = bytes(MIB)
errors = 0
before = memory()
for _ in range(1024):
    try:
        reassembler.receive_data(chunk)
    except wsdefrag.ProtocolError as error:
        errors += error.offset == 0
assert errors == 1024
assert reassembler.bytes_discarded == (1 << 30) + 1
grown(before)
"""
    assert measure(script).peak < MIB


@pytest.mark.parametrize("limit", [1, 16, 64])
@pytest.mark.parametrize("form", ["frame", "fragments", "small_chunks"])
def test_bomb_of_one_gibibyte_takes_no_more_than_the_limit(form: str, limit: int) -> None:
    write = "b''.join(fragments(BINARY, parts, rsv1=True))"
    if form != "fragments":
        write = "frame(BINARY, b''.join(parts), rsv1=True)"
    script = f"""
parts = deflated_zeros(1024)
wire = {write}
step = {1000 if form == "small_chunks" else "len(wire)"}
reassembler = MessageReassembler(
    from_client=False, deflate=agreed, limits=Limits(max_message_size={limit} * MIB)
)
before = memory()
for chunk in pieces(wire, step):
    assert reassembler.receive_events(chunk)[:-1] == []
assert reassembler.error.limit == 'max_message_size'
assert reassembler.error.value == {limit} * MIB
assert reassembler.bytes_buffered == 0
grown(before)
"""
    assert measure(script).peak < (limit + 6) * MIB


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


def test_frames_of_16_mebibytes_take_no_more_than_the_message_limit() -> None:
    script = """
chunk = bytes(MIB)
header = frame(CONTINUATION, b'', fin=False, form=64, announced=16 * MIB)
reassembler = MessageReassembler(from_client=False)
before = memory()
reassembler.receive_data(b'\\x02\\x00')
for _ in range(20):
    reassembler.receive_events(header)
    for _ in range(16):
        reassembler.receive_events(chunk)
assert reassembler.error.limit == 'max_message_size'
assert reassembler.error.offset == 2 + 4 * (10 + 16 * MIB)
grown(before)
"""
    assert measure(script).peak < 72 * MIB


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


def test_fragments_of_one_byte_take_no_list_of_parts() -> None:
    script = """
reassembler = MessageReassembler(from_client=False, limits=Limits(max_fragments=None))
reassembler.receive_data(frame(BINARY, b'a', fin=False))
chunk = frame(CONTINUATION, b'a', fin=False) * 1000
before = memory()
for _ in range(1000):
    reassembler.receive_data(chunk)
assert reassembler.bytes_buffered == 1_000_001
grown(before)
"""
    assert measure(script).peak < 4 * MIB


@pytest.mark.parametrize("agreed", [None, "agreed"])
def test_memory_does_not_grow_over_100000_messages_encoded(agreed: str | None) -> None:
    script = f"""
encoder = FrameEncoder(from_client=True, deflate={agreed})
text = 'größe' * 20
def write(times):
    for _ in range(times):
        encoder.text(text)
        encoder.binary(b'abc' * 10, fragments=[10, 20])
        encoder.ping(b'!')
        try:
            encoder.close(1005)
            raise AssertionError('no error')
        except ValueError:
            pass
write(1_000)
before = memory()
write(100_000)
grown(before)
"""
    assert measure(script).resident < 2 * MIB


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


def test_large_text_beyond_ascii_leaves_no_copy_with_its_str() -> None:
    script = """
text = 'é' * (16 * MIB)
before = memory()
assert len(FrameEncoder(from_client=False).text(text)) > 32 * MIB
grown(before)
"""
    assert measure(script).resident < 2 * MIB


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
