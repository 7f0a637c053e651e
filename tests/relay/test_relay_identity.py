"""Unchanged data is forwarded as the received bytes, at the moment that the mode promises.

- "messages": an event's frames when it is forwarded. Control frames inside a message come first.
- "frames": every whole frame, as soon as it is whole.
- "bytes": everything that arrived, but control frames as a whole, and headers, which have
  to be whole to be judged.
- masking="fresh" changes the masking keys and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from relay_peers import Receiver, Sender
from relay_talk import MODES, Talk, seen
from relay_wires import Mode, relay_of
from wire_streams import Stream, Written, cuts, streams
from wire_writer import read_frames


def relay_for(stream: Stream, mode: Mode, **options: Any) -> Any:
    return relay_of(mode, deflate=stream.deflate, **options)


def event_wires(stream: Stream) -> list[bytes]:
    """The bytes of each event's frames."""
    wires: list[bytes] = []
    open_ones: list[Written] = []
    for one in stream.frames:
        if one.opcode >= 8:
            wires.append(stream.wire[one.offset : one.end])
            continue
        open_ones.append(one)
        if one.fin:
            wires.append(b"".join(stream.wire[part.offset : part.end] for part in open_ones))
            open_ones = []
    return wires


def sent_by(arrived: int, stream: Stream, mode: Mode) -> range:
    """How many bytes may be out when so many have arrived."""
    current = next((one for one in stream.frames if one.end > arrived), None)
    if current is None:
        return range(arrived, arrived + 1)
    payload = current.end - len(current.payload)
    if mode == "frames" or current.opcode >= 8:
        return range(current.offset, current.offset + 1)
    if arrived < payload:
        return range(current.offset, arrived + 1)
    return range(arrived, arrived + 1)


@examples(200)
@given(data=st.data(), stream=streams())
def test_messages_and_control_frames_go_on_as_they_came(
    data: st.DataObject, stream: Stream
) -> None:
    relay = relay_for(stream, "messages")
    wires = event_wires(stream)
    assert len(wires) == len(stream.events)
    waiting = list(wires)
    for chunk in data.draw(cuts(stream.wire)):
        events = relay.receive_data(chunk, from_client=stream.from_client)
        for event in events:
            relay.forward(event)
        expected = b"".join(waiting[: len(events)])
        del waiting[: len(events)]
        assert relay.data_to_send(to_client=not stream.from_client) == expected
    assert waiting == []
    assert relay.bytes_buffered == 0
    assert relay.data_to_send(to_client=stream.from_client) == b""


@examples(100)
@given(stream=streams(), chunked=st.data())
def test_deciding_late_changes_nothing(stream: Stream, chunked: st.DataObject) -> None:
    relay = relay_for(stream, "messages")
    events = [
        event
        for chunk in chunked.draw(cuts(stream.wire))
        for event in relay.receive_data(chunk, from_client=stream.from_client)
    ]
    for event in events:
        relay.forward(event)
    assert relay.data_to_send(to_client=not stream.from_client) == b"".join(event_wires(stream))


@pytest.mark.parametrize("mode", ["frames", "bytes"])
@examples(200)
@given(data=st.data(), stream=streams())
def test_output_equals_input_at_every_moment(
    mode: Mode, data: st.DataObject, stream: Stream
) -> None:
    relay = relay_for(stream, mode)
    events = []
    out = b""
    arrived = 0
    for chunk in data.draw(cuts(stream.wire)):
        events += relay.receive_data(chunk, from_client=stream.from_client)
        out += relay.data_to_send(to_client=not stream.from_client)
        arrived += len(chunk)
        assert out == stream.wire[: len(out)]
        assert len(out) in sent_by(arrived, stream, mode)
    assert out == stream.wire
    assert tuple(seen(events)) == stream.events
    assert relay.bytes_buffered == 0
    assert relay.data_to_send(to_client=stream.from_client) == b""


@pytest.mark.parametrize("mode", MODES)
@examples(25)
@given(data=st.data(), stream=streams(max_messages=3))
def test_both_directions_at_once_do_not_meet(
    mode: Mode, data: st.DataObject, stream: Stream
) -> None:
    """The other direction sends plain pings and messages of its own meanwhile."""
    relay = relay_for(stream, mode)
    other = Receiver(not stream.from_client, stream.deflate)
    speaker = Sender(not stream.from_client)
    out = b""
    said: list[object] = []
    for number, chunk in enumerate(data.draw(cuts(stream.wire))):
        events = relay.receive_data(chunk, from_client=stream.from_client)
        mine = b"%d" % number
        wire = speaker.binary(mine) + speaker.ping(mine)
        said += [("binary", mine), ("ping", mine)]
        events += relay.receive_data(wire, from_client=not stream.from_client)
        if mode == "messages":
            for event in events:
                relay.forward(event)
        out += relay.data_to_send(to_client=not stream.from_client)
        other.take(relay.data_to_send(to_client=stream.from_client))
    expected = b"".join(event_wires(stream)) if mode == "messages" else stream.wire
    assert out == expected
    assert other.events == said


def _fresh(stream: Stream, mode: Mode, chunks: Iterable[bytes]) -> bytes:
    relay = relay_for(stream, mode, masking="fresh")
    out = b""
    for chunk in chunks:
        for event in relay.receive_data(chunk, from_client=stream.from_client):
            if mode == "messages":
                relay.forward(event)
        out += relay.data_to_send(to_client=not stream.from_client)
    assert relay.bytes_buffered == 0
    return out


@pytest.mark.parametrize("mode", MODES)
@examples(100)
@given(data=st.data(), stream=streams())
def test_fresh_masking_changes_the_keys_and_nothing_else(
    mode: Mode, data: st.DataObject, stream: Stream
) -> None:
    out = _fresh(stream, mode, data.draw(cuts(stream.wire)))
    expected = b"".join(event_wires(stream)) if mode == "messages" else stream.wire
    if not stream.from_client:
        assert out == expected
        return
    before, _ = read_frames(expected)
    after, rest = read_frames(out)
    assert rest == b""
    assert [(one.first, one.form, one.payload) for one in after] == [
        (one.first, one.form, one.payload) for one in before
    ]
    # Four bytes may be the same by chance; not those of two frames.
    same = [one.key == other.key for one, other in zip(before, after, strict=True)]
    assert sum(same) < 2
    receiver = Receiver(True, stream.deflate)
    receiver.take(out)
    assert tuple(receiver.events) == stream.events


@pytest.mark.parametrize("mode", MODES)
def test_fresh_keys_differ_from_frame_to_frame(mode: Mode) -> None:
    talk = Talk(mode, masking="fresh")
    for _ in range(20):
        talk.pass_on(talk.client.text("a", "b"))
    keys = [one.key for one in talk.at_server.frames]
    assert len(keys) == 40
    assert len(set(keys)) >= 39
    assert talk.client.key not in keys
