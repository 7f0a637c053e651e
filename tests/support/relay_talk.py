"""A relay between a client and a server (`relay_peers`).

`Talk` feeds the relay what the peers write and hands them what it sends. Everything that a test
says about the directions is by `from_client`: who speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

import pytest

from relay_peers import Receiver, Sender
from relay_wires import Mode as Mode
from relay_wires import relay_of
from wire_case import Seen, as_seen
from wsdefrag import (
    Close,
    DeflateParams,
    Event,
    Ping,
    Pong,
    ProtocolViolation,
    WebSocketMessage,
)

MODES: tuple[Mode, ...] = ("messages", "frames", "bytes")
PASSING_MODES: tuple[Mode, ...] = ("frames", "bytes")
SIDES = pytest.mark.parametrize("from_client", [True, False], ids=["client", "server"])
ALL_MODES = pytest.mark.parametrize("mode", MODES)
ALL_PASSING = pytest.mark.parametrize("mode", PASSING_MODES)

_E = TypeVar("_E", bound=Event)


class Talk:
    """A client and a server that talk through a relay.

    `deflate` is what was agreed with the client; `server_deflate` what was with the server, where
    it is not the same.
    """

    def __init__(
        self,
        mode: Mode = "messages",
        *,
        deflate: DeflateParams | None = None,
        server_deflate: DeflateParams | Literal["same"] | None = "same",
        **options: Any,
    ) -> None:
        self.relay = relay_of(mode, deflate=deflate, server_deflate=server_deflate, **options)
        beyond = deflate if server_deflate == "same" else server_deflate
        self.mode = mode
        self.client = Sender(True, deflate)
        self.server = Sender(False, beyond)
        self.at_server = Receiver(True, beyond)
        self.at_client = Receiver(False, deflate)

    def sender(self, from_client: bool) -> Sender:
        """The sender of this direction."""
        return self.client if from_client else self.server

    def receiver(self, from_client: bool) -> Receiver:
        """The receiver of this direction."""
        return self.at_server if from_client else self.at_client

    def direction(self, from_client: bool) -> Any:
        """The state of this direction in the relay."""
        return self.relay.from_client if from_client else self.relay.from_server

    def feed(self, wire: bytes, from_client: bool = True) -> list[Event]:
        """Give the relay what a peer has sent; takes no output."""
        events: list[Event]
        events = self.relay.receive_data(wire, from_client=from_client, timestamp=1.5)
        return events

    def take(self, from_client: bool = True) -> list[Seen]:
        """Give the receiver of a direction the waiting output; returns the events in it."""
        wire = self.relay.data_to_send(to_client=not from_client)
        return self.receiver(from_client).take(wire)

    def taken(self, from_client: bool = True) -> bytes:
        """The waiting output that `take` gives to the receiver, as bytes."""
        receiver = self.receiver(from_client)
        before = len(receiver.wire)
        self.take(from_client)
        return bytes(receiver.wire[before:])

    def pass_on(self, wire: bytes, from_client: bool = True) -> bytes:
        """Feed, forward the events if the relay waits for that, and take."""
        events = self.feed(wire, from_client)
        if self.mode == "messages":
            self.forward(events)
        return self.taken(from_client)

    def forward(self, events: Iterable[Event]) -> None:
        for event in events:
            self.relay.forward(event)

    def message(self, wire: bytes, from_client: bool = True) -> WebSocketMessage:
        """Feed a single message."""
        return only(self.feed(wire, from_client), WebSocketMessage)

    def violation(self, wire: bytes, from_client: bool = True) -> ProtocolViolation:
        """Feed bytes that break a rule, with no complete event before it."""
        return only(self.feed(wire, from_client), ProtocolViolation)


def only(events: list[Event], kind: type[_E]) -> _E:
    """The only event, which is of this kind."""
    (event,) = events
    assert isinstance(event, kind)
    return event


def of_kind(events: Iterable[Event], kind: type[_E]) -> list[_E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def seen(events: Iterable[Event]) -> list[Seen]:
    """Events as the receivers write them."""
    return [
        as_seen(event)
        for event in events
        if isinstance(event, (WebSocketMessage, Ping, Pong, Close))
    ]


def state_of(talk: Talk) -> tuple[Any, ...]:
    """The state that a refused call must not change; takes no output."""
    relay = talk.relay
    return (
        relay.bytes_buffered,
        relay.from_client.bytes_buffered,
        relay.from_server.bytes_buffered,
        relay.from_client.close_sent,
        relay.from_server.close_sent,
        relay.websocket.get_state(),
    )


def refused(talk: Talk, error: type[Exception], call: Callable[[], object]) -> None:
    """Checks that the call raises and changes nothing in the relay or its output."""
    before = state_of(talk)
    with pytest.raises(error):
        call()
    assert state_of(talk) == before
