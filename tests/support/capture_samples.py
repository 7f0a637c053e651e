"""Conversations that several test modules use, and their expected messages."""

from __future__ import annotations

from typing import Any

from capture_conversation import (
    CLIENT,
    CLIENT6,
    SERVER,
    SERVER6,
    START,
    Conversation,
    Segment,
    binary,
    capture_of,
    close,
    packets,
    text,
    upgraded,
)
from capture_files import pcapng
from capture_seen import Seen, read


def short_talk() -> Conversation:
    """Three short texts of each side."""
    made = upgraded()
    for number in range(3):
        made.says(True, text(True, f"from client {number}"))
        made.says(False, text(False, f"from server {number}"))
    made.says(True, close(True))
    made.says(False, close(False))
    return made.end()


PACKETS = packets(short_talk().segments)
FILE = pcapng(PACKETS)
EXPECTED = read(FILE)
SENT = [f"from {side} {number}".encode() for number in range(3) for side in ("client", "server")]


CONTENTS = [b"hello from the client", b"hello from the server", b"x" * 3000]
"""What is said in `mixed_talk`."""


def mixed_talk(six: bool = False) -> Conversation:
    """Two short texts and a longer message, over IPv4 or IPv6."""
    made = Conversation(CLIENT6, SERVER6) if six else Conversation()
    made.open().upgrade()
    made.says(True, text(True, CONTENTS[0]))
    made.says(False, text(False, CONTENTS[1]))
    made.says(True, binary(True, CONTENTS[2]))
    made.says(True, close(True))
    made.says(False, close(False))
    return made.end()


def assert_whole(found: Seen, six: bool = False) -> None:
    assert found.contents() == CONTENTS
    connection = found.connection
    assert connection.client_address == (CLIENT6 if six else CLIENT)
    assert connection.server_address == (SERVER6 if six else SERVER)
    assert connection.problems == ()
    assert connection.ended == "fin"


def inner(segment: Segment) -> bytes:
    """The TCP segment without an IP header."""
    return segment.packet()[40 if ":" in segment.source[0] else 20 :]


def spoken(
    count: int = 6, client_isn: int = 1_000, server_isn: int = 700_000, time: int = START
) -> tuple[Conversation, list[Segment]]:
    """A connection in which each side sends some texts; the segments of the client's come back."""
    talk = Conversation(client_isn=client_isn, server_isn=server_isn, time=time).open().upgrade()
    sent = []
    for number in range(count):
        sent.append(talk.says(True, text(True, f"client {number}")))
        talk.says(False, text(False, f"server {number}"))
    return talk, sent


def assert_all(found: Seen, count: int = 6) -> None:
    assert found.side(True) == [("ok", f"client {number}".encode()) for number in range(count)]
    assert found.side(False) == [("ok", f"server {number}".encode()) for number in range(count)]
    assert found.connection.problems == ()
    assert not found.connection.has_losses


def answer(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def talked(talk: Conversation, **options: Any) -> Seen:
    """Each side sends a text, and the connection ends; returns what is read."""
    talk.says(True, text(True, "from client"))
    talk.says(False, text(False, "from server"))
    talk.says(False, close(False))
    return read(capture_of(talk.end().segments), **options)


def assert_talked(found: Seen) -> None:
    assert found.rows() == [(True, "ok", b"from client"), (False, "ok", b"from server")]
