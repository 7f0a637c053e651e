"""``Strictness``: which rules are enforced in a direction.

A rule that is switched off is tolerated: bytes that break it are read, and ``tolerated`` counts how
often that happened. Other rules cannot be switched off, because it would be unclear how to read the
bytes after a violation.

The rules about frames and text are enforced by default. The three rules about deflate are not,
because enforcing them protects nobody and loses messages.

Follows RFC 6455 sections 5.1, 5.2, 7.4 and 8.1, and RFC 7692 sections 7.1.1 and 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from wsdefrag._arguments import require_bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    r"""Switches for rules: True enforces a rule, False tolerates and counts violations.

    Args:
        mask_direction: Frames from a client are masked, frames from a server are not
            (RFC 6455 section 5.1).
        minimal_length: A payload length uses the shortest of its three forms
            (RFC 6455 section 5.2).
        reserved_bits: RSV1, RSV2 and RSV3 are zero unless an agreed extension uses them
            (RFC 6455 section 5.2).
        close_codes: The code of a Close frame is one that may be sent (RFC 6455 section 7.4).
        utf8: A text message is UTF-8 (RFC 6455 section 8.1). The reason of a Close must always be
            UTF-8.
        no_context_takeover: After agreeing on no context takeover, a sender's message does not
            refer to earlier messages (RFC 7692 section 7.1.1). If False, up to 32 KiB of earlier
            content are kept for messages that do.
        empty_compressed_payload: The payload of a compressed message has at least one byte
            (RFC 7692 section 7.2.3.6). If False, a message without payload is read as empty.
        deflate_tail: A sender removes the bytes ``00 00 ff ff`` from the end of a compressed
            message (RFC 7692 section 7.2.1).

    Raises:
        TypeError: If a value is not a bool.

    Example:
        >>> from wsdefrag import MessageReassembler, Strictness
        >>> sloppy = Strictness(mask_direction=False)
        >>> reassembler = MessageReassembler(from_client=True, strictness=sloppy)
        >>> reassembler.receive_data(b"\x81\x02hi")
        ['hi']
        >>> reassembler.tolerated["mask_direction"]
        1
    """

    mask_direction: bool = True
    minimal_length: bool = True
    reserved_bits: bool = True
    close_codes: bool = True
    utf8: bool = True
    no_context_takeover: bool = False
    empty_compressed_payload: bool = False
    deflate_tail: bool = False

    def __post_init__(self) -> None:
        """Accept only bools, so that a wrong argument cannot switch a rule off."""
        for field in fields(self):
            require_bool(field.name, getattr(self, field.name))
