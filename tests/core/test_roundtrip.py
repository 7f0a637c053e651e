"""The package decodes the bytes of an independent writer to the writer's messages.

Both directions, any masking key, messages in any fragments with control frames between them,
every deflate window from 8 to 15 bits, with and without context takeover.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsdefrag
from properties import examples
from wire_case import as_seen
from wire_streams import Stream, deflates, streams
from wire_writer import BINARY, KEY, Deflater, frame, mask
from wsdefrag import DeflateParams


@examples(300)
@given(stream=streams())
def test_written_stream_is_read_back(stream: Stream) -> None:
    reader = stream.case().direction()
    events = reader.receive_data(stream.wire)
    assert tuple(as_seen(event) for event in events) == stream.events
    assert reader.bytes_buffered == 0
    assert reader.bytes_discarded == 0
    assert reader.receive_eof() == []


@pytest.mark.parametrize("alone", [False, True], ids=["takeover", "no_takeover"])
@pytest.mark.parametrize("bits", range(8, 16))
@examples(25)
@given(data=st.data())
def test_written_deflate_stream_is_read_back(data: st.DataObject, bits: int, alone: bool) -> None:
    agreed = DeflateParams(
        server_no_context_takeover=alone,
        client_no_context_takeover=alone,
        server_max_window_bits=bits,
        client_max_window_bits=bits,
    )
    stream = data.draw(streams(st.just(agreed)))
    events = stream.case().direction().receive_data(stream.wire)
    assert tuple(as_seen(event) for event in events) == stream.events


@examples(150)
@given(stream=streams())
def test_written_frames_are_decoded_with_all_their_fields(stream: Stream) -> None:
    decoder = wsdefrag.FrameDecoder(from_client=stream.from_client, deflate=stream.deflate)
    frames = decoder.receive_data(stream.wire)
    decoder.receive_eof()
    assert len(frames) == len(stream.frames)
    for one, written in zip(frames, stream.frames, strict=True):
        assert one.opcode == written.opcode
        assert (one.fin, one.rsv1, one.rsv2, one.rsv3) == (written.fin, written.rsv1, False, False)
        assert one.masking_key == written.key
        assert one.masked == (written.key is not None)
        assert one.payload == written.payload
        assert (one.offset, one.wire_length) == (written.offset, written.end - written.offset)


@examples(150)
@given(stream=streams())
def test_control_events_carry_the_offset_of_their_frame(stream: Stream) -> None:
    events = stream.case().direction().receive_data(stream.wire)
    offsets = [event.offset for event in events if not isinstance(event, wsdefrag.WebSocketMessage)]
    assert offsets == [written.offset for written in stream.frames if written.opcode >= 8]


@examples(80)
@given(agreed=deflates(), data=st.data())
def test_both_directions_of_a_connection_are_read_back(
    agreed: DeflateParams, data: st.DataObject
) -> None:
    connection = wsdefrag.WebSocketConnection(deflate=agreed)
    drawn = [data.draw(streams(st.just(agreed), closed=False)) for _ in range(3)]
    sides = {one.from_client: one for one in drawn}
    seen: dict[bool, list[object]] = {side: [] for side in sides}
    for start in range(0, max(len(one.wire) for one in sides.values()), 7):
        for side, one in sides.items():
            chunk = one.wire[start : start + 7]
            events = connection.receive_data(chunk, from_client=side)
            seen[side] += [as_seen(event) for event in events]
    assert {side: tuple(events) for side, events in seen.items()} == {
        side: one.events for side, one in sides.items()
    }
    messages = [
        event for one in sides.values() for event in one.events if event[0] in ("text", "binary")
    ]
    assert len(connection.websocket.messages) == len(messages)


@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("takeover", [True, False])
def test_messages_larger_than_the_window_are_read_back(bits: int, takeover: bool) -> None:
    sender = Deflater(bits, takeover=takeover)
    content = b"".join(index.to_bytes(3, "big") * (index % 5) for index in range(20_000))
    payloads = [sender.compress(content) for _ in range(3)]
    reassembler = wsdefrag.MessageReassembler(
        from_client=True,
        deflate=DeflateParams(client_max_window_bits=bits, client_no_context_takeover=not takeover),
    )
    wire = b"".join(frame(BINARY, payload, rsv1=True, key=KEY) for payload in payloads)
    assert [message.content for message in reassembler.receive_data(wire)] == [content] * 3


@examples(200)
@given(payload=st.binary(max_size=300), key=st.binary(min_size=4, max_size=4))
def test_mask_of_the_writer_is_byte_by_byte_exclusive_or(payload: bytes, key: bytes) -> None:
    expected = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    assert mask(payload, key) == expected
