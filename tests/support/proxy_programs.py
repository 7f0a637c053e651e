"""Programs that are not Python, for tests of `wsdefrag.proxy`: node's `ws`, and Chromium."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from browser import CHROMIUM

NODE = shutil.which("node")
NODE_MODULES = Path("/usr/share/nodejs")

LONGEST_LINE = 1 << 20
"""Bytes of a line that a program of node may print."""

node = pytest.mark.skipif(
    NODE is None or not (NODE_MODULES / "ws").is_dir(), reason="no node, or no ws for it"
)
chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium")

SERVER = """
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 0,
                                     perMessageDeflate: process.argv[1] === 'deflate' });
server.on('listening', () => console.log(server.address().port));
server.on('connection', socket => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
"""


@asynccontextmanager
async def node_running(program: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        *[NODE, "-e", program, *arguments],
        env=os.environ | {"NODE_PATH": str(NODE_MODULES)},
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # Transports of child processes are closed by the loop's next step.
        await asyncio.sleep(0)
