r"""Both directions of a connection, passed on from one side to the other.

What the client sends goes to the server and the other way round; each direction is a machine of
its own (``RelayDirection``), and they share nothing. In which way bytes get through is the mode:

- ``"messages"``: a message is held until it is complete. Each event waits until the caller has
  decided on it: ``forward`` sends it on, as it came or as it was edited, ``drop`` does not. Events
  of a direction are decided on in their order; to decide on one drops those before it that still
  wait. Control frames are events of their own: they may overtake a message whose frames they stood
  between, for it is held and they need not be.
- ``"frames"``: each frame is sent on when it is complete, in order, control frames between
  fragments included. Events tell what went by.
- ``"cut-through"``: bytes are sent on as they come. Control frames are sent as a whole.

Nobody is sent anything else: what went in untouched comes out as it was, and the end of a stream is
not a Close. A message that was edited is encoded anew, in as many fragments where its length is the
same, compressed if it came compressed. A direction where compressed messages refer to earlier ones
(RFC 7692 section 7.1.1) is compressed anew from the first one on that did not go on as it came,
because from then on what the sender refers to is not what the receiver has. So is a message whose
compressed payload is longer than ``max_message_size`` and a 64th of it: it is not kept.

After a violation nothing more of that direction is read. In the mode ``"messages"`` nothing of the
offending message has been sent; elsewhere what was sent before the violation was found has been.

A way out is *closed* when a Close was sent there, forwarded or the caller's own. What is forwarded
behind it is dropped, and so is what would go on by itself (RFC 6455 section 5.5.1).

Follows RFC 6455 sections 5.4, 5.5 and 7, and RFC 7692 sections 6 and 7.

Invariants: ``bytes_buffered`` is 0 when all was decided on and taken, and no frame or message is
open; a budget's ``bytes_held`` is the sum of what its relays buffer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_compression, require_optional
from wsdefrag.budget import Budget
from wsdefrag.deflate import DeflateParams
from wsdefrag.fragmenter import Fragmenter
from wsdefrag.limits import Limits
from wsdefrag.message import WebSocketMessage
from wsdefrag.record import Record
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self

    from wsdefrag.data import WebSocketData
    from wsdefrag.events import Event

_MODES = ("messages", "frames", "cut-through")


class WebSocketRelay(_native.Relay):
    r"""Passes both directions of one connection on, and keeps its messages.

    Args:
        mode: How bytes get through: ``"messages"``, ``"frames"`` or ``"cut-through"``.
        deflate: The permessage-deflate parameters that were agreed on, None if it was not.
        server_deflate: Those of the leg to the server, where they are others; ``"same"`` if not.
        limits: How much each side may ask for; None for the defaults of ``Limits``.
        client_limits: How much the client may ask for; None for ``limits``.
        server_limits: How much the server may ask for; None for ``limits``.
        budget: What this relay shares with others; None for no such bound.
        strictness: The rules to insist on; None for all of them.
        utf8: ``"strict"`` refuses text that is not UTF-8, ``"lax"`` passes it on.
        retain: How many messages ``websocket.messages`` keeps, the newest ones; None keeps all,
            0 none. It has no influence on the events.
        masking: ``"keep"`` leaves the client's masking keys, ``"fresh"`` gives each masked frame
            another one (RFC 6455 section 5.3).
        fragmenter: How messages of another length than they came in are cut; None for one frame.
        compress_from: Injected messages of at least so many bytes are compressed, where it was
            agreed on and the call does not choose.
        compression_level: How hard to try, from 0 (not at all) to 9.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range; or if the mode passes compressed frames on as
            they come, and the parameters of the two legs do not allow it.

    An object belongs to one thread at a time. A subclass that takes other arguments overrides
    ``__new__``.

    Attributes:
        websocket: Messages kept and how the connection ended.
        client: The direction of what the client sends.
        server: The direction of what the server sends.
        mode: The mode.

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

    __slots__ = ("_record", "mode", "websocket")

    _record: Record
    websocket: WebSocketData
    mode: Literal["messages", "frames", "cut-through"]

    def __new__(
        cls,
        *,
        mode: Literal["messages", "frames", "cut-through"] = "messages",
        deflate: DeflateParams | None = None,
        server_deflate: DeflateParams | Literal["same"] | None = "same",
        limits: Limits | None = None,
        client_limits: Limits | None = None,
        server_limits: Limits | None = None,
        budget: Budget | None = None,
        strictness: Strictness | None = None,
        utf8: Literal["strict", "lax"] = "strict",
        retain: int | None = None,
        masking: Literal["keep", "fresh"] = "keep",
        fragmenter: Fragmenter | None = None,
        compress_from: int = 0,
        compression_level: int = 6,
    ) -> Self:
        """Start at the beginning of a connection; the arguments are those of the class."""
        if server_deflate == "same":
            server_deflate = deflate
        client, server = (
            RelayDirection(
                from_client=from_client,
                mode=mode,
                deflate=agreed,
                deflate_out=agreed_out,
                limits=own_limits or limits,
                budget=budget,
                strictness=strictness,
                utf8=utf8,
                masking=masking,
                fragmenter=fragmenter,
                compress_from=compress_from,
                compression_level=compression_level,
            )
            for from_client, agreed, agreed_out, own_limits in (
                (True, deflate, server_deflate, client_limits),
                (False, server_deflate, deflate, server_limits),
            )
        )
        record = Record(retain)
        self = super().__new__(cls, client=client, server=server, record=record, keeps=record.keeps)
        self._record, self.websocket, self.mode = record, record.websocket, mode
        return self

    def receive_eof(self, *, from_client: bool, timestamp: float | None = None) -> list[Event]:
        """Say that one side sends no more. The other side is sent nothing for it.

        Args:
            from_client: Whether it is the client.
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if it ended inside a header, a frame or a message, else nothing;
            nothing either if it was ended before.
        """
        direction = self.client if from_client else self.server
        if timestamp is None:
            timestamp = time.time()
        events = direction.receive_eof_events(timestamp=timestamp)
        self._record.note_eof(events, from_client, timestamp)
        return events

    def inject(self, message: WebSocketMessage, *, compress: bool | None = None) -> None:
        """Send a message of the caller's the way of its ``from_client``, between two messages.

        It is kept among ``websocket.messages``, and its ``injected`` is set. If its place never
        comes, because the way out is closed or the message before it broken off, it is dropped.

        Args:
            message: The message.
            compress: Whether to compress it; None for what ``compress_from`` says, but not at all
                in a direction whose compressed messages go on as they come and refer to earlier
                ones. True there has all further ones compressed anew.

        Raises:
            TypeError: If it is not a ``WebSocketMessage``.
            ValueError: If it cannot be sent here; the error says why.
        """
        if not isinstance(message, WebSocketMessage):
            raise TypeError(f"message must be WebSocketMessage, not {type(message).__name__}")
        (self.client if message.from_client else self.server).inject(message, compress=compress)
        self._record.note([message])

    def ping(self, payload: Buffer = b"", *, to_client: bool) -> None:
        """Send a ping of the caller's, between two frames (RFC 6455 section 5.5.2).

        Args:
            payload: At most 125 bytes.
            to_client: Whether the client gets it.

        Raises:
            TypeError: If ``payload`` does not offer the buffer protocol.
            ValueError: If it is too long, after a Close, or inside a frame that will never be
                whole.
        """
        (self.server if to_client else self.client).ping(payload)

    def pong(self, payload: Buffer = b"", *, to_client: bool) -> None:
        """Send a pong of the caller's, between two frames (RFC 6455 section 5.5.3).

        Args:
            payload: At most 125 bytes.
            to_client: Whether the client gets it.

        Raises:
            TypeError: If ``payload`` does not offer the buffer protocol.
            ValueError: If it is too long, after a Close, or inside a frame that will never be
                whole.
        """
        (self.server if to_client else self.client).pong(payload)

    def close(self, code: int | None = None, reason: str = "", *, to_client: bool) -> bool:
        """Send a Close of the caller's, between two frames (RFC 6455 section 5.5.1).

        Nothing is sent that way behind it; injected messages that wait for their place are dropped.
        What that side answers is an event like any other.

        Args:
            code: The close code; None for a frame without one, which is read as 1005.
            reason: Why, for people; at most 123 bytes of UTF-8, and only with a code.
            to_client: Whether the client gets it.

        Returns:
            Whether it is, or will be, sent. False where a Close was sent before, and where the way
            out stands inside a frame that will never be whole, behind which only the end of the
            connection can follow. One that waits for the end of a frame is not sent if that never
            comes.

        Raises:
            ValueError: If the code may not be sent (RFC 6455 section 7.4), or the reason is too
                long or stands alone.
        """
        return (self.server if to_client else self.client).send_close(code, reason)

    @property
    def bytes_buffered(self) -> int:
        """Bytes held of both directions: not complete, not decided on, or not taken to be sent."""
        return self.client.bytes_buffered + self.server.bytes_buffered


