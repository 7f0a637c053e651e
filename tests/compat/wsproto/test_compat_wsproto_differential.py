"""The drop-in does what wsproto does, byte by byte of its input and event by event of its output.

Streams are valid or damaged, and cut anywhere. Everything visible of a connection has to be the
same: each event's class, its fields and their types, the state at each event, which calls raise and
with which text, and the bytes of the answers. A difference is tolerated where wsproto's reading
differs from the package's by an entry of `DISAGREEMENTS` (`wire_disagreements.py`).
"""

from __future__ import annotations

import re
import struct
from itertools import zip_longest
from typing import Any

import pytest
import wsproto.connection
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

import wsdefrag.compat.wsproto as ours
from compat_wsproto import CLASSES, Connection, calm, extensions, fed, messages, pair
from properties import examples
from wire_case import Case
from wire_cases import CASES
from wire_disagreements import difference, explanation
from wire_peers import Direction
from wire_streams import Stream, broken, cuts, deflates, loose_frames, streams
from wsdefrag import DeflateParams

AGREED = st.none() | deflates(st.integers(9, 15))


def is_explained(direction: Direction) -> bool:
    """Whether wsproto reads this otherwise than the package, and a paragraph says why."""
    found = difference("wsproto", direction)
    return found is not None and explanation(found) is not None


def says(step: object, reason: str) -> bool:
    """Whether a step of a trace is a ``CloseConnection`` with this reason."""
    match step:
        case ((event, _, (_, str(said))), _) if event is CloseConnection:
            return re.fullmatch(reason, said) is not None
        case _:
            return False


def is_known(ours: list[Any], theirs: list[Any]) -> bool:
    """Whether the first difference is one that shows on single frames only.

    - RFC 3629 section 4: after ED comes 80 to 9F. wsproto waits for a third byte to say so.
    - RFC 6455 section 5.4: a data frame inside a message is out of order whatever it holds. wsproto
      inflates it first, as a part of the message.
    - RFC 7692 section 7.2.2: a compressed message ends where its last block does. wsproto takes one
      that was cut, and then may find that what it inflated is no text. Both close with 1007.
    - RFC 7692 section 7.2.1: where a fragment ends with 00 00 FF FF, which may be a tail that its
      sender left on, the drop-in gives its last byte with the next fragment.
    """
    one, other = next((a, b) for a, b in zip_longest(ours, theirs) if a != b)
    if says(
        one, r"'utf-8' codec can't decode byte 0xed in position \d+: invalid continuation byte"
    ):
        return other[0][0] is TextMessage
    if says(one, "error in extension"):
        return says(other, "'utf-8' codec can't decode .*")
    if one[0][0] is other[0][0] is BytesMessage:
        (_, part), (_, whole) = one[0][1], other[0][1]
        return bool(whole == part + b"\xff")
    return says(one, "expected CONTINUATION, got .*") and says(other, "error in extension")


def compare(direction: Direction, chunks: list[bytes], answer: bool = False) -> None:
    traces = [
        list(fed(connection, chunks, answer))
        for connection in pair(direction.from_client, direction.deflate)
    ]
    if traces[0] != traces[1] and not is_explained(direction) and not is_known(*traces):
        assert traces[0] == traces[1]


def test_the_two_are_not_the_same() -> None:
    assert wsproto.connection.Connection is not ours.Connection


@examples(100)
@given(stream=streams(AGREED, interleaved=False), data=st.data(), answer=st.booleans())
def test_valid_stream_gives_the_same(stream: Stream, data: st.DataObject, answer: bool) -> None:
    chunks = data.draw(cuts(stream.wire))
    direction = Direction(stream.wire, stream.from_client, stream.deflate)
    compare(direction, chunks, answer)


@examples(200)
@given(stream=streams(AGREED), data=st.data(), answer=st.booleans())
def test_damaged_stream_gives_the_same(stream: Stream, data: st.DataObject, answer: bool) -> None:
    wire = data.draw(broken(stream.wire))
    direction = Direction(wire, stream.from_client, stream.deflate)
    compare(direction, data.draw(cuts(wire)), answer)


