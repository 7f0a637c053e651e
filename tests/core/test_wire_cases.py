"""The wire cases, each fed whole, in two, in three and byte by byte.

The expected results of a case are in `vectors/wire.jsonl`; this module feeds its bytes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import replace

import pytest

import wsdefrag
from vectors import lines
from wire_case import (
    RULES,
    Case,
    Cut,
    Fails,
    as_seen,
    check_error,
    describe,
    exactly,
    observe,
    observe_messages,
    splits,
)
from wire_cases import CASES, EVERY_CASE, LONG_CASES
from wire_writer import BINARY, KEY, TEXT, frame, masked_twin, pieces


def _name(case: Case) -> str:
    return case.name


def _messages(case: Case) -> list[object]:
    return [seen for seen in case.sees if seen[0] in ("text", "binary")]


STRICT = wsdefrag.Strictness()
SHORT = [case for case in CASES if len(case.wire) <= 2000]
FAILING = [case for case in CASES if isinstance(case.ends, Fails)]
PROVEN = [case for case in FAILING if isinstance(case.ends, Fails) and case.ends.proof]
LENIENT = [case for case in CASES if case.strictness]
TWINS = [
    case
    for case in SHORT
    if not case.from_client and (case.strictness or STRICT).mask_direction
    if masked_twin(case.wire) is not None
]


def test_vectors_repeat_no_name_and_agree_with_the_rules_of_errors() -> None:
    names = Counter(case.name for case in EVERY_CASE)
    assert [name for name, count in names.items() if count > 1] == []
    for line in lines("wire"):
        if error := line.get("error"):
            rule = RULES[error["kind"]]
            assert (error["close_code"], line["rfc"]) == (rule.close_code, rule.rfc_section)


@pytest.mark.parametrize("case", EVERY_CASE, ids=_name)
def test_case_fed_whole_gives_what_the_vectors_say(case: Case) -> None:
    seen = observe(case, [case.wire])
    assert seen.sees == case.sees
    assert seen.ends == case.ends
    assert seen.received == len(case.wire)
    assert tuple(counter for counter in seen.tolerated if counter[1]) == case.tolerated
    if case.discarded is not None:
        assert seen.discarded == case.discarded
    if not isinstance(case.ends, Cut):
        assert seen.buffered == 0


@pytest.mark.parametrize("case", EVERY_CASE, ids=_name)
def test_case_through_plain_calls_gives_its_messages_and_raises_its_error(case: Case) -> None:
    messages, raised = observe_messages(case, [case.wire])
    assert messages == _messages(case)
    assert bool(raised) == (case.ends is not None)


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_case_cut_anywhere_gives_the_same(case: Case) -> None:
    whole = observe(case, [case.wire])
    for chunks in splits(case.wire):
        assert observe(case, chunks) == whole, [len(chunk) for chunk in chunks]


@pytest.mark.parametrize("case", SHORT, ids=_name)
def test_case_cut_anywhere_through_plain_calls_gives_the_same(case: Case) -> None:
    whole = observe_messages(case, [case.wire])
    for at in range(len(case.wire) + 1):
        assert observe_messages(case, [case.wire[:at], case.wire[at:]]) == whole, at
    assert observe_messages(case, pieces(case.wire, 1)) == whole


@pytest.mark.parametrize("size", [1, 4096])
@pytest.mark.parametrize("case", LONG_CASES, ids=_name)
def test_long_case_in_chunks_gives_the_same(case: Case, size: int) -> None:
    assert observe(case, pieces(case.wire, size)) == observe(case, [case.wire])


@pytest.mark.parametrize("case", PROVEN, ids=_name)
def test_violation_is_known_at_the_byte_that_proves_it(case: Case) -> None:
    assert isinstance(case.ends, Fails)
    assert case.ends.proof is not None
    reassembler = case.reassembler()
    reassembler.receive_data(case.wire[: case.ends.proof - 1])
    assert reassembler.error is None
    reassembler.receive_data(case.wire[case.ends.proof - 1 : case.ends.proof])
    assert reassembler.error is not None
    check_error(reassembler.error, case.ends)


@pytest.mark.parametrize("case", FAILING, ids=_name)
def test_violation_is_raised_by_the_next_call_and_every_later_one(case: Case) -> None:
    reassembler = case.reassembler()
    messages = reassembler.receive_data(case.wire)
    assert [as_seen(message) for message in messages] == _messages(case)
    known = reassembler.error
    assert known is not None
    raised: list[wsdefrag.WebSocketError] = []
    for data in (b"", b"\x81\x01a", b"\xff"):
        with pytest.raises(wsdefrag.WebSocketError) as caught:
            reassembler.receive_data(data)
        raised.append(caught.value)
    with pytest.raises(wsdefrag.WebSocketError) as caught:
        reassembler.receive_eof()
    raised.append(caught.value)
    assert {describe(error) for error in raised} == {describe(known)}
    assert len({id(error) for error in raised}) == len(raised)
    assert reassembler.bytes_received == len(case.wire) + 4


@pytest.mark.parametrize("case", FAILING, ids=_name)
def test_violation_is_one_event_and_later_bytes_give_none(case: Case) -> None:
    direction = case.direction()
    events = direction.receive_data(case.wire)
    assert [type(event) for event in events].count(wsdefrag.ProtocolViolation) == 1
    assert isinstance(events[-1], wsdefrag.ProtocolViolation)
    discarded = direction.bytes_discarded
    assert direction.receive_data(b"\x81\x01a") == []
    assert direction.bytes_discarded == discarded + 3
    assert direction.receive_eof() == []


@pytest.mark.parametrize("case", LENIENT, ids=_name)
def test_rule_that_is_switched_off_has_a_count(case: Case) -> None:
    off = {name for name in STRICT.__dataclass_fields__ if not getattr(case.strictness, name)}
    assert off == {name for name, _ in observe(case, [case.wire]).tolerated}


@pytest.mark.parametrize("case", TWINS, ids=_name)
def test_same_frames_from_a_client_give_the_same(case: Case) -> None:
    written = masked_twin(case.wire)
    assert written is not None
    wire, moved = written
    ends = case.ends
    if ends is not None:
        ends = replace(ends, offset=moved[ends.offset])
    deflate = case.deflate
    if deflate is not None:
        deflate = wsdefrag.DeflateParams(
            server_no_context_takeover=deflate.client_no_context_takeover,
            client_no_context_takeover=deflate.server_no_context_takeover,
            server_max_window_bits=deflate.client_max_window_bits,
            client_max_window_bits=deflate.server_max_window_bits,
        )
    twin = replace(case, wire=wire, from_client=True, deflate=deflate)
    seen = observe(twin, [wire])
    assert (seen.sees, seen.ends) == (case.sees, ends)
    assert observe(twin, pieces(wire, 1)) == seen


@pytest.mark.parametrize("case", SHORT, ids=_name)
def test_case_leaves_the_other_direction_alone(case: Case) -> None:
    connection = wsdefrag.WebSocketConnection(
        deflate=case.deflate, limits=case.limits, strictness=case.strictness
    )
    alone = case.direction()
    other = frame(TEXT, b"hi", key=None if case.from_client else KEY)
    for chunk in pieces(case.wire, 3):
        seen = connection.receive_data(chunk, from_client=case.from_client, timestamp=1.0)
        expected = alone.receive_data(chunk, timestamp=1.0)
        assert list(map(exactly, seen)) == list(map(exactly, expected))
        answered = connection.receive_data(other, from_client=not case.from_client)
        assert [as_seen(event) for event in answered] == [("text", b"hi")]


@pytest.mark.parametrize("size", range(301))
def test_mask_is_removed_at_any_length_and_start(size: int) -> None:
    payload = bytes(index * 7 % 256 for index in range(size))
    wire = frame(BINARY, payload, key=b"\x9a\x01\xff\x30")
    for start in range(64):
        buffer = bytearray(start) + wire + b"\x81\x05"
        before = bytes(buffer)
        reassembler = wsdefrag.MessageReassembler(from_client=True)
        (message,) = reassembler.receive_data(memoryview(buffer)[start : start + len(wire)])
        assert message.content == payload
        assert buffer == before
        buffer.append(0)  # a buffer that is still exported cannot grow


@pytest.mark.parametrize("case", SHORT, ids=_name)
def test_case_in_any_kind_of_buffer_gives_the_same_and_leaves_it_unchanged(case: Case) -> None:
    whole = observe(case, [case.wire])
    for chunk in (bytearray(case.wire), memoryview(case.wire), array("B", case.wire)):
        direction = case.direction()
        events = direction.receive_data(chunk)
        events += direction.receive_eof()
        seen = [as_seen(event) for event in events if not _is_an_end(event)]
        assert tuple(seen) == whole.sees
        assert bytes(chunk) == case.wire


def _is_an_end(event: wsdefrag.Event) -> bool:
    return isinstance(event, (wsdefrag.ProtocolViolation, wsdefrag.Incomplete))


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_repr_and_str_of_all_that_comes_out_never_raise(case: Case) -> None:
    direction = case.direction()
    events = direction.receive_data(case.wire) + direction.receive_eof()
    for thing in (*events, direction, direction.error, direction.close_received):
        assert isinstance(repr(thing), str)
        assert isinstance(str(thing), str)