class RelayDirection(_native.RelayDirection):
    r"""One direction of a ``WebSocketRelay``, which makes it.

    Args:
        from_client: Whether it is what the client sends.
        mode: As in ``WebSocketRelay``.
        deflate: The parameters that were agreed on with the side that sends.
        deflate_out: Those that were agreed on with the side that receives.
        limits: How much the sender may ask for; None for the defaults of ``Limits``.
        budget: As in ``WebSocketRelay``, and so are the others.
        strictness: The rules to insist on.
        utf8: What to do with text that is not UTF-8.
        masking: Whether masking keys are kept.
        fragmenter: How messages are cut.
        compress_from: Which injected messages are compressed.
        compression_level: How hard to try.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, or the parameters do not fit the mode.

    Attributes:
        error: The violation that ended what comes in, or None.
        close: The ``Close`` event that came in, or None.
        closed: Whether a Close was sent to the receiver.
        recompresses: Whether messages that come compressed are compressed anew, or not at all.
        bytes_received: All bytes taken so far.
        bytes_buffered: Bytes held: of what is not complete, not decided on, or not taken.
        bytes_discarded: Bytes behind a Close, or from the offending frame's first byte on.
        tolerated: How often each rule that ``strictness`` switches off was broken.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketRelay().server
        >>> server.receive_events(b"\x81\x05he")
        []
        >>> server.bytes_buffered
        4
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        from_client: bool,
        mode: Literal["messages", "frames", "cut-through"],
        deflate: DeflateParams | None,
        deflate_out: DeflateParams | None,
        limits: Limits | None,
        budget: Budget | None,
        strictness: Strictness | None,
        utf8: Literal["strict", "lax"],
        masking: Literal["keep", "fresh"],
        fragmenter: Fragmenter | None,
        compress_from: int,
        compression_level: int,
    ) -> Self:
        """Start at the beginning of a direction; the arguments are those of the class."""
        require_bool("from_client", from_client)
        for name, value, wanted in (
            ("deflate", deflate, DeflateParams),
            ("server_deflate", deflate_out, DeflateParams),
            ("limits", limits, Limits),
            ("budget", budget, Budget),
            ("strictness", strictness, Strictness),
            ("fragmenter", fragmenter, Fragmenter),
        ):
            require_optional(name, value, wanted)
        for name, choice, choices in (
            ("mode", mode, _MODES),
            ("utf8", utf8, ("strict", "lax")),
            ("masking", masking, ("keep", "fresh")),
        ):
            if choice not in choices:
                raise ValueError(f"{name} must be one of {choices}, not {choice!r}")
        least = require_compression(compress_from, compression_level)
        return super().__new__(
            cls,
            from_client=from_client,
            mode=mode,
            deflate=deflate,
            deflate_out=deflate_out,
            limits=limits or Limits(),
            budget=budget,
            strictness=strictness or Strictness(),
            utf8_strict=utf8 == "strict",
            fresh_keys=masking == "fresh",
            fragmenter=fragmenter or Fragmenter(),
            compress_from=least,
            compression_level=compression_level,
        )
