"""The names of ``wsproto.extensions``, with a corrected ``PerMessageDeflate``.

``PerMessageDeflate`` is a subclass of wsproto's and differs in this:

- a window of 8 bits can be agreed on (RFC 7692 section 7.1.2);
- offers and responses are parsed by this package: values may be quoted, and an offer with an
  unknown, repeated or invalid parameter is declined. A response with one raises
  ``RemoteProtocolError`` (RFC 7692 section 7.1);
- a control frame between the frames of a compressed message does not end its compression (RFC 7692
  section 6.1).

The last difference matters only for connections on wsproto's own frame protocol; the engine does
not call extensions.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import wsproto.extensions as theirs
from wsproto.events import RejectConnection
from wsproto.extensions import Extension
from wsproto.utilities import RemoteProtocolError

from wsdefrag.deflate import DeflateParams, limit_offers

if TYPE_CHECKING:
    from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

_WINDOW_BITS = range(8, 16)
# zlib cannot compress with a window of 2**8 bytes. With 2**9 it keeps 262 bytes unused, so its
# distances are at most 250 and fit into a window of 2**8.
_MIN_ZLIB_BITS = 9


def _require_window_bits(value: int) -> int:
    if value not in _WINDOW_BITS:
        raise ValueError("Window size must be between 8 and 15 inclusive")
    return value


class PerMessageDeflate(theirs.PerMessageDeflate):
    """permessage-deflate (RFC 7692), with all window sizes of the RFC.

    Args:
        client_no_context_takeover: Whether the client empties its window after each message.
        client_max_window_bits: The base-2 logarithm of the client's window in bytes, 8 to 15; None
            for 15.
        server_no_context_takeover: Whether the server empties its window after each message.
        server_max_window_bits: The base-2 logarithm of the server's window in bytes, 8 to 15; None
            for 15.

    Raises:
        ValueError: If a window size is out of range.

    Example:
        >>> from wsdefrag.compat.wsproto.extensions import PerMessageDeflate
        >>> PerMessageDeflate(server_max_window_bits=8)
        <PerMessageDeflate client_max_window_bits=15; server_max_window_bits=8>
    """

    @property
    def client_max_window_bits(self) -> int:
        """The base-2 logarithm of the client's window in bytes, 8 to 15."""
        return self._client_max_window_bits

    @client_max_window_bits.setter
    def client_max_window_bits(self, value: int) -> None:
        self._client_max_window_bits = _require_window_bits(value)

    @property
    def server_max_window_bits(self) -> int:
        """The base-2 logarithm of the server's window in bytes, 8 to 15."""
        return self._server_max_window_bits

    @server_max_window_bits.setter
    def server_max_window_bits(self, value: int) -> None:
        self._server_max_window_bits = _require_window_bits(value)

    def accept(self, offer: str) -> bool | str | None:
        """Answer a client's offer.

        Args:
            offer: One element of ``Sec-WebSocket-Extensions``.

        Returns:
            The parameters for the response; None to decline (RFC 7692 section 7.1).
        """
        try:
            # Written anew, for a parser that knows no quotes and looks at the start of names only.
            valid = limit_offers(offer)
        except ValueError:
            return None
        return None if valid is None else super().accept(valid)

    def finalize(self, offer: str) -> None:
        """Apply the server's response.

        Args:
            offer: One element of ``Sec-WebSocket-Extensions`` of the response.

        Raises:
            RemoteProtocolError: If a parameter is unknown, repeated or invalid (RFC 7692 section
                7.1).
        """
        try:
            agreed = DeflateParams.from_header(offer)
            valid = None if agreed is None else limit_offers(offer)
        except ValueError as error:
            raise RemoteProtocolError(str(error), event_hint=RejectConnection()) from error
        super().finalize(valid or offer)

    def frame_inbound_header(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """Process a frame header; a control frame keeps the state of the message."""
        message = self._inbound_compressed
        result = super().frame_inbound_header(proto, opcode, rsv, payload_length)
        if opcode.iscontrol():
            self._inbound_compressed = message
        return result

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """Process the end of a frame; the end of a control frame does not end a message."""
        if not self._inbound_is_compressible:
            return None
        return super().frame_inbound_complete(proto, fin)

    def frame_outbound(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """Compress a frame's payload."""
        bits = self.client_max_window_bits if proto.client else self.server_max_window_bits
        if self._compressor is None and self._compressible_opcode(opcode):
            self._compressor = zlib.compressobj(wbits=-max(bits, _MIN_ZLIB_BITS))
        return super().frame_outbound(proto, opcode, rsv, data, fin)


SUPPORTED_EXTENSIONS = {PerMessageDeflate.name: PerMessageDeflate}

__all__ = ["SUPPORTED_EXTENSIONS", "Extension", "PerMessageDeflate"]
