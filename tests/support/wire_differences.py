"""Where the package and a peer read the same bytes differently, and what in the bytes explains it.

A `Difference` holds both readings of one direction and answers questions about its frames, from
which the table of `test_differential.py` decides whether the difference is a known one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wire_peers import Direction, Reading
from wire_writer import FLUSH_TAIL, RawFrame, mask, read_frames
from wsdefrag import DeflateParams


@dataclass(frozen=True)
class Difference:
    """One direction on which the package and a peer differ, with what may explain it."""

    peer: str
    direction: Direction
    ours: Reading
    kind: str
    offset: int
    theirs: Reading

    @property
    def agree_before(self) -> bool:
        """Whether the peer read all that the package read before its error."""
        return self.theirs.events[: len(self.ours.events)] == self.ours.events

    @property
    def peer_waits(self) -> bool:
        """Whether the peer has read the same so far, and waits for more bytes."""
        return self.theirs == Reading(self.ours.events)

    @property
    def offending_frame_is_cut(self) -> bool:
        """Whether the offending frame is incomplete, so that a peer may wait."""
        found, _ = read_frames(self.direction.wire)
        return self.offset not in [one.offset for one in found]

    def frames(self) -> list[RawFrame]:
        """All frames up to the Close, the last one as far as it has arrived."""
        found, rest = read_frames(self.direction.wire)
        for index, one in enumerate(found):
            if one.opcode == 8:
                return found[: index + 1]
        return [*found, *_begun(rest, len(self.direction.wire) - len(rest))]

    def control_inside_compressed(self) -> bool:
        """Whether a control frame comes between the fragments of a compressed message."""
        inside = False
        for one in self.frames():
            if one.opcode >= 8:
                if inside:
                    return True
            else:
                inside = not one.fin and (one.rsv1 if one.opcode else inside)
        return False

    def without_control_inside_messages(self) -> Direction:
        """The same frames, with each control frame inside a message moved ahead of it.

        Only frames ahead of the offending one are moved.
        """
        wire = self.direction.wire
        calm, message, moved, end = bytearray(), bytearray(), bytearray(), 0
        for one in read_frames(wire)[0]:
            if one.opcode == 8 or one.offset == self.offset:
                break
            end = one.end
            if one.opcode >= 8:
                moved += wire[one.offset : end]
                continue
            if one.opcode:
                calm += moved
                moved.clear()
            message += wire[one.offset : end]
            if one.fin:
                calm += moved + message
                moved.clear()
                message.clear()
        return replace(self.direction, wire=bytes(calm + moved + message) + wire[end:])

    def with_the_widest_window(self) -> Direction:
        """The same bytes, read as if a window of 15 bits had been agreed on."""
        agreed = self.direction.deflate or DeflateParams()
        wide = replace(agreed, server_max_window_bits=15, client_max_window_bits=15)
        return replace(self.direction, deflate=wide)

    def message_open_at_close(self) -> bool:
        """Whether the Close comes between the fragments of a message."""
        inside = False
        for one in self.frames():
            if one.opcode == 8:
                return inside
            if one.opcode < 8:
                inside = not one.fin
        return False

    def in_compressed_message(self) -> bool:
        """Whether the offending frame belongs to a compressed message."""
        compressed = False
        for one in self.frames():
            if one.opcode in (1, 2):
                compressed = one.rsv1
            if one.offset == self.offset:
                return compressed
        return False

    def final_block(self) -> bool:
        """Whether a compressed message holds a block with BFINAL set."""
        return any(inflater.eof for _, inflater in self._inflated())

    def stops_inside_a_block(self) -> bool:
        """Whether the offending frame ends its message, in zlib's eyes, inside a block."""
        for one, inflater in self._inflated():
            if one.offset == self.offset:
                return one.fin and not _between_blocks(inflater)
        return False

    def _inflated(self) -> Iterator[tuple[RawFrame, zlib._Decompress]]:
        """The frames of compressed messages, each with zlib's state after it, up to an error."""
        agreed = self.direction.deflate
        if agreed is None:
            return
        alone = (
            agreed.client_no_context_takeover
            if self.direction.from_client
            else agreed.server_no_context_takeover
        )
        inflater = zlib.decompressobj(-15)
        compressed = False
        for one in self.frames():
            if one.opcode in (1, 2):
                compressed = one.rsv1
                inflater = zlib.decompressobj(-15) if alone else inflater
            if one.opcode >= 8 or not compressed:
                continue
            try:
                inflater.decompress(one.payload + (FLUSH_TAIL if one.fin else b""))
            except zlib.error:
                return
            yield one, inflater


def _between_blocks(inflater: zlib._Decompress) -> bool:
    """Whether a last, empty block may follow."""
    try:
        more = inflater.copy().decompress(b"\x01\x00\x00\xff\xff")
    except zlib.error:
        return False
    return more == b""


def top_bit(found: Difference) -> bool:
    return found.kind == "length_top_bit" and found.peer_waits


def waits_for_the_frame(found: Difference) -> bool:
    return bool(found.kind) and found.peer_waits and found.offending_frame_is_cut


def waits_after_half_a_surrogate(found: Difference) -> bool:
    return found.kind == "invalid_utf8" and found.peer_waits


def truncated(found: Difference) -> bool:
    """Parsers report a byte as wrong or as missing, depending on how far they look ahead."""
    if found.kind not in ("truncated_deflate_data", "invalid_deflate_data"):
        return False
    return found.agree_before and (
        found.kind == "truncated_deflate_data" or found.stops_inside_a_block()
    )


def inflates_before_order(found: Difference) -> bool:
    return found.kind == "data_frame_inside_message" and found.theirs == Reading(
        found.ours.events, 1007
    )


def final_block(found: Difference) -> bool:
    return found.final_block()


def close_code_1014(found: Difference) -> bool:
    """The peer fails at the code; the package goes on to the reason."""
    frames = found.frames()
    if not frames:
        return False
    last = frames[-1]
    if last.opcode != 8 or last.payload[:2] != (1014).to_bytes(2, "big"):
        return False
    closed = found.ours.events[:-1] if not found.kind else found.ours.events
    known = not found.kind or (found.kind == "invalid_close_reason" and found.offset == last.offset)
    return known and found.theirs == Reading(closed, 1002)


def close_inside_message(found: Difference) -> bool:
    return (
        found.message_open_at_close()
        and not found.kind
        and found.theirs == Reading(found.ours.events[:-1], 1002)
    )


def non_minimal(found: Difference) -> bool:
    return found.kind == "non_minimal_length" and found.agree_before


def long_control(found: Difference) -> bool:
    return found.kind == "control_frame_too_long" and found.agree_before


def inflate_failure_is_1002(found: Difference) -> bool:
    return (
        found.kind in ("invalid_deflate_data", "invalid_utf8")
        and found.in_compressed_message()
        and found.theirs == Reading(found.ours.events, 1002)
    )


def reason_before_code(found: Difference) -> bool:
    return found.kind == "invalid_close_code" and found.theirs == Reading(found.ours.events, 1007)


def _begun(rest: bytes, offset: int) -> Iterator[RawFrame]:
    """The frame that has begun to arrive, with the payload that has."""
    if len(rest) < 2:
        return
    second = rest[1]
    start = 2 + {126: 2, 127: 8}.get(second & 0x7F, 0)
    key = rest[start : start + 4] if second & 0x80 else None
    start += 4 if key is not None else 0
    payload = rest[start:]
    if key is not None:
        payload = mask(payload, key) if len(key) == 4 else b""
    yield RawFrame(offset, rest[0] & 0x7F, 7, key, payload, offset + len(rest))
