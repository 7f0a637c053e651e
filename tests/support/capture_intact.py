"""What an undamaged capture contains, and which rules the reading of a damaged one breaks.

Rules for each connection and direction: complete messages are those of the undamaged capture, in
order, possibly without some. The content of an incomplete message is the start of a sent message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capture_craft import Endpoint
from capture_files import pcapng
from capture_packets import Packets
from capture_seen import Seen, read
from wsdefrag.capture import CapturedMessage

Direction = tuple[Endpoint, Endpoint, bool]
"""The client, the server, and whether the client sent it."""


@dataclass(frozen=True)
class Intact:
    """A capture without damage, and what is in it."""

    packets: Packets
    sent: dict[Direction, list[bytes]]

    @classmethod
    def of(cls, packets: Packets) -> Intact:
        seen = read(pcapng(packets))
        sent: dict[Direction, list[bytes]] = {}
        for message in seen.messages:
            assert message.status == "ok"
            sent.setdefault(direction(message), []).append(message.content)
        return cls(packets, sent)


def direction(message: CapturedMessage) -> Direction:
    connection = message.connection
    return connection.client_address, connection.server_address, message.from_client


def contents_by_direction(seen: Seen) -> dict[Direction, list[bytes]]:
    """The messages of each direction; an incomplete message is given as its status."""
    found: dict[Direction, list[bytes]] = {}
    for message in seen.messages:
        content = message.content if message.status == "ok" else message.status.encode()
        found.setdefault(direction(message), []).append(content)
    return found


def violations(intact: Intact, seen: Seen) -> list[str]:
    """The broken rules, as texts.

    One connection may be read as several, where a SYN comes late: each has to be in order.
    """
    found = []
    unread: dict[tuple[int, bool], Iterator[bytes]] = {}
    for message in seen.messages:
        sent = intact.sent.get(direction(message), [])
        side = (message.connection.connection, message.from_client)
        what = f"{direction(message)}: message {message.seq}, {message.content[:60]!r}"
        if message.status == "ok":
            rest = unread.setdefault(side, iter(sent))
            if not any(message.content == one for one in rest):
                found.append(f"{what}, whole, is not next")
        elif message.status == "incomplete":
            # Where its beginning was not captured, it is a part of something.
            if message.type and not any(one.startswith(message.content) for one in sent):
                found.append(f"{what}, incomplete, begins nothing")
        elif message.status != "undecodable":
            found.append(f"{what} was never sent, {message.status}")
    return found
