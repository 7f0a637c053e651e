"""``Mock``: plays the server of recorded connections for clients that connect.

    request -> the next recorded connection of this path -> its response -> its turns

The connections of a path are played in the order in which they were recorded, and again from the
first one after the last. A path with a query that was not recorded gets those of the path alone.
Another path is refused with 404.

Invariants: ``_open`` has each endpoint from its acceptance until it is closed.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from wsdefrag.deflate import DeflateParams
from wsdefrag.handshake import HandshakeFailed, ServerHandshake
from wsdefrag.opcode import CloseCode
from wsdefrag.proxy.listening import Listening
from wsdefrag.proxy.peer import Peer
from wsdefrag.proxy.read_buffer import ReadBuffer
from wsdefrag.proxy.timeouts import Timeouts
from wsdefrag.replay.comparison import whole
from wsdefrag.replay.endpoint import Endpoint
from wsdefrag.replay.player import Player
from wsdefrag.replay.script import Script

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from wsdefrag.handshake import HandshakeRequest
    from wsdefrag.limits import Limits
    from wsdefrag.proxy.leg import Leg
    from wsdefrag.replay.comparison import Key
    from wsdefrag.replay.played import Played
    from wsdefrag.replay.recording import RecordedConnection

LOG = logging.getLogger("wsdefrag.replay")

_EXTENSIONS = "sec-websocket-extensions"


class Mock:
    """Plays the recorded server; an asynchronous context manager that listens meanwhile.

    What the server sent goes out after as many messages of the client as had come before it. What
    the client sends is compared with the recording.

    Args:
        connections: What to play.
        listen: Where to listen: ``HOST:PORT``, a port on 127.0.0.1, ``:PORT`` for all addresses,
            ``unix:PATH``, or several of these.
        any_path: Whether a path that was not recorded gets the next connection of all.
        speed: How many times faster than recorded the server sends; None for at once.
        on_played: Called with what came of each connection.
        tls: The context for TLS; None for ``ws``.
        timeouts: ``handshake``, ``write`` and ``close`` count.
        limits: Limits for what clients send.
        key: What is compared of a turn.

    Raises:
        ValueError: If there are no connections, or an argument has no valid value.

    Example:
        >>> from wsdefrag.capture import Capture
        >>> from wsdefrag.replay import Mock, recordings
        >>> with Capture("vectors/captures/demo.pcapng").read() as reader:
        ...     Mock(recordings(reader))
        <Mock of 5 connections>
    """

    def __init__(
        self,
        connections: Sequence[RecordedConnection],
        *,
        listen: str | int | Sequence[str | int] = "127.0.0.1:0",
        any_path: bool = False,
        speed: float | None = None,
        on_played: Callable[[Played], None] | None = None,
        tls: ssl.SSLContext | None = None,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        key: Key = whole,
    ) -> None:
        if not connections:
            raise ValueError("there are no connections to play")
        if speed is not None and not speed > 0:
            raise ValueError(f"speed must be more than 0, not {speed!r}")
        self._listening = Listening(listen, tls=tls)
        self._script = Script(connections, any_path=any_path)
        self._speed, self._on_played = speed, on_played
        self._timeouts, self._limits, self._key = timeouts or Timeouts(), limits, key
        self._buffer = ReadBuffer()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[Endpoint] = set()
        self._unplayed = set(connections)
        self._all_played: asyncio.Event | None = None

    def __repr__(self) -> str:
        """Show how many connections it has."""
        return f"<Mock of {self._script.count} connections>"

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: If an address cannot be listened on.
        """
        self._all_played = asyncio.Event()
        await self._listening.start(self._accept, handshake_timeout=self._timeouts.handshake)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop to listen, and close all connections with 1001."""
        await self._listening.stop()
        for endpoint in list(self._open):
            endpoint.close(CloseCode.GOING_AWAY)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timeouts.close)
        for endpoint in list(self._open):
            endpoint.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def addresses(self) -> list[str]:
        """Where it listens: ``HOST:PORT`` or ``unix:PATH``, with the ports that were free."""
        return self._listening.addresses

    @property
    def url(self) -> str:
        """The URL for clients on this machine."""
        return self._listening.url

    async def wait_played(self) -> None:
        """Wait until each connection has been played to its end once.

        Raises:
            RuntimeError: If it was not started.
        """
        if self._all_played is None:
            raise RuntimeError("the mock was not started")
        await self._all_played.wait()

    def _accept(self) -> Leg:
        endpoint = Endpoint(
            is_client=False,
            buffer=self._buffer,
            limits=self._limits,
            write_timeout=self._timeouts.write,
        )

        def made() -> None:
            self._open.add(endpoint)
            # The request may come before the task begins.
            task = asyncio.get_running_loop().create_task(self._serve(endpoint, _Asking(endpoint)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        endpoint.on_made = made
        return endpoint.leg

    async def _serve(self, endpoint: Endpoint, asking: _Asking) -> None:
        """Serve one client from its request to its end."""
        try:
            request = await asking.request(self._timeouts.handshake)
            handshake = asking.handshake
            if request is None:
                return
            recorded = self._script.choose(request.target)
            if recorded is None:
                endpoint.leg.write(handshake.reject(404, body=self._script.paths()))
                LOG.warning("%s: no connection to %s was recorded", _peer(endpoint), request.target)
                return
            await self._play(endpoint, recorded, handshake, request)
        finally:
            endpoint.leg.close()
            self._open.discard(endpoint)

    async def _play(
        self,
        endpoint: Endpoint,
        recorded: RecordedConnection,
        handshake: ServerHandshake,
        request: HandshakeRequest,
    ) -> None:
        player = Player(
            recorded,
            from_client=False,
            speed=self._speed,
            in_turn=True,
            patience=None,
            close_timeout=self._timeouts.close,
            leaves=False,
            key=self._key,
        )
        response = recorded.captured.response
        if recorded.captured.refused and response is not None:
            endpoint.leg.write(handshake.reject(response.status, reason=response.reason or None))
        else:
            try:
                head, deflate = _accepted(recorded, handshake, request)
            except ValueError as error:
                LOG.warning("connection %d cannot be played: %s", recorded.number, error)
                endpoint.leg.write(handshake.reject(500, body=f"{error}\n".encode()))
                return
            endpoint.leg.write(head)
            endpoint.open(
                deflate=deflate,
                leftover=handshake.take_leftover(),
                expected=player.expected,
                own_close=player.own_close,
            )
            await player.play(endpoint)
        played = player.judge(endpoint, [], [])
        if self._on_played is not None:
            self._on_played(played)
        self._unplayed.discard(recorded)
        if not self._unplayed and self._all_played is not None:
            self._all_played.set()


class _Asking:
    """Reads the request of a client."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.handshake = ServerHandshake()
        self._endpoint = endpoint
        self._failed: HandshakeFailed | None = None
        endpoint.leg.handle = self._read_head

    async def request(self, timeout: float | None) -> HandshakeRequest | None:
        """Wait for the request; None if it was bad, late or none, and has been answered."""
        endpoint, handshake = self._endpoint, self.handshake
        came = await endpoint.until(
            lambda: handshake.request is not None or self._failed is not None, timeout
        )
        if self._failed is not None:
            endpoint.leg.write(handshake.reject())
            LOG.warning("%s: %s", _peer(endpoint), self._failed)
            return None
        if not came and not endpoint.has_ended:
            endpoint.leg.write(handshake.reject(408))
        return handshake.request

    def _read_head(self, data: memoryview) -> None:
        try:
            if self.handshake.receive_data(data) is not None:
                self._endpoint.changed()
        except HandshakeFailed as error:
            self._failed = error
            self._endpoint.changed()


def _peer(endpoint: Endpoint) -> Peer:
    return Peer.of(endpoint.leg.transport)


def _accepted(
    recorded: RecordedConnection, handshake: ServerHandshake, request: HandshakeRequest
) -> tuple[bytes, DeflateParams | None]:
    """Make the recorded response, as far as it fits the request.

    Raises:
        ValueError: If it has a field that cannot be sent.
    """
    captured, deflate = recorded.captured, None
    if captured.deflate is not None:
        with suppress(ValueError):
            chosen = DeflateParams.choose(request.fields.get(_EXTENSIONS) or "")
            deflate = None if chosen is None else chosen[0]
    offered = captured.subprotocol in request.subprotocols
    fields = [
        one
        for one in recorded.response_fields
        if not one[0].lower().startswith(("sec-websocket-", "content-length"))
    ]
    subprotocol = captured.subprotocol if offered else None
    return handshake.accept(subprotocol=subprotocol, deflate=deflate, fields=fields), deflate
