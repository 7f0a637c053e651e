r"""Both directions of a connection, sent on by themselves while the caller watches.

What the client sends goes to the server and the other way round, and nothing waits for a decision:

- mode ``"frames"``: each frame is sent on when it is complete, in order, control frames between
  fragments included. A frame that breaks a rule is not sent.
- mode ``"bytes"``: bytes are sent on as they come. Control frames are sent as a whole.

Events tell what went by. Their messages have been sent on already, so they cannot be changed:
setting an attribute raises ``AttributeError``, and ``copy()`` gives a message that can be changed.

The caller can still send something of its own. A message waits until the message that is passing
has passed, a control frame until the frame has, where part of it is out already. A message whose
place never comes is dropped.

After a violation nothing more of that direction is read. What was sent before the violation was
found has been sent. Once a Close was sent to a side, forwarded or the caller's own, nothing more is
sent there (RFC 6455 section 5.5.1), and the messages that come too late are dropped.

``WebSocketRelay`` (``relay``) is for deciding on each message.

Follows RFC 6455 sections 5.4, 5.5 and 7, and RFC 7692 sections 6 and 7.

Invariants: ``bytes_buffered`` is 0 when all was taken, and no frame or message is open; a budget's
``bytes_held`` is the sum of what its relays buffer.
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


class PassThroughRelay(_native.Relay):
    r"""Sends both directions of one connection on by themselves, and keeps its messages.

    Args:
        mode: ``"frames"`` sends each frame on when it is complete, ``"bytes"`` as it comes.
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
        fragmenter: How injected messages are cut; None for one frame.
        compress_from: Injected messages of at least so many bytes are compressed, where it was
            agreed on and the call does not choose.
        compression_level: How hard to try, from 0 (not at all) to 9.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range; or if compressed frames cannot be sent on as
            they come, because the parameters of the two legs do not allow it.

    An object belongs to one thread at a time. A subclass that takes other arguments overrides
    ``__new__``.

    Attributes:
        websocket: The messages that were kept, and how the connection ended.
        from_client: The direction of what the client sends, a ``RelayDirection``.
        from_server: The direction of what the server sends, a ``RelayDirection``.
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
        self = super().__new__(cls, options, mode=mode, record=record, keeps=record.keeps)
        self.mode, self.websocket = mode, record.websocket
        return self
