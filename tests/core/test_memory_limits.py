"""A hostile stream takes no more memory than its limits allow, and none after its end."""

from __future__ import annotations

import pytest

from memory_growth import MIB, measure, needs_freed_memory_back, needs_proc

pytestmark = needs_proc


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
direction = WebSocketDirection(from_client=False)
last = {last}
direction.receive_data(b'\\x01\\x05hello' + last)
chunk = frame(BINARY, bytes(MIB - 10))
direction.receive_data(chunk)
before = memory()
for _ in range(1023):
    assert direction.receive_data(chunk) == []
assert (direction.error is None) != (direction.close_received is None)
assert direction.bytes_discarded == (1 << 30) + {counted}
assert direction.bytes_buffered == {held}
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


@pytest.mark.parametrize(
    "limit", [1, *(pytest.param(limit, marks=needs_freed_memory_back) for limit in (16, 64))]
)
@pytest.mark.parametrize("form", ["frame", "fragments", "small_chunks"])
def test_bomb_of_one_gibibyte_takes_no_more_than_the_limit(form: str, limit: int) -> None:
    write = "b''.join(fragments(BINARY, parts, rsv1=True))"
    if form != "fragments":
        write = "frame(BINARY, b''.join(parts), rsv1=True)"
    script = f"""
parts = deflated_zeros(1024)
wire = {write}
step = {1000 if form == "small_chunks" else "len(wire)"}
direction = WebSocketDirection(
    from_client=False, deflate=agreed, limits=Limits(max_message_size={limit} * MIB)
)
before = memory()
for chunk in pieces(wire, step):
    assert direction.receive_data(chunk)[:-1] == []
assert direction.error.kind == 'max_message_size'
assert direction.error.value == {limit} * MIB
assert direction.bytes_buffered == 0
grown(before)
"""
    assert measure(script).peak < (limit + 6) * MIB


@needs_freed_memory_back
def test_frames_of_16_mebibytes_take_no_more_than_the_message_limit() -> None:
    script = """
chunk = bytes(MIB)
header = frame(CONTINUATION, b'', fin=False, form=64, announced=16 * MIB)
direction = WebSocketDirection(from_client=False)
before = memory()
direction.receive_data(b'\\x02\\x00')
for _ in range(20):
    direction.receive_data(header)
    for _ in range(16):
        direction.receive_data(chunk)
assert direction.error.kind == 'max_message_size'
assert direction.error.offset == 2 + 4 * (10 + 16 * MIB)
grown(before)
"""
    assert measure(script).peak < 72 * MIB


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
