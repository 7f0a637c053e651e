"""The agreed parameters of the permessage-deflate extension.

The server's 101 answer says what was agreed; nothing about it can be seen in the frames. A server
makes that answer from what the client offers (``accept``), everybody else reads it
(``from_header``). The ``server_*`` parameters rule what the server sends, the ``client_*`` ones
what the client sends, so both directions of a connection take the same ``DeflateParams``.

Follows RFC 7692 sections 5 (negotiation) and 7.1 (parameters), and RFC 6455 section 9.1 (the
header's grammar).

Invariants: ``8 <= server_max_window_bits <= 15``; ``8 <= client_max_window_bits <= 15``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_int

_SMALLEST_WINDOW_BITS = 8
_LARGEST_WINDOW_BITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class DeflateParams:
    """What client and server agreed on for permessage-deflate (RFC 7692 section 7.1).

    Args:
        server_no_context_takeover: Each message from the server starts with an empty window
            (RFC 7692 section 7.1.1.1).
        client_no_context_takeover: The same for messages from the client
            (RFC 7692 section 7.1.1.2).
        server_max_window_bits: Base-2 logarithm of the server's window size in bytes, from 8 to
            15 (RFC 7692 section 7.1.2.1).
        client_max_window_bits: The same for the client (RFC 7692 section 7.1.2.2).
        oddities: What ``from_header(value, strict=False)`` found wrong with the answer, each in a
            few words. It takes no part in comparisons.

    Raises:
        TypeError: If a value has the wrong type.
        ValueError: If window bits are below 8 or above 15.

    Example:
        >>> from wsdefrag import DeflateParams
        >>> params = DeflateParams.from_header("permessage-deflate; server_max_window_bits=12")
        >>> params.server_max_window_bits
        12
        >>> params == DeflateParams(server_max_window_bits=12)
        True
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = _LARGEST_WINDOW_BITS
    client_max_window_bits: int = _LARGEST_WINDOW_BITS
    oddities: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse values that cannot have been agreed on."""
        for name in ("server_no_context_takeover", "client_no_context_takeover"):
            require_bool(name, getattr(self, name))
        for name in ("server_max_window_bits", "client_max_window_bits"):
            bits = require_int(name, getattr(self, name))
            if not _SMALLEST_WINDOW_BITS <= bits <= _LARGEST_WINDOW_BITS:
                raise ValueError(f"{name} must be from 8 to 15, not {bits}")
        if not isinstance(self.oddities, tuple):
            raise TypeError(f"oddities must be a tuple, not {type(self.oddities).__name__}")

    @classmethod
    def from_header(cls, value: str | bytes, *, strict: bool = True) -> DeflateParams | None:
        """Read the ``Sec-WebSocket-Extensions`` header of the server's 101 answer.

        Several headers of that name are to be joined with commas first
        (RFC 6455 section 11.3.2).

        A client has to end the connection where the answer breaks a rule
        (RFC 7692 section 7). Whoever only watches loses the messages by that: with
        ``strict=False`` the answer is read as far as it says anything, and ``oddities`` of the
        result says what was wrong. An empty parameter, an unknown one, and another extension's
        malformed name are passed over. Window bits that are missing or no number count as 15,
        which reads every window; others count as the nearest from 8 to 15. A
        ``no_context_takeover`` with a value counts as one without. Of a parameter that is given
        twice the later one holds, of permessage-deflate given twice the first one.

        Args:
            value: The header's value, without its name.
            strict: Whether an answer that breaks a rule is refused.

        Returns:
            The agreed parameters, or None where permessage-deflate is not in the header.

        Raises:
            TypeError: If ``value`` is neither str nor bytes, or ``strict`` is not a bool.
            ValueError: If the header is not well-formed, or holds parameters that RFC 7692
                section 7.1 does not allow in an answer. The message says which. With
                ``strict=False``, only if a quoted string does not end, or the name of
                permessage-deflate is followed by what is no parameter.

        Example:
            >>> from wsdefrag import DeflateParams
            >>> params = DeflateParams.from_header("permessage-deflate;", strict=False)
            >>> params == DeflateParams(), params.oddities
            (True, ('empty parameter',))
        """
        require_bool("strict", strict)
        agreed = _native.parse_deflate_header(_text(value), strict=strict)
        if agreed is None:
            return None
        fields, oddities = agreed
        return cls._of(*fields, oddities=tuple(oddities))

    @classmethod
    def accept(cls, offers: str | bytes) -> tuple[DeflateParams, str] | None:
        """Choose what a server answers to the ``Sec-WebSocket-Extensions`` of a client's request.

        The first offer of permessage-deflate that is valid is accepted as it stands: the server
        does what it asks for, and holds the client to what it says of itself. Offers that are not
        valid are declined (RFC 7692 sections 5.1 and 7).

        Several headers of that name are to be joined with commas first
        (RFC 6455 section 11.3.2).

        Args:
            offers: The header's value, without its name.

        Returns:
            The agreed parameters and the value of the ``Sec-WebSocket-Extensions`` header to
            answer with; None where no offer can be accepted, and no such header is to be sent.

        Raises:
            TypeError: If ``offers`` is neither str nor bytes.
            ValueError: If the header is not well-formed, which is to be answered with an error
                (RFC 6455 section 9.1). The message says why.

        Example:
            >>> from wsdefrag import DeflateParams
            >>> offers = "permessage-deflate; client_max_window_bits; server_max_window_bits=10"
            >>> params, answer = DeflateParams.accept(offers)
            >>> params == DeflateParams(server_max_window_bits=10)
            True
            >>> answer
            'permessage-deflate; server_max_window_bits=10'
        """
        accepted = _native.accept_deflate_offers(_text(offers))
        if accepted is None:
            return None
        fields, answer = accepted
        return cls._of(*fields), answer

    @classmethod
    def _of(
        cls,
        server_no_context_takeover: bool,
        client_no_context_takeover: bool,
        server_max_window_bits: int,
        client_max_window_bits: int,
        oddities: tuple[str, ...] = (),
    ) -> DeflateParams:
        """Take the fields in the order in which the native module gives them."""
        return cls(
            server_no_context_takeover=server_no_context_takeover,
            client_no_context_takeover=client_no_context_takeover,
            server_max_window_bits=server_max_window_bits,
            client_max_window_bits=client_max_window_bits,
            oddities=oddities,
        )


def _text(header: str | bytes) -> str:
    """Decode a header so that the parser sees, and refuses, every byte that does not belong."""
    # Latin-1 maps every byte to one character.
    return header.decode("latin-1") if isinstance(header, bytes) else header
