"""WebSockets whose handshake was not captured: they are found, and others are not invented.

`WSDEFRAG_FLOWS` is the number of flows of other protocols, and `WSDEFRAG_SALT` changes the random
choices. `WSDEFRAG_CUTS` cuts the recordings before each packet whose number is a multiple of it.
"""

from __future__ import annotations

import hashlib
import os

import pytest

from capture_conversation import (
    CLIENT,
    Conversation,
    Segment,
    capture_of,
    close,
    one_frame,
    ping,
    text,
)
from capture_cuts import cuts, ends_of, sent_digests
from capture_protocols import PROTOCOLS, flows
from capture_recordings import LOADED, READABLE
from capture_seen import Seen, read
from wire_writer import BINARY, PONG, TEXT, frame

FLOWS = int(os.environ.get("WSDEFRAG_FLOWS", "1500"))
CUTS = int(os.environ.get("WSDEFRAG_CUTS", "11"))
SALT = os.environ.get("WSDEFRAG_SALT", "")

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])
KEYS = [bytes.fromhex(key) for key in ("37fa213d", "c1a80e92", "5b6cd7f4", "e20973a6", "94df4a1b")]


@pytest.mark.random
def test_nothing_is_invented_from_other_protocols() -> None:
    segments: list[Segment] = []
    for _, flow in flows(FLOWS, seed=sum(SALT.encode())):
        segments += flow
    found = read(capture_of(segments), timed=False)
    assert [repr(one) for one in found.connections] == []
    assert found.messages == []


def test_shapes_of_at_least_fifteen_protocols_are_tried() -> None:
    assert len(PROTOCOLS) >= 15
    assert {name for name, _ in flows(len(PROTOCOLS), seed=1)} == set(PROTOCOLS)


@pytest.mark.random
@pytest.mark.parametrize(
    "name", [name for name in READABLE if LOADED[name].path.suffix == ".pcapng"]
)
def test_recording_is_found_wherever_it_is_cut(name: str) -> None:
    """Each connection with three frames after the cut is found, and nothing else is read."""
    sent = sent_digests(LOADED[name])
    for first, wanted, found in cuts(LOADED[name].path, CUTS):
        assert wanted <= ends_of(found), f"without the first {first} packets"
        for message in found.messages:
            if message.status == "ok":
                digest = hashlib.sha256(message.content).hexdigest()
                assert digest in sent[message.connection.client_address]


def masked(opcode: int, payload: bytes, number: int, *, fin: bool = True) -> bytes:
    """A frame of a client; each has a key of its own."""
    return frame(opcode, payload, fin=fin, key=KEYS[number % len(KEYS)])


def midstream(sent: list[tuple[bool, bytes]], port: int = 31_000, only: bool | None = None) -> Seen:
    """Read segments of a connection whose beginning was not captured."""
    talk = Conversation(CLIENT, ("192.0.2.20", port))
    for side, data in sent:
        talk.says(side, data)
    segments = [one for one in talk.segments if only in (None, one.from_client)]
    return read(capture_of(segments), ordered=False)


JSON = [b'{"station":"harbour","wind":%d}' % number for number in range(5)]
STRUCTS = [bytes([0, 1, 0, number, *range(number * 3)]) for number in range(5)]


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize(
    ("name", "opcode", "contents"), [("text", TEXT, JSON), ("binary", BINARY, STRUCTS)]
)
def test_both_sides_are_found_by_three_frames(
    name: str, opcode: int, contents: list[bytes], count: int
) -> None:
    assert name
    sent = [
        (True, masked(opcode, content, number))
        if number % 2 == 0
        else (False, frame(opcode, content))
        for number, content in enumerate(contents[:count])
    ]
    found = midstream(sent)
    assert found.side(True) == [("ok", content) for content in contents[:count:2]]
    assert found.side(False) == [("ok", content) for content in contents[1:count:2]]
    assert found.connection.client_address == CLIENT
    assert found.connection.midstream is True


@SIDES
def test_one_side_alone_is_found_by_three_texts(side: bool) -> None:
    sent = [
        (side, masked(TEXT, content, number) if side else frame(TEXT, content))
        for number, content in enumerate(JSON[:3])
    ]
    assert midstream(sent).side(side) == [("ok", content) for content in JSON[:3]]


def test_heartbeats_alone_are_found() -> None:
    sent: list[tuple[bool, bytes]] = []
    for number in range(3):
        payload = b"beat %d" % number
        sent += [(False, ping(False, payload)), (True, masked(PONG, payload, number))]
    found = midstream(sent)
    assert found.connection.from_client.pings == found.connection.from_server.pings == 3


