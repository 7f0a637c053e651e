"""``Closes``: which Close a proxy sent by itself, and so how a WebSocket ended.

The record of a relay has the first Close that was received. If the proxy sent one before, that is
only an answer; so the proxy's own is noted here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wsdefrag.proxy.ending import Ending

if TYPE_CHECKING:
    from wsdefrag.pass_through import PassThroughRelay
    from wsdefrag.relay import WebSocketRelay


@dataclass
class _OwnClose:
    """What the proxy closed a WebSocket with, before a side did."""

    code: int
    reason: str
    why: str
    timestamp: float


class Closes:
    """The Closes of a session.

    Args:
        relay: The session's relay.
    """

    __slots__ = ("_own", "_relay", "_sent")

    def __init__(self, relay: WebSocketRelay | PassThroughRelay) -> None:
        self._relay = relay
        self._own: _OwnClose | None = None
        # The codes that the server and the client got from the proxy.
        self._sent: list[int | None] = [None, None]

    @property
    def has_begun(self) -> bool:
        """Whether the proxy or a side has closed the WebSocket."""
        return self._own is not None or self._relay.websocket.closed_by_client is not None

    def begin(self, code: int, reason: str, *, why: str) -> None:
        """Note that the proxy is the first that closes the WebSocket.

        Args:
            code: The code; 1006 if it sends no Close.
            reason: The reason in the Close.
            why: The reason as a sentence.
        """
        self._own = _OwnClose(code, reason, why, time.time())

    def note_sent(self, code: int, *, to_client: bool) -> None:
        """Note that a side got a Close from the proxy."""
        self._sent[to_client] = code

    @property
    def ending(self) -> Ending | None:
        """How the WebSocket was closed; None if it was not."""
        own, websocket = self._own, self._relay.websocket
        if own is None and websocket.closed_by_client is None:
            return None
        to_client, to_server = self._code_to(to_client=True), self._code_to(to_client=False)
        if own is not None:
            return Ending("proxy", own.code, to_client, to_server, own.why)
        code, reason = websocket.close_code, websocket.close_reason or ""
        assert code is not None  # it is set with `closed_by_client`
        side: Literal["client", "server"] = "client" if websocket.closed_by_client else "server"
        return Ending(side, code, to_client, to_server, reason)

    def _code_to(self, *, to_client: bool) -> int | None:
        """The code of the Close that a side got: the proxy's, or the one that was passed on."""
        if (sent := self._sent[to_client]) is not None:
            return sent
        other = self._relay.from_server if to_client else self._relay.from_client
        return None if other.close_received is None else other.close_received.close_code

    def note_own(self) -> None:
        """Put a Close of the proxy's own into the record, which has the first answer to it."""
        if (own := self._own) is not None:
            websocket = self._relay.websocket
            websocket.closed_by_client = None
            websocket.close_code, websocket.close_reason = own.code, own.reason
            websocket.timestamp_end = own.timestamp
