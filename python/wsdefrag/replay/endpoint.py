"""``Endpoint``: the client or the server of a WebSocket, on a leg of the proxy.

    handshake ----> open ----> closing ----> ended

- *handshake*: bytes go to ``read_head``, until ``open`` is called.
- *open*: messages and the Close become turns; a ping gets its pong.
- *closing*: a Close was sent. What still comes becomes turns, until the other Close.
- *ended*: the socket is closed, or the other side sends no more.

It reads all along, and waits (``until``) where the other side has to do something first.

Invariants: ``_kept`` counts the content bytes of received turns that were not expected, and is at
most ``_MOST_KEPT`` while the connection is open; nothing is sent after a Close.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wsdefrag.direction import WebSocketDirection
from wsdefrag.encoder import FrameEncoder
from wsdefrag.events import Close, Incomplete, Ping, ProtocolViolation
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import CloseCode
from wsdefrag.proxy.leg import Leg, drop
from wsdefrag.replay.recording import Turn
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wsdefrag.deflate import DeflateParams
    from wsdefrag.limits import Limits
    from wsdefrag.proxy.read_buffer import ReadBuffer

# What may wait in a socket's output, in bytes: low and high water.
_WATER = (128 << 10, 256 << 10)

# Bytes of contents that a connection may send without being expected to.
_MOST_KEPT = 64 << 20

# A recorded text may be no UTF-8, and so may the answer to it.
_STRICTNESS = Strictness(utf8=False)

_NS = 1_000_000_000


class Endpoint:
    """One side of a WebSocket.

    Args:
        is_client: Whether it is the client.
        buffer: Where sockets put what they read; all endpoints of a loop may share it.
        limits: Limits for what is received.
        write_timeout: Seconds in which the other side reads some of what waits for it; None for
            ever.

    Attributes:
        leg: The socket.
        received: What came, as turns.
        error: Why it failed, as a sentence; None if it did not.
        has_ended: Whether nothing more can come.
        was_closed: Whether the other side sent its Close first.
        on_made: Called when the socket is connected, or None.
    """

    def __init__(
        self,
        *,
        is_client: bool,
        buffer: ReadBuffer,
        limits: Limits | None,
        write_timeout: float | None,
    ) -> None:
        self.is_client = is_client
        self.leg = Leg(
            self,
            is_client=not is_client,
            buffer=buffer,
            water=_WATER,
            write_timeout=write_timeout,
        )
        self.received: list[Turn] = []
        self.error: str | None = None
        self.has_ended = False
        self.on_made: Callable[[], None] | None = None
        self.was_closed = False
        self._is_made = False
        self._limits = limits
        self._deflate: DeflateParams | None = None
        self._own_close: Turn | None = None
        self._direction: WebSocketDirection | None = None
        self._encoder: FrameEncoder | None = None
        self._expected: dict[bytes, bytes] = {}
        self._kept = 0
        self._change: asyncio.Future[None] | None = None

    # What players call.

    def open(
        self,
        *,
        deflate: DeflateParams | None,
        leftover: bytes,
        expected: Iterable[Turn],
        own_close: Turn | None,
    ) -> None:
        """Begin with the frames.

        Args:
            deflate: The agreed parameters of permessage-deflate, or None.
            leftover: Bytes that came after the head.
            expected: What the other side is expected to send; equal contents are kept once.
            own_close: The Close that answers another one; None answers with the same code.
        """
        self._deflate, self._own_close = deflate, own_close
        self._expected = {turn.content: turn.content for turn in expected}
        self._direction = WebSocketDirection(
            from_client=not self.is_client,
            deflate=deflate,
            limits=self._limits,
            strictness=_STRICTNESS,
        )
        self._encoder = FrameEncoder(
            from_client=self.is_client, deflate=deflate, strictness=_STRICTNESS
        )
        self._read_frames(leftover)
        if self.has_ended:
            self._read_end()
        else:
            self.leg.handle = self._read_frames

    @property
    def can_send(self) -> bool:
        """Whether messages can be sent."""
        encoder = self._encoder
        return encoder is not None and not encoder.closed and not self.has_ended

    def send(self, turn: Turn) -> None:
        """Send a message or a ping, if that can be sent."""
        if not self.can_send or self._encoder is None:
            return
        if turn.kind == "ping":
            self.leg.write(self._encoder.ping(turn.content))
        else:
            compress = turn.compressed and self._deflate is not None
            self.leg.write(self._encoder.message(turn.type, turn.content, compress=compress))

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Send a Close, if none was sent."""
        if not self.can_send or self._encoder is None:
            return
        if code == CloseCode.NO_STATUS_RCVD:
            self.leg.write(self._encoder.close())
        else:
            self.leg.write(self._encoder.close(code, reason))
        self._close_if_done()

    def send_close(self, turn: Turn) -> None:
        """Send a recorded Close, if none was sent and its code is known."""
        try:
            if turn.close_code is not None:
                self.close(turn.close_code, turn.content.decode())
        except ValueError:
            # It broke a rule when it was recorded (RFC 6455 section 7.4).
            self.close(CloseCode.PROTOCOL_ERROR)

    def fail(self, error: str) -> None:
        """Close the socket at once, and say why."""
        self.error = self.error or error
        self.abort()

    def abort(self) -> None:
        """Close the socket at once, if there is one."""
        if self._is_made:
            self.leg.abort()

    async def until(self, is_true: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until something is true, the connection has ended or time has passed.

        Args:
            is_true: Asked again after each change.
            timeout: Seconds; None for ever.

        Returns:
            Whether it is true.
        """
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while not is_true() and not self.has_ended:
            self._change = loop.create_future()
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                break
            await asyncio.wait([self._change], timeout=left)
        self._change = None
        return is_true()

    async def drain(self) -> None:
        """Wait until the other side has read enough of what was sent."""
        if self.leg.is_slow:
            await self.until(lambda: not self.leg.is_slow, None)

    # What the leg says.

    def leg_made(self, leg: Leg) -> None:
        """Begin the handshake."""
        self._is_made = True
        if self.on_made is not None:
            self.on_made()

    def leg_is_slow(self, leg: Leg, slow: bool) -> None:
        """Wake who waits for room."""
        self.changed()

    def leg_is_stuck(self, leg: Leg) -> None:
        """Give up."""
        self.fail("the other side reads nothing")

    def leg_ended(self, leg: Leg) -> None:
        """The other side sends no more."""
        self._read_end()
        self._end()
        leg.close()

    def leg_lost(self, leg: Leg, error: Exception | None) -> None:
        """The socket is closed."""
        self._end()

    def changed(self) -> None:
        """Wake who waits."""
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    def _end(self) -> None:
        self.has_ended = True
        self.leg.handle = drop
        self.changed()

    def _read_frames(self, data: bytes | memoryview) -> None:
        assert self._direction is not None
        for event in self._direction.receive_data(data):
            self._take(event)
        self.changed()

    def _read_end(self) -> None:
        if self._direction is not None:
            for event in self._direction.receive_eof():
                self._take(event)

    def _take(self, event: object) -> None:
        encoder = self._encoder
        assert encoder is not None
        if isinstance(event, WebSocketMessage):
            self._keep("message", event.timestamp, event.content, type=int(event.type))
        elif isinstance(event, Ping):
            if self.can_send:
                self.leg.write(encoder.pong(event.payload))
        elif isinstance(event, Close):
            reason = event.close_reason.encode()
            self.was_closed = not encoder.closed
            self._keep("close", event.timestamp, reason, close_code=event.close_code)
            if self._own_close is not None:
                self.send_close(self._own_close)
            self.close(event.close_code)
            self._close_if_done()
        elif isinstance(event, ProtocolViolation):
            self.error = self.error or f"it broke a rule: {event.error}"
            self.close(event.error.close_code)
            self.leg.close()
        elif isinstance(event, Incomplete):
            self.error = self.error or "it ended inside of a message"

    def _keep(
        self,
        kind: str,
        timestamp: float,
        content: bytes,
        *,
        type: int = 0,
        close_code: int | None = None,
    ) -> None:
        expected = self._expected.get(content)
        if expected is None:
            self._kept += len(content)
            if self._kept > _MOST_KEPT:
                self.error = f"it sent more than {_MOST_KEPT >> 20} MiB that were not recorded"
                self.close(CloseCode.MESSAGE_TOO_BIG)
                self.leg.close()
                return
        self.received.append(
            Turn(
                not self.is_client,
                "close" if kind == "close" else "message",
                int(timestamp * _NS),
                type,
                content if expected is None else expected,
                close_code,
            )
        )

    def _close_if_done(self) -> None:
        """End the TCP connection after both Closes; the server does it (RFC 6455 7.1.1)."""
        direction, encoder = self._direction, self._encoder
        if direction is None or encoder is None or self.is_client:
            return
        if encoder.closed and direction.close_received is not None:
            self.leg.close()
