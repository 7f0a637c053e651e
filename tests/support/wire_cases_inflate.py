"""Wire cases about deflate data that is broken or that inflates to too much.

Follows RFC 7692 section 7.2.2; the limits are the package's own.
"""

from __future__ import annotations

import zlib

from wire_case import Case, Cut, Fails
from wire_cases_deflate import AGREED, HELLO, STORY, compressed
from wire_writer import (
    BINARY,
    CONTINUATION,
    TEXT,
    Deflater,
    deflate,
    deflate_final,
    deflated_zeros,
    frame,
)
from wsdefrag import DeflateParams, Limits

INVALID = "invalid_deflate_data"


def _broken() -> list[Case]:
    ahead = zlib.compressobj(9, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, STORY)
    too_far = (ahead.compress(STORY) + ahead.flush(zlib.Z_SYNC_FLUSH))[:-4]
    payloads = {
        "a_reserved_block_type": b"\x07",
        "a_reserved_block_type_after_a_block": deflate(STORY) + b"\0\0\xff\xff\x07",
        "stored_lengths_that_differ": b"\x00\x05\x00\x05\x00Hello\x00",
        "a_distance_too_far_back": too_far,
        "garbage_behind_the_data": deflate(STORY) + b"\xde\xad\xbe\xef",
        "garbage_behind_a_final_block": deflate_final(STORY) + b"\xff\xff\xff\xff",
    }
    cases = [
        Case(
            f"{name}_is_an_error",
            compressed(deflate(b"Hello")) + compressed(payload) + b"\x89\x00",
            sees=HELLO,
            ends=Fails(INVALID, 9),
            deflate=DeflateParams(server_no_context_takeover=True),
        )
        for name, payload in payloads.items()
    ]
    half = deflate(STORY)[:-1]
    return [
        *cases,
        Case(
            "truncated_block_at_the_end_of_a_message_is_an_error",
            compressed(deflate(b"Hello")) + compressed(half),
            sees=HELLO,
            ends=Fails("truncated_deflate_data", 9),
            deflate=AGREED,
        ),
        Case(
            # An empty message is the byte 00 (RFC 7692 section 7.2.3.6); with no byte at all the
            # tail that the receiver appends is a stored block without its header.
            "compressed_message_without_a_byte_is_an_error",
            compressed(deflate(b"Hello")) + compressed(b""),
            sees=HELLO,
            ends=Fails("truncated_deflate_data", 9),
            deflate=AGREED,
        ),
        Case(
            "truncated_block_in_fragments_is_an_error_on_the_last",
            frame(TEXT, half[:9], fin=False, rsv1=True) + frame(CONTINUATION, half[9:]),
            ends=Fails("truncated_deflate_data", 11),
            deflate=AGREED,
        ),
        Case(
            "invalid_text_inside_deflate_is_an_error",
            compressed(deflate(b"ab\xffcd")),
            ends=Fails("invalid_utf8", 0),
            deflate=AGREED,
        ),
        Case(
            "text_inside_deflate_that_ends_inside_a_character_is_an_error",
            compressed(deflate(b"ab\xc3")),
            ends=Fails("invalid_utf8", 0),
            deflate=AGREED,
        ),
        Case(
            "compressed_message_without_an_end_shows_what_it_inflated_to",
            frame(BINARY, deflate(STORY) + b"\0\0\xff\xff", fin=False, rsv1=True),
            ends=Cut(BINARY, STORY, 0),
            deflate=AGREED,
        ),
    ]


def _limits() -> list[Case]:
    zeros = bytes(70_000)
    exact = Limits(max_message_size=70_000)
    short = Limits(max_message_size=69_999)
    pieces = deflated_zeros(3)
    parts = [
        frame(BINARY, pieces[0], fin=False, rsv1=True),
        frame(CONTINUATION, pieces[1], fin=False),
        frame(CONTINUATION, pieces[2]),
    ]
    tight = Limits(max_message_size=2 << 20)
    return [
        Case(
            "inflated_message_of_exactly_the_limit_is_accepted",
            compressed(deflate(zeros), opcode=BINARY) * 2,
            sees=(("binary", zeros),) * 2,
            deflate=AGREED,
            limits=exact,
        ),
        Case(
            "inflated_message_of_one_more_than_the_limit_is_refused",
            b"\x89\x00" + compressed(deflate(zeros), opcode=BINARY),
            sees=(("ping", b""),),
            ends=Fails("max_message_size", 2),
            deflate=AGREED,
            limits=short,
        ),
        Case(
            "stored_blocks_longer_than_the_limit_on_the_wire_are_accepted",
            compressed(Deflater(level=0).compress(STORY)),
            sees=(("text", STORY),),
            deflate=AGREED,
            limits=Limits(max_message_size=len(STORY)),
        ),
        Case(
            "bomb_in_fragments_is_refused_where_it_exceeds_the_limit",
            b"".join(parts),
            ends=Fails("max_message_size", len(parts[0]) + len(parts[1])),
            deflate=AGREED,
            limits=tight,
        ),
        Case(
            "bomb_in_one_frame_is_refused",
            compressed(b"".join(pieces), opcode=BINARY),
            ends=Fails("max_message_size", 0),
            deflate=AGREED,
            limits=tight,
        ),
    ]


CASES: list[Case] = [*_broken(), *_limits()]
