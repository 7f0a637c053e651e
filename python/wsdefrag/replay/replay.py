"""``Replay``: plays one side of recorded connections against a server.

Each connection is opened anew: with the path, the subprotocols and the other fields of its request,
and a key of its own. Permessage-deflate is offered as it was, and messages are compressed if they
were and the server agrees; other extensions are not offered.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from wsdefrag.deflate import filter_offers
from wsdefrag.handshake import ClientHandshake, HandshakeFailed
from wsdefrag.proxy.address import Upstream
from wsdefrag.proxy.head import check_field, with_field
from wsdefrag.proxy.read_buffer import ReadBuffer
from wsdefrag.proxy.route import connect
from wsdefrag.proxy.timeouts import Timeouts
from wsdefrag.replay.comparison import whole
from wsdefrag.replay.endpoint import Endpoint
from wsdefrag.replay.player import Player
from wsdefrag.replay.recording import Turn, response_text

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from wsdefrag.handshake import HandshakeResponse
    from wsdefrag.limits import Limits
    from wsdefrag.replay.comparison import Key
    from wsdefrag.replay.played import Played
    from wsdefrag.replay.recording import RecordedConnection

_EXTENSIONS = "sec-websocket-extensions"

# The fields that `ClientHandshake` writes, or that are chosen anew.
_WRITTEN_ANEW = frozenset({"host", "sec-websocket-key", "sec-websocket-version", _EXTENSIONS})

_NS = 1_000_000_000


class Replay:
    """Sends one side of recorded connections to a server, and compares its answers.

    Args:
        to: The server: ``ws://``, ``wss://``, ``HOST:PORT`` or ``ws+unix:PATH``. The path of its
            URL stands before the recorded paths.
        side: Whose messages are sent. The answers are compared with those of the other side.
        speed: How many times faster than recorded; None for as fast as possible.
        in_turn: Whether a message is sent only after as many answers as had come before it.
        patience: Seconds of silence after which answers are not waited for any longer.
        parallel: How many connections there are at a time, at most.
        fields: Fields to set in the requests; None as a value removes one.
        tls: The context for ``wss``; None for the system's authorities.
        via: A proxy on the way: ``http://``, ``https://`` or ``socks5://``.
        timeouts: ``handshake``, ``connect``, ``write`` and ``close`` count.
        limits: Limits for the answers.
        key: What is compared of a turn.

    Raises:
        ValueError: If an argument has no valid value.

    Example:
        >>> from wsdefrag.replay import Replay
        >>> Replay("ws://127.0.0.1:9000", speed=None)
        <Replay to ws://127.0.0.1:9000 as the client>
    """

    def __init__(
        self,
        to: str | Upstream,
        *,
        side: Literal["client", "server"] = "client",
        speed: float | None = 1.0,
        in_turn: bool = False,
        patience: float = 5.0,
        parallel: int = 100,
        fields: Iterable[tuple[str, str | None]] = (),
        tls: ssl.SSLContext | None = None,
        via: str | Upstream | None = None,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        key: Key = whole,
    ) -> None:
        if side not in ("client", "server"):
            raise ValueError(f'side must be "client" or "server", not {side!r}')
        if speed is not None and not speed > 0:
            raise ValueError(f"speed must be more than 0, not {speed!r}")
        if not patience > 0:
            raise ValueError(f"patience must be more than 0 seconds, not {patience!r}")
        if parallel < 1:
            raise ValueError(f"parallel must be at least 1, not {parallel!r}")
        self._fields = tuple(fields)
        for name, value in self._fields:
            check_field(name, value)
        self._to = Upstream.parse(to) if isinstance(to, str) else to
        self._via = Upstream.parse_proxy(via) if isinstance(via, str) else via
        self._is_client = side == "client"
        self._speed, self._in_turn, self._patience = speed, in_turn, patience
        self._parallel, self._tls, self._limits, self._key = parallel, tls, limits, key
        self._timeouts = timeouts or Timeouts()
        self._buffer = ReadBuffer()

    def __repr__(self) -> str:
        """Show the server and the side."""
        return f"<Replay to {self._to} as the {'client' if self._is_client else 'server'}>"

    async def run(self, connections: Sequence[RecordedConnection]) -> AsyncGenerator[Played, None]:
        """Play connections, each at its time.

        Args:
            connections: What to play, in the order in which it was recorded.

        Yields:
            What came of each, when it has ended.
        """
        places = asyncio.Semaphore(self._parallel)
        loop = asyncio.get_running_loop()
        first = min((one.captured.opened_ns for one in connections), default=0)
        begun = loop.time()

        async def play(recorded: RecordedConnection) -> Played:
            if self._speed is not None:
                due = begun + (recorded.captured.opened_ns - first) / _NS / self._speed
                await asyncio.sleep(due - loop.time())
            async with places:
                return await self.play(recorded)

        tasks = [loop.create_task(play(one)) for one in connections]
        try:
            for task in asyncio.as_completed(tasks):
                yield await task
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def play(self, recorded: RecordedConnection) -> Played:
        """Play one connection at once.

        Returns:
            What came of it; a failure is in its ``error``.
        """
        player = Player(
            recorded,
            from_client=self._is_client,
            speed=self._speed,
            in_turn=self._in_turn,
            patience=self._patience,
            close_timeout=self._timeouts.close,
            leaves=True,
            key=self._key,
        )
        endpoint = Endpoint(
            is_client=True,
            buffer=self._buffer,
            limits=self._limits,
            write_timeout=self._timeouts.write,
        )
        response, answered = recorded.response, []
        try:
            handshake = await self._opened(endpoint, recorded)
            if response is not None:
                answered.append(_turn(handshake))
            if handshake.is_accepted:
                endpoint.open(
                    deflate=handshake.deflate,
                    leftover=handshake.take_leftover(),
                    expected=player.expected,
                    own_close=player.own_close,
                )
                await player.play(endpoint)
            else:
                assert handshake.response is not None
                player.give_up(_refused(handshake.response, recorded))
        except (OSError, HandshakeFailed, ValueError) as error:
            player.give_up(str(error) or type(error).__name__)
        finally:
            endpoint.abort()
        return player.judge(endpoint, [] if response is None else [response], answered)

    async def _opened(self, endpoint: Endpoint, recorded: RecordedConnection) -> ClientHandshake:
        """Connect, and do the handshake."""
        fields = self._request_fields(recorded)
        named = [value for name, value in fields if name.lower() == "host"]
        handshake = ClientHandshake(
            named[0] if named else self._to.authority,
            self._to.path + recorded.target,
            fields=[one for one in fields if one[0].lower() != "host"],
        )
        failed: list[HandshakeFailed] = []

        def read_head(data: memoryview) -> None:
            try:
                if handshake.receive_data(data) is not None:
                    endpoint.changed()
            except HandshakeFailed as error:
                failed.append(error)
                endpoint.changed()

        endpoint.leg.handle = read_head
        making = connect(self._to, lambda: endpoint.leg, via=self._via, tls=self._tls)
        try:
            await asyncio.wait_for(making, self._timeouts.connect)
        except asyncio.TimeoutError:
            raise ConnectionError(f"{self._to} could not be reached in time") from None
        endpoint.leg.write(handshake.data_to_send())
        await endpoint.until(
            lambda: handshake.response is not None or bool(failed), self._timeouts.handshake
        )
        if failed:
            raise failed[0]
        if handshake.response is None:
            text = "ended the connection without a response" if endpoint.has_ended else "is silent"
            raise ConnectionError(f"{self._to} {text}")
        return handshake

    def _request_fields(self, recorded: RecordedConnection) -> list[tuple[str, str]]:
        """Return the fields of the request; the handshake writes the others."""
        fields = [one for one in recorded.fields if one[0].lower() not in _WRITTEN_ANEW]
        offers = [value for name, value in recorded.fields if name.lower() == _EXTENSIONS]
        with suppress(ValueError):
            if kept := filter_offers(", ".join(offers), ["permessage-deflate"]):
                fields.append(("Sec-WebSocket-Extensions", kept))
        for name, value in self._fields:
            fields = with_field(fields, name, value)
        return fields


def _turn(handshake: ClientHandshake) -> Turn:
    assert handshake.response is not None
    text = response_text(handshake.response.status, handshake.subprotocol)
    return Turn(False, "response", 0, content=text)


def _refused(response: HandshakeResponse, recorded: RecordedConnection) -> str | None:
    """Say that the server refused; None if it did so when it was recorded."""
    if recorded.captured.refused:
        return None
    return f"the server answered {response.status} {response.reason}".rstrip()
