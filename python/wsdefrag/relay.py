r"""Both directions of a connection, sent on from one side to the other as the caller decides.

What the client sends goes to the server and the other way round; each direction is a machine of
its own, and they share nothing. A message is held until it is complete. Each event then waits until
the caller has decided on it:

- ``forward`` sends it on: as it came, or encoded again where the caller has changed ``content`` or
  ``type``.
- ``discard`` does not.
- a message that is *dropped* (``message.drop()``) is not sent on when its turn comes: ``forward``
  discards it, and so does the next call of the relay once no older event waits.

Events of a direction are decided on in their order. To decide on one discards those before it that
still wait. Control frames are events of their own: they may overtake a message whose frames they
stood between, for the message is held and they need not be.

Nobody is sent anything else: what went in untouched comes out as it was, and the end of a stream is
not a Close. A message that was edited is encoded again, in as many fragments where its length is
the same, compressed if it came compressed. A direction where compressed messages refer to earlier
ones (RFC 7692 section 7.1.1) is compressed again from the first one on that did not go on as it
came, because from then on what the sender refers to is not what the receiver has. So is a message
whose compressed payload is longer than ``max_message_size`` and a 64th of it: it is not kept.

After a violation nothing more of that direction is read, and nothing of the offending message is
sent.

Once a Close was sent to a side, forwarded or the caller's own, nothing more is sent there
(RFC 6455 section 5.5.1): what is forwarded after it is discarded.

``PassThroughRelay`` (``pass_through``) is for watching: there frames are sent on by themselves.

Follows RFC 6455 sections 5.4, 5.5 and 7, and RFC 7692 sections 6 and 7.

Invariants: ``bytes_buffered`` is 0 when all was decided on and taken, and no frame or message is
open; a budget's ``bytes_held`` is the sum of what its relays buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wsdefrag import _native
from wsdefrag._relay_arguments import relay_options
from wsdefrag.record import Record

if TYPE_CHECKING:
    from typing_extensions import Self

    from wsdefrag.budget import Budget
    from wsdefrag.data import WebSocketData
    from wsdefrag.deflate import DeflateParams
    from wsdefrag.fragmenter import Fragmenter
    from wsdefrag.limits import Limits
    from wsdefrag.strictness import Strictness


class WebSocketRelay(_native.DecidingRelay):
    r"""Sends both directions of one connection on as the caller decides, and keeps its messages.

    Args:
        deflate: The permessage-deflate parameters that were agreed on, None if it was not.
        server_deflate: Those of the leg to the server, where they are others; ``"same"`` if not.
        limits: How much each side may ask for; None for the defaults of ``Limits``.
        client_limits: How much the client may ask for; None for ``limits``.
        server_limits: How much the server may ask for; None for ``limits``.
        budget: What this relay shares with others; None for no such bound.
        strictness: The rules to insist on; None for all of them.
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
        ValueError: If an argument is out of range.

    An object belongs to one thread at a time. A subclass that takes other arguments overrides
    ``__new__``.

    Attributes:
        websocket: The messages that were kept, and how the connection ended.
        from_client: The direction of what the client sends, a ``RelayDirection``.
        from_server: The direction of what the server sends, a ``RelayDirection``.

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
    ) -> Self:
        """Start at the beginning of a connection; the arguments are those of the class."""
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
        )
        record = Record(retain)
        self = super().__new__(cls, options, record=record, keeps=record.keeps)
        self.websocket = record.websocket
        return self