@examples(200)
@given(wire=st.lists(loose_frames(), max_size=4).map(b"".join), data=st.data())
def test_loose_frames_give_the_same(wire: bytes, data: st.DataObject) -> None:
    direction = Direction(wire, data.draw(st.booleans()), data.draw(AGREED))
    compare(direction, data.draw(cuts(wire)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_table_of_wire_bytes_gives_the_same(case: Case) -> None:
    if case.deflate is not None and 8 in (
        case.deflate.client_max_window_bits,
        case.deflate.server_max_window_bits,
    ):
        # wsproto has no such extension; `test_compat_wsproto_defects.py` has.
        return
    direction = Direction(case.wire, case.from_client, case.deflate)
    compare(direction, [case.wire])
    compare(direction, [case.wire[at : at + 1] for at in range(len(case.wire))])


_data: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40),
    st.sampled_from([125, 126, 127, 65535, 65536]).map(bytes),
    st.sampled_from([125, 126, 127, 65535, 65536]).map("x".__mul__),
    st.binary(max_size=20).map(bytearray),
    st.binary(max_size=20).map(lambda content: memoryview(content)),
    st.sampled_from([None, 7, ["a"], "\ud800"]),
)
_payloads: st.SearchStrategy[Any] = st.one_of(
    st.binary(max_size=130), st.sampled_from([bytearray(b"x"), memoryview(b"y"), "text", None, [1]])
)
_codes: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(CloseReason), st.integers(0, 65535), st.sampled_from([None, -1, 65536, "x"])
)
_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(TextMessage, data=_data, message_finished=st.booleans()),
    st.builds(BytesMessage, data=_data, message_finished=st.booleans()),
    st.builds(Message, data=_data, message_finished=st.booleans()),
    st.builds(Ping, payload=_payloads),
    st.builds(Pong, payload=_payloads),
    st.builds(CloseConnection, code=_codes, reason=st.none() | st.text(max_size=80)),
)
_REFUSED = (LocalProtocolError, TypeError, ValueError, OverflowError, struct.error)


def sent(connection: Connection, event: Event) -> object:
    """What an event is written as, or the exception it raises."""
    try:
        return connection.send(event)
    except _REFUSED as error:
        return type(error), str(error)


@examples(200)
@given(side=st.sampled_from(ConnectionType), events=st.lists(_events, max_size=8))
def test_sending_writes_and_raises_the_same(side: ConnectionType, events: list[Event]) -> None:
    one, other = (made(side) for made in CLASSES.values())
    for event in events:
        ours, theirs = sent(one, event), sent(other, event)
        assert type(ours) is type(theirs)
        if isinstance(ours, bytes) and isinstance(theirs, bytes):
            assert calm(ours) == calm(theirs)
        else:
            assert ours == theirs
        assert one.state is other.state


@examples(100)
@given(
    side=st.sampled_from(ConnectionType),
    deflate=deflates(st.integers(9, 15)),
    contents=st.lists(
        st.lists(st.text(max_size=300), min_size=1, max_size=4)
        | st.lists(st.binary(max_size=300), min_size=1, max_size=4),
        max_size=4,
    ),
)
def test_what_is_sent_compressed_is_read_by_wsproto(
    side: ConnectionType, deflate: DeflateParams, contents: list[list[Any]]
) -> None:
    sender = ours.Connection(side, extensions(deflate))
    peers = {
        ConnectionType.CLIENT: ConnectionType.SERVER,
        ConnectionType.SERVER: ConnectionType.CLIENT,
    }
    receiver = wsproto.connection.Connection(peers[side], extensions(deflate))
    expected = []
    for parts in contents:
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            receiver.receive_data(sender.send(Message(data=part, message_finished=last)))
        expected.append(type(parts[0])().join(parts))
    assert messages(receiver, b"") == expected
