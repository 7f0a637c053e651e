"""Wire cases about Close frames and what follows them (RFC 6455 sections 1.4, 5.5.1 and 7.4)."""

from __future__ import annotations

from wire_case import Case, Cut, Fails
from wire_writer import CLOSE, close_frame, frame
from wsdefrag import Strictness

ACCEPTED = (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999)
REFUSED = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535)


def _codes() -> list[Case]:
    cases = [
        Case(f"close_code_{code}_is_accepted", close_frame(code, b"why"), (("close", code, "why"),))
        for code in ACCEPTED
    ]
    for code in REFUSED:
        wire = b"\x81\x01a" + close_frame(code, b"why")
        cases += [
            Case(
                f"close_code_{code}_is_an_error",
                wire,
                sees=(("text", b"a"),),
                ends=Fails("invalid_close_code", 3),
            ),
            Case(
                f"close_code_{code}_is_counted_where_tolerated",
                wire,
                sees=(("text", b"a"), ("close", code, "why")),
                strictness=Strictness(close_codes=False),
            ),
        ]
    return cases


def _payloads() -> list[Case]:
    reason = "è" * 61 + "!"
    cases = [
        Case(
            f"close_reason_with_{name}_is_an_error",
            close_frame(1000, bad),
            ends=Fails("invalid_close_reason", 0),
        )
        for name, bad in (
            ("a_stray_byte", b"\xff"),
            ("an_unfinished_character", b"bye\xc3"),
            ("a_surrogate", b"\xed\xa0\x80"),
            ("an_over_long_form", b"\xc0\x80"),
        )
    ]
    return [
        *cases,
        Case(
            "close_reason_is_checked_where_text_is_not",
            close_frame(1000, b"\xff"),
            ends=Fails("invalid_close_reason", 0),
            strictness=Strictness(utf8=False),
        ),
        Case("close_without_payload_has_no_code", b"\x88\x00", (("close", 1005, ""),)),
        Case("close_without_reason_has_an_empty_one", close_frame(1001), (("close", 1001, ""),)),
        Case(
            "close_payload_of_one_byte_is_an_error",
            b"\x88\x01\x03",
            ends=Fails("close_payload_one_byte", 0),
        ),
        Case(
            "close_reason_of_123_bytes_is_accepted",
            close_frame(1000, reason.encode()),
            sees=(("close", 1000, reason),),
        ),
    ]


def _after_close() -> list[Case]:
    bye = close_frame(1000)
    closed = (("close", 1000, ""),)
    return [
        Case("message_after_close_is_discarded", bye + b"\x81\x01a", closed, discarded=3),
        Case("second_close_is_discarded", bye + close_frame(1001, b"x"), closed, discarded=5),
        Case("broken_frame_after_close_is_discarded", bye + b"\xff" * 40, closed, discarded=40),
        Case("half_a_header_after_close_is_discarded", bye + b"\x82", closed, discarded=1),
        Case("half_a_frame_after_close_is_discarded", bye + b"\x82\x05ab", closed, discarded=4),
        Case("ping_after_close_is_discarded", bye + b"\x89\x00", closed, discarded=2),
        Case("close_alone_discards_nothing", bye, closed, discarded=0),
        Case(
            "close_inside_a_fragmented_message_discards_the_rest",
            b"\x01\x01a" + frame(CLOSE) + b"\x80\x01b",
            sees=(("close", 1005, ""),),
            ends=Cut(1, b"a", 0),
            discarded=3,
        ),
        Case(
            "close_inside_a_fragmented_message_ends_it",
            b"\x01\x01a" + bye,
            sees=closed,
            ends=Cut(1, b"a", 0),
            discarded=0,
        ),
    ]


CASES: list[Case] = [*_codes(), *_payloads(), *_after_close()]