def test_close_ends_what_is_found() -> None:
    sent = [(True, masked(TEXT, JSON[0], 0)), (False, frame(TEXT, JSON[1]))]
    sent += [(True, close(True)), (False, close(False))]
    found = midstream(sent)
    assert found.contents() == JSON[:2]
    assert found.connection.close is not None
    assert found.connection.close.close_code == 1000


def test_start_inside_a_fragmented_message_is_found_after_it() -> None:
    """Pings stand between its fragments; its rest cannot be read."""
    sent = [
        (False, ping(False, b"1") + frame(0, b"fragment", fin=False)),
        (True, masked(PONG, b"1", 0)),
        (False, ping(False, b"2") + frame(0, b"last")),
        (True, masked(PONG, b"2", 1)),
        *[(False, frame(TEXT, content)) for content in JSON],
    ]
    found = midstream(sent)
    assert found.side(False) == [("ok", content) for content in JSON]
    assert found.connection.from_client.pings == 2


INVENTED: dict[str, list[tuple[bool, bytes]]] = {
    "MQTT SUBSCRIBE": [
        (
            True,
            b"\x82"
            + bytes([9 + number])
            + bytes([0, number, 0, 4 + number])
            + b"topics-a-b"[: 4 + number]
            + b"\0",
        )
        for number in range(6)
    ],
    "frames without masks of both sides": [
        (number % 2 == 0, frame(TEXT, content)) for number, content in enumerate(JSON)
    ],
    "frames with masks of both sides": [
        (number % 2 == 0, masked(BINARY, content, number)) for number, content in enumerate(STRUCTS)
    ],
    "one key for all": [
        (True, frame(BINARY, content, key=b"\x01\x02\x03\x04")) for content in STRUCTS
    ],
    "texts that are none": [(False, frame(TEXT, b"\xff\xfe\0" + content)) for content in STRUCTS],
    "texts with control characters": [(False, frame(TEXT, b"\1\2" + one)) for one in JSON],
    "empty fragments": [(False, b"\x01\0" + b"\0\0" * 5 + b"\x80\0") for _ in range(9)],
    "Close codes that do not exist": [
        (False, frame(BINARY, b"ab")),
        (False, frame(BINARY, b"abc")),
        (False, one_frame(False, 8, b"\0\1")),
    ],
    "constant bytes": [(number % 2 == 0, b"\x81" * 70) for number in range(12)],
    "records of one size": [(False, b"\x82\x04\0\0\0" + bytes([number])) for number in range(20)],
}


@pytest.mark.parametrize("name", INVENTED)
@pytest.mark.parametrize("port", [80, 1883, 31_000])
def test_what_is_likely_something_else_is_not_claimed(name: str, port: int) -> None:
    found = midstream(INVENTED[name], port)
    assert found.connections == []
    assert found.messages == []


def test_port_of_another_protocol_wants_more_proof() -> None:
    sent = [(False, frame(TEXT, content)) for content in JSON[:3]]
    assert midstream(sent, 8080).contents() == JSON[:3]
    assert midstream(sent, 1883).contents() == []
    both = [
        (number % 2 == 0, masked(TEXT, one, number) if number % 2 == 0 else frame(TEXT, one))
        for number, one in enumerate(JSON)
    ]
    assert midstream(both, 1883).contents() == JSON


def test_frames_of_the_side_that_masks_are_read_with_those_of_the_other() -> None:
    """Both were part of the proof, so both come out, in the order of the packets."""
    sent = [
        (False, text(False, "first")),
        (True, masked(TEXT, b"second, and longer", 0)),
        (False, text(False, "third")),
        (True, masked(TEXT, b"fourth, and longer", 1)),
    ]
    assert midstream(sent).contents() == [
        b"first",
        b"second, and longer",
        b"third",
        b"fourth, and longer",
    ]


def test_server_is_read_from_its_first_frame_after_a_101_that_was_not_captured() -> None:
    """The request says that it is a WebSocket, so one frame is enough."""
    talk = Conversation().open().upgrade()
    response = next(one for one in talk.segments if one.payload.startswith(b"HTTP/1.1 101"))
    talk.says(False, text(False, "only"))
    talk.says(True, text(True, "one"))
    talk.end()
    found = read(capture_of(talk.without(response)), ordered=False)
    assert found.side(False) == [("ok", b"only")]
    assert found.side(True) == [("ok", b"one")]
