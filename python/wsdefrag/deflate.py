"""``DeflateParams`` and ``DeflateOffer``: permessage-deflate as agreed on, and as offered.

The server's 101 response contains the agreed parameters; frames do not. A server makes the response
from the client's offers (``choose``); clients and observers read it (``from_header``). The
``server_*`` parameters are about the messages of the server, the ``client_*`` parameters about
those of the client, so both directions of a connection use the same ``DeflateParams``.

Follows RFC 7692 sections 5 (negotiation) and 7.1 (parameters), and RFC 6455 section 9.1 (the
header's grammar).

Invariants: ``8 <= server_max_window_bits <= 15``; ``8 <= client_max_window_bits <= 15``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_int, require_str

if TYPE_CHECKING:
    from collections.abc import Iterable

_SMALLEST_WINDOW_BITS = 8
_LARGEST_WINDOW_BITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class DeflateParams:
    """The parameters that client and server agreed on (RFC 7692 section 7.1).

    Args:
        server_no_context_takeover: Each message from the server starts with an empty window
            (RFC 7692 section 7.1.1.1).
        client_no_context_takeover: Each message from the client starts with an empty window
            (RFC 7692 section 7.1.1.2).
        server_max_window_bits: Base-2 logarithm of the server's window size in bytes, from 8 to
            15 (RFC 7692 section 7.1.2.1).
        client_max_window_bits: Base-2 logarithm of the client's window size in bytes, from 8 to
            15 (RFC 7692 section 7.1.2.2).
        oddities: The errors that ``from_header(value, strict=False)`` found in the response.
            Each quotes at most 64 bytes of a long part. Comparisons ignore them.

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
        """Check the values."""
        for name in ("server_no_context_takeover", "client_no_context_takeover"):
            require_bool(name, getattr(self, name))
        for name in ("server_max_window_bits", "client_max_window_bits"):
            _require_window_bits(name, getattr(self, name))
        if not isinstance(self.oddities, tuple):
            raise TypeError(f"oddities must be a tuple, not {type(self.oddities).__name__}")

    @classmethod
    def from_header(cls, value: str | bytes, *, strict: bool = True) -> DeflateParams | None:
        """Parse the ``Sec-WebSocket-Extensions`` header of the server's 101 response.

        If there are several such headers, join them with commas first (RFC 6455 section 11.3.2).

        A client must end the connection if the response breaks a rule (RFC 7692 section 7). An
        observer would lose the messages by that, so with ``strict=False`` an invalid response is
        accepted, and ``oddities`` of the result lists its errors:

        - Empty and unknown parameters, and malformed names of other extensions, are ignored.
        - Window bits that are missing or not a number are taken as 15, which can read every window;
          other numbers are taken as the nearest one from 8 to 15.
        - The value of a ``no_context_takeover`` parameter is ignored.
        - If a parameter occurs twice, the later one is used. If permessage-deflate occurs twice,
          the first one is used.

        Args:
            value: The value of the header.
            strict: Whether an invalid response raises ValueError.

        Returns:
            The agreed parameters, or None if the header does not contain permessage-deflate.

        Raises:
            TypeError: If ``value`` is neither str nor bytes, or ``strict`` is not a bool.
            ValueError: If the header is malformed, or has parameters that RFC 7692 section 7.1
                does not allow in a response; the text has the reason. With ``strict=False``, only
                if a quoted string has no end, or permessage-deflate is followed by something that
                is not a parameter.

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
    def choose(
        cls,
        offers: str | bytes | Iterable[str],
        *,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int = _LARGEST_WINDOW_BITS,
        client_max_window_bits: int = _LARGEST_WINDOW_BITS,
    ) -> tuple[DeflateParams, str] | None:
        """Make a server's response to the ``Sec-WebSocket-Extensions`` header of a request.

        The first valid offer of permessage-deflate is accepted. The parameters are what the client
        asks for or the server prefers, and the smaller window of the two. Invalid offers are
        declined (RFC 7692 sections 5.1 and 7).

        Args:
            offers: The value of the header; or several, such as ``HandshakeRequest.extensions``,
                which are joined with commas (RFC 6455 section 11.3.2).
            server_no_context_takeover: Whether the server prefers to keep no window.
            client_no_context_takeover: Whether the client should keep no window.
            server_max_window_bits: The largest window that the server uses.
            client_max_window_bits: The largest window that the client should use. A client that
                does not offer ``client_max_window_bits`` uses 15 bits all the same (RFC 7692
                section 7.1.2.2).

        Returns:
            The agreed parameters, and the value of the ``Sec-WebSocket-Extensions`` header for the
            response. None if no offer can be accepted; then the response must not have this header.

        Raises:
            TypeError: If ``offers`` or a parameter has the wrong type.
            ValueError: If window bits are below 8 or above 15, or the header is malformed; then the
                server should respond with an HTTP error (RFC 6455 section 9.1). The text has the
                reason.

        Example:
            >>> from wsdefrag import DeflateParams
            >>> offers = "permessage-deflate; client_max_window_bits; server_max_window_bits=10"
            >>> params, answer = DeflateParams.choose(offers)
            >>> params == DeflateParams(server_max_window_bits=10)
            True
            >>> answer
            'permessage-deflate; server_max_window_bits=10'
            >>> DeflateParams.choose(offers, client_max_window_bits=9)[1]
            'permessage-deflate; server_max_window_bits=10; client_max_window_bits=9'
        """
        preferred = cls(
            server_no_context_takeover=server_no_context_takeover,
            client_no_context_takeover=client_no_context_takeover,
            server_max_window_bits=server_max_window_bits,
            client_max_window_bits=client_max_window_bits,
        )
        if not isinstance(offers, str | bytes):
            offers = ", ".join(offers)
        chosen = _native.choose_deflate(_text(offers), preferred)
        if chosen is None:
            return None
        fields, answer = chosen
        return cls._of(*fields), answer

    @classmethod
    def check_answer(
        cls, answer: str | bytes, offers: str | bytes | DeflateOffer
    ) -> DeflateParams | None:
        """Parse a server's ``Sec-WebSocket-Extensions``, and check it against the client's.

        Args:
            answer: The value of the header in the response.
            offers: The value of the header in the request, or the offer that made it.

        Returns:
            The agreed parameters, or None if the answer does not contain permessage-deflate. They
            include what the client offered to do by itself: to keep no window, or to use a smaller
            one (RFC 7692 sections 7.1.1.2 and 7.1.2.2).

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the answer is invalid, or no offer allows it: the client must end the
                connection (RFC 7692 section 7). The text has the reason.

        Example:
            >>> from wsdefrag import DeflateParams
            >>> offers = "permessage-deflate; server_max_window_bits=10"
            >>> answer = "permessage-deflate; server_max_window_bits=9"
            >>> DeflateParams.check_answer(answer, offers).server_max_window_bits
            9
            >>> try:
            ...     DeflateParams.check_answer("permessage-deflate", offers)
            ... except ValueError as error:
            ...     print(str(error).partition(": ")[2])
            server_max_window_bits was asked for (RFC 7692 section 7.1)
        """
        offered = offers.header() if isinstance(offers, DeflateOffer) else _text(offers)
        fields = _native.check_deflate_answer(_text(answer), offered)
        return None if fields is None else cls._of(*fields)

    @classmethod
    def _of(
        cls,
        server_no_context_takeover: bool,
        client_no_context_takeover: bool,
        server_max_window_bits: int,
        client_max_window_bits: int,
        oddities: tuple[str, ...] = (),
    ) -> DeflateParams:
        """Make an object from the values of the native module, in their order."""
        return cls(
            server_no_context_takeover=server_no_context_takeover,
            client_no_context_takeover=client_no_context_takeover,
            server_max_window_bits=server_max_window_bits,
            client_max_window_bits=client_max_window_bits,
            oddities=oddities,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeflateOffer:
    """A client's offer of permessage-deflate (RFC 7692 section 7.1).

    Args:
        server_no_context_takeover: The server must start each message with an empty window (RFC
            7692 section 7.1.1.1).
        client_no_context_takeover: The client will start each message with an empty window (RFC
            7692 section 7.1.1.2).
        server_max_window_bits: Base-2 logarithm of the largest window of the server in bytes, from
            8 to 15; None for any (RFC 7692 section 7.1.2.1).
        client_max_window_bits: True if the server may limit the client's window, False if not; or
            from 8 to 15 if it may, and the client's window will not be larger than that anyway (RFC
            7692 section 7.1.2.2).

    Raises:
        TypeError: If a value has the wrong type.
        ValueError: If window bits are below 8 or above 15.

    Example:
        >>> from wsdefrag.deflate import DeflateOffer
        >>> DeflateOffer().header()
        'permessage-deflate; client_max_window_bits'
        >>> DeflateOffer(server_max_window_bits=10, client_max_window_bits=False).header()
        'permessage-deflate; server_max_window_bits=10'
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | bool = True

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("server_no_context_takeover", "client_no_context_takeover"):
            require_bool(name, getattr(self, name))
        if self.server_max_window_bits is not None:
            _require_window_bits("server_max_window_bits", self.server_max_window_bits)
        if not isinstance(self.client_max_window_bits, bool):
            _require_window_bits("client_max_window_bits", self.client_max_window_bits)

    def header(self) -> str:
        """Give the value of ``Sec-WebSocket-Extensions`` that makes this offer."""
        return _native.deflate_offer_header(self)


