"""The form of a wire case, and the one way of running it that all tables share.

A case is a string of bytes of one direction, the parameters it is read with, the events it
must give in order, and how it ends: in nothing (the direction may go on), in an error (`Fails`)
or in a message that its end of stream cuts (`Cut`).

Events are written as small tuples: `("text", b"..")`, `("binary", b"..")`, `("ping", b"..")`,
`("pong", b"..")`, `("close", 1000, "reason")`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import wsdefrag
from vectors import rules

T = TypeVar("T")
_Reader = TypeVar("_Reader", wsdefrag.MessageReassembler, wsdefrag.WebSocketDirection)
Seen = tuple[str, object] | tuple[str, int, str]


RULES = rules()
"""Each kind of error, with the paragraph that forbids what it names; a limit's kind is its name."""


@dataclass(frozen=True)
class Fails:
    """The error a case ends in.

    `rule` is the kind of a ProtocolError or the field of Limits that was exceeded, `offset` that
    of the offending frame, `proof` the number of bytes after which the error is known, and before
    which it is not.
    """

    rule: str
    offset: int
    proof: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Cut:
    """The incomplete message at the end of the stream: its content so far, and its offset."""

    type: int
    content: bytes
    offset: int


@dataclass(frozen=True)
class Case:
    """One string of bytes and the expected results."""

    name: str
    wire: bytes
    sees: tuple[Seen, ...] = ()
    ends: Fails | Cut | None = None
    from_client: bool = False
    deflate: wsdefrag.DeflateParams | None = None
    limits: wsdefrag.Limits | None = None
    strictness: wsdefrag.Strictness | None = None
    discarded: int | None = None
    tolerated: tuple[tuple[str, int], ...] = ()

    @property
    def is_lenient(self) -> bool:
        """Whether a rule is switched off that is on by default."""
        default, switched = wsdefrag.Strictness(), self.strictness or wsdefrag.Strictness()
        names = wsdefrag.Strictness.__dataclass_fields__
        return any(getattr(default, name) and not getattr(switched, name) for name in names)

    def reassembler(self) -> wsdefrag.MessageReassembler:
        return self._read_by(wsdefrag.MessageReassembler)

    def direction(self) -> wsdefrag.WebSocketDirection:
        return self._read_by(wsdefrag.WebSocketDirection)

    def _read_by(self, reader: type[_Reader]) -> _Reader:
        return reader(
            from_client=self.from_client,
            deflate=self.deflate,
            limits=self.limits,
            strictness=self.strictness,
        )


@dataclass(frozen=True)
class Observation:
    """All that a caller can see of one direction, so that two runs can be compared."""

    sees: tuple[Seen, ...]
    offsets: tuple[int, ...]
    ends: Fails | Cut | None
    text: str
    received: int
    buffered: int
    discarded: int
    tolerated: tuple[tuple[str, int], ...]


def as_seen(event: wsdefrag.Event) -> Seen:
    """Write an event as the tables do."""
    if isinstance(event, wsdefrag.WebSocketMessage):
        return ("text" if event.type == 1 else "binary", event.content)
    if isinstance(event, wsdefrag.Ping):
        return ("ping", event.payload)
    if isinstance(event, wsdefrag.Pong):
        return ("pong", event.payload)
    assert isinstance(event, wsdefrag.Close), event
    return ("close", event.close_code, event.close_reason)


def check_error(error: wsdefrag.WebSocketError, expected: Fails) -> None:
    """Check that an error has the class, close code, section and offset of its rule."""
    rule = RULES[expected.rule]
    assert type(error) is rule.error
    assert isinstance(error, (wsdefrag.ProtocolError, wsdefrag.LimitExceeded))
    assert (error.kind, error.close_code) == (expected.rule, rule.close_code)
    assert error.rfc_section == rule.rfc_section
    if isinstance(error, wsdefrag.LimitExceeded):
        assert error.requested > error.value
    assert error.offset == expected.offset


