"""A WebSocket proxy that prints messages and edits them.

    python examples/proxy.py URL [LISTEN]

Forwards to URL until Ctrl-C; LISTEN is a port or HOST:PORT, any free port by default.
"""

import asyncio
import sys

from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection


def decide(message: WebSocketMessage, connection: ProxyConnection) -> None:
    print("->" if message.from_client else "<-", repr(message)[:90], flush=True)
    if message.is_text:
        message.text = message.text.replace("Hello", "Goodbye")


async def main(upstream: str, listen: str = "127.0.0.1:0") -> None:
    async with Proxy(upstream, listen=listen, on_message=decide) as proxy:
        print("listening at", proxy.url, flush=True)
        await asyncio.Event().wait()


if len(sys.argv) > 1:
    asyncio.run(main(*sys.argv[1:]))
else:
    print(__doc__)
