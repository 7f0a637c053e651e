"""An echo server, the server of the conformance tests.

    python tests/conformance/echo_server.py [PORT]

Serves on 127.0.0.1:PORT until it is interrupted; without PORT, on one that is free.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from endpoint import echo
from upgrade import Refused, accept

HOST = "127.0.0.1"
UPGRADE_SECONDS = 120.0


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client from its request to the end of its connection."""
    try:
        upgraded = await asyncio.wait_for(accept(reader, writer), UPGRADE_SECONDS)
        await echo(reader, writer, as_client=False, deflate=upgraded.deflate, data=upgraded.data)
    except (Refused, ConnectionError):
        pass
    except (asyncio.TimeoutError, asyncio.CancelledError):
        # It took too long, or the server ends.
        writer.transport.abort()
    finally:
        writer.close()


async def serve(port: int = 0) -> asyncio.Server:
    """Listen; 0 is any free port."""
    return await asyncio.start_server(handle, HOST, port)


def port_of(server: asyncio.Server) -> int:
    """The port that a server listens on."""
    port: int = server.sockets[0].getsockname()[1]
    return port


async def main() -> None:
    """Serve on the port that the command line names."""
    server = await serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"ws://{HOST}:{port_of(server)}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
