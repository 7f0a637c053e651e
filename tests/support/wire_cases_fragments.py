"""Wire cases about fragments and control frames between them (RFC 6455 section 5.4)."""

from __future__ import annotations

from wire_case import Case, Cut, Fails
from wire_writer import BINARY, CONTINUATION, KEY, PING, TEXT, deflate, frame
from wsdefrag import DeflateParams, Limits

AGREED = DeflateParams()


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
        Case(
            "empty_first_fragment_gives_one_message", b"\x01\x00\x80\x04rest", (("text", b"rest"),)
        ),
        Case(
            "empty_last_fragment_gives_one_message", b"\x01\x04some\x80\x00", (("text", b"some"),)
        ),
        Case(
            "empty_fragments_give_one_empty_message",
            b"\x02\x00\x00\x00\x80\x00",
            (("binary", b""),),
        ),
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
        Case(
            "stream_cut_in_a_header_is_unfinished",
            b"\x81\x01a\x82",
            (("text", b"a"),),
            Cut(2, b"", 3),
        ),
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
    *_compressed(),
]
LONG_CASES: list[Case] = _many()
"""Cases of a megabyte or so: run whole, in chunks and (some) byte by byte, not at every split."""
