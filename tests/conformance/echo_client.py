"""An echo client, the client of the conformance tests."""

from __future__ import annotations

import asyncio
import contextlib

from endpoint import echo
from upgrade import Upgraded, request
from wsdefrag import WebSocketDirection

UPGRADE_SECONDS = 120.0


async def echo_at(host: str, port: int, target: str) -> WebSocketDirection:
    """Connect, and echo until the connection is over.

    Args:
        host: Where the server is.
        port: Its port.
        target: The path and the query that are asked for.

    Returns:
        The direction from the server; it knows how it ended.

    Raises:
        Refused: If the server does not agree to the upgrade.
        ConnectionError: If the connection breaks.
        asyncio.TimeoutError: If the server takes too long for the upgrade or for the closing.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        upgraded: Upgraded = await asyncio.wait_for(
            request(reader, writer, f"{host}:{port}", target), UPGRADE_SECONDS
        )
        return await echo(
            reader, writer, as_client=True, deflate=upgraded.deflate, data=upgraded.data
        )
    except asyncio.TimeoutError:
        writer.transport.abort()
        raise
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
