"""One error of every kind: its class, fields and text, and that it survives being copied.

The bytes and the texts are those of `vectors/errors.jsonl`. A text names the rule broken, the value
and the offset.
"""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import Any

import pytest

import wsdefrag
from vectors import Line, lines
from wire_case import RULES, Case, Fails, as_seen, check_error, describe
from wire_cases import case_of
from wire_writer import CLOSE, CONTINUATION, PING, TEXT, frame, read_frames
from wsdefrag import Limits, MessageReassembler, WebSocketDirection, WebSocketError


@dataclass(frozen=True)
class Breach:
    """A line of `errors.jsonl`: bytes that break one rule, and what the error's text must say."""

    case: Case
    ends: Fails
    text: str


def _breach(line: Line) -> Breach:
    case = case_of(line)
    assert isinstance(case.ends, Fails)
    return Breach(case, case.ends, line["error"]["text"])


EVERY = {line["name"]: _breach(line) for line in lines("errors")}
OF_PROTOCOL = [
    name for name, breach in EVERY.items() if breach.ends.rule not in Limits.__dataclass_fields__
]
HI = frame(TEXT, b"hi")


def _error(breach: Breach) -> WebSocketError:
    direction = breach.case.direction()
    *events, _ = direction.receive_data(breach.case.wire)
    assert tuple(map(as_seen, events)) == breach.case.sees
    assert direction.error is not None
    return direction.error


def _raised(breach: Breach) -> WebSocketError:
    reassembler = breach.case.reassembler()
    reassembler.receive_data(breach.case.wire)
    with pytest.raises(WebSocketError) as caught:
        reassembler.receive_eof()
    return caught.value


def _incomplete() -> wsdefrag.IncompleteMessage:
    reassembler = MessageReassembler(from_client=False)
    reassembler.receive_data(HI + frame(TEXT, b"abc", fin=False))
    with pytest.raises(wsdefrag.IncompleteMessage) as caught:
        reassembler.receive_eof()
    return caught.value


def test_every_limit_has_its_bytes() -> None:
    # That every kind has some is tested in Rust, where the kinds are known.
    assert set(Limits.__dataclass_fields__) <= set(RULES)


@pytest.mark.parametrize("name", EVERY)
def test_error_has_class_code_section_and_offset_of_its_kind(name: str) -> None:
    breach = EVERY[name]
    check_error(_error(breach), breach.ends)


@pytest.mark.parametrize("name", EVERY)
def test_error_text_names_rule_value_and_offset(name: str) -> None:
    breach = EVERY[name]
    error = _error(breach)
    assert str(error) == breach.text
    assert f"at byte {breach.ends.offset} (RFC" in breach.text


@pytest.mark.parametrize("name", EVERY)
def test_error_that_is_raised_equals_the_attribute_and_the_event(name: str) -> None:
    breach = EVERY[name]
    known = _error(breach)
    violation = breach.case.direction().receive_data(breach.case.wire, timestamp=2.5)[-1]
    assert isinstance(violation, wsdefrag.ProtocolViolation)
    assert (violation.from_client, violation.timestamp) == (breach.case.from_client, 2.5)
    assert violation.offset == breach.ends.offset
    assert describe(violation.error) == describe(known) == describe(_raised(breach))


def _pickled(error: WebSocketError) -> Any:
    return [
        pickle.loads(pickle.dumps(error, level)) for level in range(pickle.HIGHEST_PROTOCOL + 1)
    ]


