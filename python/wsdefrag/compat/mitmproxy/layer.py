"""``RelayLayer``: mitmproxy's WebSocket layer with this package's relays.

It is a subclass of mitmproxy's own layer, with the same commands, hooks and events:
``WebsocketStartHook``; ``WebsocketMessageHook`` for each received or injected message, which is
then ``flow.websocket.messages[-1]``; ``WebsocketEndHook``. It has two states:

1. *relaying*: after its hook, a message is forwarded as the hook left it. Pings and Pongs are
   logged and forwarded.
2. *done*: nothing is read any more. The layer enters this state in four cases. A Close was
   received: it is forwarded and answered. A TCP connection ended: the other one is ended too,
   without a Close. A side broke a rule or exceeded a limit: both sides get a Close. A hook called
   ``flow.kill()``: the message is not forwarded, and both sides get Close 1001.

Differences from mitmproxy's own layer:

- an unchanged message is forwarded as the received bytes; the fragments of an edited text never
  divide a character;
- a message with reserved bits of an agreed extension that this package does not know is forwarded
  as the received bytes, without a hook;
- if a side broke a rule or exceeded a limit, ``flow.error`` has the reason; a Close frame does not
  set ``flow.error``;
- how often rules were broken that the option ``wsdefrag_tolerate`` switches off is in the log;
- a message that was incomplete when its direction ended is in the flow's metadata. The key
  ``wsdefrag_not_whole`` has a list of ``status`` ("incomplete"), ``before`` (the number of messages
  of the flow before it) and ``state`` (a message's state tuple).

If the option ``wsdefrag_forward`` is "frames" or "bytes", data is forwarded before the hooks. Hooks
are called, but their changes have no effect: they are undone, and a warning is logged. A message
over a limit is forwarded without a hook, and does not end the connection.

Follows RFC 6455 sections 5.4, 5.5, 7.1.5 to 7.1.7 and 7.4.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from mitmproxy import flow as flows
from mitmproxy import websocket as data
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers import websocket
from mitmproxy.proxy.utils import expect

from wsdefrag.compat.mitmproxy.options import Settings
from wsdefrag.deflate import DeflateParams
from wsdefrag.events import (
    Close,
    Event,
    Incomplete,
    OpaqueMessage,
    Ping,
    Pong,
    ProtocolViolation,
    UncollectedMessage,
)
from wsdefrag.fragmenter import Fragmenter
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import CloseCode, Opcode
from wsdefrag.pass_through import PassThroughRelay
from wsdefrag.relay import WebSocketRelay

if TYPE_CHECKING:
    from mitmproxy.connection import Connection
    from typing_extensions import Buffer

_T = TypeVar("_T")
Commands: TypeAlias = Generator[commands.Command, Any, _T]
"""A generator of mitmproxy's commands that returns a value."""

_DEFLATE = "permessage-deflate"
_LONGEST_REASON = 123


