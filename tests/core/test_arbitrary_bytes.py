"""Any bytes are read to their end, without a crash and within the limits on memory.

For any bytes in any chunks: calls that return events raise nothing, calls that return messages
raise only the package's own errors, every byte is counted, what is held stays below the limits, and
no message exceeds them.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsdefrag
from properties import examples
from wire_case import Case, attempt
from wire_streams import Stream, broken, cases, cuts, loose_frames, streams
from wsdefrag import Limits

HEADER = 14
"""The longest header: two bytes, eight of length, four of masking key (RFC 6455 section 5.2)."""

CONTROL = 125
"""The longest payload of a control frame (RFC 6455 section 5.5)."""

NARROW = Limits(max_frame_size=40, max_message_size=60, max_fragments=5)
noise = st.one_of(
    st.binary(max_size=200),
    st.lists(loose_frames(), max_size=12).map(b"".join),
    st.lists(st.sampled_from([b"\x81", b"\x82\x7f", b"\xc1\x00", b"\x00", b"\xff"])).map(b"".join),
)


def check(case: Case, chunks: list[bytes]) -> None:
    """Feed chunks to both classes, and hold every bound after every chunk."""
    direction, plain = case.direction(), case.reassembler()
    assert case.limits is not None
    assert case.limits.max_message_size is not None
    assert case.limits.max_frame_size is not None
    bound = case.limits.max_message_size + case.limits.max_frame_size + CONTROL + HEADER
    fed = 0
    for chunk in chunks:
        fed += len(chunk)
        for event in direction.receive_data(chunk):
            if isinstance(event, wsdefrag.WebSocketMessage):
                assert len(event.content) <= case.limits.max_message_size
            elif isinstance(event, (wsdefrag.Ping, wsdefrag.Pong)):
                assert len(event.payload) <= CONTROL
            repr(event)
        _, raised = attempt(partial(plain.receive_data, chunk))
        assert not isinstance(raised, wsdefrag.IncompleteMessage)
        assert direction.bytes_received == plain.bytes_received == fed
        assert direction.bytes_buffered <= bound
        assert direction.bytes_discarded <= fed
        if direction.error is not None:
            assert direction.close_received is None
            assert direction.bytes_buffered == 0
            assert 0 <= direction.error.offset < fed
    ends = direction.receive_eof()
    assert len(ends) <= 1
    if direction.error is not None:
        with pytest.raises(type(direction.error)):
            plain.receive_eof()
    elif ends:
        with pytest.raises(wsdefrag.IncompleteMessage):
            plain.receive_eof()
    else:
        plain.receive_eof()
    with pytest.raises(ValueError, match=r"\S"):
        direction.receive_data(b"")


@examples(500)
@given(data=st.data(), case=cases, wire=noise)
def test_any_bytes_are_read_within_the_limits(data: st.DataObject, case: Case, wire: bytes) -> None:
    check(replace(case, limits=NARROW), data.draw(cuts(wire)))


@examples(300)
@given(data=st.data(), stream=streams(max_messages=4))
def test_damaged_streams_are_read_within_the_limits(data: st.DataObject, stream: Stream) -> None:
    wire = data.draw(broken(stream.wire))
    limits = data.draw(st.sampled_from([NARROW, Limits(max_message_size=5000, max_fragments=3)]))
    check(replace(stream.case(), limits=limits), data.draw(cuts(wire)))


@examples(300)
@given(data=st.data(), case=cases, wire=noise)
def test_any_bytes_are_decoded_to_frames_within_the_limits(
    data: st.DataObject, case: Case, wire: bytes
) -> None:
    decoder = wsdefrag.FrameDecoder(
        from_client=case.from_client,
        deflate=case.deflate,
        limits=NARROW,
        strictness=case.strictness,
    )
    end = 0
    for chunk in data.draw(cuts(wire)):
        known = decoder.error
        frames, raised = attempt(partial(decoder.receive_data, chunk))
        assert (raised is None) == (known is None)
        for one in frames or []:
            assert one.offset == end
            assert len(one.payload) <= CONTROL
            assert pickle.loads(pickle.dumps(one)) == one
            end += one.wire_length
        assert decoder.bytes_buffered <= CONTROL + HEADER
    assert end <= decoder.bytes_received <= len(wire)


@examples(300)
@given(sides=st.lists(st.tuples(st.booleans(), st.binary(max_size=30)), max_size=8), case=cases)
def test_any_bytes_on_both_sides_of_a_connection_are_read(
    sides: list[tuple[bool, bytes]], case: Case
) -> None:
    connection = wsdefrag.WebSocketConnection(
        deflate=case.deflate, limits=NARROW, strictness=case.strictness
    )
    for from_client, chunk in sides:
        for event in connection.receive_data(chunk, from_client=from_client):
            assert event.from_client == from_client
    for from_client in (True, False):
        connection.receive_eof(from_client=from_client)
    repr(connection.websocket)
    assert connection.websocket.timestamp_end is not None


@examples(500)
@given(
    value=st.one_of(
        st.text(max_size=80),
        st.binary(max_size=80),
        st.lists(
            st.sampled_from(
                [
                    "permessage-deflate",
                    "client_max_window_bits",
                    "server_max_window_bits",
                    "server_no_context_takeover",
                    ";",
                    "=",
                    ",",
                    '"',
                    " ",
                    "8",
                    "15",
                    "16",
                    "\\",
                ]
            ),
            max_size=12,
        ).map("".join),
    )
)
def test_any_extension_header_is_read_or_refused(value: str | bytes) -> None:
    try:
        params = wsdefrag.DeflateParams.from_header(value)
    except ValueError:
        return
    assert params is None or 8 <= params.server_max_window_bits <= 15
