"""``HandshakeTap``: reads both heads of a handshake that passes by.

It changes nothing and answers nothing: the caller forwards the bytes as they are. It reads the
first request, and the responses up to the first final one. It may be fed in any order.

Follows RFC 6455 section 4 and RFC 9110 section 15.2.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_size
from wsdefrag._shown import shown
from wsdefrag.deflate import DeflateParams
from wsdefrag.handshake.heads import HandshakeRequest, HandshakeResponse

if TYPE_CHECKING:
    from typing_extensions import Buffer


class HandshakeTap:
    r"""A bystander at an opening handshake.

    Args:
        strict: Whether each broken rule fails. If False, only what cannot be read as HTTP fails,
            and ``tolerated`` counts the rest.
        max_head_size: Most bytes of each head.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``max_head_size`` is negative.

    Only one thread may use an object at a time.

    Example:
        >>> from wsdefrag.handshake import ClientHandshake, HandshakeTap, ServerHandshake
        >>> client, server, tap = ClientHandshake("example.com"), ServerHandshake(), HandshakeTap()
        >>> data = client.data_to_send()
        >>> server.receive_data(data).host
        'example.com'
        >>> tap.receive_from_client(data), tap.receive_from_server(server.accept() + b"\x81\x00")
        (b'', b'\x81\x00')
        >>> tap.is_websocket, tap.request.target, tap.response.status, tap.tolerated
        (True, '/', 101, {})
    """

    __slots__ = ("_engine", "_request", "_response")

    def __init__(self, *, strict: bool = False, max_head_size: int = 65536) -> None:
        """Start before the first byte; the class documents the arguments."""
        require_bool("strict", strict)
        size = require_size("max_head_size", max_head_size)
        self._engine = _native.HandshakeTap(max_head_size=size, strict=strict)
        self._request: HandshakeRequest | None = None
        self._response: HandshakeResponse | None = None

    def receive_from_client(self, data: Buffer) -> bytes:
        """Receive the client's next bytes.

        Args:
            data: Any number of bytes; they are neither changed nor kept.

        Returns:
            Those of the bytes that follow the head of the request: frames if the server accepts.

        Raises:
            HandshakeFailed: If the head cannot be read; also each later call for this side.
            TypeError: If ``data`` does not offer the buffer protocol.
        """
        return self._engine.receive_data(data, from_client=True)

    def receive_from_server(self, data: Buffer) -> bytes:
        """Receive the server's next bytes.

        Args:
            data: Any number of bytes; they are neither changed nor kept.

        Returns:
            Those of the bytes that follow the head of the final response: frames if it accepts.

        Raises:
            HandshakeFailed: If the head cannot be read; also each later call for this side.
            TypeError: If ``data`` does not offer the buffer protocol.
        """
        return self._engine.receive_data(data, from_client=False)

    def receive_eof(self, *, from_client: bool) -> None:
        """End the bytes of one side.

        Args:
            from_client: Whether to end those of the client.

        Raises:
            HandshakeFailed: If the head of this side is not complete, or cannot be read.
        """
        require_bool("from_client", from_client)
        self._engine.receive_eof(from_client=from_client)

    @property
    def request(self) -> HandshakeRequest | None:
        """The request, once its head is complete."""
        if self._request is None and (values := self._engine.request) is not None:
            self._request = HandshakeRequest._of(values)
        return self._request

    @property
    def response(self) -> HandshakeResponse | None:
        """The final response, once its head is complete."""
        if self._response is None and (values := self._engine.response) is not None:
            self._response = HandshakeResponse._of(values)
        return self._response

    @property
    def is_websocket(self) -> bool | None:
        """Whether a WebSocket begins after the heads; None while it is not known."""
        return self._engine.is_websocket

    @property
    def deflate(self) -> DeflateParams | None:
        """The parameters of permessage-deflate, or None if it was not agreed on."""
        fields = self._engine.deflate
        return None if fields is None else DeflateParams._of(*fields)

    @property
    def extension(self) -> str | None:
        """The name of another extension that the server accepted, or None.

        If there are several, their names are joined by ``", "``.
        """
        return ", ".join(self._engine.foreign_extensions) or None

    @property
    def tolerated(self) -> dict[str, int]:
        """How often each broken rule was tolerated, by ``kind``; empty if ``strict``."""
        counts = Counter(self._engine.tolerated(from_client=True))
        counts.update(self._engine.tolerated(from_client=False))
        return dict(counts)

    def __repr__(self) -> str:
        """Show what is known of the heads."""
        return shown("HandshakeTap", f"{self.request} {self.response}")