class RelayLayer(websocket.WebsocketLayer):
    """Relays a WebSocket connection; see the module.

    Attributes:
        settings: The addon's options, for new connections.
        relay: The relay of this connection.
    """

    settings: ClassVar[Settings] = Settings()
    relay: WebSocketRelay | PassThroughRelay
    _settings: Settings
    _injected: list[tuple[WebSocketMessage, data.WebSocketMessage]]

    @expect(events.Start)
    def start(self, _: events.Event) -> Commands[None]:
        """Make the relay, with the extensions of the 101 response."""
        params, extension = yield from self._agreed()
        options = self._settings = type(self).settings
        self.relay = _relay(options, params, extension)
        self._injected = []
        yield websocket.WebsocketStartHook(self.flow)
        self._handle_event = self.relay_messages
        yield from self._end_if_killed()

    _handle_event = start

    def _agreed(self) -> Commands[tuple[DeflateParams | None, str | None]]:
        """Read the agreed deflate parameters, and the name of an unknown agreed extension."""
        assert self.flow.response is not None
        header = self.flow.response.headers.get("Sec-WebSocket-Extensions", "")
        unknown = None
        for extension in filter(None, (one.strip() for one in header.split(","))):
            name = extension.split(";", 1)[0].strip()
            if name != _DEFLATE:
                unknown = unknown or name or None
                yield commands.Log(f"Ignoring unknown WebSocket extension {name!r}.")
        try:
            params = DeflateParams.from_header(header, strict=False)
        except ValueError as error:
            # As in mitmproxy's own layer, both sides are taken to use compression all the same.
            yield commands.Log(f"Invalid WebSocket compression: {error}", logging.WARNING)
            return DeflateParams(), unknown
        for oddity in params.oddities if params else ():
            yield commands.Log(f"Invalid WebSocket compression parameters: {oddity}")
        return params, unknown

    @expect(events.DataReceived, events.ConnectionClosed, websocket.WebSocketMessageInjected)
    def relay_messages(self, event: events.Event) -> Commands[None]:
        """Handle received data, the end of a TCP connection, or an injected message."""
        if isinstance(event, events.DataReceived):
            from_client = event.connection == self.context.client
            found = self.relay.receive_data(event.data, from_client=from_client)
            if isinstance(self.relay, PassThroughRelay):
                yield from self._send(to_client=not from_client)
            for one in found:
                if self._handle_event == self.done:
                    break
                yield from self._relay(one)
        elif isinstance(event, events.ConnectionClosed):
            # No Close was received, so none is sent.
            by_client = event.connection == self.context.client
            yield from self._end(by_client, CloseCode.ABNORMAL_CLOSURE, None)
        elif isinstance(event, websocket.WebSocketMessageInjected):
            yield from self._inject(event.message)

    @expect(events.DataReceived, events.ConnectionClosed, websocket.WebSocketMessageInjected)
    def done(self, _: events.Event) -> Commands[None]:
        """Ignore all events."""
        yield from ()

    def _relay(self, event: Event) -> Commands[None]:
        if isinstance(event, WebSocketMessage):
            yield from self._message(event)
        elif isinstance(event, (Ping, Pong)):
            yield commands.Log(
                f"Received WebSocket {type(event).__name__.lower()} from "
                f"{_side(event.from_client)} (payload: {event.payload!r})"
            )
            yield from self._forward(event)
        elif isinstance(event, OpaqueMessage):
            yield commands.Log(
                f"Forwarding a message of WebSocket extension {event.extension!r} from the "
                f"{_side(event.from_client)} ({len(event.content)} bytes)."
            )
            yield from self._forward(event)
        elif isinstance(event, UncollectedMessage):
            yield commands.Log(
                f"Forwarded a WebSocket message from the {_side(event.from_client)} "
                f"({event.length} bytes) that is longer than the options allow; no hook sees it."
            )
        elif isinstance(event, Close):
            if isinstance(self.relay, WebSocketRelay):
                self.relay.forward(event)
            code = None if event.close_code == CloseCode.NO_STATUS_RCVD else event.close_code
            self.relay.send_close(code, event.close_reason, to_client=event.from_client)
            yield from self._end(event.from_client, event.close_code, event.close_reason)
        elif isinstance(event, ProtocolViolation):
            yield from self._violation(event)

    def _message(self, event: WebSocketMessage) -> Commands[None]:
        message = data.WebSocketMessage(
            int(event.type), event.from_client, event.content, event.timestamp
        )
        self._keep(message)
        yield websocket.WebsocketMessageHook(self.flow)
        if (yield from self._end_if_killed()):
            return
        if isinstance(self.relay, PassThroughRelay):
            if message.dropped or message.content != event.content:
                yield commands.Log(
                    "wsdefrag_forward: a hook edited or dropped a WebSocket message that was "
                    "already forwarded; the change is undone.",
                    logging.WARNING,
                )
                message.content, message.dropped = event.content, False
        elif message.dropped:
            self.relay.discard(event)
        else:
            if message.content != event.content:
                event.content = yield from self._sendable(event.type, message.content)
            yield from self._forward(event)

    def _inject(self, injected: data.WebSocketMessage) -> Commands[None]:
        # As in mitmproxy's own layer, any type except TEXT is BINARY.
        type = Opcode.TEXT if injected.is_text else Opcode.BINARY
        content = yield from self._sendable(type, injected.content)
        message = data.WebSocketMessage(int(type), injected.from_client, content, injected=True)
        self._keep(message)
        yield websocket.WebsocketMessageHook(self.flow)
        if (yield from self._end_if_killed()):
            return
        if not message.dropped:
            content = yield from self._sendable(type, message.content)
            own = WebSocketMessage(type, injected.from_client, content, message.timestamp)
            self.relay.inject(own)
            if isinstance(self.relay, PassThroughRelay):
                self._injected.append((own, message))
            yield from self._send(to_client=not injected.from_client)

    def _sendable(self, type: int, content: Buffer) -> Commands[bytes]:
        """Return a content set by a script, with invalid UTF-8 in a text replaced."""
        whole = bytes(memoryview(content))
        if type == Opcode.TEXT:
            try:
                whole.decode()
            except UnicodeDecodeError as error:
                yield commands.Log(
                    f"A script set a WebSocket text message to invalid UTF-8: {error}",
                    logging.WARNING,
                )
                return whole.decode(errors="replace").encode()
        return whole

    def _keep(self, message: data.WebSocketMessage) -> None:
        messages = self._data.messages
        messages.append(message)
        if self._settings.retain is not None:
            del messages[: -self._settings.retain]
        if self._settings.retain_seconds is not None:
            oldest = message.timestamp - self._settings.retain_seconds
            # The newest message always stays, because hooks read it.
            young = next(
                (place for place, one in enumerate(messages) if one.timestamp >= oldest),
                len(messages) - 1,
            )
            del messages[:young]

    def _forward(self, event: WebSocketMessage | OpaqueMessage | Ping | Pong) -> Commands[None]:
        if isinstance(self.relay, WebSocketRelay):
            self.relay.forward(event)
            yield from self._send(to_client=not event.from_client)

    def _send(self, *, to_client: bool) -> Commands[None]:
        output = self.relay.data_to_send(to_client=to_client)
        if output:
            yield commands.SendData(self._connection(to_client), output)

    @property
    def _data(self) -> data.WebSocketData:
        assert self.flow.websocket is not None
        return self.flow.websocket

    def _connection(self, to_client: bool) -> Connection:
        return self.context.client if to_client else self.context.server

    def _end_if_killed(self) -> Commands[bool]:
        """End the connection if a hook has killed the flow; whether it did so."""
        error = self.flow.error
        if error is None or error.msg != flows.Error.KILLED_MESSAGE:
            return False
        for to_client in (False, True):
            self.relay.send_close(CloseCode.GOING_AWAY, to_client=to_client)
        yield from self._end(False, CloseCode.GOING_AWAY, None)
        return True

    def _log_tolerated(self) -> Commands[None]:
        for direction in (self.relay.from_client, self.relay.from_server):
            side = _side(direction is self.relay.from_client)
            counts = {name: count for name, count in direction.tolerated.items() if count}
            if counts:
                yield commands.Log(f"WebSocket {side}: tolerated {counts}.")

    def _violation(self, event: ProtocolViolation) -> Commands[None]:
        text = f"WebSocket {_side(event.from_client)}: {event.error}"
        yield commands.Log(text, logging.WARNING)
        self.flow.error = flows.Error(text)
        reason = str(event.error)
        for to_client in (False, True):
            self.relay.send_close(event.error.close_code, _shortened(reason), to_client=to_client)
        yield from self._end(event.from_client, event.error.close_code, reason)

    def _end(self, by_client: bool, code: int, reason: str | None) -> Commands[None]:
        yield from self._add_incomplete_messages()
        yield from self._log_tolerated()
        for own, message in self._injected:
            # A pass-through relay sends an injected message between two messages. If the
            # connection ends inside a message, it was not sent.
            message.dropped = own.dropped
        ended = self._data
        ended.timestamp_end = time.time()
        ended.closed_by_client = by_client
        ended.close_code = int(code)
        ended.close_reason = reason
        self._handle_event = self.done
        for to_client in (False, True):
            yield from self._send(to_client=to_client)
            yield commands.CloseConnection(self._connection(to_client))
        yield websocket.WebsocketEndHook(self.flow)
        self.flow.live = False

    def _add_incomplete_messages(self) -> Commands[None]:
        for from_client in (True, False):
            for event in self.relay.receive_eof(from_client=from_client):
                if isinstance(event, Incomplete):
                    yield from self._add_incomplete(event)

    def _add_incomplete(self, event: Incomplete) -> Commands[None]:
        yield commands.Log(
            f"The WebSocket connection ended inside a message from the {_side(event.from_client)} "
            f"({len(event.content)} bytes of {event.type.name})"
            f"{'; it was not forwarded' if isinstance(self.relay, WebSocketRelay) else ''}.",
            logging.WARNING,
        )
        # mitmproxy has only text and binary messages; a truncated control frame is only logged.
        if event.type in (Opcode.TEXT, Opcode.BINARY):
            state = (
                int(event.type), event.from_client, event.content, event.timestamp, False, False
            )  # fmt: skip
            self.flow.metadata.setdefault("wsdefrag_not_whole", []).append(
                {
                    "status": "incomplete",
                    "before": len(self._data.messages),
                    "state": state,
                }
            )


def _relay(
    options: Settings, deflate: DeflateParams | None, extension: str | None
) -> WebSocketRelay | PassThroughRelay:
    """Make the relay for the options."""
    # mitmproxy's setting for servers that do not accept continuation frames.
    fragmenter = Fragmenter(max_size=websocket.Fragmentizer.FRAGMENT_SIZE)
    limits, budget = options.limits, options.budget
    if options.forward == "messages":
        return WebSocketRelay(
            deflate=deflate,
            limits=limits,
            budget=budget,
            strictness=options.strictness,
            retain=0,
            fragmenter=fragmenter,
            extension=extension,
        )
    return PassThroughRelay(
        mode=options.forward,
        # The limit of a message holds, too.
        collect_up_to=sys.maxsize,
        deflate=deflate,
        limits=limits,
        budget=budget,
        strictness=options.strictness,
        retain=0,
        fragmenter=fragmenter,
        extension=extension,
    )


def _side(from_client: bool) -> str:
    return "client" if from_client else "server"


def _shortened(reason: str) -> str:
    """Cut a reason to the most bytes that fit into a Close (RFC 6455 section 5.5)."""
    return reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
