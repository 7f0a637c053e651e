"""Servers and clients for captures, on the endpoints of `recorder`.

A server takes a listener that its caller made, serves any number of connections at any path, and
gives a `Met` for each. A client connects to it directly, without a relay. Keepalive pings are off,
as everywhere in the recorder.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import hypercorn.asyncio
import hypercorn.config
import uvicorn
import websockets
from aiohttp import web
from recorder.aiohttp_peer import ANY_SIZE, AiohttpEndpoint
from recorder.asgi_peer import AsgiEndpoint, Receive, Send
from recorder.endpoint import Endpoint, installed
from recorder.node_peer import node_client
from recorder.websockets_peer import WebsocketsEndpoint

Address = tuple[str, int]
EXTENSIONS = "Sec-WebSocket-Extensions"
FORBIDDEN = "/forbidden"  # the path that servers refuse with 403, if they can


@dataclass(frozen=True)
class Target:
    """What a client connects to; `host` is the Host header it sends."""

    address: Address
    host: str
    path: str
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class Met:
    """A connection, as one of its sides knows it.

    `extensions` is None also if this side cannot tell; then the other side can. `socket` is the
    kernel's, to set options on, where the library gives it.
    """

    endpoint: Endpoint
    client: Address
    server: Address
    host: str
    path: str
    subprotocol: str | None
    extensions: str | None
    socket: Any = None


@dataclass(frozen=True)
class Refusal:
    """An upgrade that a server refused with `status`."""

    client: Address
    server: Address
    host: str
    path: str
    status: int


Accept = Callable[[Met | Refusal], None]
Server = Callable[[socket.socket, Accept], AbstractAsyncContextManager[None]]
Client = Callable[[Target], AbstractAsyncContextManager[tuple[Endpoint, str | None, Any]]]


def _address(value: Any) -> Address:
    return (str(value[0]), int(value[1]))


def websockets_server(tls: ssl.SSLContext | None = None, **options: Any) -> Server:
    """Make a server of websockets; `options` are those of `websockets.serve`."""

    async def handler(connection: Any, accept: Accept) -> None:
        endpoint = WebsocketsEndpoint(connection, installed("websockets"))
        met = Met(
            endpoint,
            _address(connection.remote_address),
            _address(connection.local_address),
            connection.request.headers["Host"],
            connection.request.path,
            connection.subprotocol,
            connection.response.headers.get(EXTENSIONS),
            connection.transport.get_extra_info("socket"),
        )
        accept(met)
        await endpoint.closed.wait()

    def refuse(connection: Any, request: Any, accept: Accept) -> Any:
        if not request.path.startswith(FORBIDDEN):
            return None
        ends = (_address(connection.remote_address), _address(connection.local_address))
        status = HTTPStatus.FORBIDDEN
        accept(Refusal(*ends, request.headers["Host"], request.path, status.value))
        return connection.respond(status, "not for you\n")

    @asynccontextmanager
    async def listen(listener: socket.socket, accept: Accept) -> AsyncIterator[None]:
        settings: dict[str, Any] = {"ping_interval": None, "max_size": None}
        settings["process_request"] = lambda *head: refuse(head[0], head[1], accept)
        settings |= options
        async with websockets.serve(
            lambda connection: handler(connection, accept), sock=listener, ssl=tls, **settings
        ):
            yield

    return listen


def aiohttp_server(
    compress: bool = False,
    tls: ssl.SSLContext | None = None,
    routes: tuple[web.RouteDef, ...] = (),
) -> Server:
    """Make a server of aiohttp that has other `routes` besides its WebSockets."""

    async def serve_one(request: web.Request, accept: Accept) -> web.StreamResponse:
        if request.transport is None:
            raise ConnectionError("the client is gone already")
        client = _address(request.transport.get_extra_info("peername"))
        server = _address(request.transport.get_extra_info("sockname"))
        if request.path.startswith(FORBIDDEN):
            status = HTTPStatus.FORBIDDEN
            accept(Refusal(client, server, request.host, request.path_qs, status.value))
            return web.Response(status=status, text="not for you\n")
        answer = web.WebSocketResponse(compress=compress, max_msg_size=ANY_SIZE)
        await answer.prepare(request)
        endpoint = AiohttpEndpoint(answer)
        met = Met(
            endpoint,
            client,
            server,
            request.host,
            request.path_qs,
            answer.ws_protocol,
            answer.headers.get(EXTENSIONS),
            request.transport.get_extra_info("socket"),
        )
        accept(met)
        await endpoint.closed.wait()
        return answer

    @asynccontextmanager
    async def listen(listener: socket.socket, accept: Accept) -> AsyncIterator[None]:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await serve_one(request, accept)

        app = web.Application()
        app.add_routes([*routes, web.get("/{path:.*}", handler)])
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.SockSite(runner, listener, ssl_context=tls).start()
            yield
        finally:
            await runner.cleanup()

    return listen


Page = Callable[[Any, Receive, Send], Awaitable[None]]
"""An ASGI application for requests that ask for no WebSocket."""


def _application(accept: Accept, peer: str, subprotocol: str | None, page: Page | None) -> Any:
    async def application(scope: Any, receive: Receive, send: Send) -> None:
        if page is not None and scope["type"] == "http":
            await page(scope, receive, send)
            return
        if scope["type"] != "websocket":
            raise RuntimeError(f"nothing but WebSocket is served here, not {scope['type']}")
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        query = scope["query_string"].decode()
        endpoint = AsgiEndpoint(receive, send, peer)
        met = Met(
            endpoint,
            _address(scope["client"]),
            _address(scope["server"]),
            dict(scope["headers"])[b"host"].decode(),
            scope["path"] + (f"?{query}" if query else ""),
            subprotocol,
            None,
        )
        accept(met)
        await endpoint.closed.wait()

    return application


def uvicorn_server(subprotocol: str | None = None) -> Server:
    """Make a uvicorn server on wsproto that chooses `subprotocol`."""

    @asynccontextmanager
    async def listen(listener: socket.socket, accept: Accept) -> AsyncIterator[None]:
        config = uvicorn.Config(
            _application(accept, installed("uvicorn", "wsproto"), subprotocol, None),
            ws="wsproto",
            ws_ping_interval=None,
            lifespan="off",
            log_level="warning",
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving

    return listen


def hypercorn_server(
    subprotocol: str | None = None,
    *,
    identity: tuple[Path, Path] | None = None,
    protocols: tuple[str, ...] = ("http/1.1",),
    page: Page | None = None,
) -> Server:
    """Make a hypercorn server that chooses `subprotocol`.

    Args:
        identity: the files of a certificate and its key, for TLS.
        protocols: what it offers by ALPN.
        page: what answers requests that ask for no WebSocket.
    """

    @asynccontextmanager
    async def listen(listener: socket.socket, accept: Accept) -> AsyncIterator[None]:
        config = hypercorn.config.Config()
        config.bind = [f"fd://{listener.detach()}"]  # hypercorn owns and closes it from here on
        config.loglevel = "ERROR"  # it warns of an application without lifespan
        config.websocket_ping_interval = None
        if identity is not None:
            config.certfile, config.keyfile = map(str, identity)
            config.alpn_protocols = list(protocols)
        stop = asyncio.Event()
        app: Any = _application(accept, installed("hypercorn", "wsproto"), subprotocol, page)
        serving = asyncio.create_task(
            hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait, mode="asgi")
        )
        try:
            yield
        finally:
            stop.set()
            await serving

    return listen


def websockets_client(**options: Any) -> Client:
    """Make a client of websockets; `options` are those of `websockets.connect`."""

    @asynccontextmanager
    async def connect(target: Target) -> AsyncIterator[tuple[Endpoint, str | None, Any]]:
        scheme = "wss" if target.tls else "ws"
        ip, port = target.address
        settings = {"ping_interval": None, "max_size": None, "proxy": None} | options
        uri = f"{scheme}://{target.host}{target.path}"
        async with websockets.connect(
            uri, host=ip, port=port, ssl=target.tls, **settings
        ) as connection:
            endpoint = WebsocketsEndpoint(connection, installed("websockets"))
            answer = connection.response
            extensions = answer.headers.get(EXTENSIONS) if answer else None
            yield endpoint, extensions, connection.transport.get_extra_info("socket")

    return connect


def aiohttp_client(compress: int = 0, session: aiohttp.ClientSession | None = None) -> Client:
    """Make a client of aiohttp; a `session` that is given is used and left open."""

    @asynccontextmanager
    async def connect(target: Target) -> AsyncIterator[tuple[Endpoint, str | None, Any]]:
        scheme = "https" if target.tls else "http"
        ip, port = target.address
        url = f"{scheme}://{f'[{ip}]' if ':' in ip else ip}:{port}{target.path}"
        own = aiohttp.ClientSession() if session is None else session
        try:
            async with own.ws_connect(
                url,
                headers={"Host": target.host},
                compress=compress,
                max_msg_size=ANY_SIZE,
                ssl=target.tls or True,
            ) as socket_:
                raw = socket_.get_extra_info("socket")
                yield AiohttpEndpoint(socket_), None, raw
        finally:
            if session is None:
                await own.close()

    return connect


def node(*options: str, module: str = "") -> Client:
    """Make a client of Node.js; it writes its Host header itself, from the address.

    `options` and `module` are as with `node_client`.
    """

    @asynccontextmanager
    async def connect(target: Target) -> AsyncIterator[tuple[Endpoint, str | None, Any]]:
        ip, port = target.address
        authority = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
        scheme = "wss" if target.tls else "ws"
        connecting = node_client(*options, module=module, trusting=target.tls is not None)
        async with connecting(f"{scheme}://{authority}{target.path}") as endpoint:
            yield endpoint, endpoint.extensions, None

    return connect
