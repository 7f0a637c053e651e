"""``Session``: the open WebSocket of a connection: the relay between its two legs.

Without the hook ``on_message`` bytes are forwarded as they arrive, and messages are collected only
for a record; with it, whole messages are forwarded as the hook decides.

A side is not read while the other one has not read what was sent to it, and while decisions wait
on more bytes than the high water mark. So a session buffers at most the high water mark, a read and
an incomplete message for each direction; without hook and record, no message.

A broken rule gets the close code that it has (RFC 6455 section 7.4.1) on the side that broke it,
and 1011 on the other side. The end of a TCP stream without a Close is passed on as that.

Follows RFC 6455 sections 5.5.1 and 7.

Invariant: a direction's end is passed on once, after all its events.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from wsdefrag._native import RelayPump
from wsdefrag.errors import LimitExceeded
from wsdefrag.events import Close, ProtocolViolation, UncollectedMessage
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import CloseCode
from wsdefrag.pass_through import PassThroughRelay
from wsdefrag.proxy.closes import Closes
from wsdefrag.proxy.decisions import Decisions
from wsdefrag.proxy.ending import Ending
from wsdefrag.proxy.leg import DECISIONS_WAIT, HANDSHAKE, Leg
from wsdefrag.proxy.stats import SIDES
from wsdefrag.relay import WebSocketRelay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wsdefrag.events import Event
    from wsdefrag.proxy.handshake import Opened
    from wsdefrag.proxy.records import ConnectionRecord
    from wsdefrag.proxy.settings import Settings

LOG = logging.getLogger("wsdefrag.proxy")


class SessionOwner(Protocol):
    """What a session tells its connection."""

    error: str | None

    def session_is_closing(self) -> None:
        """The session ends; both sides have the close timeout for the rest."""

    def session_has_settled(self) -> None:
        """No decision waits any more."""


class Session:
    """The open WebSocket of a connection.

    Args:
        settings: The proxy's.
        owner: The connection.
        legs: The legs of the server and of the client, in this order.
        opened: The handshake.
        hook: ``on_message``, which is called with messages and the owner, or None.
        record: The record of the connection, or None.

    Attributes:
        relay: The relay.
        is_over: Whether both sides got a Close of ours; the hook is not called any more.
    """

    __slots__ = (
        "_closes",
        "_counted",
        "_decisions",
        "_ended",
        "_forward",
        "_is_closing",
        "_legs",
        "_owner",
        "_record",
        "_settings",
        "_timer",
        "is_over",
        "relay",
    )

    def __init__(
        self,
        settings: Settings,
        owner: SessionOwner,
        legs: tuple[Leg, Leg],
        opened: Opened,
        *,
        hook: Callable[[WebSocketMessage, Any], Awaitable[Any] | None] | None,
        record: ConnectionRecord | None,
    ) -> None:
        self._settings = settings
        self._owner = owner
        self._legs = legs
        self._record = record
        self._ended = [False, False]
        self._counted = [0, 0]
        self._timer: asyncio.TimerHandle | None = None
        self._decisions: tuple[Decisions, Decisions] | None = None
        self._is_closing = False
        # Sends an event of a relay whose events are decided on.
        self._forward: Callable[[Event], None] | None = None
        self.is_over = False
        options: dict[str, Any] = {
            "deflate": opened.deflate,
            "limits": settings.limits,
            "strictness": settings.strictness,
            "budget": settings.budget,
            "retain": settings.retain,
            "extension": opened.extension,
            "idle_timeout": settings.timeouts.idle,
            "ping_interval": settings.timeouts.ping_interval,
            "ping_timeout": settings.timeouts.ping,
        }
        self.relay: WebSocketRelay | PassThroughRelay
        if hook is None:
            wanted = record is not None or settings.retain != 0
            # The limit of a message holds, too.
            most = sys.maxsize if wanted else None
            self.relay = PassThroughRelay(
                mode="bytes", collect_up_to=most, report_messages=wanted, **options
            )
        else:
            self.relay = WebSocketRelay(**options)
            self._forward = self.relay.forward
            self._decisions = (
                Decisions(self, hook, owner, from_client=False),
                Decisions(self, hook, owner, from_client=True),
            )
        self._closes = Closes(self.relay)

    def start(self, opened: Opened) -> None:
        """Begin with the bytes that came during the handshake."""
        server, client = self._legs
        for leg in self._legs:
            if not leg.is_lost:
                self._relay(leg)
        timeouts = self._settings.timeouts
        if timeouts.idle is not None or timeouts.ping_interval is not None:
            self._watch()
        for leg, data in ((server, opened.from_server), (client, opened.from_client)):
            if data:
                events = self.relay.receive_data(data, from_client=leg.is_client)
                self._handler(leg.is_client)(events)
                self.flush()
        for leg in self._legs:
            leg.resume(HANDSHAKE)
            if leg.has_ended or leg.is_lost:
                self.end_direction(leg.is_client)

    def add(self, message: WebSocketMessage) -> None:
        """Inject a message.

        Raises:
            ValueError: If it cannot be sent.
        """
        self.relay.inject(message)
        self._settings.stats.injected[SIDES[message.from_client]] += 1
        if self._record is not None:
            self._record.add(message)
        self.flush()

    def _relay(self, leg: Leg) -> None:
        """Have what a side sends relayed to the other one, unless that was lost."""
        from_client, other = leg.is_client, self._legs[not leg.is_client]
        pump = RelayPump(
            self.relay,
            self._settings.buffer.array,
            from_client=from_client,
            handle=self._handler(from_client),
            write=None if other.is_lost else other.writer(),
        )
        leg.read_by(pump)

    def _handler(self, from_client: bool) -> Callable[[list[Event]], None]:
        if self._decisions is not None:
            return self._decisions[from_client].decide
        return partial(self._pass_on_all, from_client)

    def _pass_on_all(self, from_client: bool, events: list[Event]) -> None:
        for event in events:
            self.pass_on(event, from_client)

    def decisions_wait(self, from_client: bool) -> None:
        """Maybe do not read a side before the decisions that wait."""
        assert self._decisions is not None
        self._hold(self._decisions[from_client], from_client)

    def _hold(self, decisions: Decisions, from_client: bool) -> None:
        """Do not read a side while decisions wait on many of its bytes."""
        leg, (low, high) = self._legs[from_client], self._settings.water
        direction = self.relay.from_client if from_client else self.relay.from_server
        if decisions.task is None or direction.bytes_buffered <= low:
            leg.resume(DECISIONS_WAIT)
        elif direction.bytes_buffered > high:
            leg.pause(DECISIONS_WAIT)

    def pass_on(self, event: Event, from_client: bool) -> None:
        """Forward an event that was decided on."""
        if isinstance(event, WebSocketMessage):
            self.pass_message_on(event, from_client)
            return
        if self._forward is not None:
            self._forward(event)
        if isinstance(event, UncollectedMessage):
            if self._record is not None:
                self._record.miss()
        elif isinstance(event, ProtocolViolation):
            self._violated(event, from_client)
        elif isinstance(event, Close):
            self._check_closes()

    def pass_message_on(self, message: WebSocketMessage, from_client: bool) -> None:
        """Forward a message that was decided on."""
        if self._forward is not None:
            if message.dropped:
                self._settings.stats.dropped[SIDES[from_client]] += 1
            try:
                self._forward(message)
            except ValueError:
                # The hook has made of it what cannot be sent, such as a text that is not UTF-8.
                self.hook_failed("on_message")
                return
        if self._record is not None:
            self._record.add(message)

    def count_messages(self) -> None:
        """Add the messages that were received since the last call to the counters."""
        for direction, side in ((self.relay.from_server, 0), (self.relay.from_client, 1)):
            received = direction.messages_received
            if more := received - self._counted[side]:
                self._counted[side] = received
                self._settings.stats.messages[SIDES[side]] += more

    def decisions_made(self, from_client: bool) -> None:
        """Send what was decided on in a task, and end what has ended meanwhile."""
        assert self._decisions is not None
        self.flush()
        decisions, leg = self._decisions[from_client], self._legs[from_client]
        self._hold(decisions, from_client)
        if decisions.task is None:
            if leg.has_ended or leg.is_lost:
                self.end_direction(from_client)
            if leg.is_lost:
                self._legs[not from_client].close()
            self._owner.session_has_settled()

    def hook_failed(self, name: str) -> None:
        """End this connection alone, with the traceback of the exception that is being handled."""
        LOG.exception("%s: %s failed", self._legs[True].peer, name)
        self._settings.stats.hook_errors += 1
        self._owner.error = f"{name} failed"
        self.send_closes(CloseCode.INTERNAL_ERROR, why=self._owner.error)

    def flush(self) -> None:
        """Send what the relay has for either side."""
        for leg in self._legs:
            leg.write(self.relay.data_to_send(to_client=leg.is_client))

    def _violated(self, event: ProtocolViolation, from_client: bool) -> None:
        error, stats = event.error, self._settings.stats
        counter = stats.limits if isinstance(error, LimitExceeded) else stats.violations
        counter[error.kind] += 1
        self._owner.error = f"{SIDES[from_client]}: {error}"
        LOG.warning("%s: the %s: %s", self._legs[True].peer, SIDES[from_client], error)
        why = f"the {SIDES[from_client]}: {error}"
        self.send_closes(error.close_code, why=why, broken_by_client=from_client)

    # The end.

    def send_closes(
        self, code: int, reason: str = "", *, why: str, broken_by_client: bool | None = None
    ) -> None:
        """Send a Close to each side that has not got one.

        Args:
            code: The code.
            reason: The reason in the Close.
            why: The reason as a sentence, for the record.
            broken_by_client: The side that broke a rule, if one did: the other one gets 1011.

        Raises:
            ValueError: If the code must not be sent, or the reason is too long.
        """
        is_first = not self._closes.has_begun
        for leg in self._legs:
            is_innocent = broken_by_client is not None and leg.is_client != broken_by_client
            own = CloseCode.INTERNAL_ERROR if is_innocent else code
            is_sent = self.relay.send_close(own, reason, to_client=leg.is_client)
            self.is_over = True
            if is_sent:
                self._closes.note_sent(own, to_client=leg.is_client)
            if is_first:
                is_first = False
                self._closes.begin(code, reason, why=why)
            leg.write(self.relay.data_to_send(to_client=leg.is_client))
            direction = self.relay.from_server if leg.is_client else self.relay.from_client
            if not (is_sent or direction.close_sent):
                # A frame that was sent in part will never be complete.
                leg.close()
        self._start_closing()

    def _start_closing(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._owner.session_is_closing()

    def _closes_are_sent(self) -> bool:
        return self.relay.from_client.close_sent and self.relay.from_server.close_sent

    def _closes_are_received(self) -> bool:
        client, server = self.relay.from_client, self.relay.from_server
        return client.close_received is not None and server.close_received is not None

    def _check_closes(self) -> None:
        """After a Close: wait for the other one, and end when both sides have sent and got one."""
        self._start_closing()
        if self._closes_are_sent() and self._closes_are_received():
            self.flush()
            # A server closes first (RFC 6455 section 7.1.1); for the client, this is the server.
            self._legs[True].close()

    def end_direction(self, from_client: bool) -> None:
        """Pass the end of a side's stream on, after its events were decided on."""
        if self._ended[from_client] or self._is_deciding(from_client):
            return
        self._ended[from_client] = True
        self._legs[from_client].ignore()
        self.relay.receive_eof(from_client=from_client)
        self.flush()
        self._start_closing()
        if all(self._ended) or self._closes_are_sent():
            for leg in self._legs:
                if leg.is_client or not self._server_will_end():
                    leg.close()
        else:
            self._legs[not from_client].write_eof()

    def lost(self, leg: Leg) -> None:
        """End the other side after a side was lost."""
        self.end_direction(leg.is_client)
        self._start_closing()
        other = self._legs[not leg.is_client]
        if not other.is_lost and not self._ended[other.is_client]:
            self._relay(other)
        if not self._is_deciding(leg.is_client) and not (leg.is_client and self._server_will_end()):
            other.close()

    def _server_will_end(self) -> bool:
        """Whether the server has got and sent a Close, and has not closed the connection yet."""
        return self._closes_are_received() and not self._legs[False].has_ended

    def _is_deciding(self, from_client: bool) -> bool:
        return self._decisions is not None and self._decisions[from_client].task is not None

    @property
    def is_settled(self) -> bool:
        """Whether no decision waits."""
        return not (self._is_deciding(False) or self._is_deciding(True))

    def cancel(self) -> None:
        """Give up the decisions that wait."""
        for decisions in self._decisions or ():
            if decisions.task is not None:
                decisions.task.cancel()

    def _watch(self) -> None:
        """Let the relay send pings and report timeouts; look again at its next deadline."""
        loop = asyncio.get_running_loop()
        now, peer = loop.time(), self._legs[True].peer
        for late in self.relay.tick(now):
            self._settings.stats.timeouts[late.timeout] += 1
            if late.from_client is None:
                LOG.info("%s: idle for %g seconds", peer, self._settings.timeouts.idle)
                why = f"idle for {self._settings.timeouts.idle:g} seconds"
                self.send_closes(CloseCode.GOING_AWAY, "idle", why=why)
            else:
                self._owner.error = f"the {SIDES[late.from_client]} did not answer a ping"
                LOG.warning("%s: %s", peer, self._owner.error)
                self.send_closes(CloseCode.GOING_AWAY, "no pong", why=self._owner.error)
        self.flush()
        deadline = self.relay.next_deadline(now)
        if deadline is not None and not self.is_over:
            self._timer = loop.call_at(deadline, self._watch)

    def aborted(self, why: str) -> None:
        """Note that the proxy ends the WebSocket without a Close."""
        if not self._closes.has_begun:
            self._closes.begin(CloseCode.ABNORMAL_CLOSURE, "", why=why)

    @property
    def ending(self) -> Ending | None:
        """How the WebSocket was closed; None if it was not."""
        return self._closes.ending

    def finish(self) -> None:
        """Count the session and complete its record, after both sockets were closed."""
        if self._timer is not None:
            self._timer.cancel()
        relay, stats = self.relay, self._settings.stats
        self.count_messages()
        code = CloseCode.ABNORMAL_CLOSURE
        ending = self.ending or Ending("proxy", code, None, None, "aborted")
        self._closes.note_own()
        stats.open -= 1
        stats.closes[ending.close_code] += 1
        up, down = relay.from_client.bytes_received, relay.from_server.bytes_received
        stats.bytes["client"] += up
        stats.bytes["server"] += down
        LOG.info("%s: %s; %d bytes up, %d down", self._legs[True].peer, ending, up, down)
        if self._record is not None:
            self._record.end(relay.websocket, ending)
            self._record = None
