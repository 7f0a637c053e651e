"""Memory does not grow with the number of messages, connections or errors.

The bounds allow for the allocator's behaviour, and are far below what a leak would cost.
"""

from __future__ import annotations

import pytest

from memory_growth import MIB, measure, needs_proc

pytestmark = needs_proc


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


@pytest.mark.parametrize("retain", ["0", "10"])
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
        reassembler = MessageReassembler(
            from_client=False, deflate=agreed, limits=Limits(max_message_size=80_000)
        )
        reassembler.receive_data(ends[index % len(ends)])
        try:
            reassembler.receive_eof()
            raise AssertionError('no error')
        except wsdefrag.WebSocketError:
            pass
read(1_000)
before = memory()
read(10_000)
grown(before)
"""
    assert measure(script).resident < 3 * MIB


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
