"""One error of every kind: its class, fields and text, and that it survives being copied.

A message names the rule broken, the value and the offset, so the table gives for each kind the
words its text must hold.
"""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import Any

import pytest

import wsdefrag
from wire_case import RULES, Fails, check_error, describe
from wire_writer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    TEXT,
    close_frame,
    deflate,
    deflate_final,
    fragments,
    frame,
)
from wsdefrag import DeflateParams, Limits, MessageReassembler, WebSocketDirection, WebSocketError


@dataclass(frozen=True)
class Breach:
    """Bytes that break one rule; what the error's text must say besides section and offset."""

    wire: bytes
    offset: int
    words: tuple[str, ...]
    from_client: bool = False
    limits: Limits | None = None


HI = frame(TEXT, b"hi")
MASKED_HI = frame(TEXT, b"hi", key=KEY)
Z = deflate(b"the same words, the same words")

BREACHES: dict[str, Breach] = {
    "reserved_bits": Breach(HI + b"\xa1\x00", 4, ("RSV2",)),
    "reserved_opcode": Breach(HI + b"\x8b\x00", 4, ("opcode", "0xb")),
    "fragmented_control_frame": Breach(HI + b"\x09\x00", 4, ("fragmented", "PING")),
    "control_frame_too_long": Breach(HI + b"\x8a\x7e\x00\x7e", 4, ("PONG", "125")),
    "masked_frame_from_server": Breach(HI + MASKED_HI, 4, ("masked", "server")),
    "unmasked_frame_from_client": Breach(MASKED_HI + HI, 8, ("unmasked", "client"), True),
    "non_minimal_length": Breach(
        HI + frame(BINARY, b"12345", form=16), 4, ("length 5", "shortest")
    ),
    "length_top_bit": Breach(HI + b"\x82\x7f" + b"\xff" * 8, 4, ("64-bit", "top bit")),
    "continuation_without_start": Breach(HI + frame(CONTINUATION, b"x"), 4, ("continuation",)),
    "data_frame_inside_message": Breach(
        HI + frame(TEXT, b"a", fin=False) + frame(BINARY, b"b"), 7, ("BINARY", "inside")
    ),
    "close_payload_one_byte": Breach(HI + frame(CLOSE, b"\x03"), 4, ("Close", "1 byte")),
    "invalid_close_code": Breach(HI + close_frame(1006), 4, ("close code", "1006")),
    "invalid_utf8": Breach(HI + frame(TEXT, b"ab\xc0"), 4, ("UTF-8",)),
    "invalid_close_reason": Breach(HI + close_frame(1000, b"\xff"), 4, ("close reason", "UTF-8")),
    "invalid_deflate_data": Breach(HI + frame(TEXT, b"\x07", rsv1=True), 4, ("deflate",)),
    "truncated_deflate_data": Breach(HI + frame(TEXT, Z[:-1], rsv1=True), 4, ("deflate",)),
    "too_many_deflate_members": Breach(
        HI + frame(TEXT, deflate_final(b"") * 5000, rsv1=True), 4, ("deflate", "1024")
    ),
}
OVERRUNS: dict[str, Breach] = {
    "max_frame_size": Breach(
        HI + frame(BINARY, bytes(9)), 4, ("frame", "9", "8"), limits=Limits(max_frame_size=8)
    ),
    "max_message_size": Breach(
        HI + b"".join(fragments(BINARY, [bytes(5), bytes(4)])),
        11,
        ("message", "9", "8"),
        limits=Limits(max_message_size=8),
    ),
    "max_fragments": Breach(
        HI + b"".join(fragments(BINARY, [b""] * 3)),
        8,
        ("fragments", "3", "2"),
        limits=Limits(max_fragments=2),
    ),
    "max_inflate_ratio": Breach(
        HI + frame(BINARY, deflate(bytes(9000)), rsv1=True),
        4,
        ("7.5",),
        limits=Limits(max_inflate_ratio=7.5),
    ),
}
EVERY = {**BREACHES, **OVERRUNS}


def _error(breach: Breach) -> WebSocketError:
    reassembler = MessageReassembler(
        from_client=breach.from_client, deflate=DeflateParams(), limits=breach.limits
    )
    (message,) = reassembler.receive_data(breach.wire)
    assert message.content == b"hi"
    assert reassembler.error is not None
    return reassembler.error


def _raised(breach: Breach) -> WebSocketError:
    reassembler = MessageReassembler(
        from_client=breach.from_client, deflate=DeflateParams(), limits=breach.limits
    )
    reassembler.receive_data(breach.wire)
    with pytest.raises(WebSocketError) as caught:
        reassembler.receive_eof()
    return caught.value


def _incomplete() -> wsdefrag.IncompleteMessage:
    reassembler = MessageReassembler(from_client=False)
    reassembler.receive_data(HI + frame(TEXT, b"abc", fin=False))
    with pytest.raises(wsdefrag.IncompleteMessage) as caught:
        reassembler.receive_eof()
    return caught.value


def test_every_kind_and_every_limit_has_its_bytes() -> None:
    assert set(BREACHES) == set(RULES)
    assert set(OVERRUNS) == set(Limits.__dataclass_fields__)


@pytest.mark.parametrize("rule", EVERY)
def test_error_has_class_code_section_and_offset_of_its_kind(rule: str) -> None:
    breach = EVERY[rule]
    check_error(_error(breach), Fails(rule, breach.offset))


@pytest.mark.parametrize("rule", EVERY)
def test_error_text_names_rule_value_and_offset(rule: str) -> None:
    breach = EVERY[rule]
    error = _error(breach)
    text = str(error)
    assert f"at byte {breach.offset}" in text
    for word in breach.words:
        assert word.lower() in text.lower()
    if isinstance(error, wsdefrag.ProtocolError):
        assert text.endswith(f"({error.rfc_section})")


@pytest.mark.parametrize("rule", EVERY)
def test_error_that_is_raised_equals_the_attribute_and_the_event(rule: str) -> None:
    breach = EVERY[rule]
    known = _error(breach)
    direction = WebSocketDirection(
        from_client=breach.from_client, deflate=DeflateParams(), limits=breach.limits
    )
    violation = direction.receive_data(breach.wire, timestamp=2.5)[-1]
    assert isinstance(violation, wsdefrag.ProtocolViolation)
    assert (violation.from_client, violation.timestamp) == (breach.from_client, 2.5)
    assert violation.offset == breach.offset
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


@pytest.mark.parametrize("rule", BREACHES)
def test_error_of_frame_rules_is_the_same_from_the_frame_decoder(rule: str) -> None:
    breach = BREACHES[rule]
    decoder = wsdefrag.FrameDecoder(from_client=breach.from_client, deflate=DeflateParams())
    decoder.receive_data(breach.wire)
    if rule in (
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
