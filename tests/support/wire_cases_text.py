"""Wire cases about masks and UTF-8 (RFC 6455 sections 5.1, 5.3 and 8.1, RFC 3629)."""

from __future__ import annotations

from wire_case import Case, Cut, Fails
from wire_writer import BINARY, CONTINUATION, KEY, TEXT, frame
from wsdefrag import Strictness

EURO = "€".encode()
GRIN = "\N{GRINNING FACE}".encode()

BROKEN: dict[str, tuple[str, int]] = {
    "stray_continuation": ("80", 1),
    "over_long_nul": ("c080", 1),
    "over_long_slash": ("c1af", 1),
    "two_bytes_cut_by_a_letter": ("c328", 2),
    "over_long_in_three": ("e08080", 2),
    "high_surrogate": ("eda080", 2),
    "low_surrogate": ("edbfbf", 2),
    "three_bytes_cut_by_a_letter": ("e28228", 3),
    "over_long_in_four": ("f0808080", 2),
    "over_long_in_four_by_one": ("f08fbfbf", 2),
    "above_the_range": ("f4908080", 2),
    "four_bytes_cut_by_a_letter": ("f09f9828", 4),
    "lead_byte_f5": ("f5808080", 1),
    "lead_byte_f8": ("f888808080", 1),
    "byte_fe": ("fe", 1),
    "byte_ff": ("ff", 1),
}
"""Bytes that are not UTF-8, and how many of them prove it (Unicode, table 3-7)."""


def _masks() -> list[Case]:
    by_server, by_client = "masked_frame_from_server", "unmasked_frame_from_client"
    tolerant = Strictness(mask_direction=False)
    hello = (("text", b"hello"),)
    zero = frame(TEXT, b"hello", key=bytes(4))
    return [
        Case("mask_key_of_zero_is_accepted", zero, hello, from_client=True),
        Case(
            "mask_example_of_the_rfc_is_accepted",
            bytes.fromhex("8185 37fa213d 7f9f4d5158"),
            sees=(("text", b"Hello"),),
            from_client=True,
        ),
        Case(
            "mask_begins_anew_with_each_fragment",
            frame(BINARY, b"abcde", fin=False, key=KEY)
            + frame(CONTINUATION, b"fg", fin=False, key=b"\x01\x02\x03\x04")
            + frame(CONTINUATION, b"hijkl", key=KEY),
            sees=(("binary", b"abcdefghijkl"),),
            from_client=True,
        ),
        Case("masked_frame_from_server_is_an_error", zero, ends=Fails(by_server, 0, proof=2)),
        Case(
            "unmasked_frame_from_client_is_an_error",
            b"\x81\x05hello",
            ends=Fails(by_client, 0, proof=2),
            from_client=True,
        ),
        Case(
            "unmasked_ping_from_client_is_an_error",
            frame(TEXT, b"a", key=KEY) + b"\x89\x00",
            sees=(("text", b"a"),),
            ends=Fails(by_client, 7, proof=9),
            from_client=True,
        ),
        Case(
            "masked_frame_from_server_is_counted_where_tolerated", zero, hello, strictness=tolerant
        ),
        Case(
            "unmasked_frame_from_client_is_counted_where_tolerated",
            b"\x81\x05hello",
            sees=hello,
            from_client=True,
            strictness=tolerant,
        ),
        Case(
            "stream_cut_in_a_masking_key_is_unfinished",
            b"\x82\x85\x01\x02\x03",
            ends=Cut(BINARY, b"", 0),
            from_client=True,
        ),
        Case(
            "stream_cut_in_a_masked_payload_shows_it_unmasked",
            frame(BINARY, b"hello", key=KEY)[:-2],
            ends=Cut(BINARY, b"hel", 0),
            from_client=True,
        ),
    ]


