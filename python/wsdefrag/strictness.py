"""Which rules a direction is held to.

Switching a rule off is for reading what peers that break it send: each breach is then accepted
and counted in ``tolerated``, under the rule's name. The rules without a switch here have none
because the bytes after a breach would have no clear meaning.

The rules of the framing and of the text are on by default. The three about deflate are off by
default: keeping them protects nobody and loses messages.

Follows RFC 6455 sections 5.1, 5.2, 7.4 and 8.1, and RFC 7692 sections 7.1.1 and 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from wsdefrag._arguments import require_bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    r"""Rules that can be switched on and off one by one; False tolerates and counts breaches.

    Args:
        mask_direction: Frames from a client are masked, frames from a server are not
            (RFC 6455 section 5.1).
        minimal_length: A payload length uses the shortest of its three forms
            (RFC 6455 section 5.2).
        reserved_bits: RSV1, RSV2 and RSV3 are zero unless an agreed extension gives them a
            meaning (RFC 6455 section 5.2).
        close_codes: A Close frame holds a code that may be sent (RFC 6455 section 7.4).
        utf8: A text message is UTF-8 (RFC 6455 section 8.1). The reason in a Close always has to
            be.
        no_context_takeover: A sender that agreed on no context takeover refers to nothing before
            the message (RFC 7692 section 7.1.1). If False, up to 32 KiB of what it sent before
            are kept for a message that does.
        empty_compressed_payload: A compressed message has a payload, of one byte at least
            (RFC 7692 section 7.2.3.6). If False, one without is empty.
        deflate_tail: The four bytes ``00 00 ff ff`` at the end of a compressed message are taken
            off (RFC 7692 section 7.2.1).

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
        """Refuse anything but bools, so that a wrong argument never loosens a rule."""
        for field in fields(self):
            require_bool(field.name, getattr(self, field.name))
