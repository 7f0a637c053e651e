"""Wire cases about fragments, control frames and reserved bits (RFC 6455 sections 5.2 to 5.5)."""

from __future__ import annotations

from wire_case import Case, Cut, Fails
from wire_writer import BINARY, CONTINUATION, KEY, PING, TEXT, deflate, frame
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


def _fragments() -> list[Case]:
    return [
        Case(
            "control_payload_does_not_join_the_message",
            b"\x01\x05hello\x89\x00\x80\x05world",
            sees=(("ping", b""), ("text", b"helloworld")),
        ),
        Case(
            "control_frames_between_fragments_keep_their_order",
            b"\x02\x01a\x89\x01p\x00\x01b\x8a\x01q\x80\x01c\x89\x01r",
            sees=(("ping", b"p"), ("pong", b"q"), ("binary", b"abc"), ("ping", b"r")),
        ),
        Case("empty_first_fragment_gives_one_message", b"\x01\x00\x80\x04rest", (("text", b"rest"),)),
        Case("empty_last_fragment_gives_one_message", b"\x01\x04some\x80\x00", (("text", b"some"),)),
        Case("empty_fragments_give_one_empty_message", b"\x02\x00\x00\x00\x80\x00", (("binary", b""),)),
        Case("empty_message_is_a_message", b"\x81\x00\x82\x00", (("text", b""), ("binary", b""))),
        Case(
            "text_example_of_the_rfc_is_accepted",
            bytes.fromhex("8105 48656c6c6f 0103 48656c 8002 6c6f"),
            sees=(("text", b"Hello"), ("text", b"Hello")),
        ),
        Case(
            "fragments_without_an_end_are_unfinished",
            b"\x81\x02ok\x01\x02he\x89\x00\x00\x01l",
            sees=(("text", b"ok"), ("ping", b"")),
            ends=Cut(TEXT, b"hel", 4),
        ),
        Case("stream_cut_in_a_header_is_unfinished", b"\x81\x01a\x82", (("text", b"a"),), Cut(2, b"", 3)),
        Case("stream_cut_in_a_length_is_unfinished", b"\x82\x7e\x01", (), Cut(2, b"", 0)),
        Case("stream_cut_in_a_payload_is_unfinished", b"\x82\x05abc", (), Cut(2, b"abc", 0)),
        Case(
            "stream_cut_in_a_control_header_inside_a_message_shows_the_message",
            b"\x01\x03abc\x89",
            ends=Cut(TEXT, b"abc", 0),
        ),
        Case(
            "stream_cut_in_a_control_payload_inside_a_message_shows_the_message",
            b"\x01\x03abc\x89\x04pi",
            ends=Cut(TEXT, b"abc", 0),
        ),
        Case(
            "stream_cut_in_a_continuation_shows_the_message",
            b"\x01\x03abc\x80\x03de",
            ends=Cut(TEXT, b"abcde", 0),
        ),
        Case("empty_stream_is_finished", b""),
    ]


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
        _fails("rsv1_on_a_first_fragment_without_agreement_is_an_error", "410161", bits, 0, proof=1),
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
        _fails(f"opcode_{opcode:x}_is_reserved", f"{0x80 | opcode:x}00", "reserved_opcode", 0, proof=1)
        for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)
    ]
    tolerant = Strictness(reserved_bits=False)
    cases.append(
        Case("rsv2_is_counted_where_tolerated", b"\xa1\x01a", (("text", b"a"),), strictness=tolerant)
    )
    return cases


def _control() -> list[Case]:
    too_long, fragmented = "control_frame_too_long", "fragmented_control_frame"
    payload = bytes(range(125))
    return [
        *(
            Case(f"{word}_of_125_bytes_is_accepted", frame(opcode, payload), ((word, payload),))
            for word, opcode in (("ping", 9), ("pong", 10))
        ),
        _fails("ping_of_126_bytes_is_an_error_before_its_payload", "897e007e", too_long, 0, proof=2),
        _fails("pong_of_64_bit_length_is_an_error", "8a7f0000000000010000", too_long, 0, proof=2),
        _fails("close_of_126_bytes_is_an_error", "887e007e03e8", too_long, 0, proof=2),
        _fails("fragmented_ping_is_an_error", "0900", fragmented, 0, proof=1),
        _fails("fragmented_pong_is_an_error", "0a00", fragmented, 0, proof=1),
        _fails("fragmented_close_is_an_error", "0800", fragmented, 0, proof=1),
        _fails("fragmented_ping_inside_a_message_is_an_error", "010161 0900", fragmented, 3, proof=4),
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


def _many() -> list[Case]:
    start = frame(TEXT, b"a", fin=False)
    return [
        Case(
            "fragments_of_one_byte_without_end_exceed_the_fragment_limit",
            start + frame(CONTINUATION, b"a", fin=False) * 131_070,
            ends=Fails("max_fragments", 3 * 16_384),
        ),
        Case(
            "empty_fragments_without_end_exceed_the_fragment_limit",
            start + frame(CONTINUATION, fin=False) * 1_000_000,
            ends=Fails("max_fragments", 3 + 2 * 16_383),
        ),
        Case(
            "fragments_of_one_byte_without_a_limit_are_one_message",
            start + frame(CONTINUATION, b"a", fin=False) * 131_070 + frame(CONTINUATION),
            sees=(("text", b"a" * 131_071),),
            limits=Limits(max_fragments=None),
        ),
        Case(
            "empty_fragments_without_a_limit_are_unfinished",
            start + frame(CONTINUATION, fin=False) * 1_000_000,
            ends=Cut(TEXT, b"a", 0),
            limits=Limits(max_fragments=None),
        ),
        Case(
            "frame_of_one_mebibyte_is_one_message",
            frame(BINARY, bytes(range(256)) * 4096, key=KEY),
            sees=(("binary", bytes(range(256)) * 4096),),
            from_client=True,
        ),
    ]


def _compressed() -> list[Case]:
    content = b"between compressed fragments, between compressed fragments"
    payload = deflate(content)
    cases = [
        Case(
            f"ping_between_compressed_fragments_cut_at_{at}_comes_first",
            frame(TEXT, payload[:at], fin=False, rsv1=True)
            + frame(PING, b"hb")
            + frame(CONTINUATION, payload[at:]),
            sees=(("ping", b"hb"), ("text", content)),
            deflate=AGREED,
        )
        for at in range(len(payload) + 1)
    ]
    return [
        *cases,
        Case(
            "ping_before_a_compressed_frame_leaves_it_alone",
            b"\x89\x00" + frame(TEXT, payload, rsv1=True),
            sees=(("ping", b""), ("text", content)),
            deflate=AGREED,
        ),
    ]


CASES: list[Case] = [
    *_fragments(),
    *_order(),
    *_reserved(),
    *_control(),
    *_first_broken_rule(),
    *_compressed(),
]
LONG_CASES: list[Case] = _many()
"""Cases of a megabyte or so: run whole, in chunks and (some) byte by byte, not at every split."""