def _valid() -> list[Case]:
    every_length = "aé€\N{GRINNING FACE}\0z".encode()
    edges = "\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff".encode()
    cases = [
        Case(f"valid_text_{name}_is_accepted", frame(TEXT, text), (("text", text),))
        for name, text in (
            ("of_every_length", every_length),
            ("at_the_edges_of_the_ranges", edges),
            ("of_nul_bytes", bytes(70)),
            ("non_ascii_only_at_the_end", b"a" * 200 + GRIN),
            ("non_ascii_only_at_the_start", EURO + b"a" * 200),
            ("of_a_byte_order_mark", b"\xef\xbb\xbf"),
        )
    ]
    for name, character in (("two", "é".encode()), ("three", EURO), ("four", GRIN)):
        cases += [
            Case(
                f"character_of_{name}_bytes_split_at_{at}_over_fragments_is_accepted",
                frame(TEXT, b"x" + character[:at], fin=False)
                + b"\x89\x00"
                + frame(CONTINUATION, character[at:] + b"y"),
                sees=(("ping", b""), ("text", b"x" + character + b"y")),
            )
            for at in range(1, len(character))
        ]
    one_by_one = bytes.fromhex("0101e2 8900 000182 8900 8001ac")
    return [
        *cases,
        Case(
            "character_of_three_bytes_over_three_fragments_is_accepted",
            one_by_one,
            sees=(("ping", b""), ("ping", b""), ("text", EURO)),
        ),
        Case(
            "binary_message_of_any_bytes_is_accepted",
            frame(BINARY, bytes(range(256))),
            sees=(("binary", bytes(range(256))),),
        ),
        Case(
            "character_unfinished_at_end_of_stream_is_only_unfinished",
            frame(TEXT, EURO[:2], fin=False),
            ends=Cut(TEXT, EURO[:2], 0),
        ),
    ]


def _invalid() -> list[Case]:
    rule = "invalid_utf8"
    cases: list[Case] = []
    for name, (digits, known) in BROKEN.items():
        bad = bytes.fromhex(digits)
        cases += [
            Case(
                f"invalid_text_{name}_is_an_error",
                b"\x81\x01a" + frame(TEXT, b"ab" + bad + b"cd"),
                sees=(("text", b"a"),),
                ends=Fails(rule, 3, proof=3 + 4 + known),
            ),
            Case(
                f"invalid_text_{name}_in_a_continuation_is_an_error_there",
                frame(TEXT, "é".encode(), fin=False) + frame(CONTINUATION, bad + b"cd"),
                ends=Fails(rule, 4, proof=6 + known),
            ),
            Case(
                f"invalid_text_{name}_is_counted_where_tolerated",
                frame(TEXT, bad),
                sees=(("text", bad),),
                strictness=Strictness(utf8=False),
            ),
        ]
        if known > 1:
            cases.append(
                Case(
                    f"invalid_text_{name}_over_fragments_is_an_error_where_it_is_proven",
                    frame(TEXT, bad[: known - 1], fin=False)
                    + b"\x8a\x00"
                    + frame(CONTINUATION, bad[known - 1 :]),
                    sees=(("pong", b""),),
                    ends=Fails(rule, 2 + known - 1 + 2, proof=known + 6),
                )
            )
    return cases


def _unfinished_characters() -> list[Case]:
    rule = "invalid_utf8"
    long = b"v" * 130
    cases = [
        Case(
            f"bad_byte_{back}_before_the_end_of_a_long_text_is_an_error",
            frame(TEXT, b"a" * (200 - back) + b"\xff" + b"a" * (back - 1)),
            ends=Fails(rule, 0, proof=4 + 200 - back + 1),
        )
        for back in range(1, 65)
    ]
    return [
        *cases,
        Case("text_ending_inside_a_character_is_an_error", b"\x81\x01\xc3", ends=Fails(rule, 0, 3)),
        Case(
            "text_ending_inside_a_character_is_counted_where_tolerated",
            b"\x01\x01\xc3\x80\x00",
            sees=(("text", b"\xc3"),),
            strictness=Strictness(utf8=False),
        ),
        Case(
            "fragmented_text_ending_inside_a_character_is_an_error",
            b"\x01\x01a\x80\x01\xc3",
            ends=Fails(rule, 3, proof=6),
        ),
        Case(
            "text_ending_inside_a_character_by_an_empty_fragment_is_an_error",
            b"\x01\x01\xc3\x80\x00",
            ends=Fails(rule, 3, proof=5),
        ),
        Case(
            "bad_bytes_are_an_error_before_the_rest_is_sent",
            b"\x81\x7e\x01\x00" + long + b"\xf4\x90",
            ends=Fails(rule, 0, proof=4 + 130 + 2),
        ),
        Case(
            "bad_bytes_in_a_masked_frame_are_an_error_before_the_rest_is_sent",
            frame(TEXT, long + b"\xf4\x90" + long, key=KEY)[: 8 + 130 + 2],
            ends=Fails(rule, 0, proof=8 + 130 + 2),
            from_client=True,
        ),
        Case(
            "bad_bytes_in_the_second_text_spare_the_first",
            frame(TEXT, EURO) + frame(TEXT, b"\xe2\x82") + frame(TEXT, EURO),
            sees=(("text", EURO),),
            ends=Fails(rule, 5, proof=9),
        ),
    ]


CASES: list[Case] = [*_masks(), *_valid(), *_invalid(), *_unfinished_characters()]
