"""A client and a server of ``websockets``, one on each side of the proxy."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from hang_guard import HANG_SECONDS, PATIENT
from mitmdump import Mitmdump

Content = str | bytes
Does = Callable[[Any, "Arrived"], Awaitable[None]]
"""What one side does, with its connection and what has arrived on both sides so far."""

_numbers = itertools.count()


@dataclass
class Arrived:
    """What both applications received.

    Attributes:
        path: which connection it was.
        at_server: the messages, in order.
        at_client: likewise.
        closed: close code and reason, as the server and as the client saw them.
    """

    path: str
    at_server: list[Content] = field(default_factory=list)
    at_client: list[Content] = field(default_factory=list)
    closed: dict[str, tuple[int | None, str | None]] = field(default_factory=dict)

    async def count(self, *, at_server: int = 0, at_client: int = 0) -> None:
        """Wait until so many messages have arrived."""
        while len(self.at_server) < at_server or len(self.at_client) < at_client:
            await asyncio.sleep(0.005)


def exchange(
    proxy: Mitmdump,
    client: Does,
    server: Does,
    *,
    rules: Sequence[dict[str, Any]] = (),
    deflate: dict[str, Any] | None = None,
) -> Arrived:
    """Connect through the proxy, let both sides send, and gather what arrives until the end.

    Args:
        proxy: the proxy.
        client: what the client does; when it returns, the client closes.
        server: what the server does, at the same time.
        rules: what the probe shall do.
        deflate: parameters of permessage-deflate, as ``websockets`` calls them; None for none.
    """
    arrived = Arrived(f"/application-{next(_numbers)}")
    asyncio.run(
        asyncio.wait_for(_exchange(proxy, client, server, rules, deflate, arrived), HANG_SECONDS)
    )
    return arrived


async def silent(_: Any, arrived: Arrived) -> None:
    """Send nothing."""


async def gather(connection: Any, into: list[Content]) -> None:
    """Take messages until the connection ends."""
    # How it was closed is looked at by the tests.
    with suppress(ConnectionClosed):
        while True:
            into.append(await connection.recv())


async def _exchange(
    proxy: Mitmdump,
    client: Does,
    server: Does,
    rules: Sequence[dict[str, Any]],
    deflate: dict[str, Any] | None,
    arrived: Arrived,
) -> None:
    over = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await asyncio.gather(server(connection, arrived), gather(connection, arrived.at_server))
        arrived.closed["server"] = (connection.close_code, connection.close_reason)
        over.set()

    offers = None if deflate is None else [ClientPerMessageDeflateFactory(**deflate)]
    answers = None if deflate is None else [ServerPerMessageDeflateFactory(**deflate)]
    async with serve(
        handler, "127.0.0.1", 0, max_size=None, compression=None, extensions=answers, **PATIENT
    ) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        connection = await connect(
            f"ws://127.0.0.1:{port}{arrived.path}",
            proxy=f"http://127.0.0.1:{proxy.port}",
            additional_headers={"X-Rules": json.dumps(list(rules))},
            max_size=None,
            compression=None,
            extensions=offers,
            **PATIENT,
        )

        async def send() -> None:
            await client(connection, arrived)
            await connection.close(1000, "done")

        await asyncio.gather(send(), gather(connection, arrived.at_client))
        arrived.closed["client"] = (connection.close_code, connection.close_reason)
        await over.wait()
