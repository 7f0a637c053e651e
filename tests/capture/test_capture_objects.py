"""The objects of a capture can be shown, copied and pickled."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from capture_conversation import Conversation, capture_of, one_frame, text
from capture_recordings import recordings
from capture_seen import read
from capture_values import CONNECTION_FIELDS, MESSAGE_FIELDS
from wsdefrag.capture import (
    Account,
    Capture,
    CapturedClose,
    CapturedConnection,
    CapturedMessage,
    CapturedRequest,
    CapturedResponse,
    CapturedTls,
    PacketCounts,
    TlsAccount,
)
from wsdefrag.opcode import Opcode

CAPTURES = recordings.DIRECTORY
DEMO = CAPTURES / "demo.pcapng"
LONGEST = 199
HUGE = 2**63 - 1
WILD = "\N{SNOWMAN}\x00\U0001f600\\'\"" * 10_000
"""A text that is long, and longer still where it is escaped."""

FIELDS = (("X", b"\xff" * 60_000),) * 100
REQUEST = CapturedRequest(f"/{WILD}", (("Host", WILD.encode()), *FIELDS), HUGE)
CONNECTION = CapturedConnection(
    connection=HUGE,
    uid=bytes(16),
    client_address=("2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff", 65_535),
    server_address=("2001:0db8:ffff:ffff:ffff:ffff:ffff:fffe", 65_534),
    request=REQUEST,
    response=None,
    deflate=None,
    accept_key_ok=None,
    midstream=True,
    opened_ns=HUGE,
    started_ns=HUGE,
    last_ns=HUGE,
    first_packet=HUGE,
    last_packet=HUGE,
    file="a.pcap",
    close=None,
    from_client=Account(messages=HUGE),
    from_server=Account(messages=HUGE),
    ended="end_of_capture",
    problems=(WILD,) * 32,
)


def message(content: bytes = b"hi", *, type: int = Opcode.TEXT, status: str = "ok") -> Any:
    return CapturedMessage(
        *(CONNECTION, 0, True, type, content, 1, 1, False, False, 1, 2, 2, False, status, 0),
        *(False, False, 1, 1),
    )


COUNTERS: dict[str, Any] = {field.name: HUGE for field in fields(Account) if field.type == "int"}
COUNTS: dict[str, Any] = {field.name: HUGE for field in fields(PacketCounts)}

LARGEST: dict[str, Callable[[], object]] = {
    "message of zeros": lambda: message(bytes(5_000_000), type=2, status="protocol_error"),
    "message of text": lambda: message(WILD.encode()),
    "message of wrong text": lambda: message(b"\xff" * 5_000_000, status="invalid_utf8"),
    "request": lambda: REQUEST,
    "response": lambda: CapturedResponse(101, WILD, FIELDS, HUGE),
    "close": lambda: CapturedClose(True, 4999, WILD, HUGE),
    "tls": lambda: CapturedTls("no_server_hello", WILD, WILD, WILD, WILD),
    "account of tls": lambda: TlsAccount(*[HUGE] * 5),
    "account": lambda: Account(**COUNTERS, violation=WILD),
    "account without a violation": lambda: Account(**COUNTERS, tolerated={"utf8": HUGE}),
    "counts": lambda: PacketCounts(**COUNTS | {"unknown_links": dict.fromkeys(range(1000), HUGE)}),
    "connection": lambda: CONNECTION,
    "capture": lambda: Capture(
        [f"{WILD}.pcap"] * 1000, hosts=["*"] * 1000, since=1, types=["text"]
    ),
    "tables": lambda: Capture([f"{'x' * 5000}.pcap"] * 1000).to_arrow(),
    "table": lambda: Capture(f"{'x' * 5000}.pcap").to_arrow().connections,
    "reader": lambda: Capture([f"{'x' * 5000}.pcap"] * 1000).read(),
}


@pytest.mark.parametrize("made", LARGEST.values(), ids=LARGEST)
def test_repr_is_one_short_line(made: Callable[[], object]) -> None:
    shown = repr(made())
    assert len(shown) <= LONGEST
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (message(), f"<CapturedMessage {HUGE} -> 'hi'>"),
        (message("ä".encode() * 28), f"<CapturedMessage {HUGE} -> '{'ä' * 14}'... (56 bytes)>"),
        (
            message(b"x" + "ä".encode() * 28),
            f"<CapturedMessage {HUGE} -> 'x{'ä' * 13}'... (57 bytes)>",
        ),
        (message(b"\xff", status="invalid_utf8"), f"<CapturedMessage {HUGE} -> '�' invalid_utf8>"),
        (
            message(b"\x01", status="undecodable"),
            f"<CapturedMessage {HUGE} -> b'\\x01' undecodable>",
        ),
        (message(b"\x00\x01", type=2), f"<CapturedMessage {HUGE} -> b'\\x00\\x01'>"),
        (Account(), "Account()"),
        (Account(bytes=10, skipped=4), "Account(bytes=10, skipped=4)"),
        (Account(bytes=10, violation="no"), "Account(violation='no', bytes=10)"),
        (Account(violation="no"), "Account(violation='no')"),
        (
            PacketCounts(packets=3, unknown_links={7: 1}),
            "PacketCounts(packets=3, unknown_links={7: 1})",
        ),
        (
            CapturedRequest("/chat", (("Host", b"a"),), 0),
            "<CapturedRequest '/chat', 1 header field>",
        ),
        (CapturedResponse(403, "No", (), 0), "<CapturedResponse 403 'No', 0 header fields>"),
        (Capture("a.pcap"), "<Capture 'a.pcap'>"),
        (
            Capture(["a.pcap", "b.pcap"], ports=[80]),
            "<Capture 'a.pcap' and 1 more, chosen by ports>",
        ),
        (Capture(io.BytesIO(b"")), "<Capture '<stream>'>"),
    ],
    ids=str,
)
def test_repr_shows_the_state(value: object, shown: str) -> None:
    assert repr(value) == shown


def test_connection_and_reader_show_how_far_they_are() -> None:
    with Capture(DEMO, request_paths=["/chat"]).read() as reader:
        assert ", 0 bytes, 0 packets>" in repr(reader)
        *_, connection = reader
    assert isinstance(connection, CapturedConnection)
    assert repr(connection) == (
        f"<CapturedConnection 1: {':'.join(map(str, connection.client_address))} -> "
        "192.0.2.80:80, 'prices.example/chat', 58 + 58 messages, fin>"
    )
    size = DEMO.stat().st_size
    assert repr(reader).endswith(f"demo.pcapng', {size} bytes, 630 packets, closed>")


def values(one: CapturedMessage) -> list[Any]:
    return [getattr(one, name) for name in MESSAGE_FIELDS]


def connection_values(one: CapturedConnection) -> list[Any]:
    return [*(getattr(one, name) for name in CONNECTION_FIELDS), one.websocket]


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"protocol {number}": pickled(number) for number in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", ["demo.pcapng", "snap-length.pcapng", "midstream.pcapng"])
def test_message_is_copied_with_its_connection(name: str, way: Callable[[Any], Any]) -> None:
    messages = read(CAPTURES / name, ordered=False).messages
    assert messages
    for one in (messages[0], messages[-1]):
        other = way(one)
        assert type(other) is CapturedMessage
        assert values(other) == values(one)
        assert connection_values(other.connection) == connection_values(one.connection)
        assert repr(other) == repr(one)
        assert other.get_state() == other.message.get_state() == one.get_state()


def test_copies_share_what_a_copy_of_python_s_shares() -> None:
    one = read(DEMO).messages[0]
    assert copy.copy(one).connection is one.connection
    assert copy.deepcopy(one).connection is not one.connection


def test_messages_that_are_pickled_together_keep_one_connection() -> None:
    messages = read(DEMO, request_paths=["/chat"]).messages
    again = pickle.loads(pickle.dumps(messages))
    assert len({id(one.connection) for one in again}) == 1
    alone = sum(len(pickle.dumps(one)) for one in messages)
    assert len(pickle.dumps(messages)) < alone / 2


def test_every_status_and_type_survives_a_pickle() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, b"\xff") + text(True, "whole"))
    talk.says(False, one_frame(False, Opcode.BINARY, b"begun", fin=False))
    messages = read(capture_of(talk.end().segments)).messages
    assert {one.status for one in messages} == {"invalid_utf8", "ok", "incomplete"}
    again = pickle.loads(pickle.dumps(messages))
    assert [values(one) for one in again] == [values(one) for one in messages]


def test_messages_and_connections_are_equal_only_to_themselves() -> None:
    one = read(DEMO).messages[0]
    other = copy.copy(one)
    assert one == one
    assert one != other
    assert len({one, other}) == 2
    assert one.connection != copy.copy(one.connection)


def test_values_of_a_handshake_and_an_account_are_equal_by_value() -> None:
    assert CapturedRequest("/", (), 0) == CapturedRequest("/", (), 0)
    assert replace(Account(bytes=1), bytes=2) == Account(bytes=2)


@pytest.mark.parametrize(
    ("place", "value", "error"),
    [
        (0, "connection", TypeError),
        (3, 8, ValueError),
        (3, 77, ValueError),
        (3, "text", TypeError),
        (4, "hi", TypeError),
        (13, "fine", ValueError),
    ],
)
def test_message_is_not_made_of_wrong_values(
    place: int, value: object, error: type[Exception]
) -> None:
    arguments = list(message().__reduce__()[1])
    arguments[place] = value
    with pytest.raises(error):
        CapturedMessage(*arguments)
