r"""``PassThroughRelay``: forwards both directions of a connection without waiting for decisions.

The bytes of the client are forwarded to the server, and those of the server to the client:

- mode ``"frames"``: each frame is forwarded when it is complete, in order, also control frames
  between fragments. A frame that breaks a rule is not forwarded.
- mode ``"bytes"``: bytes are forwarded as they arrive. Only control frames are forwarded when they
  are complete.

The events are for watching. The messages of events have been forwarded already and cannot be
changed: setting an attribute raises ``AttributeError``; ``copy()`` makes a message that can be
changed.

The caller can also send its own messages and control frames. An injected message is sent after the
message that is being forwarded. A control frame is sent after the frame that is being forwarded, if
part of that frame has been sent. An injected message that can no longer be sent is dropped.

After a violation, no more bytes of that direction are read; bytes that were forwarded before cannot
be taken back. After a Close has been sent to a side, forwarded or by ``send_close``, nothing more
is sent to it (RFC 6455 section 5.5.1), and later injected messages are dropped.

``WebSocketRelay`` (``relay``) waits for the caller's decision on each event.

Follows RFC 6455 sections 5.4, 5.5 and 7, and RFC 7692 sections 6 and 7.

Invariants: ``bytes_buffered`` is 0 when all output is taken and no frame or message is open; a
budget's ``bytes_held`` is the sum of the bytes that its relays buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wsdefrag import _native
from wsdefrag._arguments import require_retain
from wsdefrag._relay_arguments import relay_options
from wsdefrag.data import WebSocketData

if TYPE_CHECKING:
    from typing_extensions import Self

    from wsdefrag.budget import Budget
    from wsdefrag.deflate import DeflateParams
    from wsdefrag.fragmenter import Fragmenter
    from wsdefrag.limits import Limits
    from wsdefrag.strictness import Strictness


class PassThroughRelay(_native.Relay):
    r"""Forwards both directions of one connection without decisions, and keeps its messages.

    Args:
        mode: ``"frames"`` forwards each frame when it is complete, ``"bytes"`` all bytes as they
            arrive.
        deflate: The agreed permessage-deflate parameters; None if it was not agreed on.
        server_deflate: The parameters agreed on with the server, if they differ from those agreed
            on with the client; ``"same"`` if not.
        limits: Limits for frames and messages of both sides; None for the defaults of ``Limits``.
        client_limits: Limits for the client; None for ``limits``.
        server_limits: Limits for the server; None for ``limits``.
        budget: A limit for buffered bytes that several relays share; None for no such limit.
        strictness: Which rules are enforced; None for the defaults of ``Strictness``.
        retain: How many messages ``websocket.messages`` keeps, the newest ones; None keeps all,
            0 none. Events do not depend on it.
        masking: ``"keep"`` keeps the client's masking keys, ``"fresh"`` gives each masked frame a
            new random key (RFC 6455 section 5.3).
        fragmenter: Chooses the fragments of injected messages; None for one frame.
        compress_from: Injected messages of at least this many bytes are compressed, if
            permessage-deflate was agreed on and the call does not say whether to compress.
        compression_level: From 0 (stored without compression) to 9 (smallest).
        extension: The name of an agreed extension that this package does not implement, or None.
            Messages with its reserved bits are ``OpaqueMessage`` events, forwarded unchanged.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, or if ``deflate`` and ``server_deflate`` do not
            allow forwarding compressed frames unchanged.

    Only one thread may use an object at a time. A subclass with other arguments overrides
    ``__new__``.

    Attributes:
        websocket: The kept messages, and how the connection ended.
        from_client: The ``RelayDirection`` of the bytes from the client.
        from_server: The ``RelayDirection`` of the bytes from the server.
        mode: The mode.

    Example:
        >>> import wsdefrag
        >>> relay = wsdefrag.PassThroughRelay(mode="bytes")
        >>> relay.receive_data(b"\x81\x05he", from_client=False)
        []
        >>> relay.data_to_send(to_client=True)
        b'\x81\x05he'
        >>> relay.receive_data(b"llo", from_client=False)
        ['hello']
        >>> relay.data_to_send(to_client=True)
        b'llo'
    """

    __slots__ = ("mode", "websocket")

    mode: Literal["frames", "bytes"]
    websocket: WebSocketData

    def __new__(
        cls,
        *,
        mode: Literal["frames", "bytes"] = "frames",
        deflate: DeflateParams | None = None,
        server_deflate: DeflateParams | Literal["same"] | None = "same",
        limits: Limits | None = None,
        client_limits: Limits | None = None,
        server_limits: Limits | None = None,
        budget: Budget | None = None,
        strictness: Strictness | None = None,
        retain: int | None = None,
        masking: Literal["keep", "fresh"] = "keep",
        fragmenter: Fragmenter | None = None,
        compress_from: int = 0,
        compression_level: int = 6,
        extension: str | None = None,
    ) -> Self:
        """Start a connection; the class documents the arguments."""
        options = relay_options(
            deflate=deflate,
            server_deflate=server_deflate,
            limits=limits,
            client_limits=client_limits,
            server_limits=server_limits,
            budget=budget,
            strictness=strictness,
            masking=masking,
            fragmenter=fragmenter,
            compress_from=compress_from,
            compression_level=compression_level,
            extension=extension,
        )
        kept, websocket = require_retain(retain), WebSocketData()
        self = super().__new__(cls, options, mode=mode, websocket=websocket, retain=kept)
        self.mode, self.websocket = mode, websocket
        return self
