"""Programs that get messages until the end and tell what they saw, as clients and as servers.

websockets, aiohttp and node's `ws` are both; Chromium is a client. A program answers the first
message with `ANSWER`. `Seen` is the messages in order, and the close code as the program has it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import websockets
from aiohttp import web

from browser import Page
from hang_guard import HANG_SECONDS
from proxy_peers import connect, serving
from proxy_programs import node_running
from proxy_scenes import ANSWER

Seen = tuple[list[str | bytes], int | None]

Visit = Callable[[str], Awaitable[Seen]]
Stop = Callable[[str], Coroutine[Any, Any, None]]


async def _hear(connection: Any) -> Seen:
    """On either side of a connection of websockets."""
    got: list[str | bytes] = []
    try:
        async for message in connection:
            got.append(message)
            if len(got) == 1:
                await connection.send(ANSWER)
    except websockets.ConnectionClosedError:
        pass
    await connection.wait_closed()
    return got, connection.close_code


async def _hear_aiohttp(connection: Any) -> Seen:
    """On either side of a connection of aiohttp."""
    got: list[str | bytes] = []
    async for message in connection:
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            break
        got.append(message.data)
        if len(got) == 1:
            await connection.send_str(ANSWER)
    return got, connection.close_code


async def by_websockets(url: str) -> Seen:
    """Visit with websockets."""
    async with connect(url, compression="deflate", max_size=None) as connection:
        return await _hear(connection)


@asynccontextmanager
async def _aiohttp(
    url: str, *, patience: float = HANG_SECONDS
) -> AsyncIterator[aiohttp.ClientWebSocketResponse[bool]]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session,
        session.ws_connect(
            url,
            compress=15,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=patience),
        ) as connection,
    ):
        yield connection


async def by_aiohttp(url: str) -> Seen:
    """Visit with aiohttp."""
    async with _aiohttp(url) as connection:
        return await _hear_aiohttp(connection)


# Both know the same events, by other names.
_NODE_HEARS = """
const hear = socket => {
  const got = [];
  socket.on('message', (data, isBinary) => {
    got.push([isBinary, isBinary ? data.toString('hex') : data.toString()]);
    if (got.length === 1) socket.send('ANSWER_');
  });
  socket.on('error', () => {});
  socket.on('close', code => console.log(JSON.stringify([got, code])));
};
const { WebSocket, WebSocketServer } = require('ws');
"""
_NODE_CLIENT = f"{_NODE_HEARS} hear(new WebSocket(process.argv[1]));"
_NODE_SERVER = f"""{_NODE_HEARS}
const server = new WebSocketServer({{ host: '127.0.0.1', port: 0, perMessageDeflate: true }});
server.on('listening', () => console.log(server.address().port));
server.on('connection', hear);
"""

_PAGE = """
new Promise(resolve => {
  const socket = new WebSocket('URL_');
  socket.binaryType = 'arraybuffer';
  const got = [];
  socket.onmessage = event => {
    const isBinary = typeof event.data !== 'string';
    const hex = data => Array.from(new Uint8Array(data), one => one.toString(16).padStart(2, '0'));
    got.push([isBinary, isBinary ? hex(event.data).join('') : event.data]);
    if (got.length === 1) socket.send('ANSWER_');
  };
  socket.onclose = event => resolve([got, event.code]);
})
"""


def _told(found: Any) -> Seen:
    messages, code = found
    return [bytes.fromhex(data) if is_binary else data for is_binary, data in messages], code


async def by_node(url: str) -> Seen:
    """Visit with node's `ws`."""
    async with node_running(_NODE_CLIENT.replace("ANSWER_", ANSWER), url) as client:
        assert client.stdout is not None
        return _told(json.loads(await client.stdout.read()))


async def _run(page: Page, program: str) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, page.run, program)


def by_page(page: Page) -> Visit:
    """What visits with a page of Chromium."""

    async def visit(url: str) -> Seen:
        program = _PAGE.replace("URL_", url).replace("ANSWER_", ANSWER)
        return _told(await _run(page, program))

    return visit


class Listening:
    """A server; `port` is where, and each connection leaves what it saw in `seen`."""

    def __init__(self) -> None:
        self.port = 0
        self.seen: asyncio.Queue[Seen] = asyncio.Queue()


@asynccontextmanager
async def websockets_listening() -> AsyncIterator[Listening]:
    """Serve with websockets."""
    listening = Listening()

    async def handle(connection: Any) -> None:
        await listening.seen.put(await _hear(connection))

    async with serving(handle, compression="deflate") as listening.port:
        yield listening


@asynccontextmanager
async def aiohttp_listening() -> AsyncIterator[Listening]:
    """Serve with aiohttp."""
    listening = Listening()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse(compress=True, max_msg_size=0)
        await answer.prepare(request)
        await listening.seen.put(await _hear_aiohttp(answer))
        return answer

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listening.port = runner.addresses[0][1]
    try:
        yield listening
    finally:
        await runner.cleanup()


@asynccontextmanager
async def node_listening() -> AsyncIterator[Listening]:
    """Serve with node's `ws`."""
    listening = Listening()
    async with node_running(_NODE_SERVER.replace("ANSWER_", ANSWER)) as server:
        stdout = server.stdout
        assert stdout is not None
        listening.port = int(await stdout.readline())

        async def read() -> None:
            async for line in stdout:
                await listening.seen.put(_told(json.loads(line)))

        reading = asyncio.create_task(read())
        try:
            yield listening
        finally:
            server.kill()
            await reading


# Readers that stop.


async def stop_websockets(url: str) -> None:
    """Open a WebSocket with websockets, and read one message of many."""
    async with connect(url, max_size=None, max_queue=1) as connection:
        try:
            await connection.recv()
            await connection.send(ANSWER)
            await asyncio.Event().wait()
        finally:
            connection.transport.abort()


async def stop_aiohttp(url: str) -> None:
    """Open a WebSocket with aiohttp, and read one message of many."""
    async with _aiohttp(url, patience=0) as connection:
        await connection.receive()
        await connection.send_str(ANSWER)
        await asyncio.Event().wait()


_NODE_STOPS = """
const { WebSocket } = require('ws');
const socket = new WebSocket(process.argv[1]);
socket.once('message', () => { socket.send('ANSWER_'); socket.pause(); });
socket.on('error', () => {});
// A socket that is not read does not keep a program alive.
setInterval(() => {}, 1 << 30);
"""


async def stop_node(url: str) -> None:
    """Open a WebSocket with node's `ws`, and read one message of many."""
    async with node_running(_NODE_STOPS.replace("ANSWER_", ANSWER), url):
        await asyncio.Event().wait()


_PAGE_STOPS = """
(async () => {
  // Unlike a WebSocket, a stream is read only as far as the page asks.
  window.stream = new WebSocketStream('URL_');
  const { readable, writable } = await window.stream.opened;
  await readable.getReader().read();
  await writable.getWriter().write('ANSWER_');
})()
"""


def stop_page(page: Page) -> Stop:
    """What opens a WebSocket in a page of Chromium, and reads one message of many."""

    async def stop(url: str) -> None:
        program = _PAGE_STOPS.replace("URL_", url).replace("ANSWER_", ANSWER)
        await _run(page, program)

    return stop
