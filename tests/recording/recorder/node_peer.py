"""WebSocket clients in Node.js, the built-in one and `ws`; they share no code with the Python ones.

node_client.mjs runs in a process of its own and is steered over its stdin and stdout. Node.js 20
has the client only with `--experimental-websocket`; later versions accept that flag too.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from .endpoint import Content, Endpoint

SCRIPT = Path(__file__).with_name("node_client.mjs")
LONGEST_LINE = 16 << 20  # bytes; one line carries a whole message
EXIT_WAIT = 5.0  # seconds for the process to end after its stdin has


class NodeEndpoint(Endpoint):
    """A connection of the Node.js process."""

    def __init__(self, process: Process) -> None:
        super().__init__("Node.js")
        self.extensions: str | None = None
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process was started without pipes")
        self._commands = process.stdin
        self._events = process.stdout

    async def close(self, code: int | None, reason: str) -> None:
        await self._command({"close": [] if code is None else [code, reason]})

    async def opened(self) -> None:
        """Wait for the handshake to succeed.

        Raises:
            ConnectionError: it did not.
        """
        event = await self._event()
        if "open" not in event:
            raise ConnectionError("Node.js did not connect")
        self.peer = str(event["open"])
        self.extensions = event["extensions"] or None

    async def _event(self) -> dict[str, Any]:
        """Return the next event of Node.js; a dead process counts as closed."""
        line = await self._events.readline()
        event: dict[str, Any] = json.loads(line) if line else {"closed": True}
        return event

    async def _command(self, command: dict[str, Any]) -> None:
        self._commands.write(json.dumps(command).encode() + b"\n")
        await self._commands.drain()

    async def _send(self, message: Content) -> None:
        if isinstance(message, str):
            await self._command({"text": message})
        else:
            await self._command({"base64": base64.b64encode(message).decode()})

    async def _receive(self) -> Content | None:
        event = await self._event()
        if "text" in event:
            return str(event["text"])
        if "base64" in event:
            return base64.b64decode(event["base64"])
        return None


NodeClient = Callable[[str], AbstractAsyncContextManager[NodeEndpoint]]


def node_client(*options: str, module: str = "", trusting: bool = False) -> NodeClient:
    """Make a client.

    Args:
        options: options of Node.js.
        module: a file of a module with another client (that of `ws`), "" for the one built in.
        trusting: whether the client accepts any certificate.
    """
    environment = os.environ | {"WEBSOCKET_MODULE": module}
    if trusting:
        environment["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"

    @asynccontextmanager
    async def connect(url: str) -> AsyncIterator[NodeEndpoint]:
        flags = ("--no-warnings", "--experimental-websocket", *options)
        process = await asyncio.create_subprocess_exec(
            *("node", *flags, str(SCRIPT), url),
            stdin=PIPE,
            stdout=PIPE,
            limit=LONGEST_LINE,
            env=environment,
        )
        try:
            endpoint = NodeEndpoint(process)
            await endpoint.opened()
            yield endpoint
        finally:
            await _end(process)

    return connect


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), EXIT_WAIT)
    except (TimeoutError, asyncio.TimeoutError):
        process.kill()
        await process.wait()
