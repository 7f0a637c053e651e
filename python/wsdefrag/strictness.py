"""Which rules of the framing a direction is held to.

All are on by default. Switching one off is for reading captures of peers that break it: each
breach is then accepted and counted in the reassembler's ``tolerated``. The rules without a
switch here have none because the bytes after a breach would have no clear meaning.

Invalid UTF-8 is not here: it is kept by ``utf8="lax"``.

Follows RFC 6455 sections 5.1, 5.2 and 7.4.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from wsdefrag._arguments import require_bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    r"""Rules that can be switched off one by one; False tolerates and counts breaches.

    Args:
        mask_direction: Frames from a client are masked, frames from a server are not
            (RFC 6455 section 5.1).
        minimal_length: A payload length uses the shortest of its three forms
            (RFC 6455 section 5.2).
        reserved_bits: RSV1, RSV2 and RSV3 are zero unless an agreed extension gives them a
            meaning (RFC 6455 section 5.2).
        close_codes: A Close frame holds a code that may be sent (RFC 6455 section 7.4).

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

    def __post_init__(self) -> None:
        """Refuse anything but bools, so that a wrong argument never loosens a rule."""
        for field in fields(self):
            require_bool(field.name, getattr(self, field.name))