def filter_offers(offers: str | bytes, names: Iterable[str]) -> str | None:
    """Keep the offers of some extensions, for an intermediary that knows only these.

    Args:
        offers: The value of a client's ``Sec-WebSocket-Extensions``.
        names: The names of the extensions to keep, in any case.

    Returns:
        The value to pass on; None if no offers are left, so that there must be no such header.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the header is malformed; the text has the reason.

    Example:
        >>> from wsdefrag.deflate import filter_offers
        >>> filter_offers('x-y; a="b, c", permessage-deflate; a, z', ["permessage-deflate"])
        'permessage-deflate; a'
    """
    return _native.filter_extension_offers(_text(offers), _names(names), keep=True)


def strip_offers(offers: str | bytes, names: Iterable[str] = ("permessage-deflate",)) -> str | None:
    """Remove the offers of some extensions, so that a server does not agree on them.

    Args:
        offers: The value of a client's ``Sec-WebSocket-Extensions``.
        names: The names of the extensions to remove, in any case.

    Returns:
        The value to pass on; None if no offers are left, so that there must be no such header.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the header is malformed; the text has the reason.

    Example:
        >>> from wsdefrag.deflate import strip_offers
        >>> strip_offers('x-y; a="b, c", permessage-deflate; a, z')
        'x-y; a="b, c", z'
    """
    return _native.filter_extension_offers(_text(offers), _names(names), keep=False)


