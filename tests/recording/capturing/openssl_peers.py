"""Servers and clients for captures whose TLS is OpenSSL's, controlled by `recorder.libssl`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from recorder.libssl import Configuration, Session
from recorder.openssl_peer import Channel, OpensslEndpoint
from wsproto import ConnectionType

from .peers import Accept, Address, Client, Endpoint, Met, Server, Target

Setup = Callable[[Session], None]


def _nothing(_: Session) -> None:
    pass


def openssl_client(
    configuration: Configuration, setup: Setup = _nothing, *, early: bool = False, together: int = 1
) -> Client:
    """Make a client.

    Args:
        setup: called with the session before its handshake.
        early: whether the request of the upgrade is sent as early data.
        together: how many frames are written at once.
    """

    @asynccontextmanager
    async def connect(target: Target) -> AsyncIterator[tuple[Endpoint, str | None, None]]:
        session = Session(configuration, is_server=False)
        session.name_host(target.host.partition(":")[0])
        setup(session)
        with socket.socket() as raw:
            raw.setblocking(False)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(raw, target.address)
            endpoint = OpensslEndpoint(Channel(session, raw), ConnectionType.CLIENT, together)
            await endpoint.request(target.host, target.path, early)
            yield endpoint, None, None

    return connect


def openssl_server(
    configuration: Configuration, setup: Setup = _nothing, *, together: int = 1
) -> Server:
    """Make a server; `setup` is called with each session, `together` is as for clients."""

    async def one(raw: socket.socket, client: Address, server: Address, accept: Accept) -> None:
        session = Session(configuration, is_server=True)
        setup(session)
        with raw:
            endpoint = OpensslEndpoint(Channel(session, raw), ConnectionType.SERVER, together)
            request = await endpoint.answer()
            accept(Met(endpoint, client, server, request.host, request.target, None, None))
            await endpoint.closed.wait()

    @asynccontextmanager
    async def listen(listener: socket.socket, accept: Accept) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        running: set[asyncio.Task[None]] = set()

        async def serve() -> None:
            while True:
                raw, client = await loop.sock_accept(listener)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                serving = one(raw, client[:2], raw.getsockname()[:2], accept)
                running.add(asyncio.create_task(serving))

        accepting = asyncio.create_task(serve())
        try:
            with listener:
                yield
                await asyncio.gather(*running)
        finally:
            for task in (accepting, *running):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return listen
