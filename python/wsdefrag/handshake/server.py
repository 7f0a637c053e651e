"""``ServerHandshake``: reads a request for a WebSocket and makes the answer.

- *before the end of the head*: bytes are checked as they arrive, and kept.
- *after it*: ``request`` is set. Later bytes are kept for ``take_leftover``.
- *after a fault*: bytes are dropped; each call raises the same error.

It is answered once: by ``accept``, or by ``reject``, which may come at any time.

Follows RFC 6455 section 4.2, RFC 9110 and RFC 9112.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_optional, require_size
from wsdefrag._shown import shown
from wsdefrag.deflate import DeflateParams
from wsdefrag.handshake.fields import encoded
from wsdefrag.handshake.heads import HandshakeRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

    from wsdefrag.errors import HandshakeFailed


class ServerHandshake:
    r"""The server's side of an opening handshake.

    Args:
        max_head_size: Most bytes of the head of the request, with empty lines before it. A larger
            one fails, with the status 431 or, if its first line is too long, 414.
        strict: Whether each broken rule fails. If False, the handshake fails only if no valid
            answer can be made; ``tolerated`` counts the rest. That is dangerous if others read the
            same bytes differently, such as proxies.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``max_head_size`` is negative.

    Only one thread may use an object at a time.

    Example:
        >>> from wsdefrag.handshake import HandshakeFailed, ServerHandshake
        >>> server = ServerHandshake()
        >>> try:
        ...     server.receive_data(b"POST / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        ... except HandshakeFailed as error:
        ...     print(error.status, error)
        405 method "POST" instead of GET at byte 0 (RFC 6455 section 4.2.1)
        >>> server.reject().split(b"\r\n")[:2]
        [b'HTTP/1.1 405 Method Not Allowed', b'Allow: GET']
    """

    __slots__ = ("_engine", "_request")

    def __init__(self, *, max_head_size: int = 65536, strict: bool = True) -> None:
        """Start before the first byte; the class documents the arguments."""
        require_bool("strict", strict)
        size = require_size("max_head_size", max_head_size)
        self._engine = _native.ServerHandshake(max_head_size=size, strict=strict)
        self._request: HandshakeRequest | None = None

    def receive_data(self, data: Buffer) -> HandshakeRequest | None:
        """Receive the client's next bytes.

        Args:
            data: Any number of bytes; they are neither changed nor kept.

        Returns:
            The request once its head is complete, also from later calls; None before.

        Raises:
            HandshakeFailed: If the request breaks a rule; also each later call. ``status`` is that
                of the answer that ``reject`` makes.
            TypeError: If ``data`` does not offer the buffer protocol.
        """
        self._engine.receive_data(data)
        return self.request

    def receive_eof(self) -> None:
        """End the client's bytes.

        Raises:
            HandshakeFailed: If the request is not complete, or breaks a rule.
        """
        self._engine.receive_eof()

    @property
    def request(self) -> HandshakeRequest | None:
        """The request, once its head is complete."""
        if self._request is None and (values := self._engine.request) is not None:
            self._request = HandshakeRequest._of(values)
        return self._request

    def accept(
        self,
        *,
        subprotocol: str | None = None,
        deflate: DeflateParams | None = None,
        fields: Iterable[tuple[str, str | bytes]] = (),
    ) -> bytes:
        """Make the head of a 101 that accepts the request (RFC 6455 section 4.2.2).

        Args:
            subprotocol: The subprotocol, one of those that the client offers.
            deflate: The parameters of permessage-deflate, which an offer of the client has to
                allow, as those of ``DeflateParams.choose`` do; None to do without.
            fields: More fields, in order.

        Returns:
            The bytes to send before the first frame.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If there is no request, or it has been answered; if the client did not offer
                the subprotocol, or no offer allows the parameters; if a field is invalid, or the
                handshake writes it itself.
        """
        require_optional("subprotocol", subprotocol, str)
        require_optional("deflate", deflate, DeflateParams)
        return self._engine.accept(subprotocol=subprotocol, deflate=deflate, fields=encoded(fields))

    def reject(
        self,
        status: int | None = None,
        *,
        reason: str | None = None,
        fields: Iterable[tuple[str, str | bytes]] = (),
        body: bytes | None = None,
    ) -> bytes:
        """Make a response that refuses the request, after which the connection ends.

        It has ``Connection: close`` and ``Content-Length``. A 405 also says that GET is allowed, a
        426 to which protocol and version to upgrade (RFC 6455 section 4.4).

        Args:
            status: The status code, from 200 to 599; None for that of the error that was raised, or
                400 if none was.
            reason: The reason phrase; None for the usual one.
            fields: More fields, in order.
            body: The content, plain text unless a field says otherwise; None for the text of the
                error that was raised.

        Returns:
            The bytes to send.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the request has been answered, or an argument is invalid.
        """
        require_optional("status", status, int)
        require_optional("reason", reason, str)
        require_optional("body", body, bytes)
        return self._engine.reject(status=status, reason=reason, fields=encoded(fields), body=body)

    def take_leftover(self) -> bytes:
        """Remove and return the bytes after the head: frames that the client sent early.

        Whoever does not read them should stop reading from the client: there is no other limit.
        """
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
        """Bytes that are kept: of an incomplete head, or after the head."""
        return self._engine.bytes_buffered

    def __repr__(self) -> str:
        """Show the request, or how many bytes of it have arrived."""
        state = self.error or self.request or f"bytes_buffered={self.bytes_buffered}"
        return shown("ServerHandshake", str(state))
