"""Wire cases about permessage-deflate (RFC 7692 sections 6 and 7)."""

from __future__ import annotations

from wire_case import Case, Fails, Seen
from wire_writer import (
    BINARY,
    CONTINUATION,
    KEY,
    TEXT,
    Deflater,
    deflate,
    deflate_final,
    frame,
)
from wsdefrag import DeflateParams

AGREED = DeflateParams()
HELLO = (("text", b"Hello"),)
STORY = b"the same words again and again, the same words again and again"
INVALID = "invalid_deflate_data"


def compressed(payload: bytes, *, opcode: int = TEXT, key: bytes | None = None) -> bytes:
    """One unfragmented compressed message."""
    return frame(opcode, payload, rsv1=True, key=key)


def _examples_of_the_rfc() -> list[Case]:
    wires = {
        "one_block": "c107 f248cdc9c90700",
        "fragments": "4103 f248cd 8004 c9c90700",
        "a_block_without_compression": "c10b 000500faff48656c6c6f00",
        "a_final_block": "c108 f348cdc9c9070000",
        "two_blocks": "c10d f248050000 00ffff cac9c90700",
        "an_empty_last_fragment": "410b f248cdc9c907000000ffff 800100",
    }
    cases = [
        Case(f"deflate_example_{name}_is_hello", bytes.fromhex(wire), HELLO, deflate=AGREED)
        for name, wire in wires.items()
    ]
    twice = bytes.fromhex("c107 f248cdc9c90700 c105 f200110000")
    return [
        *cases,
        Case("deflate_example_takeover_is_hello_twice", twice, HELLO * 2, deflate=AGREED),
        Case(
            "reference_to_an_earlier_message_without_takeover_is_an_error",
            twice,
            sees=HELLO,
            ends=Fails(INVALID, 9),
            deflate=DeflateParams(server_no_context_takeover=True),
        ),
        Case(
            "empty_compressed_message_is_empty", b"\xc1\x01\x00", (("text", b""),), deflate=AGREED
        ),
        Case(
            "empty_compressed_fragment_and_message_are_empty",
            b"\x41\x00\x80\x01\x00",
            sees=(("text", b""),),
            deflate=AGREED,
        ),
    ]


def _takeover() -> list[Case]:
    cases: list[Case] = []
    for side, from_client in (("server", False), ("client", True)):
        key = KEY if from_client else None
        for takeover in (True, False):
            sender = Deflater(takeover=takeover)
            wire = b"".join(compressed(sender.compress(STORY), key=key) for _ in range(3))
            params = DeflateParams(
                server_no_context_takeover=side == "server" and not takeover,
                client_no_context_takeover=side == "client" and not takeover,
            )
            word = "with" if takeover else "without"
            cases.append(
                Case(
                    f"messages_of_the_{side}_{word}_takeover_are_inflated",
                    wire,
                    sees=(("text", STORY),) * 3,
                    from_client=from_client,
                    deflate=params,
                )
            )
        keeps = Deflater()
        wire = b"".join(compressed(keeps.compress(STORY), key=key) for _ in range(2))
        cases.append(
            Case(
                f"takeover_of_the_{side}_is_ruled_by_its_own_parameter",
                wire,
                sees=(("text", STORY),) * 2,
                from_client=from_client,
                deflate=DeflateParams(
                    server_no_context_takeover=from_client,
                    client_no_context_takeover=not from_client,
                ),
            )
        )
    return cases


def _windows() -> list[Case]:
    cases: list[Case] = []
    words = b"the far end of the window, and no nearer"
    for bits in range(8, 16):
        sender = Deflater(bits)
        # As far back as zlib refers to: it keeps 262 bytes of the window to itself.
        far = words + bytes((1 << max(bits, 9)) - 262 - len(words)) + words
        first, second = sender.compress(far), sender.compress(far)
        cases.append(
            Case(
                f"window_of_{bits}_bits_is_inflated",
                compressed(first, opcode=BINARY) + compressed(second, opcode=BINARY),
                sees=(("binary", far),) * 2,
                deflate=DeflateParams(server_max_window_bits=bits),
            )
        )
    return cases


def _plain_between() -> list[Case]:
    sender = Deflater()
    first, second = sender.compress(STORY), sender.compress(STORY)
    return [
        Case(
            "plain_message_between_compressed_ones_leaves_the_window_alone",
            compressed(first) + frame(TEXT, b"plain") + compressed(second),
            sees=(("text", STORY), ("text", b"plain"), ("text", STORY)),
            deflate=AGREED,
        ),
        Case(
            "plain_fragments_between_compressed_messages_leave_the_window_alone",
            compressed(first)
            + frame(BINARY, b"pl", fin=False)
            + frame(CONTINUATION, b"ain")
            + compressed(second),
            sees=(("text", STORY), ("binary", b"plain"), ("text", STORY)),
            deflate=AGREED,
        ),
        Case(
            "frame_after_a_compressed_one_stays_intact",
            compressed(deflate(STORY * 40)) + frame(TEXT, b"second"),
            sees=(("text", STORY * 40), ("text", b"second")),
            deflate=AGREED,
        ),
    ]


def _final_blocks() -> list[Case]:
    sender = Deflater()
    first, second = sender.compress(STORY), sender.compress(STORY)
    final = deflate_final(b"Hello")
    empty = deflate_final(b"")
    after = compressed(first) + compressed(second)
    stories: tuple[Seen, ...] = (("text", STORY),) * 2
    contents: dict[str, tuple[bytes, bytes]] = {
        "and_an_empty_block": (final + b"\0", b"Hello"),
        "and_nothing_more": (final, b"Hello"),
        "and_a_second_final_block": (final + deflate_final(b" again"), b"Hello again"),
        "and_more_blocks": (final + deflate(b" again"), b"Hello again"),
        "of_nothing": (empty, b""),
        "eight_times": (final * 8, b"Hello" * 8),
    }
    cases = [
        Case(
            f"final_block_{name}_is_inflated_and_so_is_what_follows",
            compressed(payload) + after,
            sees=(("text", content), *stories),
            deflate=AGREED,
        )
        for name, (payload, content) in contents.items()
    ]
    fragmented = final + deflate(b" again")
    cases += [
        Case(
            f"final_block_in_fragments_cut_at_{at}_is_inflated",
            frame(TEXT, fragmented[:at], fin=False, rsv1=True)
            + frame(CONTINUATION, fragmented[at:])
            + after,
            sees=(("text", b"Hello again"), *stories),
            deflate=AGREED,
        )
        for at in range(len(fragmented) + 1)
    ]
    return [
        *cases,
        Case(
            "final_blocks_by_the_thousand_are_an_error",
            compressed(empty * 30_000),
            ends=Fails("too_many_deflate_members", 0),
            deflate=AGREED,
        ),
    ]


CASES: list[Case] = [
    *_examples_of_the_rfc(),
    *_takeover(),
    *_windows(),
    *_plain_between(),
    *_final_blocks(),
]
