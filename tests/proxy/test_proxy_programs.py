"""`wsdefrag.proxy` between programs that are not Python: node's `ws`, and Chromium over TLS."""

from __future__ import annotations

from typing import Any

import pytest

from proxy_loops import WAYS, runner
from proxy_page import page_through
from proxy_peers import ended, talk_websockets
from proxy_programs import SERVER, chromium, node, node_running
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection

CLIENT = """
const WebSocket = require('ws');
const crypto = require('crypto');
const sent = ['größe', Buffer.from([0, 255]), '', 'x'.repeat(70000),
              crypto.randomBytes(300000), '€'.repeat(200000)];
const got = [];
const socket = new WebSocket(process.argv[1], { perMessageDeflate: process.argv[2] === 'deflate' });
socket.on('open', () => sent.forEach((one, number) => {
  if (typeof one !== 'string' || number % 2 || one.length < 2) return socket.send(one);
  socket.send(one.slice(0, 1), { fin: false });
  socket.send(one.slice(1));
}));
socket.on('message', (data, isBinary) => {
  got.push(isBinary ? data : data.toString());
  if (got.length < sent.length) return;
  const same = got.every((one, number) => Buffer.from(one).equals(Buffer.from(sent[number])));
  console.log(same ? 'same' : 'different', socket.extensions);
  socket.close(4000, 'done');
});
socket.on('close', code => console.log(code));
"""


def keep(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """A hook that leaves everything as it is."""


@node
@pytest.mark.parametrize("compression", ["none", "deflate"])
@pytest.mark.parametrize("hook", [None, keep])
def test_every_message_arrives_between_node_and_node(
    compression: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with node_running(SERVER, compression) as server:
            assert server.stdout is not None
            port = int(await server.stdout.readline())
            async with Proxy(f"127.0.0.1:{port}", on_message=hook) as proxy:
                sent: list[str | bytes] = ["größe", b"x" * 90_000, "y" * 70_000]
                url = f"ws://127.0.0.1:{proxy.port}/"
                own = None if compression == "none" else "deflate"
                assert await talk_websockets(url, sent, compression=own) == sent
                async with node_running(CLIENT, url, compression) as client:
                    assert client.stdout is not None
                    told = (await client.stdout.read()).decode().splitlines()
                extension = "permessage-deflate" if compression == "deflate" else ""
                assert told == [f"same {extension}".rstrip() if extension else "same ", "4000"]
                await ended(proxy)
                assert proxy.stats.closes == {1000: 1, 4000: 1}

    runner("asyncio", monkeypatch)(scenario())


PAGE = """
new Promise((resolve, reject) => {
  const socket = new WebSocket(URL_);
  socket.binaryType = 'arraybuffer';
  const random = new Uint8Array(100000);
  crypto.getRandomValues(random.subarray(0, 65536));
  const sent = ['größe', random, '', 'x'.repeat(70000), '€'.repeat(100000)];
  let got = 0;
  socket.onopen = () => sent.forEach(one => socket.send(one));
  socket.onerror = () => reject(new Error('error'));
  socket.onmessage = event => {
    const wanted = sent[got++];
    const same = typeof wanted === 'string' ? event.data === wanted
      : new Uint8Array(event.data).every((byte, place) => byte === wanted[place]);
    if (!same) reject(new Error('message ' + got + ' differs'));
    if (got === sent.length) socket.close(4001, 'done');
  };
  socket.onclose = event => resolve([socket.extensions, got, event.code, event.wasClean]);
})
"""


@chromium
@pytest.mark.parametrize("way", [WAYS[0], WAYS[-1]])
@pytest.mark.parametrize("hook", [None, keep])
def test_page_talks_over_tls_with_deflate(
    way: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with page_through(PAGE, on_message=hook) as (proxy, result):
            extensions, got, code, is_clean = result
            assert "permessage-deflate" in extensions
            assert (got, code, is_clean) == (5, 4001, True)
            await ended(proxy)
            assert proxy.stats.messages == {"client": 5, "server": 5}

    runner(way, monkeypatch)(scenario())