def limit_offers(
    offers: str | bytes,
    *,
    server_no_context_takeover: bool = False,
    client_no_context_takeover: bool = False,
    server_max_window_bits: int = _LARGEST_WINDOW_BITS,
    client_max_window_bits: int = _LARGEST_WINDOW_BITS,
) -> str | None:
    """Make the offers of permessage-deflate ask for more, for an intermediary that saves memory.

    A server has to do what is asked of it. What is asked of the client it may only be told by the
    answer: ``DeflateParams.choose`` makes one.

    Args:
        offers: The value of a client's ``Sec-WebSocket-Extensions``.
        server_no_context_takeover: Whether the server must keep no window.
        client_no_context_takeover: Whether the client side will keep no window.
        server_max_window_bits: The largest window that the server may use.
        client_max_window_bits: The largest window that the client side will use, if the client lets
            the server limit it.

    Returns:
        The value to pass on, without invalid offers of permessage-deflate, and with those of other
        extensions as they are; None if no offers are left.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If window bits are below 8 or above 15, or the header is malformed.

    Example:
        >>> from wsdefrag.deflate import limit_offers
        >>> limit_offers("permessage-deflate; client_max_window_bits, x", server_max_window_bits=10)
        'permessage-deflate; server_max_window_bits=10; client_max_window_bits, x'
    """
    most = DeflateParams(
        server_no_context_takeover=server_no_context_takeover,
        client_no_context_takeover=client_no_context_takeover,
        server_max_window_bits=server_max_window_bits,
        client_max_window_bits=client_max_window_bits,
    )
    return _native.limit_deflate_offers(_text(offers), most)


def _names(names: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        raise TypeError("names must be several str, not a str")
    return [require_str("names", name) for name in names]


def _require_window_bits(name: str, value: object) -> None:
    bits = require_int(name, value)
    if not _SMALLEST_WINDOW_BITS <= bits <= _LARGEST_WINDOW_BITS:
        raise ValueError(f"{name} must be from 8 to 15, not {bits}")


def _text(header: str | bytes) -> str:
    """Decode a header; Latin-1 keeps invalid bytes, so the parser refuses them."""
    return header.decode("latin-1") if isinstance(header, bytes) else header


__all__ = ["DeflateOffer", "DeflateParams", "filter_offers", "limit_offers", "strip_offers"]
