"""A page of Chromium that talks through a proxy to an echo server, with TLS on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from browser import browser
from proxy_peers import echo, serving
from proxy_tls import authority
from wsdefrag.proxy import Proxy


@asynccontextmanager
async def page_through(program: str, **options: Any) -> AsyncIterator[tuple[Proxy, Any]]:
    """Run a page's program, with the proxy's URL for `URL_`; the proxy, and what the program gave.

    Both sides have permessage-deflate. `options` are the proxy's.
    """

    def talk(url: str) -> Any:
        with browser(
            "--ignore-certificate-errors",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ) as page:
            return page.run(program.replace("URL_", repr(url)))

    ca, loop = authority(), asyncio.get_running_loop()
    async with (
        serving(echo, compression="deflate", ssl=ca.server("localhost")) as port,
        Proxy(
            f"wss://localhost:{port}",
            tls=ca.server("127.0.0.1"),
            upstream_tls=ca.client(),
            **options,
        ) as proxy,
    ):
        yield proxy, await loop.run_in_executor(None, talk, proxy.url)
    await loop.shutdown_default_executor()
