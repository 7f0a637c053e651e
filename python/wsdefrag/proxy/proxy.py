r"""``Proxy``: a WebSocket proxy for asyncio.

It listens, and makes a ``ProxyConnection`` of each client. Everything else is in other modules:
``opening`` has the handshake, ``connection`` what follows, ``leg`` the sockets.

Follows RFC 6455, RFC 7692, and RFC 9110 section 7.6 (intermediaries).

Invariants: ``connections`` has each connection from its acceptance until ``on_close`` has returned;
after ``close`` it is empty, all records are on disk, and no task of the proxy runs.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Literal

from wsdefrag.budget import Budget
from wsdefrag.proxy.address import Upstream
from wsdefrag.proxy.connection import ProxyConnection
from wsdefrag.proxy.head import check_field
from wsdefrag.proxy.listening import Listening
from wsdefrag.proxy.settings import Settings
from wsdefrag.proxy.timeouts import Timeouts

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from wsdefrag.limits import Limits
    from wsdefrag.proxy.connection import OnClose, OnMessage
    from wsdefrag.proxy.leg import Leg
    from wsdefrag.proxy.records import Records
    from wsdefrag.proxy.settings import OnConnect
    from wsdefrag.proxy.stats import Stats
    from wsdefrag.strictness import Strictness

LOG = logging.getLogger("wsdefrag.proxy")

_MAX_MEMORY = 256 << 20
_HIGH_WATER = 256 << 10


class Proxy:
    """A WebSocket proxy; an asynchronous context manager.

    Args:
        upstream: The server: ``ws://host:port/path``, ``wss://...``, ``host:port``, or
            ``ws+unix:/path``. None only with ``explicit``.
        listen: Where to listen: ``HOST:PORT``, ``PORT`` (on 127.0.0.1), ``:PORT`` (on all
            addresses), ``unix:PATH``, or several of these. Port 0 is any free one.
        on_connect: Called with a ``ProxyRequest`` before the server is asked. It may edit the
            request, and returns or raises a ``Refusal`` to refuse it.
        on_message: Called with each ``WebSocketMessage`` and its ``ProxyConnection``. It may edit
            the message and ``drop()`` it; it is forwarded when the hook returns.
        on_close: Called with a ``ProxyConnection`` whose WebSocket has ended.
        tls: The context for TLS with clients; None for clear text.
        upstream_tls: The context for TLS with servers; None for the system's authorities.
        via: A proxy on the way to the server: ``http://``, ``https://`` or ``socks5://``.
        explicit: Whether clients may name the server, with CONNECT or an absolute request target.
        tunnel_tls: The context for TLS that clients begin after a CONNECT. None passes it on
            unread.
        host: Whether the ``Host`` field becomes the server's (``"rewrite"``) or stays the client's
            (``"keep"``).
        fields: Header fields that are set in each request: names and values; None removes one.
        records: Where connections are recorded, or None.
        limits: Limits for frames and messages; None for the defaults of ``Limits``.
        strictness: Which rules are enforced; None for the defaults of ``Strictness``.
        max_memory: Bytes that all connections together may hold of frames and messages; one that
            would need more is closed with 1013. None for no limit.
        timeouts: How long to wait for peers; None for the defaults of ``Timeouts``.
        high_water: Bytes that wait for a side, or for a hook, until the other side is not read.
        low_water: Bytes that wait when it is read again; None for half of ``high_water``.
        max_head_size: Bytes of a request's or a response's head.
        retain: How many messages ``connection.websocket`` keeps; None for all.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an address or a field is not valid, or there is no server.

    The hooks are functions or coroutine functions. One that raises ends its own connection, with
    the status 500 or the close code 1011, and is logged with its traceback.

    Attributes:
        connections: The connections that have not ended.

    Example:
        >>> import asyncio
        >>> from wsdefrag.proxy import Proxy
        >>> def shout(message, connection):
        ...     if message.is_text:
        ...         message.text = message.text.upper()
        >>> async def main():
        ...     async with Proxy("ws://127.0.0.1:9", on_message=shout) as proxy:
        ...         print(proxy.url.startswith("ws://127.0.0.1:"))
        >>> asyncio.run(main())
        True
    """

    def __init__(
        self,
        upstream: str | Upstream | None = None,
        *,
        listen: str | int | Sequence[str | int] = "127.0.0.1:0",
        on_connect: OnConnect | None = None,
        on_message: OnMessage | None = None,
        on_close: OnClose | None = None,
        tls: ssl.SSLContext | None = None,
        upstream_tls: ssl.SSLContext | None = None,
        via: str | Upstream | None = None,
        explicit: bool = False,
        tunnel_tls: ssl.SSLContext | None = None,
        host: Literal["rewrite", "keep"] = "rewrite",
        fields: Iterable[tuple[str, str | None]] = (),
        records: Records | None = None,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
        max_memory: int | None = _MAX_MEMORY,
        timeouts: Timeouts | None = None,
        high_water: int = _HIGH_WATER,
        low_water: int | None = None,
        max_head_size: int = 64 << 10,
        retain: int | None = 0,
    ) -> None:
        if upstream is None and not explicit:
            raise ValueError("upstream is missing: only an explicit proxy needs none")
        if host not in ("rewrite", "keep"):
            raise ValueError(f'host must be "rewrite" or "keep", not {host!r}')
        low = high_water // 2 if low_water is None else low_water
        if not 0 <= low <= high_water:
            raise ValueError("low_water must be from 0 to high_water")
        fields = tuple(fields)
        for name, value in fields:
            check_field(name, value)
        self._listening = Listening(listen, tls=tls)
        self._settings = Settings(
            upstream=Upstream.parse(upstream) if isinstance(upstream, str) else upstream,
            via=Upstream.parse_proxy(via) if isinstance(via, str) else via,
            is_explicit=explicit,
            upstream_tls=upstream_tls,
            tunnel_tls=tunnel_tls,
            on_connect=on_connect,
            host=host,
            fields=fields,
            limits=limits,
            strictness=strictness,
            budget=None if max_memory is None else Budget(max_memory),
            timeouts=timeouts or Timeouts(),
            water=(low, high_water),
            max_head_size=max_head_size,
            retain=retain,
            records=records,
        )
        self._on_message, self._on_close = on_message, on_close
        self._number = 0
        self._is_closing = False
        self._empty: asyncio.Event | None = None
        self._closed: asyncio.Event | None = None
        self.connections: set[ProxyConnection] = set()

    def __repr__(self) -> str:
        """Show the server and how many connections there are."""
        upstream = self._settings.upstream or "any server"
        return f"<Proxy to {upstream}, {len(self.connections)} connections>"

    async def __aenter__(self) -> Self:
        """Start to listen."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Shut down; see ``close``."""
        await self.close()

    async def start(self) -> None:
        """Start to listen.

        Raises:
            OSError: If an address cannot be listened on.
            RuntimeError: If it was started before.
        """
        if self._closed is not None:
            raise RuntimeError("a proxy starts once")
        self._empty, self._closed = asyncio.Event(), asyncio.Event()
        self._empty.set()
        try:
            timeout = self._settings.timeouts.handshake
            await self._listening.start(self._accept, handshake_timeout=timeout)
            if self._settings.records is not None:
                self._settings.records.start()
        except BaseException:
            await self._listening.stop()
            raise
        LOG.info("listening on %s", ", ".join(self.addresses))

    async def close(self) -> None:
        """Shut down: stop listening, close all WebSockets with 1001, and complete the records.

        It waits for the peers for as long as the close timeout; then their connections are aborted.
        """
        if self._closed is None or self._empty is None:
            return
        self._is_closing = True
        await self._listening.stop()
        for connection in list(self.connections):
            connection.shut_down()
        try:
            await asyncio.wait_for(self._empty.wait(), self._settings.timeouts.close)
        except asyncio.TimeoutError:
            LOG.warning("%d connections did not end in time", len(self.connections))
            for connection in list(self.connections):
                connection.abort()
            await self._empty.wait()
        if self._settings.records is not None:
            self._settings.records.close()
        self._closed.set()

    async def wait_closed(self) -> None:
        """Wait until ``close`` has ended, in another task.

        Raises:
            RuntimeError: If it was not started.
        """
        if self._closed is None:
            raise RuntimeError("the proxy was not started")
        await self._closed.wait()

    @property
    def stats(self) -> Stats:
        """What it has done since it started."""
        for connection in self.connections:
            connection.count_messages()
        return self._settings.stats

    @property
    def budget(self) -> Budget | None:
        """What its connections hold; None without ``max_memory``."""
        return self._settings.budget

    @property
    def addresses(self) -> list[str]:
        """Where it listens: ``HOST:PORT`` or ``unix:PATH``, with the ports that were free."""
        return self._listening.addresses

    @property
    def port(self) -> int:
        """The first TCP port.

        Raises:
            RuntimeError: If it does not listen on one.
        """
        for text in self.addresses:
            if not text.startswith("unix:"):
                return int(text.rpartition(":")[2])
        raise RuntimeError("it does not listen on a TCP port")

    @property
    def url(self) -> str:
        """The URL for clients on this machine."""
        return self._listening.url

    def _accept(self) -> Leg:
        # It is counted when its socket is ready; with TLS that may never be.
        connection = ProxyConnection(
            self._settings,
            on_message=self._on_message,
            on_close=self._on_close,
            greet=self._greet,
            forget=self._forget,
        )
        return connection.client_leg

    def _greet(self, connection: ProxyConnection) -> int:
        self._number += 1
        self.connections.add(connection)
        assert self._empty is not None
        self._empty.clear()
        return self._number

    def _forget(self, connection: ProxyConnection) -> None:
        self.connections.discard(connection)
        if not self.connections and self._empty is not None:
            self._empty.set()
