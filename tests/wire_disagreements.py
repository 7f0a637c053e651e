"""The table of tolerated disagreements with the peers, each with the paragraph that decides it.

An entry has bytes that show it, and the question about a difference that tells whether it is
this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wire_differences import Difference
from wire_peers import Direction, Reading, read_ours, read_websockets, read_wsproto
from wire_writer import TEXT, close_frame, deflate, deflate_final, frame

PEERS: dict[str, Callable[[Direction], Reading]] = {
    "wsproto": read_wsproto,
    "websockets": read_websockets,
}
HELLO = ("text", b"Hello")


@dataclass(frozen=True)
class Disagreement:
    """One tolerated difference.

    `decides` names the paragraph by which the package reads as it does; `explains` tells whether
    a difference is this one; `wire` shows it, read as `ours` and `theirs`.
    """

    peer: str
    name: str
    decides: str
    explains: Callable[[Difference], bool]
    wire: bytes
    ours: Reading
    theirs: Reading


def _ping_in_compressed(difference: Difference) -> bool:
    """The peer must read the same messages once the control frames stand between them."""
    if not difference.control_inside_compressed():
        return False
    calm = difference.without_control_inside_messages()
    again, *_ = read_ours(calm)
    theirs = read_wsproto(calm)
    same = _messages(again) == _messages(difference.ours)
    same = same and again.failed == difference.ours.failed
    return same and (theirs == again or explanation("wsproto", calm) is not None)


def _messages(reading: Reading) -> list[object]:
    return [seen for seen in reading.events if seen[0] in ("text", "binary")]


def _waits_for_the_frame(difference: Difference) -> bool:
    return bool(difference.kind) and difference.peer_waits and difference.offending_frame_is_cut


def _waits_after_half_a_surrogate(difference: Difference) -> bool:
    return difference.kind == "invalid_utf8" and difference.peer_waits


def _truncated(difference: Difference) -> bool:
    return difference.kind == "truncated_deflate_data" and difference.agree_before


def _inflates_before_order(difference: Difference) -> bool:
    return difference.kind == "data_frame_inside_message" and difference.theirs == Reading(
        difference.ours.events, 1007
    )


def _final_block(difference: Difference) -> bool:
    return difference.final_block()


def _close_code_1014(difference: Difference) -> bool:
    *before, last = difference.ours.events or [("nothing", None)]
    return (
        last[:2] == ("close", 1014)
        and not difference.kind
        and difference.theirs == Reading(tuple(before), 1002)
    )


def _close_inside_message(difference: Difference) -> bool:
    return (
        difference.message_open_at_close()
        and not difference.kind
        and difference.theirs == Reading(difference.ours.events[:-1], 1002)
    )


def _non_minimal(difference: Difference) -> bool:
    return difference.kind == "non_minimal_length" and difference.agree_before


def _long_control(difference: Difference) -> bool:
    return difference.kind == "control_frame_too_long" and difference.agree_before


def _inflate_failure_is_1002(difference: Difference) -> bool:
    return (
        difference.kind in ("invalid_deflate_data", "invalid_utf8")
        and difference.in_compressed_message()
        and difference.theirs == Reading(difference.ours.events, 1002)
    )


def _reason_before_code(difference: Difference) -> bool:
    return difference.kind == "invalid_close_code" and difference.theirs == Reading(
        difference.ours.events, 1007
    )


PING_IN_COMPRESSED = bytes.fromhex("4103 f248cd 89026862 8004 c9c90700")
FINAL = frame(TEXT, deflate_final(b"Hello"), rsv1=True) + frame(TEXT, deflate(b"Hello"), rsv1=True)
HALF = frame(TEXT, deflate(b"Hello")[:-1], rsv1=True)
CUT = bytes.fromhex("8105 48656c6c6f a1")
SURROGATE = bytes.fromhex("0102eda0")

DISAGREEMENTS = [
    Disagreement(
        "wsproto",
        "control_frame_inside_a_compressed_message_ends_its_compression",
        "RFC 6455 section 5.4: control frames may stand between the fragments of a message;"
        " RFC 7692 section 6.1: compression is a matter of the whole message",
        _ping_in_compressed,
        PING_IN_COMPRESSED,
        Reading((("ping", b"hb"), HELLO)),
        Reading((("ping", b"hb"),), 1007),
    ),
    Disagreement(
        "wsproto",
        "close_code_1014_is_unknown",
        "RFC 6455 section 7.4.2: codes below 3000 are registered; 1014 has been since",
        _close_code_1014,
        close_frame(1014, b"gateway"),
        Reading((("close", 1014, "gateway"),)),
        Reading((), 1002),
    ),
    Disagreement(
        "wsproto",
        "data_frame_inside_a_compressed_message_is_inflated_first",
        "RFC 6455 section 5.4: the frame is out of order whatever it holds, so 1002",
        _inflates_before_order,
        bytes.fromhex("4100 810107"),
        Reading((), 1002),
        Reading((), 1007),
    ),
    Disagreement(
        "wsproto",
        "block_with_bfinal_ends_all_compression",
        "RFC 7692 section 7.2.3.4: a block may have BFINAL set, and messages go on after it",
        _final_block,
        FINAL,
        Reading((HELLO, HELLO)),
        Reading((HELLO,), 1007),
    ),
    Disagreement(
        "wsproto",
        "truncated_deflate_data_is_a_message",
        "RFC 7692 section 7.2.2: payload and tail together are whole blocks of deflate",
        _truncated,
        HALF,
        Reading((), 1007),
        Reading((HELLO,)),
    ),
    Disagreement(
        "wsproto",
        "broken_frame_is_refused_only_with_more_of_it",
        "RFC 6455 section 5.2: one byte can break a rule, and what follows does not mend it",
        _waits_for_the_frame,
        CUT,
        Reading((HELLO,), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "wsproto",
        "surrogate_is_refused_only_with_its_third_byte",
        "RFC 6455 section 8.1 and RFC 3629 section 4: after ED comes 80 to 9F",
        _waits_after_half_a_surrogate,
        SURROGATE,
        Reading((), 1007),
        Reading(()),
    ),
    Disagreement(
        "websockets",
        "close_inside_a_fragmented_message_is_an_error",
        "RFC 6455 section 5.4: control frames, Close among them, may stand between fragments",
        _close_inside_message,
        bytes.fromhex("010161 880203e8"),
        Reading((("close", 1000, ""),)),
        Reading((), 1002),
    ),
    Disagreement(
        "websockets",
        "non_minimal_length_is_accepted",
        "RFC 6455 section 5.2: the minimal number of bytes must be used",
        _non_minimal,
        bytes.fromhex("817e0005 48656c6c6f"),
        Reading((), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "long_length_form_of_a_control_frame_is_accepted",
        "RFC 6455 section 5.5: the length of a control frame fits in seven bits",
        _long_control,
        bytes.fromhex("897e0002 6869"),
        Reading((), 1002),
        Reading((("ping", b"hi"),)),
    ),
    Disagreement(
        "websockets",
        "inflate_failure_is_1002",
        "RFC 6455 section 7.4.1: 1007 is for data that does not fit the type of its message",
        _inflate_failure_is_1002,
        bytes.fromhex("c10107"),
        Reading((), 1007),
        Reading((), 1002),
    ),
    Disagreement(
        "websockets",
        "close_reason_is_checked_before_the_code",
        "RFC 6455 section 5.5.1: the code is the first two bytes of the payload",
        _reason_before_code,
        close_frame(1006, b"\xff"),
        Reading((), 1002),
        Reading((), 1007),
    ),
    Disagreement(
        "websockets",
        "block_with_bfinal_ends_all_compression",
        "RFC 7692 section 7.2.3.4: a block may have BFINAL set, and messages go on after it",
        _final_block,
        FINAL,
        Reading((HELLO, HELLO)),
        Reading((HELLO, ("text", b""))),
    ),
    Disagreement(
        "websockets",
        "truncated_deflate_data_is_a_message",
        "RFC 7692 section 7.2.2: payload and tail together are whole blocks of deflate",
        _truncated,
        HALF,
        Reading((), 1007),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "broken_frame_is_refused_only_as_a_whole",
        "RFC 6455 section 5.2: one byte can break a rule, and what follows does not mend it",
        _waits_for_the_frame,
        CUT + b"\x09Hello",
        Reading((HELLO,), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "top_bit_of_a_64_bit_length_is_part_of_it",
        "RFC 6455 section 5.2: the most significant bit must be 0",
        lambda difference: difference.kind == "length_top_bit" and difference.peer_waits,
        bytes.fromhex("8105 48656c6c6f 827f 8000000000000000"),
        Reading((HELLO,), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "surrogate_is_refused_only_with_its_third_byte",
        "RFC 6455 section 8.1 and RFC 3629 section 4: after ED comes 80 to 9F",
        _waits_after_half_a_surrogate,
        SURROGATE,
        Reading((), 1007),
        Reading(()),
    ),
]


def explanation(peer: str, direction: Direction) -> Disagreement | None:
    """The first entry that explains how a peer differs on a direction, if it does and one does."""
    ours, kind, offset = read_ours(direction)
    difference = Difference(direction, ours, kind, offset, PEERS[peer](direction))
    for known in DISAGREEMENTS:
        if known.peer == peer and known.explains(difference):
            return known
    return None
