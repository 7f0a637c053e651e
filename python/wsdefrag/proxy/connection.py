"""``ProxyConnection``: a client, a server, and what is between them.

    opening ----> open ----> closing ----> closed
       |                        ^
       +------------------------+  refused, tunnelled or lost

- *opening*: ``Opening`` reads the request, connects to the server and reads its response.
- *open*: ``Session`` relays.
- *closing*: a Close was sent to both sides, or one of them ends, or a response is passed on that
  is not 101. Both may still finish, for the close timeout.
- *closed*: both sockets are closed, the record is complete, and ``on_close`` is called.

Invariants: ``stats.open`` counts the connections with a session whose sockets are not closed;
``forget`` is called once, at the very end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import CloseCode, Opcode
from wsdefrag.proxy.handshake import Opened, Tunnel
from wsdefrag.proxy.leg import HANDSHAKE, OTHER_IS_SLOW, Leg
from wsdefrag.proxy.opening import Opening
from wsdefrag.proxy.refusal import Refusal
from wsdefrag.proxy.response import ResponsePassing
from wsdefrag.proxy.session import Session
from wsdefrag.proxy.stats import SIDES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wsdefrag.data import WebSocketData
    from wsdefrag.pass_through import PassThroughRelay
    from wsdefrag.proxy.ending import Ending
    from wsdefrag.proxy.peer import Peer
    from wsdefrag.proxy.request import ProxyRequest
    from wsdefrag.proxy.settings import Settings
    from wsdefrag.relay import WebSocketRelay

    OnMessage: TypeAlias = Callable[[WebSocketMessage, "ProxyConnection"], Awaitable[Any] | None]
    OnClose: TypeAlias = Callable[["ProxyConnection"], Awaitable[Any] | None]

LOG = logging.getLogger("wsdefrag.proxy")

State = Literal["opening", "open", "closing", "closed"]


class ProxyConnection:
    """A connection through a proxy; the proxy makes it, and hooks get it.

    Attributes:
        number: Its number, from 1 in the order of the clients' connections.
        state: ``"opening"``, ``"open"``, ``"closing"`` or ``"closed"``.
        request: The ``ProxyRequest``, or None if there is none yet.
        opened: The ``Opened`` handshake, or None.
        error: Why it failed, as a sentence; None if it did not.
        data: For the caller's own use.
    """

    __slots__ = (
        "__weakref__",
        "_began",
        "_close_timer",
        "_forget",
        "_greet",
        "_on_close",
        "_on_message",
        "_opening",
        "_passing",
        "_session",
        "_settings",
        "_task",
        "client_leg",
        "data",
        "error",
        "number",
        "opened",
        "request",
        "server_leg",
        "state",
    )

    def __init__(
        self,
        settings: Settings,
        *,
        on_message: OnMessage | None,
        on_close: OnClose | None,
        greet: Callable[[ProxyConnection], int],
        forget: Callable[[ProxyConnection], None],
    ) -> None:
        self.number = 0
        self.state: State = "opening"
        self.request: ProxyRequest | None = None
        self.opened: Opened | None = None
        self.error: str | None = None
        self.data: Any = None
        self._settings = settings
        self._on_message, self._on_close = on_message, on_close
        self._greet, self._forget = greet, forget
        self._began = time.monotonic()
        self._opening: Opening | None = None
        self._session: Session | None = None
        self._passing: ResponsePassing | None = None
        self._task: asyncio.Task[None] | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self.client_leg = self._new_leg(is_client=True)
        self.server_leg: Leg | None = None

    def __repr__(self) -> str:
        """Show number, state and target."""
        target = f" {self.request.target!r}" if self.request else ""
        return f"<ProxyConnection {self.number} {self.state}{target}>"

    # What hooks use.

    @property
    def client(self) -> Peer:
        """The client."""
        return self.client_leg.peer

    @property
    def server(self) -> Peer | None:
        """The server, or the proxy on the way to it; None before the connection to it."""
        return None if self.server_leg is None else self.server_leg.peer

    @property
    def relay(self) -> WebSocketRelay | PassThroughRelay:
        """The relay, for its counters.

        Raises:
            RuntimeError: If the WebSocket was not opened.
        """
        if self._session is None:
            raise RuntimeError("the WebSocket was not opened")
        return self._session.relay

    @property
    def websocket(self) -> WebSocketData:
        """The kept messages, and how the WebSocket was closed.

        After the end, ``closed_by_client`` is None if the proxy closed it; ``ending`` says more.

        Raises:
            RuntimeError: If the WebSocket was not opened.
        """
        return self.relay.websocket

    @property
    def ending(self) -> Ending | None:
        """Who closed the WebSocket, with which codes, and why; None if it is not closed."""
        return None if self._session is None else self._session.ending

    def count_messages(self) -> None:
        """Add the messages that were received since the last call to the proxy's counters."""
        if self._session is not None:
            self._session.count_messages()

    def inject(self, content: str | bytes, *, to_client: bool) -> None:
        """Send a message of one's own: a text, or bytes as a binary message.

        It goes between two messages. The hook ``on_message`` does not get it.

        Args:
            content: The content.
            to_client: Whether the client gets it; else the server does.

        Raises:
            RuntimeError: If the WebSocket was not opened.
            ValueError: If it cannot be sent, such as after a Close.
        """
        if self._session is None:
            raise RuntimeError("the WebSocket was not opened")
        type = Opcode.TEXT if isinstance(content, str) else Opcode.BINARY
        data = content.encode() if isinstance(content, str) else content
        self._session.add(WebSocketMessage(type, not to_client, data))

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the WebSocket: send a Close to both sides, and end with their answers.

        Args:
            code: The close code.
            reason: A text for people; at most 123 bytes of UTF-8.

        Raises:
            ValueError: If the code must not be sent, or the reason is too long.
        """
        if self._session is None:
            self.abort()
        elif self.state != "closed":
            self._session.send_closes(code, reason, why=reason)

    def abort(self) -> None:
        """Close both sockets at once, and give up hooks that are waited for."""
        if self._task is not None:
            self._task.cancel()
        if self._session is not None:
            self._session.aborted(self.error or "aborted")
            self._session.cancel()
        for leg in self._legs():
            leg.abort()

    # What the legs say.

    def _new_leg(self, *, is_client: bool) -> Leg:
        settings = self._settings
        return Leg(
            self,
            is_client=is_client,
            buffer=settings.buffer,
            water=settings.water,
            write_timeout=settings.timeouts.write,
        )

    def leg_made(self, leg: Leg) -> None:
        """Start the handshake when the client is there."""
        if leg.is_client:
            self._settings.stats.accepted += 1
            self.number = self._greet(self)
            opening = self._opening = Opening(
                self._settings, leg, new_leg=lambda: self._new_leg(is_client=False)
            )
            opening.start()
            task = self._task = asyncio.get_running_loop().create_task(self._open(opening))
            task.add_done_callback(self._open_ended)

    def leg_is_slow(self, leg: Leg, slow: bool) -> None:
        """Stop reading the other side, or go on."""
        other = self.server_leg if leg.is_client else self.client_leg
        if other is not None:
            (other.pause if slow else other.resume)(OTHER_IS_SLOW)

    def leg_is_stuck(self, leg: Leg) -> None:
        """Abort the connection: a side does not read."""
        self._timed_out("write", f"the {SIDES[leg.is_client]} did not read")

    def leg_ended(self, leg: Leg) -> None:
        """Pass the end of a stream on."""
        if self._session is not None:
            self._session.end_direction(leg.is_client)
        elif self._passing is not None:
            self._passing.ended(leg)
        elif self._opening is not None:
            self._opening.ended(leg)

    def leg_lost(self, leg: Leg, error: Exception | None) -> None:
        """End the other side, too; forget the connection after both."""
        if self._session is not None:
            self._session.lost(leg)
        else:
            self.leg_ended(leg)
            if leg.is_client:
                if self._task is not None:
                    self._task.cancel()
                elif self.server_leg is not None:
                    self.server_leg.close()
        self._finish()

    # The handshake.

    async def _open(self, opening: Opening) -> None:
        """Do the handshake; then the task ends, and the legs' bytes move the connection."""
        try:
            opened = await opening.run()
            self._task = self._opening = None
            self.server_leg = opening.server
            self.request = opening.asked
            self._take(opened)
        except Refusal as refusal:
            self._refuse(opening, refusal)
        except asyncio.CancelledError:
            self._cancelled(opening)
        except ConnectionError as error:
            LOG.info("%s: no request: %s", self.client, error)
            self._give_up(opening)
        except Exception:
            LOG.exception("%s: the handshake failed", self.client)
            self._refuse(opening, Refusal(500, "the proxy failed"))
        self._finish()

    def _open_ended(self, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step does nothing by itself."""
        if task.cancelled() and self._opening is not None:
            self._cancelled(self._opening)
            self._finish()

    def _cancelled(self, opening: Opening) -> None:
        if self.client_leg.is_lost:
            self._give_up(opening)
        else:
            self._refuse(opening, Refusal(503, "the proxy is shutting down"))

    def _take(self, opened: Opened | Tunnel) -> None:
        assert self.server_leg is not None
        if isinstance(opened, Tunnel) or not opened.is_accepted:
            if isinstance(opened, Opened):
                self.opened = opened
                self._settings.stats.refused[opened.response.status] += 1
            self.state = "closing"
            self._passing = ResponsePassing(
                self.client_leg,
                self.server_leg,
                timeout=self._settings.timeouts.handshake,
                give_up=self.abort,
            )
            LOG.info("%s: %s", self.client, opened)
            self._passing.start(opened)
        else:
            self._start(opened, self.server_leg)

    def _start(self, opened: Opened, server: Leg) -> None:
        """Begin to relay."""
        settings, hook, record = self._settings, self._on_message, None
        if settings.records is not None:
            record = settings.records.begin(self.number, opened, self.client, server.peer)
        self.opened, self.state = opened, "open"
        legs = server, self.client_leg
        self._session = Session(settings, self, legs, opened, hook=hook, record=record)
        settings.stats.opened += 1
        settings.stats.open += 1
        settings.stats.handshakes.add(time.monotonic() - self._began)
        LOG.info("%s: %s", self.client, opened)
        self.client_leg.write(opened.head)
        self._session.start(opened)

    def _refuse(self, opening: Opening, refusal: Refusal) -> None:
        self._settings.stats.refused[refusal.status] += 1
        self.error = str(refusal)
        LOG.warning("%s: refused: %s", self.client, refusal)
        self.client_leg.write(refusal.response())
        self._give_up(opening)

    def _give_up(self, opening: Opening) -> None:
        """End a handshake: close both legs, after the output."""
        self._task = self._opening = None
        self.request, self.server_leg = opening.asked, opening.server
        for leg in self._legs():
            leg.ignore()
            leg.resume(HANDSHAKE)
            leg.close_refused()
        self.session_is_closing()

    # The end.

    def session_is_closing(self) -> None:
        """Give both sides the close timeout for the rest."""
        if self.state == "closed":
            return
        self.state = "closing"
        timeout = self._settings.timeouts.close
        if self._close_timer is None and timeout is not None:
            loop = asyncio.get_running_loop()
            self._close_timer = loop.call_later(timeout, self._close_is_late)

    def session_has_settled(self) -> None:
        """Finish, if all the rest has ended before."""
        self._finish()

    def _close_is_late(self) -> None:
        self._timed_out("close", "it did not end in time")

    def _timed_out(self, name: str, text: str) -> None:
        self._settings.stats.timeouts[name] += 1
        self.error = self.error or text
        LOG.warning("%s: aborted: %s", self.client, text)
        self.abort()

    def _finish(self) -> None:
        """Finish when both sockets are closed and nothing is waited for."""
        if self.state == "closed" or self._task is not None:
            return
        if not all(leg.is_lost for leg in self._legs()):
            return
        if self._session is not None and not self._session.is_settled:
            return
        self.state = "closed"
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._passing is not None:
            self._passing.stop()
        if self._session is not None:
            self._session.finish()
            if self._on_close is not None:
                closing = self._call_on_close(self._on_close)
                self._task = asyncio.get_running_loop().create_task(closing)
                self._task.add_done_callback(self._on_close_ended)
                return
        self._forget(self)

    async def _call_on_close(self, hook: OnClose) -> None:
        try:
            result = hook(self)
            if result is not None and isawaitable(result):
                await result
        except Exception:
            LOG.exception("%s: on_close failed", self.client)
            self._settings.stats.hook_errors += 1

    def _on_close_ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._forget(self)

    def shut_down(self) -> None:
        """Begin to end: a Close with 1001 to both sides, or 503 in the handshake."""
        if self._session is not None:
            if self.state == "open":
                with suppress(ValueError):
                    why = "the proxy is shutting down"
                    self._session.send_closes(CloseCode.GOING_AWAY, why=why)
        elif self._opening is not None and self._task is not None:
            self._task.cancel()
        else:
            for leg in self._legs():
                leg.close()
            self.session_is_closing()

    def _legs(self) -> list[Leg]:
        return [leg for leg in (self.server_leg, self.client_leg) if leg is not None]
