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
    # Addresses are looked up once for each side of a connection, not for each message.
    sides: dict[tuple[int, bool], list[bytes]] = {}
    for message in seen.messages:
        side = (id(message.connection), message.from_client)
        contents = sides.get(side)
        if contents is None:
            contents = sides[side] = found.setdefault(direction(message), [])
        status = message.status
        contents.append(message.content if status == "ok" else status.encode())
    return found


def violations(intact: Intact, seen: Seen) -> list[str]:
    """The broken rules, as texts.

    One connection may be read as several, where a SYN comes late: each has to be in order.
    """
    found = []
    sides: dict[tuple[int, bool], tuple[list[bytes], Iterator[bytes]]] = {}
    for message in seen.messages:
        side = (id(message.connection), message.from_client)
        if side not in sides:
            sent = intact.sent.get(direction(message), [])
            sides[side] = (sent, iter(sent))
        if rule := _broken(message, *sides[side]):
            what = f"{direction(message)}: message {message.seq}, {message.content[:60]!r}"
            found.append(f"{what}, {rule}")
    return found


def _broken(message: CapturedMessage, sent: list[bytes], unread: Iterator[bytes]) -> str | None:
    """The rule that a message breaks, if any; `unread` follows the last whole one before it."""
    content, status = message.content, message.status
    if status == "ok":
        return None if content in unread else "whole, is not next"
    if status == "incomplete":
        # Where its beginning was not captured, it is a part of something.
        if message.type and not any(one.startswith(content) for one in sent):
            return "incomplete, begins nothing"
        return None
    return None if status == "undecodable" else f"was never sent, {status}"
