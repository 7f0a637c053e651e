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


@dataclass(frozen=True)
class Difference:
    """One direction on which the package and a peer differ, with what may explain it."""

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
        """Whether the peer has read the same so far and is not content, but not failed."""
        return self.theirs == Reading(self.ours.events)

    @property
    def offending_frame_is_cut(self) -> bool:
        """Whether the offending frame is not there as a whole, so that a peer may wait."""
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
        """Whether a control frame stands between the fragments of a compressed message."""
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

    def message_open_at_close(self) -> bool:
        """Whether the Close stands between the fragments of a message."""
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
        agreed = self.direction.deflate
        if agreed is None:
            return False
        alone = (
            agreed.client_no_context_takeover
            if self.direction.from_client
            else agreed.server_no_context_takeover
        )
        inflater = zlib.decompressobj(-15)
        compressed = False
        for one in self.frames():
            if one.opcode >= 8:
                continue
            if one.opcode:
                compressed = one.rsv1
                if alone:
                    inflater = zlib.decompressobj(-15)
            if not compressed:
                continue
            try:
                inflater.decompress(one.payload + (FLUSH_TAIL if one.fin else b""))
            except zlib.error:
                return False
            if inflater.eof:
                return True
        return False


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
