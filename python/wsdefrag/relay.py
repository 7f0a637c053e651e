r"""``WebSocketRelay``: forwards the messages of both directions; the caller decides on each one.

The bytes of the client become events, and what the caller forwards is sent to the server; in the
same way from server to client. The two directions share no state. A message is buffered until it is
complete. Each event then waits for the caller's decision:

- ``forward`` sends it: as the received bytes, or encoded again if the caller has changed
  ``content`` or ``type``.
- ``discard`` does not send it.
- a *dropped* message (``message.drop()``) is not sent: ``forward`` discards it. So does the next
  call of any method of the relay, if no earlier event of the direction waits.

The caller decides on the events of a direction in order. A decision on an event discards all
earlier events that still wait. Control frames are separate events. A control frame between the
fragments of a message may be sent before the message, because the message is buffered until it is
complete.

Nothing else is sent. An unchanged message is sent as the received bytes, and the end of a stream
does not make a Close. An edited message is encoded again: in as many fragments as before if its
length is the same, and compressed if it was compressed.

Messages are compressed again in two cases. With context takeover, a compressed message refers to
earlier messages (RFC 7692 section 7.1.1); after the first message that is not sent unchanged, the
receiver's window differs from the sender's, so all later compressed messages are compressed again.
And the compressed payload of a message is not kept if it is longer than ``max_message_size`` and a
64th of it.

After a violation, no more bytes of that direction are read, and no part of the invalid message is
sent.

After a Close has been sent to a side, by ``forward`` or by ``send_close``, nothing more is sent to
it (RFC 6455 section 5.5.1); forwarding a later event discards it.

The relay has no clock and does no I/O. Its timeouts pass in ``tick``, to which the caller gives the
time; ``next_deadline`` says when to call it.

``PassThroughRelay`` (``pass_through``) forwards frames without waiting for decisions.

Follows RFC 6455 sections 5.4, 5.5 and 7, and RFC 7692 sections 6 and 7.

Invariants: ``bytes_buffered`` is 0 when all events are decided on, all output is taken, and no
frame or message is open; a budget's ``bytes_held`` is the sum of the bytes that its relays buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wsdefrag import _native
from wsdefrag._arguments import require_retain
from wsdefrag._relay_arguments import relay_options, relay_timeouts
from wsdefrag.data import WebSocketData

if TYPE_CHECKING:
    from typing_extensions import Self

    from wsdefrag.budget import Budget
    from wsdefrag.deflate import DeflateParams
    from wsdefrag.fragmenter import Fragmenter
    from wsdefrag.limits import Limits
    from wsdefrag.strictness import Strictness


class WebSocketRelay(_native.DecidingRelay):
    r"""Forwards the messages of one connection as the caller decides, and keeps them.

    Args:
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
        fragmenter: Chooses the fragments of injected messages and of edited messages whose length
            has changed; None for one frame.
        compress_from: Injected messages of at least this many bytes are compressed, if
            permessage-deflate was agreed on and the call does not say whether to compress.
        compression_level: From 0 (stored without compression) to 9 (smallest).
        extension: The name of an agreed extension that this package does not implement, or None.
            Messages with its reserved bits are ``OpaqueMessage`` events, forwarded unchanged.
        idle_timeout: Seconds without bytes from either side, until ``tick`` reports it; None for
            ever. So for the other timeouts.
        ping_interval: Seconds without bytes from a side, until ``tick`` sends it an empty ping.
        ping_timeout: Seconds without bytes from a side that got such a ping.
        write_timeout: Seconds in which none of the waiting bytes for a side were taken.
        close_timeout: Seconds without the end of the stream of a side that got a Close.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.

    Only one thread may use an object at a time. A subclass with other arguments overrides
    ``__new__``.

    Attributes:
        websocket: The kept messages, and how the connection ended.
        from_client: The ``RelayDirection`` of the bytes from the client.
        from_server: The ``RelayDirection`` of the bytes from the server.

    Example:
        >>> import wsdefrag
        >>> relay = wsdefrag.WebSocketRelay()
        >>> for event in relay.receive_data(b"\x81\x05hello", from_client=False):
        ...     if isinstance(event, wsdefrag.WebSocketMessage) and event.is_text:
        ...         event.text = event.text.upper()
        ...     relay.forward(event)
        >>> relay.data_to_send(to_client=True)
        b'\x81\x05HELLO'
    """

    __slots__ = ("websocket",)

    websocket: WebSocketData

    def __new__(
        cls,
        *,
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
        idle_timeout: float | None = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
        write_timeout: float | None = None,
        close_timeout: float | None = None,
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
            timeouts=relay_timeouts(
                idle_timeout=idle_timeout,
                ping_interval=ping_interval,
                ping_timeout=ping_timeout,
                write_timeout=write_timeout,
                close_timeout=close_timeout,
            ),
        )
        kept, websocket = require_retain(retain), WebSocketData()
        self = super().__new__(cls, options, websocket=websocket, retain=kept)
        self.websocket = websocket
        return self
