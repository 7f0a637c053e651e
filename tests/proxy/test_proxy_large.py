"""`wsdefrag.proxy` passes large messages between real peers: text, binary and fragments.

`WSDEFRAG_LARGE` is their size in MiB; `make soak` takes 64.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from proxy_loops import WAYS, runner
from proxy_page import page_through
from proxy_peers import aiohttp_server, echo, ended, serving, talk_aiohttp, talk_websockets
from proxy_programs import SERVER, chromium, node, node_running
from wsdefrag import Limits
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection

MIB = int(os.environ.get("WSDEFRAG_LARGE", "1"))
SIZE = MIB << 20

# One more than the messages have.
LIMITS = Limits(max_message_size=SIZE + (1 << 20), max_frame_size=SIZE + (1 << 20))


def keep(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """A hook that leaves everything as it is."""


hooks = pytest.mark.parametrize("hook", [None, keep])


def messages() -> list[str | bytes]:
    """A binary message and a text; `talk_websockets` sends every second one in fragments."""
    chance = random.Random(7)
    letters = "".join(chance.choices("aäß€\N{GRINNING FACE}xyz", k=1 << 16))
    text = letters * (SIZE // len(letters.encode()))
    data = chance.randbytes(SIZE)
    return [data, text, text, data]


@pytest.mark.parametrize("way", [WAYS[0], WAYS[-1]])
@hooks
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_large_messages_of_websockets_and_aiohttp(
    way: str, hook: Any, compression: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        sent = messages()
        async with (
            serving(echo, compression=compression) as websockets_port,
            aiohttp_server(compression=compression) as aiohttp_port,
        ):
            for port in (websockets_port, aiohttp_port):
                async with Proxy(f"127.0.0.1:{port}", on_message=hook, limits=LIMITS) as proxy:
                    got = await talk_websockets(proxy.url, sent, compression=compression)
                    assert got == sent
                    got = await talk_aiohttp(proxy.url, sent[:2], compression=compression)
                    assert got == sent[:2]
                    await ended(proxy)
                    assert proxy.stats.closes == {1000: 2}
                    assert proxy.budget is not None
                    assert proxy.budget.bytes_held == 0

    runner(way, monkeypatch)(scenario())


CLIENT = """
const WebSocket = require('ws');
const crypto = require('crypto');
const data = crypto.randomBytes(Number(process.argv[2]));
const text = Buffer.from(data.toString('base64').slice(0, data.length));
const socket = new WebSocket(process.argv[1], { maxPayload: 0,
                                                perMessageDeflate: process.argv[3] === 'deflate' });
let got = 0;
socket.on('open', () => {
  socket.send(data);
  socket.send(text.toString());
  const half = data.length >> 1;
  socket.send(data.subarray(0, 5), { fin: false });
  socket.send(data.subarray(5, half), { fin: false });
  socket.send(data.subarray(half));
});
socket.on('message', (received, isBinary) => {
  const wanted = got === 1 ? text : data;
  console.log(received.equals(wanted) && isBinary === (got !== 1) ? 'same' : 'different');
  got += 1;
  if (got === 3) socket.close(4000, 'done');
});
socket.on('close', code => console.log(code));
"""


@node
@hooks
@pytest.mark.parametrize("compression", ["none", "deflate"])
def test_large_messages_of_node(
    hook: Any, compression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with node_running(SERVER, compression) as server:
            assert server.stdout is not None
            port = int(await server.stdout.readline())
            async with Proxy(f"127.0.0.1:{port}", on_message=hook, limits=LIMITS) as proxy:
                url = f"ws://127.0.0.1:{proxy.port}/"
                async with node_running(CLIENT, url, str(SIZE), compression) as client:
                    assert client.stdout is not None
                    told = (await client.stdout.read()).decode().split()
                assert told == ["same", "same", "same", "4000"]
                await ended(proxy)

    runner("asyncio", monkeypatch)(scenario())


PAGE = """
new Promise((resolve, reject) => {
  const socket = new WebSocket(URL_);
  socket.binaryType = 'arraybuffer';
  const data = new Uint8Array(SIZE_);
  for (let at = 0; at < data.length; at += 65536)
    crypto.getRandomValues(data.subarray(at, at + 65536));
  const part = Array.from(data.subarray(0, 65536), byte => String.fromCharCode(byte + 32)).join('');
  const text = part.repeat(SIZE_ / 131072);
  let got = 0;
  socket.onopen = () => { socket.send(data); socket.send(text); };
  socket.onerror = () => reject(new Error('error'));
  socket.onmessage = event => {
    got += 1;
    if (got === 1) {
      const received = new Uint8Array(event.data);
      if (received.length !== data.length || !received.every((byte, at) => byte === data[at]))
        reject(new Error('the binary message differs'));
    } else {
      if (event.data !== text) reject(new Error('the text differs'));
      socket.close(4001, 'done');
    }
  };
  socket.onclose = event => resolve([socket.extensions, got, event.code, event.wasClean]);
})
"""


@chromium
@hooks
def test_large_messages_of_a_page_over_tls_with_deflate(
    hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        program = PAGE.replace("SIZE_", str(SIZE))
        async with page_through(program, on_message=hook, limits=LIMITS) as (proxy, result):
            extensions, got, code, is_clean = result
            assert "permessage-deflate" in extensions
            assert (got, code, is_clean) == (2, 4001, True)
            await ended(proxy)

    runner("asyncio", monkeypatch)(scenario())