@pytest.mark.parametrize("error", [*map(_error, EVERY.values()), _incomplete()], ids=type)
def test_error_survives_pickling_and_copying(error: WebSocketError) -> None:
    for twin in (*_pickled(error), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert twin is not error
        assert describe(twin) == describe(error)
        assert repr(twin) == repr(error)
        assert twin.args == error.args


@pytest.mark.parametrize("name", OF_PROTOCOL)
def test_error_of_frame_rules_is_the_same_from_the_frame_decoder(name: str) -> None:
    breach, case = EVERY[name], EVERY[name].case
    decoder = wsdefrag.FrameDecoder(from_client=case.from_client, deflate=case.deflate)
    decoder.receive_data(case.wire)
    if breach.ends.rule in (
        "continuation_without_start",
        "data_frame_inside_message",
        "close_payload_one_byte",
        "invalid_close_code",
        "invalid_utf8",
        "invalid_close_reason",
        "invalid_deflate_data",
        "truncated_deflate_data",
        "too_many_deflate_members",
    ):
        assert decoder.error is None
        if not read_frames(case.wire)[1]:
            decoder.receive_eof()
        return
    assert decoder.error is not None
    assert describe(decoder.error) == describe(_error(breach))
    for _ in range(2):
        with pytest.raises(wsdefrag.ProtocolError) as caught:
            decoder.receive_data(HI)
        assert describe(caught.value) == describe(decoder.error)
    with pytest.raises(wsdefrag.ProtocolError):
        decoder.receive_eof()


def test_incomplete_message_names_what_had_arrived() -> None:
    error = _incomplete()
    assert (error.type, error.content, error.offset) == (TEXT, b"abc", 4)
    assert "at byte 4" in str(error)
    assert "TEXT" in str(error)
    assert not isinstance(error, wsdefrag.ProtocolError)


OTHERS: dict[str, tuple[WebSocketError, int, str]] = {
    "incomplete_message": (_incomplete(), 1006, "RFC 6455 section 7.1.5"),
    "out_of_memory": (wsdefrag.OutOfMemory("no", offset=4), 1011, "RFC 6455 section 10.4"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_errors_that_break_no_rule_have_the_same_attributes(kind: str) -> None:
    error, close_code, section = OTHERS[kind]
    assert isinstance(error, (wsdefrag.IncompleteMessage, wsdefrag.OutOfMemory))
    assert (error.kind, error.offset) == (kind, 4)
    assert (error.close_code, error.rfc_section) == (close_code, section)


@pytest.mark.parametrize(
    ("wire", "opcode"),
    [(b"\x89", PING), (b"\x89\x04", PING), (b"\x89\x04ab", PING), (b"\x88\x02\x03", CLOSE)],
)
def test_incomplete_control_frame_names_its_opcode(wire: bytes, opcode: int) -> None:
    reassembler = MessageReassembler(from_client=False)
    reassembler.receive_data(HI + wire)
    with pytest.raises(wsdefrag.IncompleteMessage) as caught:
        reassembler.receive_eof()
    assert (caught.value.type, caught.value.content, caught.value.offset) == (opcode, wire[2:], 4)


def test_incomplete_frame_is_raised_by_the_frame_decoder() -> None:
    decoder = wsdefrag.FrameDecoder(from_client=False)
    (one,) = decoder.receive_data(frame(TEXT, b"abc", fin=False) + b"\x80\x05de")
    assert one.payload == b"abc"
    with pytest.raises(wsdefrag.IncompleteMessage) as caught:
        decoder.receive_eof()
    assert (caught.value.type, caught.value.offset) == (CONTINUATION, 5)


def test_errors_form_one_tree() -> None:
    parents = {
        wsdefrag.ProtocolError: WebSocketError,
        wsdefrag.InvalidUtf8: wsdefrag.ProtocolError,
        wsdefrag.InflateFailed: wsdefrag.ProtocolError,
        wsdefrag.LimitExceeded: WebSocketError,
        wsdefrag.IncompleteMessage: WebSocketError,
        WebSocketError: Exception,
    }
    for error, parent in parents.items():
        assert error.__bases__ == (parent,)


@pytest.mark.parametrize("made", [MessageReassembler, WebSocketDirection])
def test_calls_after_the_end_of_stream_are_mistakes_of_the_caller(
    made: type[MessageReassembler | WebSocketDirection],
) -> None:
    reader = made(from_client=False)
    reader.receive_eof()
    reader.receive_eof()
    with pytest.raises(ValueError, match="end"):
        reader.receive_data(b"")


@pytest.mark.parametrize("data", ["text", 5, None, [129, 0]])
def test_data_without_a_buffer_is_a_type_error(data: Any) -> None:
    for reader in (MessageReassembler(from_client=False), WebSocketDirection(from_client=False)):
        with pytest.raises(TypeError):
            reader.receive_data(data)
        assert reader.error is None
