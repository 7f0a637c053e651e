"""The table of tolerated disagreements with the peers, each with the paragraph that decides it.

An entry has bytes that show it, and the question about a difference that tells whether it is
this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wire_differences import (
    Difference,
    close_code_1014,
    close_inside_message,
    final_block,
    inflate_failure_is_1002,
    inflates_before_order,
    long_control,
    non_minimal,
    reason_before_code,
    top_bit,
    truncated,
    waits_after_half_a_surrogate,
    waits_for_the_frame,
)
from wire_peers import Direction, Reading, read_ours, read_websockets, read_wsproto
from wire_writer import BINARY, TEXT, Deflater, close_frame, deflate, deflate_final, frame
from wsdefrag import DeflateParams

AGREED = DeflateParams()
Explains = Callable[[Difference], bool]
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
    explains: Explains
    wire: bytes
    ours: Reading
    theirs: Reading
    deflate: DeflateParams = AGREED


def _ping_in_compressed(difference: Difference) -> bool:
    """The peer must read the same messages once no control frame stands between fragments."""
    if not difference.control_inside_compressed():
        return False
    calm = difference.without_control_inside_messages()
    again, *_ = read_ours(calm)
    same = _messages(again) == _messages(difference.ours)
    same = same and again.failed == difference.ours.failed
    return same and _is_known(difference.peer, calm, aside=_ping_in_compressed)


def _beyond_the_window(difference: Difference) -> bool:
    """The peer must read the same once it keeps as much history as the package does."""
    wide = difference.with_the_widest_window()
    if wide == difference.direction or difference.theirs.failed not in (1002, 1007):
        return False
    return _is_known(difference.peer, wide, aside=_beyond_the_window)


def _messages(reading: Reading) -> list[object]:
    return [seen for seen in reading.events if seen[0] in ("text", "binary")]


PING_IN_COMPRESSED = bytes.fromhex("4103 f248cd 89026862 8004 c9c90700")
FINAL = frame(TEXT, deflate_final(b"Hello"), rsv1=True) + frame(TEXT, deflate(b"Hello"), rsv1=True)
HALF = frame(TEXT, deflate(b"Hello")[:-1], rsv1=True)
CUT = bytes.fromhex("8105 48656c6c6f a1")
SURROGATE = bytes.fromhex("0102eda0")
VARIED = bytes(index * index % 65521 % 251 for index in range(600))
FAR = b"".join(
    frame(BINARY, payload, rsv1=True) for payload in map(Deflater().compress, [VARIED] * 2)
)
NARROW = DeflateParams(server_max_window_bits=9)

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
        close_code_1014,
        close_frame(1014, b"gateway"),
        Reading((("close", 1014, "gateway"),)),
        Reading((), 1002),
    ),
    Disagreement(
        "wsproto",
        "data_frame_inside_a_compressed_message_is_inflated_first",
        "RFC 6455 section 5.4: the frame is out of order whatever it holds, so 1002",
        inflates_before_order,
        bytes.fromhex("4100 810107"),
        Reading((), 1002),
        Reading((), 1007),
    ),
    Disagreement(
        "wsproto",
        "block_with_bfinal_ends_all_compression",
        "RFC 7692 section 7.2.3.4: a block may have BFINAL set, and messages go on after it",
        final_block,
        FINAL,
        Reading((HELLO, HELLO)),
        Reading((HELLO,), 1007),
    ),
    Disagreement(
        "wsproto",
        "truncated_deflate_data_is_a_message",
        "RFC 7692 section 7.2.2: payload and tail together are whole blocks of deflate",
        truncated,
        HALF,
        Reading((), 1007),
        Reading((HELLO,)),
    ),
    Disagreement(
        "wsproto",
        "broken_frame_is_refused_only_with_more_of_it",
        "RFC 6455 section 5.2: one byte can break a rule, and what follows does not mend it",
        waits_for_the_frame,
        CUT,
        Reading((HELLO,), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "wsproto",
        "surrogate_is_refused_only_with_its_third_byte",
        "RFC 6455 section 8.1 and RFC 3629 section 4: after ED comes 80 to 9F",
        waits_after_half_a_surrogate,
        SURROGATE,
        Reading((), 1007),
        Reading(()),
    ),
    Disagreement(
        "wsproto",
        "distance_beyond_the_agreed_window_is_an_error",
        "RFC 7692 section 7.1.2: the window bits bind who compresses, and allow who inflates to"
        " keep less; keeping more is right for every stream",
        _beyond_the_window,
        FAR,
        Reading((("binary", VARIED),) * 2),
        Reading((("binary", VARIED),), 1007),
        NARROW,
    ),
    Disagreement(
        "websockets",
        "close_inside_a_fragmented_message_is_an_error",
        "RFC 6455 section 5.4: control frames, Close among them, may stand between fragments",
        close_inside_message,
        bytes.fromhex("010161 880203e8"),
        Reading((("close", 1000, ""),)),
        Reading((), 1002),
    ),
    Disagreement(
        "websockets",
        "non_minimal_length_is_accepted",
        "RFC 6455 section 5.2: the minimal number of bytes must be used",
        non_minimal,
        bytes.fromhex("817e0005 48656c6c6f"),
        Reading((), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "long_length_form_of_a_control_frame_is_accepted",
        "RFC 6455 section 5.5: the length of a control frame fits in seven bits",
        long_control,
        bytes.fromhex("897e0002 6869"),
        Reading((), 1002),
        Reading((("ping", b"hi"),)),
    ),
    Disagreement(
        "websockets",
        "inflate_failure_is_1002",
        "RFC 6455 section 7.4.1: 1007 is for data that does not fit the type of its message",
        inflate_failure_is_1002,
        bytes.fromhex("c10107"),
        Reading((), 1007),
        Reading((), 1002),
    ),
    Disagreement(
        "websockets",
        "close_reason_is_checked_before_the_code",
        "RFC 6455 section 5.5.1: the code is the first two bytes of the payload",
        reason_before_code,
        close_frame(1006, b"\xff"),
        Reading((), 1002),
        Reading((), 1007),
    ),
    Disagreement(
        "websockets",
        "block_with_bfinal_ends_all_compression",
        "RFC 7692 section 7.2.3.4: a block may have BFINAL set, and messages go on after it",
        final_block,
        FINAL,
        Reading((HELLO, HELLO)),
        Reading((HELLO, ("text", b""))),
    ),
    Disagreement(
        "websockets",
        "truncated_deflate_data_is_a_message",
        "RFC 7692 section 7.2.2: payload and tail together are whole blocks of deflate",
        truncated,
        HALF,
        Reading((), 1007),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "top_bit_of_a_64_bit_length_is_part_of_it",
        "RFC 6455 section 5.2: the most significant bit must be 0",
        top_bit,
        bytes.fromhex("8105 48656c6c6f 827f 8000000000000000"),
        Reading((HELLO,), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "broken_frame_is_refused_only_as_a_whole",
        "RFC 6455 section 5.2: one byte can break a rule, and what follows does not mend it",
        waits_for_the_frame,
        CUT + b"\x09Hello",
        Reading((HELLO,), 1002),
        Reading((HELLO,)),
    ),
    Disagreement(
        "websockets",
        "surrogate_is_refused_only_with_its_third_byte",
        "RFC 6455 section 8.1 and RFC 3629 section 4: after ED comes 80 to 9F",
        waits_after_half_a_surrogate,
        SURROGATE,
        Reading((), 1007),
        Reading(()),
    ),
    Disagreement(
        "websockets",
        "distance_beyond_the_agreed_window_is_an_error",
        "RFC 7692 section 7.1.2: the window bits bind who compresses, and allow who inflates to"
        " keep less; keeping more is right for every stream",
        _beyond_the_window,
        FAR,
        Reading((("binary", VARIED),) * 2),
        Reading((("binary", VARIED),), 1002),
        NARROW,
    ),
]


def difference(peer: str, direction: Direction) -> Difference | None:
    """The difference between a peer and the package on a direction, or None."""
    ours, kind, offset = read_ours(direction)
    theirs = PEERS[peer](direction)
    return None if ours == theirs else Difference(peer, direction, ours, kind, offset, theirs)


def explanation(found: Difference, *, aside: Explains | None = None) -> Disagreement | None:
    """The first entry that explains a difference, with one kind of entry set aside."""
    for known in DISAGREEMENTS:
        if known.peer == found.peer and known.explains is not aside and known.explains(found):
            return known
    return None


def _is_known(peer: str, direction: Direction, *, aside: Explains) -> bool:
    found = difference(peer, direction)
    return found is None or explanation(found, aside=aside) is not None
