r"""``PassThroughRelay``: forwards both directions of a connection without waiting for decisions.

The bytes of the client are forwarded to the server, and those of the server to the client:

- mode ``"frames"``: each frame is forwarded when it is complete, in order, also control frames
  between fragments. A frame that breaks a rule is not forwarded. Only a frame that is longer than
  ``max_frame_size`` is forwarded as its bytes arrive, because it must not be held.
- mode ``"bytes"``: bytes are forwarded as they arrive. Only control frames are forwarded when they
  are complete.

So no more than one frame, or one control frame, is held, however long the messages are. Messages
are checked as they pass (also the UTF-8 of texts, RFC 6455 section 8.1), and no limit ends what is
only passed on. A message is an ``UncollectedMessage`` event, which has its length, unless the
caller asks for contents: with ``collect_up_to``, each message of at most so many bytes and within
the limits is also collected, and is a ``WebSocketMessage``.

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

Invariants: ``bytes_buffered`` is 0 when all output is taken and no frame is open, and no message
that is collected; a
budget's ``bytes_held`` is the sum of the bytes that its relays buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_most, require_retain
from wsdefrag._relay_arguments import relay_options, relay_timeouts
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
        collect_up_to: Most bytes of a message that is collected; None collects no message.
        report_messages: Whether messages are events. False makes none, which costs less; the
            ``messages_received`` of a direction counts them all the same.
        deflate: The agreed permessage-deflate parameters; None if it was not agreed on.
        server_deflate: The parameters agreed on with the server, if they differ from those agreed
            on with the client; ``"same"`` if not.
        limits: Limits for what is held of both sides: in mode "frames" a frame of at most
            ``max_frame_size``, and messages that are collected. None for the defaults of
            ``Limits``.
        client_limits: Limits for the client; None for ``limits``.
        server_limits: Limits for the server; None for ``limits``.
        budget: A limit for buffered bytes that several relays share; None for no such limit.
        strictness: Which rules are enforced; None for the defaults of ``Strictness``.
        retain: How many collected messages ``websocket.messages`` keeps, the newest ones; None
            keeps all, 0 none. Events do not depend on it.
        masking: ``"keep"`` keeps the client's masking keys, ``"fresh"`` gives each masked frame a
            new random key (RFC 6455 section 5.3).
        fragmenter: Chooses the fragments of injected messages; None for one frame.
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
        ValueError: If an argument is out of range, if ``deflate`` and ``server_deflate`` do not
            allow forwarding compressed frames unchanged, or if messages are collected and not
            reported.

    Only one thread may use an object at a time. A subclass with other arguments overrides
    ``__new__``.

    Attributes:
        websocket: The kept messages, and how the connection ended.
        from_client: The ``RelayDirection`` of the bytes from the client.
        from_server: The ``RelayDirection`` of the bytes from the server.
        mode: The mode.

    Example:
        >>> import wsdefrag
        >>> relay = wsdefrag.PassThroughRelay(mode="bytes", collect_up_to=1 << 20)
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
        collect_up_to: int | None = None,
        report_messages: bool = True,
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
        require_bool("report_messages", report_messages)
        if collect_up_to is not None and not report_messages:
            raise ValueError("collect_up_to needs report_messages: nobody would get the messages")
        kept, websocket = require_retain(retain), WebSocketData()
        self = super().__new__(
            cls,
            options,
            mode=mode,
            collect_up_to=require_most("collect_up_to", collect_up_to),
            report_messages=report_messages,
            websocket=websocket,
            retain=kept,
        )
        self.mode, self.websocket = mode, websocket
        return self
