"""Random conversations through a relay with random decisions, against a model of what must arrive.

The model is a list of events for each receiver, in the order of the calls: forwarded events with
the content that they had then, injected messages, and the caller's own control frames. The relay is
a WebSocketRelay; a PassThroughRelay has no decisions (`test_relay_identity.py`,
`test_relay_injection.py`).
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from properties import examples
from relay_talk import Talk
from wire_case import Seen, as_seen
from wire_streams import deflates
from wire_writer import BINARY, TEXT, cut
from wsdefrag import (
    Budget,
    Close,
    DeflateParams,
    Event,
    Fragmenter,
    Limits,
    Opcode,
    Ping,
    Pong,
    WebSocketMessage,
)

_letters = st.text("ab\xe9\u20ac\N{GRINNING FACE}", max_size=20)
_texts = st.builds(lambda part, times: (part * times).encode(), _letters, st.integers(1, 30))
_binaries = st.builds(lambda part, times: part * times, st.binary(max_size=20), st.integers(1, 300))
_contents = st.one_of(
    st.tuples(st.just(TEXT), _texts), st.tuples(st.just(BINARY), _texts | _binaries)
)
_ALONE = DeflateParams(server_no_context_takeover=True, client_no_context_takeover=True)
_agreed = st.one_of(st.just(DeflateParams()), st.just(_ALONE), deflates())
_sides = st.booleans()

# Legs: the same parameters, different ones, or deflate on one side only.
_legs = st.one_of(
    st.tuples(_agreed, st.just("same")),
    st.tuples(st.none() | _agreed, st.none() | _agreed),
)


class Relaying(RuleBasedStateMachine):
    """A conversation; True is the direction from the client, here and in every dictionary."""

    @initialize(
        legs=_legs,
        masking=st.sampled_from(["keep", "fresh"]),
        max_size=st.none() | st.integers(1, 50),
        compress_from=st.sampled_from([0, 0, 30]),
        level=st.integers(0, 9),
    )
    def start(
        self, legs: tuple[Any, Any], masking: Any, max_size: Any, compress_from: int, level: int
    ) -> None:
        self.budget = Budget(64 << 20)
        self.talk = Talk(
            deflate=legs[0],
            server_deflate=legs[1],
            masking=masking,
            fragmenter=Fragmenter(max_size=max_size),
            compress_from=compress_from,
            compression_level=level,
            limits=Limits(),
            budget=self.budget,
        )
        self.waiting = {True: b"", False: b""}
        self.undecided: dict[bool, list[Event]] = {True: [], False: []}
        self.expected: dict[bool, list[Seen]] = {True: [], False: []}
        self.said: dict[bool, list[Seen]] = {True: [], False: []}
        self.happened: dict[bool, list[Seen]] = {True: [], False: []}
        self.ended = {True: False, False: False}

    # The peers

    @rule(
        side=_sides,
        content=_contents,
        points=st.lists(st.integers(0), max_size=3),
        how=st.sampled_from(["plain", "compressed", "compressed", "cut anywhere"]),
        ping=st.none() | st.binary(max_size=125),
    )
    def says(
        self,
        side: bool,
        content: tuple[int, bytes],
        points: list[int],
        how: str,
        ping: bytes | None,
    ) -> None:
        if self.ended[side]:
            return
        sender = self.talk.sender(side)
        opcode, whole = content
        if sender.deflate is None or how == "plain":
            how = "plain"
        if how == "cut anywhere":
            frames = sender.cut_anywhere(opcode, whole, points)
        else:
            parts = cut(whole, [point % (len(whole) + 1) for point in points])
            frames = sender.frames(opcode, parts, compress=how == "compressed")
        if ping is not None:
            frames.insert(1, sender.ping(ping))
            if len(frames) > 2:
                self.said[side].append(("ping", ping))
        self.waiting[side] += b"".join(frames)
        self.said[side].append(("text" if opcode == TEXT else "binary", whole))
        if ping is not None and len(frames) == 2:
            self.said[side].append(("ping", ping))

    @rule(side=_sides, payload=st.binary(max_size=125))
    def pongs(self, side: bool, payload: bytes) -> None:
        if not self.ended[side]:
            self.waiting[side] += self.talk.sender(side).pong(payload)
            self.said[side].append(("pong", payload))

    @rule(side=_sides, often=st.integers(0, 5), code=st.sampled_from([1000, 1014, 4999]))
    def closes(self, side: bool, often: int, code: int) -> None:
        # Seldom, or every conversation would be over soon.
        if not self.ended[side] and often == 0:
            self.waiting[side] += self.talk.sender(side).close(code, "reason")
            self.said[side].append(("close", code, "reason"))
            self.ended[side] = True

    @rule(side=_sides, some=st.integers(1, 2000) | st.just(1 << 20))
    def bytes_arrive(self, side: bool, some: int) -> None:
        chunk, self.waiting[side] = self.waiting[side][:some], self.waiting[side][some:]
        events = self.talk.feed(chunk, side)
        self.undecided[side] += events
        self.happened[side] += [as_seen(event) for event in events]

    # Whoever runs the relay

    @rule(side=_sides, at=st.integers(0, 3), edit=st.none() | _contents, pad=st.booleans())
    def forwards(self, side: bool, at: int, edit: tuple[int, bytes] | None, pad: bool) -> None:
        event = self._chosen(side, at)
        if event is None:
            return
        closed = self._closed(side)
        if isinstance(event, WebSocketMessage) and edit is not None:
            event.type, content = Opcode(edit[0]), edit[1]
            # The same length as before, if that can be had.
            if pad and len(content) <= len(event.content):
                content = content.ljust(len(event.content), b".")
            event.content = content
        self.talk.relay.forward(event)
        if isinstance(event, WebSocketMessage):
            assert event.dropped is closed
        assert isinstance(event, (WebSocketMessage, Ping, Pong, Close))
        if not closed:
            self.expected[side].append(as_seen(event))

    @rule(side=_sides, at=st.integers(0, 3))
    def drops(self, side: bool, at: int) -> None:
        event = self._chosen(side, at)
        if event is not None:
            self.talk.relay.discard(event)
            assert not isinstance(event, WebSocketMessage) or event.dropped

    @rule(side=_sides, content=_contents, compress=st.sampled_from([None, True, False]))
    def injects(self, side: bool, content: tuple[int, bytes], compress: bool | None) -> None:
        message = WebSocketMessage(content[0], side, content[1])
        leg = self.talk.server if side else self.talk.client
        if self._closed(side):
            return
        self.talk.relay.inject(message, compress=compress if leg.deflate else None)
        self.expected[side].append(as_seen(message))

    @rule(side=_sides, payload=st.binary(max_size=125))
    def pings(self, side: bool, payload: bytes) -> None:
        if not self._closed(side):
            self.talk.relay.send_ping(payload, to_client=not side)
            self.expected[side].append(("ping", payload))

    @rule(side=_sides)
    def output_is_taken(self, side: bool) -> None:
        self.talk.take(side)
        assert self.talk.receiver(side).events == self.expected[side]

    @invariant()
    def nothing_is_broken(self) -> None:
        if not hasattr(self, "talk"):
            return
        relay = self.talk.relay
        assert relay.from_client.error is relay.from_server.error is None
        assert (
            relay.bytes_buffered
            == relay.from_client.bytes_buffered + relay.from_server.bytes_buffered
        )
        assert self.budget.bytes_held >= relay.bytes_buffered

    def teardown(self) -> None:
        if not hasattr(self, "talk"):
            return
        for side in (True, False):
            self.bytes_arrive(side, 1 << 30)
            assert self.happened[side] == self.said[side]
            while self.undecided[side]:
                self.forwards(side, 0, None, False)
            self.output_is_taken(side)
        assert self.talk.relay.bytes_buffered == self.budget.bytes_held == 0

    def _chosen(self, side: bool, at: int) -> Event | None:
        """Take one of the undecided events off the list, with those that are passed over."""
        waiting = self.undecided[side]
        if at >= len(waiting):
            return None
        event = waiting[at]
        del waiting[: at + 1]
        return event

    def _closed(self, side: bool) -> bool:
        """Whether a Close has gone this way."""
        return any(event[0] == "close" for event in self.expected[side])


TestRelaying = Relaying.TestCase
TestRelaying.settings = settings(examples(200), stateful_step_count=40)
