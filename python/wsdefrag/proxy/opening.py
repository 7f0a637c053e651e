"""``Opening``: the handshake of a proxied connection, from the client's request to the response.

    request -> on_connect -> connection to the server -> response

The client is read all along, so that it is noticed when it leaves. Its bytes after the request are
kept for the relay; above ``_MOST_EARLY`` of them, it is not read.

In explicit-proxy mode a client may name the server: by the absolute form of its request target, or
by CONNECT. What follows a CONNECT is a request, or TLS. TLS is opened if the proxy has a
certificate for it (``tunnel_tls``), and passed on unread otherwise.

Follows RFC 6455 sections 4.1 and 4.2, and RFC 9110 sections 7.6.1 and 9.3.6.
"""

from __future__ import annotations

import asyncio
import logging
import time
from inspect import isawaitable
from typing import TYPE_CHECKING

from wsdefrag.handshake import HandshakeFailed, HandshakeTap, ServerHandshake, accept_key
from wsdefrag.proxy import explicit, transports
from wsdefrag.proxy.handshake import Opened, Tunnel
from wsdefrag.proxy.head import (
    end_to_end,
    refusal_head,
    request_head,
    switching_head,
    with_field,
)
from wsdefrag.proxy.leg import HANDSHAKE, OTHER_IS_SLOW, Leg
from wsdefrag.proxy.peer import Peer
from wsdefrag.proxy.refusal import Refusal
from wsdefrag.proxy.request import ProxyRequest
from wsdefrag.proxy.route import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from wsdefrag.handshake import HandshakeRequest, HandshakeResponse
    from wsdefrag.proxy.address import Upstream
    from wsdefrag.proxy.settings import Settings

    _T = TypeVar("_T")

LOG = logging.getLogger("wsdefrag.proxy")

# Bytes after the request that are kept before the response is there.
_MOST_EARLY = 64 << 10

_SWITCHING = 101


