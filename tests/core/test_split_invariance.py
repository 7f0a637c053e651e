"""The result of reading a direction does not depend on how it is cut into chunks.

Any split of the same bytes gives the same events, the same error at the same offset with the
same text, and the same counts, whether the bytes are valid, damaged or noise.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

import wsdefrag
from properties import examples
from wire_case import Case, as_seen, observe, observe_messages
from wire_streams import Stream, broken, cases, cuts, loose_frames, streams


@examples(250)
@given(data=st.data(), stream=streams())
def test_valid_stream_cut_anywhere_gives_its_events(data: st.DataObject, stream: Stream) -> None:
    case = stream.case()
    seen = observe(case, data.draw(cuts(stream.wire)))
    assert (seen.sees, seen.ends) == (stream.events, None)
    assert seen == observe(case, [stream.wire])


@examples(400)
@given(data=st.data(), stream=streams(max_messages=3))
def test_damaged_stream_cut_anywhere_gives_the_same(data: st.DataObject, stream: Stream) -> None:
    wire = data.draw(broken(stream.wire))
    case = replace(stream.case(), wire=wire)
    chunks = data.draw(cuts(wire))
    assert observe(case, chunks) == observe(case, [wire])
    assert observe_messages(case, chunks) == observe_messages(case, [wire])


@examples(400)
@given(data=st.data(), case=cases, frames=st.lists(loose_frames(), max_size=8))
def test_loose_frames_cut_anywhere_give_the_same(
    data: st.DataObject, case: Case, frames: list[bytes]
) -> None:
    wire = b"".join(frames)
    chunks = data.draw(cuts(wire))
    assert observe(case, chunks) == observe(case, [wire])
    assert observe_messages(case, chunks) == observe_messages(case, [wire])


@examples(200)
@given(data=st.data(), stream=streams(max_messages=3))
def test_truncated_stream_gives_the_events_that_fit_and_nothing_else(
    data: st.DataObject, stream: Stream
) -> None:
    size = data.draw(st.integers(0, len(stream.wire)))
    wire = stream.wire[:size]
    seen = observe(stream.case(), data.draw(cuts(wire)))
    assert seen.sees == tuple(
        event for event, end in zip(stream.events, stream.ends, strict=True) if end <= size
    )


@examples(200)
@given(data=st.data(), stream=streams(max_messages=3))
def test_event_carries_the_time_of_the_chunk_that_completed_it(
    data: st.DataObject, stream: Stream
) -> None:
    chunks = data.draw(cuts(stream.wire))
    direction = stream.case().direction()
    events: list[wsdefrag.Event] = []
    for index, chunk in enumerate(chunks):
        events += direction.receive_data(chunk, timestamp=float(index))
    arrived = list(accumulate(len(chunk) for chunk in chunks))
    expected = [float(bisect_left(arrived, end)) for end in stream.ends]
    assert [event.timestamp for event in events] == expected


@examples(200)
@given(data=st.data(), stream=streams(max_messages=3))
def test_frame_decoder_gives_the_same_frames_however_cut(
    data: st.DataObject, stream: Stream
) -> None:
    wire = data.draw(broken(stream.wire) | st.just(stream.wire))

    def decode(chunks: list[bytes]) -> tuple[list[wsdefrag.Frame], str, int, int]:
        decoder = wsdefrag.FrameDecoder(from_client=stream.from_client, deflate=stream.deflate)
        frames: list[wsdefrag.Frame] = []
        for chunk in chunks:
            if decoder.error is None:
                frames += decoder.receive_data(chunk)
        return frames, repr(decoder.error), decoder.bytes_buffered, len(frames)

    assert decode(data.draw(cuts(wire))) == decode([wire])


@examples(100)
@given(data=st.data(), stream=streams(max_messages=3))
def test_both_classes_give_the_same_messages_and_the_same_state(
    data: st.DataObject, stream: Stream
) -> None:
    case = stream.case()
    reassembler, direction = case.reassembler(), case.direction()
    messages: list[object] = []
    for chunk in data.draw(cuts(stream.wire)):
        got = [as_seen(message) for message in reassembler.receive_data(chunk)]
        events = direction.receive_data(chunk)
        told = [as_seen(one) for one in events if isinstance(one, wsdefrag.WebSocketMessage)]
        assert got == told
        assert state(reassembler) == state(direction)
        messages += got
    reassembler.receive_eof()
    assert direction.receive_eof() == []
    assert messages == [seen for seen in stream.events if seen[0] in ("text", "binary")]


def state(reader: wsdefrag.DirectionState) -> tuple[object, ...]:
    """All that both classes show, but for the time of a Close."""
    close = reader.close_received
    return (
        repr(reader.error),
        close and (close.close_code, close.close_reason, close.offset),
        reader.bytes_received,
        reader.bytes_buffered,
        reader.bytes_discarded,
        reader.tolerated,
    )
