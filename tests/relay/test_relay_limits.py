"""What a relay holds at most: limits for each sender, and a budget that many relays share.

RFC 6455 section 10.4. A relay holds parts of messages, contents that its caller has not decided on,
and output that its caller has not taken.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from relay_talk import ALL_MODES, ALL_PASSING, SIDES, Mode, Talk, of_kind
from wire_writer import deflated_zeros, fragments, frame
from wsdefrag import (
    Budget,
    DeflateParams,
    Event,
    LimitExceeded,
    Limits,
    Opcode,
    ProtocolViolation,
    UncollectedMessage,
    WebSocketMessage,
)

KIB = 1 << 10
MIB = 1 << 20


def exceeded(events: list[Event], close_code: int = 1009) -> LimitExceeded:
    """The limit that ended a direction."""
    (violation,) = of_kind(events, ProtocolViolation)
    assert events[-1] is violation
    assert isinstance(violation.error, LimitExceeded)
    assert violation.error.close_code == close_code
    return violation.error


def refused(events: list[Event], budget: Budget) -> None:
    """The direction ended because of the budget: nobody's fault, so "try again later"."""
    error = exceeded(events, 1013)
    assert (error.kind, error.value) == ("budget", budget.max_bytes)
    assert error.requested > budget.max_bytes


# Limits


@SIDES
@pytest.mark.parametrize("by_sender", [False, True])
def test_limits_are_those_of_the_sender(from_client: bool, by_sender: bool) -> None:
    options: dict[str, Any] = {"limits": Limits(max_message_size=10)}
    if by_sender:
        name = "client_limits" if from_client else "server_limits"
        options = {"limits": Limits(max_message_size=1000), name: Limits(max_message_size=10)}
    talk = Talk(**options)
    good = talk.sender(from_client).binary(bytes(10))
    assert talk.pass_on(good, from_client) == good
    error = exceeded(talk.feed(talk.sender(from_client).binary(bytes(11)), from_client))
    assert (error.kind, error.value, error.requested) == ("max_message_size", 10, 11)
    other = talk.sender(not from_client).binary(bytes(11 if by_sender else 10))
    assert talk.pass_on(other, not from_client) == other


def test_limits_of_one_sender_leave_the_general_ones_to_the_other() -> None:
    talk = Talk(limits=Limits(max_fragments=2), client_limits=Limits(max_fragments=3))
    assert talk.pass_on(talk.client.text("1", "2", "3"))
    assert exceeded(talk.feed(talk.client.text(*"1234"))).kind == "max_fragments"
    assert exceeded(talk.feed(talk.server.text("1", "2", "3"), False)).kind == "max_fragments"


BOMB_LIMITS = pytest.mark.parametrize(
    "limits", [{}, {"max_inflate_ratio": 100}, {"max_message_size": MIB}]
)


@BOMB_LIMITS
def test_bomb_is_stopped_while_it_inflates(limits: dict[str, Any]) -> None:
    """65 MiB of zeros, in a frame of some 66 KB; the default limit is 64 MiB."""
    talk = Talk(deflate=DeflateParams(), limits=Limits(**limits))
    bomb = frame(Opcode.BINARY, b"".join(deflated_zeros(65)), rsv1=True)
    error = exceeded(talk.feed(bomb, False))
    assert error.kind in ("max_message_size", "max_inflate_ratio")
    assert talk.relay.from_server.error is error or str(talk.relay.from_server.error) == str(error)
    talk.relay.data_to_send(to_client=True)
    assert talk.relay.bytes_buffered == 0
    assert talk.pass_on(talk.client.text("fine here"))


@ALL_PASSING
@BOMB_LIMITS
def test_bomb_that_is_only_passed_on_is_held_as_it_was_sent(
    mode: Mode, limits: dict[str, Any]
) -> None:
    talk = Talk(mode, deflate=DeflateParams(), limits=Limits(**limits))
    bomb = frame(Opcode.BINARY, b"".join(deflated_zeros(65)), rsv1=True)
    (event,) = talk.feed(bomb, False)
    assert isinstance(event, UncollectedMessage)
    assert event.length == 65 * MIB
    assert talk.relay.bytes_buffered == len(bomb)
    assert talk.relay.data_to_send(to_client=True) == bomb


