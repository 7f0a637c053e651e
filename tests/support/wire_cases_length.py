"""Wire cases about lengths: their forms, their sizes and their limits (RFC 6455 section 5.2)."""

from __future__ import annotations

from wire_case import Case, Cut, Fails
from wire_writer import BINARY, CONTINUATION, KEY, PING, TEXT, frame
from wsdefrag import Limits, Strictness

UNLIMITED = Limits(max_frame_size=None, max_message_size=None, max_fragments=None)
TOLERANT = Strictness(minimal_length=False)

SIZES = (0, 1, 125, 126, 127, 128, 200, 255, 256, 32767, 32768, 65535, 65536, 65537)
"""Payload sizes around every place where a length may change its form or its sign."""


def _top_bit() -> list[Case]:
    ones = b"\xff" * 8
    forms = {
        "all_ones": bytes([0x82, 0x7F]) + ones,
        "only_the_top_bit": bytes([0x82, 0x7F, 0x80]) + bytes(7),
        "minus_2_to_the_32": bytes.fromhex("827f ffffffff 00000000"),
        "control_bytes_follow": bytes([0x82, 0x7F]) + ones + b"\x89\x00",
    }
    cases = [
        Case(
            f"length_top_bit_{name}_{word}_limits_is_an_error",
            wire,
            ends=Fails("length_top_bit", 0, proof=3),
            limits=limits,
        )
        for name, wire in forms.items()
        for word, limits in (("with", None), ("without", UNLIMITED))
    ]
    masked = bytes([0x82, 0xFF]) + ones + bytes(4)
    return [
        *cases,
        Case(
            "length_top_bit_masked_is_an_error",
            masked,
            ends=Fails("length_top_bit", 0),
            from_client=True,
        ),
        Case(
            "length_top_bit_after_a_message_is_an_error_there",
            b"\x81\x02hi" + forms["all_ones"],
            sees=(("text", b"hi"),),
            ends=Fails("length_top_bit", 4, proof=7),
        ),
        Case(
            "length_16_bit_form_with_its_top_bit_is_accepted",
            frame(BINARY, bytes(0x8000), form=16),
            sees=(("binary", bytes(0x8000)),),
        ),
    ]


def _sizes() -> list[Case]:
    cases: list[Case] = []
    for size in SIZES:
        payload = bytes(index % 251 for index in range(size))
        cases += [
            Case(
                f"length_{size}_is_accepted",
                frame(BINARY, payload) + b"\x89\x00",
                sees=(("binary", payload), ("ping", b"")),
            ),
            Case(
                f"length_{size}_masked_is_accepted",
                frame(BINARY, payload, key=KEY) + frame(PING, key=KEY),
                sees=(("binary", payload), ("ping", b"")),
                from_client=True,
            ),
        ]
    return cases


def _non_minimal() -> list[Case]:
    cases: list[Case] = []
    for form, size in ((16, 0), (16, 5), (16, 125), (64, 0), (64, 5), (64, 126), (64, 65535)):
        wire = frame(BINARY, bytes(size), form=16 if form == 16 else 64)
        name = f"non_minimal_{form}_bit_length_of_{size}"
        cases += [
            Case(
                f"{name}_is_an_error",
                wire,
                ends=Fails("non_minimal_length", 0, proof=2 + form // 8),
            ),
            Case(
                f"{name}_is_counted_where_tolerated",
                wire,
                sees=(("binary", bytes(size)),),
                strictness=TOLERANT,
            ),
        ]
    return [
        *cases,
        Case(
            "non_minimal_length_of_a_continuation_is_an_error",
            b"\x02\x01a\x80\x7e\x00\x01b",
            ends=Fails("non_minimal_length", 3, proof=7),
        ),
        Case(
            "minimal_16_bit_length_of_126_is_accepted",
            b"\x82\x7e\x00\x7e" + bytes(126),
            sees=(("binary", bytes(126)),),
        ),
        Case(
            "minimal_64_bit_length_of_65536_is_accepted",
            b"\x82\x7f" + (65536).to_bytes(8, "big") + bytes(65536),
            sees=(("binary", bytes(65536)),),
        ),
    ]


def _limits() -> list[Case]:
    ten_bytes = Limits(max_frame_size=10)
    message_of_ten = Limits(max_message_size=10)
    overflow = frame(BINARY, b"a", fin=False) + b"\x80\x7f\x7f" + b"\xff" * 7
    return [
        Case(
            "fragments_whose_sum_overflows_exceed_the_message_limit",
            overflow,
            ends=Fails("max_message_size", 3),
            limits=Limits(max_frame_size=None),
        ),
        Case(
            "fragments_whose_sum_overflows_exceed_the_frame_limit",
            overflow,
            ends=Fails("max_frame_size", 3),
        ),
        Case(
            "fragments_whose_sum_overflows_without_limits_are_only_unfinished",
            overflow,
            ends=Cut(BINARY, b"a", 0),
            limits=UNLIMITED,
        ),
        Case(
            "length_announced_and_never_sent_is_unfinished",
            bytes.fromhex("827f 0000000000ffffff"),
            ends=Cut(BINARY, b"", 0),
        ),
        Case(
            "frame_of_exactly_the_limit_is_accepted",
            frame(BINARY, bytes(10)),
            sees=(("binary", bytes(10)),),
            limits=ten_bytes,
        ),
        Case(
            "frame_of_one_more_than_the_limit_is_refused",
            frame(PING, b"!") + frame(BINARY, bytes(11)),
            sees=(("ping", b"!"),),
            ends=Fails("max_frame_size", 3),
            limits=ten_bytes,
        ),
        Case(
            "control_frame_above_the_frame_limit_is_accepted",
            frame(PING, bytes(11)),
            sees=(("ping", bytes(11)),),
            limits=ten_bytes,
        ),
        Case(
            "fragments_of_exactly_the_message_limit_are_accepted",
            frame(TEXT, bytes(4), fin=False) + frame(CONTINUATION, bytes(6)),
            sees=(("text", bytes(10)),),
            limits=message_of_ten,
        ),
        Case(
            "fragments_of_one_more_than_the_message_limit_are_refused",
            frame(TEXT, bytes(4), fin=False) + frame(CONTINUATION, bytes(7)),
            ends=Fails("max_message_size", 6),
            limits=message_of_ten,
        ),
        Case(
            "single_frame_of_one_more_than_the_message_limit_is_refused",
            frame(TEXT, bytes(11)),
            ends=Fails("max_message_size", 0),
            limits=message_of_ten,
        ),
        Case(
            "message_limit_begins_anew_with_each_message",
            frame(TEXT, bytes(10)) * 3,
            sees=(("text", bytes(10)),) * 3,
            limits=message_of_ten,
        ),
        Case(
            "large_fragments_exceed_the_message_limit_though_each_passes",
            frame(BINARY, bytes(60), fin=False) + frame(CONTINUATION, bytes(60), fin=False) * 8,
            ends=Fails("max_message_size", 124),
            limits=Limits(max_frame_size=64, max_message_size=128),
        ),
    ]


CASES: list[Case] = [*_top_bit(), *_sizes(), *_non_minimal(), *_limits()]
