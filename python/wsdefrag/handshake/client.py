"""``ClientHandshake``: makes a request for a WebSocket and reads the answer.

- *responses 100 and 102 to 199*: kept in ``informational``; the final response follows.
- *101*: it is checked against the request. Later bytes are kept for ``take_leftover``.
- *any other status*: the server refuses. Later bytes, as those of the body, are kept, too.
- *after a fault*: bytes are dropped; each call raises the same error.

Follows RFC 6455 section 4.1, RFC 9110 section 15.2 and RFC 9112.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_optional, require_size, require_str
from wsdefrag._shown import shown
from wsdefrag.deflate import DeflateOffer, DeflateParams
from wsdefrag.handshake.fields import encoded
from wsdefrag.handshake.heads import HandshakeResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Buffer

    from wsdefrag.errors import HandshakeFailed

_SWITCHING_PROTOCOLS = 101


class ClientHandshake:
    r"""The client's side of an opening handshake.

    Args:
        host: The value of ``Host``: the name of the server, and its port unless it is the usual one
            (RFC 6455 section 4.1).
        target: The request target: the path and the query.
        fields: More fields of the request, in order. Offers in ``Sec-WebSocket-Extensions`` and
            ``Sec-WebSocket-Protocol`` among them may be accepted, too.
        subprotocols: The subprotocols to offer, in order of preference.
        deflate: The offer of permessage-deflate, or several in order of preference; None for none.
        origin: The value of ``Origin``, or None.
        key: The value of ``Sec-WebSocket-Key``: 16 bytes in base64; None for random ones.
        max_head_size: Most bytes of the head of each response.
        strict: Whether each broken rule fails. If False, the handshake fails only if the server did
            not understand the request; ``tolerated`` counts the rest.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value cannot stand in a head, a field is one that the handshake writes
            itself, or ``max_head_size`` is negative.
        OSError: If the operating system has no random numbers.

    Only one thread may use an object at a time.

    Example:
        >>> from wsdefrag.handshake import ClientHandshake
        >>> client = ClientHandshake("example.com", "/chat", key="dGhlIHNhbXBsZSBub25jZQ==")
        >>> client.data_to_send().split(b"\r\n")[:2]
        [b'GET /chat HTTP/1.1', b'Host: example.com']
        >>> response = client.receive_data(
        ...     b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        ...     b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi"
        ... )
        >>> client.is_accepted, client.take_leftover()
        (True, b'\x81\x02hi')
    """

    __slots__ = ("_engine", "_response")

    def __init__(
        self,
        host: str,
        target: str = "/",
        *,
        fields: Iterable[tuple[str, str | bytes]] = (),
        subprotocols: Sequence[str] = (),
        deflate: DeflateOffer | Sequence[DeflateOffer] | None = None,
        origin: str | None = None,
        key: str | None = None,
        max_head_size: int = 65536,
        strict: bool = True,
    ) -> None:
        """Make the request; the class documents the arguments."""
        require_str("host", host)
        require_str("target", target)
        require_optional("origin", origin, str)
        require_optional("key", key, str)
        require_bool("strict", strict)
        if isinstance(subprotocols, str):
            raise TypeError("subprotocols must be a sequence of str, not a str")
        self._engine = _native.ClientHandshake(
            host=host,
            target=target,
            key=_native.random_key() if key is None else key,
            origin=origin,
            subprotocols=[require_str("subprotocols", name) for name in subprotocols],
            offers=_offers(deflate),
            fields=encoded(fields),
            max_head_size=require_size("max_head_size", max_head_size),
            strict=strict,
        )
        self._response: HandshakeResponse | None = None

    def data_to_send(self) -> bytes:
        """Remove and return the head of the request; later calls return nothing."""
        return self._engine.data_to_send()

    def receive_data(self, data: Buffer) -> HandshakeResponse | None:
        """Receive the server's next bytes.

        Args:
            data: Any number of bytes; they are neither changed nor kept.

        Returns:
            The final response once its head is complete, also from later calls; None before. It may
            be a refusal: see ``is_accepted``.

        Raises:
            HandshakeFailed: If a response breaks a rule; also each later call.
            TypeError: If ``data`` does not offer the buffer protocol.
        """
        self._engine.receive_data(data)
        return self.response

    def receive_eof(self) -> None:
        """End the server's bytes.

        Raises:
            HandshakeFailed: If there is no final response, or one breaks a rule.
        """
        self._engine.receive_eof()

    @property
    def response(self) -> HandshakeResponse | None:
        """The final response, once its head is complete."""
        if self._response is None and (values := self._engine.response) is not None:
            self._response = HandshakeResponse._of(values)
        return self._response

    @property
    def informational(self) -> list[HandshakeResponse]:
        """The responses before the final one (RFC 9110 section 15.2)."""
        return [HandshakeResponse._of(values) for values in self._engine.informational]

    @property
    def is_accepted(self) -> bool:
        """Whether the server accepted: a WebSocket begins after the head."""
        return self.response is not None and self.response.status == _SWITCHING_PROTOCOLS

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose, or None."""
        return self._engine.subprotocol

    @property
    def deflate(self) -> DeflateParams | None:
        """The parameters of permessage-deflate, or None if it was not agreed on.

        They include what the client offered to do by itself: to keep no context, or to use a
        smaller window (RFC 7692 sections 7.1.1.2 and 7.1.2.2).
        """
        fields = self._engine.deflate
        return None if fields is None else DeflateParams._of(*fields)

    def take_leftover(self) -> bytes:
        """Remove and return the bytes after the head: frames, or the start of a refusal's body."""
        return self._engine.take_leftover()

    @property
    def error(self) -> HandshakeFailed | None:
        """What ended the handshake; None if nothing did."""
        return self._engine.error

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each broken rule was tolerated, by ``kind``; empty if ``strict``."""
        return self._engine.tolerated

    @property
    def bytes_buffered(self) -> int:
        """Bytes that are kept: of an incomplete head, or after the final one."""
        return self._engine.bytes_buffered

    def __repr__(self) -> str:
        """Show the response, or how many bytes of it have arrived."""
        state = self.error or self.response or f"bytes_buffered={self.bytes_buffered}"
        return shown("ClientHandshake", str(state))


def _offers(deflate: DeflateOffer | Sequence[DeflateOffer] | None) -> list[DeflateOffer]:
    if deflate is None:
        return []
    offers = [deflate] if isinstance(deflate, DeflateOffer) else list(deflate)
    for offer in offers:
        if not isinstance(offer, DeflateOffer):
            raise TypeError(f"deflate must be DeflateOffer or None, not {type(offer).__name__}")
    return offers
