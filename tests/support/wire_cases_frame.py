"""Wire cases about the first two bytes: opcodes, reserved bits, control frames and their order.

Follows RFC 6455 sections 5.2, 5.4 and 5.5.
"""

from __future__ import annotations

from wire_case import Case, Fails, Seen
from wire_writer import BINARY, frame
from wsdefrag import DeflateParams, Limits, Strictness

AGREED = DeflateParams()


def _fails(
    name: str,
    wire: str,
    rule: str,
    offset: int,
    *,
    seen: tuple[tuple[str, object], ...] = (),
    proof: int | None = None,
    deflate: DeflateParams | None = None,
) -> Case:
    ends = Fails(rule, offset, proof=proof)
    return Case(name, bytes.fromhex(wire), sees=seen, ends=ends, deflate=deflate)


def _order() -> list[Case]:
    inside, outside = "data_frame_inside_message", "continuation_without_start"
    return [
        _fails("text_inside_text_is_an_error", "010161 010162", inside, 3, proof=4),
        _fails("binary_inside_text_is_an_error", "010161 020162", inside, 3, proof=4),
        _fails("whole_binary_inside_text_is_an_error", "010161 820162 8000", inside, 3, proof=4),
        _fails(
            "text_inside_text_after_a_ping_is_an_error",
            "010161 8900 810162",
            inside,
            5,
            seen=(("ping", b""),),
            proof=6,
        ),
        _fails("text_inside_an_empty_start_is_an_error", "0100 810162", inside, 2, proof=3),
        _fails("continuation_first_is_an_error", "800161", outside, 0, proof=1),
        _fails("unfinished_continuation_first_is_an_error", "000161", outside, 0, proof=1),
        _fails("continuation_of_hello_first_is_an_error", "800568656c6c6f", outside, 0, proof=1),
        _fails(
            "continuation_after_a_whole_message_is_an_error",
            "810161 800162",
            outside,
            3,
            seen=(("text", b"a"),),
            proof=4,
        ),
        _fails(
            "continuation_after_the_last_fragment_is_an_error",
            "010161 800162 800163",
            outside,
            6,
            seen=(("text", b"ab"),),
            proof=7,
        ),
        _fails("one_byte_of_a_continuation_is_enough", "80", outside, 0, proof=1),
    ]


def _reserved() -> list[Case]:
    bits = "reserved_bits"
    cases = [
        _fails("rsv1_without_agreement_is_an_error", "c10161", bits, 0, proof=1),
        _fails(
            "rsv1_on_a_first_fragment_without_agreement_is_an_error", "410161", bits, 0, proof=1
        ),
        _fails(
            "rsv1_on_a_continuation_of_compressed_text_is_an_error",
            "4107 f248cdc9c90700 c000",
            bits,
            9,
            proof=10,
            deflate=AGREED,
        ),
        _fails(
            "rsv1_on_a_continuation_of_plain_text_is_an_error",
            "010161 c00162",
            bits,
            3,
            proof=4,
            deflate=AGREED,
        ),
    ]
    for agreed in (None, AGREED):
        word = "with" if agreed else "without"
        cases += [
            _fails(f"{name}_{word}_deflate_is_an_error", wire, bits, 0, proof=1, deflate=agreed)
            for name, wire in (
                ("rsv1_on_a_ping", "c900"),
                ("rsv1_on_a_pong", "ca00"),
                ("rsv1_on_a_close", "c800"),
                ("rsv2", "a100"),
                ("rsv3", "9100"),
                ("rsv2_alone_in_one_byte", "a1"),
                ("rsv3_on_a_ping", "9900"),
                ("rsv2_and_rsv3_on_a_binary", "b20161"),
            )
        ]
    cases += [
        _fails(
            f"opcode_{opcode:x}_is_reserved", f"{0x80 | opcode:x}00", "reserved_opcode", 0, proof=1
        )
        for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)
    ]
    tolerant = Strictness(reserved_bits=False)
    tolerated: tuple[tuple[str, str, Seen, DeflateParams | None], ...] = (
        ("rsv2", "a10161", ("text", b"a"), None),
        ("rsv1_without_agreement", "c10161", ("text", b"a"), None),
        ("rsv1_on_a_ping", "c90161", ("ping", b"a"), AGREED),
        ("rsv1_on_a_continuation", "4103f248cd c004c9c90700", ("text", b"Hello"), AGREED),
        ("rsv1_on_a_plain_continuation", "010161 c00162", ("text", b"ab"), AGREED),
        ("all_reserved_bits_of_a_close", "f80203e8", ("close", 1000, ""), AGREED),
    )
    cases += [
        Case(
            f"{name}_is_counted_where_tolerated",
            bytes.fromhex(wire),
            sees=(seen,),
            deflate=agreed,
            strictness=tolerant,
        )
        for name, wire, seen, agreed in tolerated
    ]
    return cases


def _control() -> list[Case]:
    too_long, fragmented = "control_frame_too_long", "fragmented_control_frame"
    payload = bytes(range(125))
    return [
        *(
            Case(f"{word}_of_125_bytes_is_accepted", frame(opcode, payload), ((word, payload),))
            for word, opcode in (("ping", 9), ("pong", 10))
        ),
        _fails(
            "ping_of_126_bytes_is_an_error_before_its_payload", "897e007e", too_long, 0, proof=2
        ),
        _fails("pong_of_64_bit_length_is_an_error", "8a7f0000000000010000", too_long, 0, proof=2),
        _fails("close_of_126_bytes_is_an_error", "887e007e03e8", too_long, 0, proof=2),
        _fails("fragmented_ping_is_an_error", "0900", fragmented, 0, proof=1),
        _fails("fragmented_pong_is_an_error", "0a00", fragmented, 0, proof=1),
        _fails("fragmented_close_is_an_error", "0800", fragmented, 0, proof=1),
        _fails(
            "fragmented_ping_inside_a_message_is_an_error", "010161 0900", fragmented, 3, proof=4
        ),
    ]


def _first_broken_rule() -> list[Case]:
    """Frames that break several rules: the first in the order of the bytes is the one named."""
    return [
        _fails("reserved_bits_come_before_the_opcode", "ff00", "reserved_bits", 0),
        _fails("reserved_opcode_comes_before_fin", "0b00", "reserved_opcode", 0),
        _fails("reserved_bits_come_before_order", "c000", "reserved_bits", 0),
        _fails("order_comes_before_the_mask", "808000000000", "continuation_without_start", 0),
        _fails("fin_comes_before_the_control_length", "097e007e", "fragmented_control_frame", 0),
        _fails("mask_comes_before_the_control_length", "89fe007e", "masked_frame_from_server", 0),
        _fails("top_bit_comes_before_the_limit", "827f" + "80" + "00" * 7, "length_top_bit", 0),
        Case(
            "minimal_length_comes_before_the_limit",
            frame(BINARY, bytes(9), form=16),
            ends=Fails("non_minimal_length", 0),
            limits=Limits(max_frame_size=8),
        ),
        Case(
            "frame_limit_comes_before_the_message_limit",
            frame(BINARY, bytes(9)),
            ends=Fails("max_frame_size", 0),
            limits=Limits(max_frame_size=8, max_message_size=8),
        ),
    ]


CASES: list[Case] = [*_order(), *_reserved(), *_control(), *_first_broken_rule()]