@ALL_MODES
def test_announced_length_holds_nothing(mode: Mode) -> None:
    talk = Talk(mode)
    talk.feed(b"\x82\x7f" + (50 * MIB).to_bytes(8, "big") + b"hi", False)
    assert talk.relay.bytes_buffered <= 16


# Budgets


def budget_of(size: int) -> Budget:
    budget = Budget(size)
    assert budget.max_bytes == size
    assert budget.bytes_held == 0
    return budget


@ALL_MODES
@SIDES
def test_budget_is_given_back_when_messages_went_out(mode: Mode, from_client: bool) -> None:
    budget = budget_of(MIB)
    talk = Talk(mode, budget=budget)
    for _ in range(20):
        assert talk.pass_on(talk.sender(from_client).binary(bytes(200 * KIB)), from_client)
        assert budget.bytes_held == 0


@SIDES
def test_budget_is_held_until_the_output_is_taken(from_client: bool) -> None:
    budget = budget_of(MIB)
    talk = Talk(budget=budget)
    message = talk.message(talk.sender(from_client).binary(bytes(1000)), from_client)
    assert budget.bytes_held >= 1000
    talk.relay.forward(message)
    assert budget.bytes_held >= 1000
    talk.take(from_client)
    assert budget.bytes_held == 0


@SIDES
def test_budget_is_given_back_when_messages_are_dropped(from_client: bool) -> None:
    budget = budget_of(MIB)
    talk = Talk(budget=budget)
    for _ in range(20):
        wire = talk.sender(from_client).binary(bytes(200 * KIB))
        talk.relay.discard(talk.message(wire, from_client))
        assert budget.bytes_held == 0


@SIDES
def test_budget_is_given_back_for_what_is_passed_over(from_client: bool) -> None:
    budget = budget_of(MIB)
    talk = Talk(budget=budget)
    sender = talk.sender(from_client)
    events = talk.feed(sender.binary(bytes(200 * KIB)) * 3 + sender.ping(), from_client)
    talk.relay.discard(events[-1])
    assert budget.bytes_held == 0


@ALL_MODES
@SIDES
def test_budget_is_given_back_after_a_violation(mode: Mode, from_client: bool) -> None:
    budget = budget_of(MIB)
    talk = Talk(mode, budget=budget)
    sender = talk.sender(from_client)
    half = sender.frames(Opcode.BINARY, [bytes(500 * KIB), b""])[0]
    talk.feed(half, from_client)
    talk.take(from_client)
    assert mode != "messages" or budget.bytes_held >= 500 * KIB
    talk.violation(b"\x83\x80", from_client)
    assert budget.bytes_held == 0


@ALL_MODES
@SIDES
def test_budget_is_given_back_after_an_end_inside_a_message(mode: Mode, from_client: bool) -> None:
    budget = budget_of(MIB)
    talk = Talk(mode, budget=budget)
    talk.feed(talk.sender(from_client).binary(bytes(500 * KIB))[:-1], from_client)
    talk.take(from_client)
    talk.relay.receive_eof(from_client=from_client)
    talk.take(from_client)
    assert budget.bytes_held == 0


@ALL_MODES
def test_budget_is_given_back_when_a_relay_is_deleted(mode: Mode) -> None:
    budget = budget_of(MIB)
    talk = Talk(mode, budget=budget)
    talk.feed(talk.client.binary(bytes(100 * KIB)))
    talk.feed(talk.server.binary(bytes(100 * KIB))[:-1], False)
    talk.relay.inject(WebSocketMessage(Opcode.BINARY, True, bytes(100 * KIB)))
    assert budget.bytes_held > 0
    del talk
    gc.collect()
    assert budget.bytes_held == 0


@SIDES
def test_nobody_exceeds_a_shared_budget(from_client: bool) -> None:
    """Twenty senders of half a message each; the first that asks for too much is refused."""
    budget = budget_of(MIB)
    talks = [Talk(budget=budget) for _ in range(20)]
    half = talks[0].sender(from_client).frames(Opcode.BINARY, [bytes(100 * KIB), b"end"])
    failed = 0
    for talk in talks:
        for start in range(0, len(half[0]), 4096):
            events = talk.feed(half[0][start : start + 4096], from_client)
            assert budget.bytes_held <= MIB
            assert budget.bytes_held >= sum(one.relay.bytes_buffered for one in talks)
            if events:
                refused(events, budget)
                failed += 1
                assert talk.relay.bytes_buffered == 0
    assert 20 - failed in (9, 10), "as many as fit"
    for talk in talks:
        if talk.direction(from_client).error is None:
            assert talk.pass_on(half[1], from_client) == half[0] + half[1]
    assert budget.bytes_held == 0