class Opening:
    """The handshake of a connection.

    Args:
        settings: The proxy's.
        client: The leg to the client.
        new_leg: Makes a leg to the server.

    Attributes:
        server: The leg to the server, or None if there is none yet.
        asked: The request that is sent to the server, or None if there is none yet.
    """

    def __init__(self, settings: Settings, client: Leg, *, new_leg: Callable[[], Leg]) -> None:
        self._settings = settings
        self._client = client
        self._new_leg = new_leg
        self._tap = HandshakeTap(max_head_size=settings.max_head_size)
        self._handshake: ServerHandshake | None = None
        self._connect_tap: HandshakeTap | None = None
        self._request: asyncio.Future[HandshakeRequest]
        self._response: asyncio.Future[HandshakeResponse] | None = None
        self._has_bytes: asyncio.Future[None] | None = None
        self._early = bytearray()
        self._from_server = bytearray()
        self.server: Leg | None = None
        self.asked: ProxyRequest | None = None

    def start(self) -> None:
        """Begin to read the client."""
        self._client.peer = Peer.of(self._client.transport)
        self._expect_request()

    async def run(self) -> Opened | Tunnel:
        """Do the handshake.

        Raises:
            Refusal: If the client gets a response of the proxy's own.
            ConnectionError: If the client left before it asked for anything.
        """
        settings = self._settings
        request = await self._requested()
        upstream, target = settings.upstream, request.target
        if request.method == "CONNECT":
            upstream = explicit.named(target)
            if await self._tunnelled_tls(upstream):
                return Tunnel(upstream, bytes(self._early))
            request = await self._requested()
            target = request.target
            if self._client.peer.tls_version is not None:
                upstream = upstream.with_scheme("wss")
        elif settings.is_explicit and (upstream is None or not target.startswith("/")):
            upstream, target = explicit.of_absolute_form(target)
        request_ns = time.time_ns()
        assert upstream is not None
        asked = self.asked = self._edited(request, upstream, target)
        await self._call_hook(asked)
        server = await self._connected(asked.upstream)
        response = await self._answered(server, request_head(asked.target, asked.fields))
        return self._result(asked.upstream, request, response, request_ns)

    def ended(self, leg: Leg) -> None:
        """Note that a side has ended or was lost."""
        if leg.is_client:
            _fail(self._request, ConnectionResetError("the client left"))
            _fail(self._has_bytes, ConnectionResetError("the client left"))
        else:
            refusal = Refusal(502, "the server ended the connection without a response")
            _fail(self._response, refusal)

    # The client.

    def _expect_request(self) -> None:
        size = self._settings.max_head_size
        self._handshake = ServerHandshake(max_head_size=size)
        # A CONNECT is not a request for a WebSocket.
        self._connect_tap = HandshakeTap(max_head_size=size) if self._settings.is_explicit else None
        self._request = asyncio.get_running_loop().create_future()
        self._client.handle = self._read_request

    async def _requested(self) -> HandshakeRequest:
        late = Refusal(408, "the request did not come in time")
        return await self._in_time(self._request, "handshake", late)

    def _read_request(self, data: memoryview) -> None:
        assert self._handshake is not None
        if self._request.done():
            self._keep(data)
            return
        try:
            request = self._parsed(data)
        except HandshakeFailed as error:
            self._request.set_exception(Refusal(error.status, str(error)))
            return
        if request is not None:
            self._request.set_result(request)
            self._keep(self._handshake.take_leftover())

    def _parsed(self, data: bytes | memoryview) -> HandshakeRequest | None:
        assert self._handshake is not None
        if self._connect_tap is not None:
            self._early += self._connect_tap.receive_from_client(data)
            request = self._connect_tap.request
            if request is None or request.method == "CONNECT":
                return request
            # It is read again, by the rules for a server.
            data, self._connect_tap = request.head + self._early, None
            self._early.clear()
        return self._handshake.receive_data(data)

    def _keep(self, data: bytes | memoryview) -> None:
        self._early += data
        if self._early and self._has_bytes is not None and not self._has_bytes.done():
            self._has_bytes.set_result(None)
        if len(self._early) > _MOST_EARLY:
            self._client.pause(HANDSHAKE)

    def _edited(self, request: HandshakeRequest, upstream: Upstream, target: str) -> ProxyRequest:
        settings = self._settings
        fields = end_to_end(request.fields)
        if settings.host == "rewrite":
            fields = with_field(fields, "Host", upstream.authority)
        for name, value in settings.fields:
            fields = with_field(fields, name, value)
        return ProxyRequest(
            request,
            client=self._client.peer,
            upstream=upstream,
            target=upstream.path + target,
            fields=fields,
        )

    async def _call_hook(self, asked: ProxyRequest) -> None:
        hook = self._settings.on_connect
        if hook is None:
            return
        try:
            result = hook(asked)
            if result is not None and isawaitable(result):
                result = await result
        except Refusal:
            raise
        except Exception:
            LOG.exception("%s: on_connect failed", self._client.peer)
            self._settings.stats.hook_errors += 1
            raise Refusal(500, "the proxy failed") from None
        if isinstance(result, Refusal):
            raise result

    # After a CONNECT.

    async def _tunnelled_tls(self, upstream: Upstream) -> bool:
        """Accept a CONNECT, and find out what follows.

        Returns:
            Whether it is TLS that is passed on unread; then the server is connected. Otherwise a
            request is expected, after TLS was opened if there is any.
        """
        client, context = self._client, self._settings.tunnel_tls
        late = Refusal(408, "nothing followed the CONNECT in time")
        if context is not None and not self._early:
            client.pause(HANDSHAKE)
            client.write(explicit.ESTABLISHED)
            first = await self._in_time(explicit.peek(client), "handshake", late)
            if first is None:
                raise ConnectionResetError("the client left")
            # The request may come with the end of the TLS handshake.
            self._expect_request()
            if explicit.is_tls(first):
                await self._open_tls()
            client.resume(HANDSHAKE)
            return False
        self._has_bytes = asyncio.get_running_loop().create_future()
        client.write(explicit.ESTABLISHED)
        if not self._early:
            await self._in_time(self._has_bytes, "handshake", late)
        if explicit.is_tls(self._early[0]):
            await self._connected(upstream)
            return True
        early = bytes(self._early)
        self._early.clear()
        self._expect_request()
        self._read_request(memoryview(early))
        return False

    async def _open_tls(self) -> None:
        """Become the server of the TLS inside of a tunnel."""
        context, client = self._settings.tunnel_tls, self._client
        assert context is not None
        try:
            transport = await transports.start_tls(
                client.transport,
                client,
                context,
                server_side=True,
                handshake_timeout=self._settings.timeouts.handshake,
            )
        except OSError as error:
            raise ConnectionResetError(f"no TLS: {error}") from None
        client.adopt(transport)
        client.peer = Peer.of(transport)

    # The server.

    async def _connected(self, upstream: Upstream) -> Leg:
        settings = self._settings
        late = Refusal(504, "the server could not be reached in time")
        connecting = connect(upstream, self._new_leg, via=settings.via, tls=settings.upstream_tls)
        try:
            server = await self._in_time(connecting, "connect", late)
        except OSError as error:
            LOG.warning("%s: cannot reach %s: %s", self._client.peer, upstream, error)
            # The reason may name addresses, which are no business of a client.
            raise Refusal(502, "the server cannot be reached") from None
        server.peer = Peer.of(server.transport, server_name=upstream.host)
        self.server = server
        if self._client.is_slow:
            server.pause(OTHER_IS_SLOW)
        return server

    async def _answered(self, server: Leg, head: bytes) -> HandshakeResponse:
        self._response = asyncio.get_running_loop().create_future()
        server.handle = self._read_response
        self._tap.receive_from_client(head)
        server.write(head)
        if server.has_ended or server.is_lost:
            self.ended(server)
        late = Refusal(504, "the server did not answer in time")
        return await self._in_time(self._response, "handshake", late)

    def _read_response(self, data: memoryview) -> None:
        assert self._response is not None
        assert self.server is not None
        try:
            self._from_server += self._tap.receive_from_server(data)
        except HandshakeFailed as error:
            _fail(self._response, Refusal(502, f"the server's response is invalid: {error}"))
            return
        if self._tap.response is not None and not self._response.done():
            self._response.set_result(self._tap.response)
            # What follows waits until the task has made a relay.
            self.server.pause(HANDSHAKE)

    def _result(
        self,
        upstream: Upstream,
        request: HandshakeRequest,
        response: HandshakeResponse,
        request_ns: int,
    ) -> Opened:
        fields = response.fields
        if response.status == _SWITCHING:
            accept = fields.get("Sec-WebSocket-Accept") or ""
            if accept.strip() != accept_key(request.key):
                raise Refusal(502, "the server's Sec-WebSocket-Accept does not fit the key")
            if not self._tap.is_websocket:
                raise Refusal(502, "the server switched to another protocol than WebSocket")
            head = switching_head(response.reason, fields)
        else:
            head = refusal_head(response.status, response.reason, fields)
        sent = self._tap.request
        assert sent is not None
        return Opened(
            upstream=upstream,
            request=sent,
            response=response,
            deflate=self._tap.deflate,
            extension=self._tap.extension,
            head=head,
            from_client=bytes(self._early),
            from_server=bytes(self._from_server),
            request_ns=request_ns,
            response_ns=time.time_ns(),
        )

    async def _in_time(self, awaited: Awaitable[_T], name: str, late: Refusal) -> _T:
        timeout: float | None = getattr(self._settings.timeouts, name)
        try:
            return await asyncio.wait_for(awaited, timeout)
        except asyncio.TimeoutError:
            self._settings.stats.timeouts[name] += 1
            raise late from None


def _fail(future: asyncio.Future[_T] | None, error: Exception) -> None:
    """Let a future raise; if nobody awaits it any more, nothing is lost."""
    if future is not None and not future.done():
        future.set_exception(error)
        future.exception()