def observe(case: Case, chunks: Iterable[bytes]) -> Observation:
    """Feed chunks and the end of stream through the events, and keep all that is visible."""
    direction = case.direction()
    events: list[wsdefrag.Event] = []
    for chunk in chunks:
        events += direction.receive_data(chunk, timestamp=1.0)
    buffered = direction.bytes_buffered
    events += direction.receive_eof(timestamp=1.0)
    assert direction.receive_eof() == []
    ends, text = _take_end(events)
    assert (direction.error is not None) == isinstance(ends, Fails)
    if isinstance(ends, Fails):
        # All of the offending frame counts as discarded: how much of it arrived before the byte
        # that proves the violation must not show.
        assert direction.bytes_discarded == direction.bytes_received - ends.offset
    for event in events:
        assert event.from_client == case.from_client
        assert event.timestamp == 1.0
    return Observation(
        sees=tuple(as_seen(event) for event in events),
        offsets=tuple(
            event.offset for event in events if not isinstance(event, wsdefrag.WebSocketMessage)
        ),
        ends=ends,
        text=text,
        received=direction.bytes_received,
        buffered=buffered,
        discarded=direction.bytes_discarded,
        tolerated=tuple(sorted(direction.tolerated.items())),
    )


def _take_end(events: list[wsdefrag.Event]) -> tuple[Fails | Cut | None, str]:
    """Remove the last event from the list if it is the error that ended the direction."""
    last = events[-1] if events else None
    if isinstance(last, wsdefrag.ProtocolViolation):
        del events[-1]
        assert isinstance(last.error, (wsdefrag.ProtocolError, wsdefrag.LimitExceeded))
        assert last.offset == last.error.offset
        ends = Fails(last.error.kind, last.offset)
        check_error(last.error, ends)
        return ends, str(last.error)
    if isinstance(last, wsdefrag.Incomplete):
        del events[-1]
        assert last.type is not None
        return Cut(int(last.type), last.content, last.offset), ""
    return None, ""


def observe_messages(case: Case, chunks: Iterable[bytes]) -> tuple[list[Seen], str]:
    """Feed chunks and the end of stream through the plain calls, as most callers will.

    Every call until the violation returns, also the one that finds it; every call after it
    raises the same error again.

    Returns:
        The messages, and the class and text of what was raised in the end.
    """
    reassembler = case.reassembler()
    messages: list[Seen] = []
    for chunk in chunks:
        known = reassembler.error
        found, raised = attempt(partial(reassembler.receive_data, chunk))
        messages += [as_seen(message) for message in found or []]
        assert (raised is None) == (known is None)
        assert raised is None or (known is not None and describe(raised) == describe(known))
    ends = [attempt(reassembler.receive_eof)[1] for _ in range(2)]
    first, second = ["" if end is None else describe(end) for end in ends]
    assert first == second
    return messages, first


def exactly(event: wsdefrag.Event) -> object:
    """All values of an event, for comparing two of them."""
    if isinstance(event, wsdefrag.WebSocketMessage):
        return event.get_state()
    if isinstance(event, wsdefrag.ProtocolViolation):
        return describe(event.error), event.from_client, event.timestamp, event.offset
    return event


def attempt(call: Callable[[], T]) -> tuple[T | None, wsdefrag.WebSocketError | None]:
    """What a call returns, or the error it raises."""
    try:
        return call(), None
    except wsdefrag.WebSocketError as error:
        return None, error


def describe(error: wsdefrag.WebSocketError) -> str:
    """Class, text and all fields of an error, for comparing two of them."""
    return f"{type(error).__name__}({error}) {sorted(vars(error).items())}"


def splits(wire: bytes) -> Iterable[Sequence[bytes]]:
    """Ways of cutting a stream: all of them in two for short streams, in three for very short.

    Longer streams are cut at every offset near their start and end, and evenly into chunks.
    """
    size = len(wire)
    near = range(size + 1) if size <= 400 else [*range(130), *range(size - 40, size + 1)]
    for first in near:
        yield wire[:first], wire[first:]
    if size <= 20:
        for first in range(size + 1):
            for second in range(first, size + 1):
                yield wire[:first], wire[first:second], wire[second:]
    for step in (1, 2, 3, 5, 7, 64, 4093):
        if step < size:
            yield [wire[start : start + step] for start in range(0, size, step)]