@SIDES
def test_budget_that_others_use_up_is_a_violation_of_whoever_asks_next(from_client: bool) -> None:
    budget = budget_of(100 * KIB)
    first, second = Talk(budget=budget), Talk(budget=budget)
    message = first.message(first.sender(from_client).binary(bytes(90 * KIB)), from_client)
    wire = second.sender(from_client).binary(bytes(20 * KIB))
    refused(second.feed(wire, from_client), budget)
    other = second.sender(not from_client).text("small")
    assert second.pass_on(other, not from_client) == other
    first.relay.forward(message)
    assert first.take(from_client) == [("binary", bytes(90 * KIB))]
    assert budget.bytes_held == 0


def test_one_budget_for_both_directions() -> None:
    budget = budget_of(100 * KIB)
    talk = Talk(budget=budget)
    talk.message(talk.client.binary(bytes(60 * KIB)), True)
    refused(talk.feed(talk.server.binary(bytes(60 * KIB)), False), budget)


def test_budget_stops_a_bomb_within_the_limits() -> None:
    budget = budget_of(MIB)
    talk = Talk(deflate=DeflateParams(), budget=budget)
    bomb = frame(Opcode.BINARY, b"".join(deflated_zeros(60)), rsv1=True)
    refused(talk.feed(bomb, False), budget)
    talk.relay.data_to_send(to_client=True)
    assert budget.bytes_held == 0


@ALL_PASSING
def test_output_that_is_not_taken_counts(mode: Mode) -> None:
    """A side that reads slowly makes the relay hold what the other one sends."""
    budget = budget_of(MIB)
    talk = Talk(mode, budget=budget)
    wire = talk.client.binary(bytes(100 * KIB))
    events: list[Event] = []
    sent = 0
    while not of_kind(events, ProtocolViolation):
        events = talk.feed(wire)
        sent += 1
        assert budget.bytes_held <= MIB
        assert sent < 30
    refused(events, budget)
    assert sent >= 5
    assert talk.relay.data_to_send(to_client=False).startswith(wire * (sent - 1))
    assert budget.bytes_held == 0


@pytest.mark.parametrize("size", [0, -1, 1.5, "1", None, True])
def test_budget_that_means_nothing_is_refused(size: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Budget(size)


@examples(80)
@given(data=st.data())
def test_budget_is_kept_and_given_back_whatever_happens(data: st.DataObject) -> None:
    budget = Budget(data.draw(st.integers(500, 6000)))
    mode: Mode = data.draw(st.sampled_from(["messages", "frames", "bytes"]))
    talks = [Talk(mode, deflate=DeflateParams(), budget=budget) for _ in range(3)]
    waiting: list[tuple[Talk, Event]] = []
    for _ in range(data.draw(st.integers(1, 25))):
        number = data.draw(st.integers(0, 2))
        talk = talks[number]
        from_client = data.draw(st.booleans())
        action = data.draw(st.sampled_from(["feed", "feed", "feed", "decide", "take"]))
        if action == "feed":
            size = data.draw(st.integers(0, 2500))
            wire = b"".join(
                fragments(2, [bytes(size), bytes(100)], key=talk.sender(from_client).key)
            )
            cut = data.draw(st.integers(0, len(wire)) | st.just(len(wire)))
            events = talk.feed(wire[:cut], from_client)
            if mode == "messages":
                waiting += [(talk, event) for event in events]
        elif action == "decide" and waiting:
            talk, event = waiting.pop(0)
            if data.draw(st.booleans()):
                talk.relay.forward(event)
            else:
                talk.relay.discard(event)
        else:
            talk.relay.data_to_send(to_client=not from_client)
        assert budget.bytes_held <= budget.max_bytes
        assert budget.bytes_held >= sum(one.relay.bytes_buffered for one in talks)
    del talk, talks, waiting
    assert budget.bytes_held == 0
