"""``TlsServer``: accepts connections with TLS, and logs each handshake that fails.

The servers of event loops drop such a connection without a word, and aiofastnet's reports some of
them with a traceback. So this one accepts sockets itself, and awaits each handshake.

Invariant: ``_tasks`` has a task for each handshake that has not ended.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOG = logging.getLogger("wsdefrag.proxy")

# Seconds until the next try when there are no more file descriptors.
_RETRY_SECONDS = 1.0


class TlsServer:
    """Sockets that listen.

    Args:
        sockets: They listen already, and do not block.
        handshake: Does the handshake of an accepted socket, and makes its transport.

    Attributes:
        sockets: The same; none after ``close``.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        handshake: Callable[[socket.socket], Awaitable[Any]],
    ) -> None:
        self.sockets = sockets
        self._handshake = handshake
        self._tasks: set[asyncio.Task[None]] = set()
        for one in sockets:
            self._watch(one)

    def close(self) -> None:
        """Stop listening, and end the handshakes that are under way."""
        for one in self.sockets:
            asyncio.get_running_loop().remove_reader(one)
            one.close()
        self.sockets = []
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until no handshake is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _watch(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            accepted, (host, port, *_) = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            LOG.error("cannot accept connections: %s", error)
            loop = asyncio.get_running_loop()
            loop.remove_reader(listening)
            loop.call_later(_RETRY_SECONDS, self._watch, listening)
            return
        accepted.setblocking(False)
        task = asyncio.ensure_future(self._open(accepted, (host, port)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, accepted: socket.socket, address: tuple[str, int]) -> None:
        try:
            await self._handshake(accepted)
        except OSError as error:
            accepted.close()
            reason = str(error) or "the client ended the connection"
            host, port = address
            name = f"[{host}]" if ":" in host else host
            LOG.warning("%s:%d: TLS handshake failed: %s", name, port, reason)
        except asyncio.CancelledError:
            accepted.close()
            raise


async def listening_sockets(host: str | None, port: int, backlog: int) -> list[socket.socket]:
    """Return sockets that listen on all addresses of a host; None is every address.

    Raises:
        OSError: If one of them cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE, family=socket.AF_UNSPEC
    )
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((info[0], info[4]) for info in infos):
            try:
                # Its type has an address of two members; IPv6 has four.
                bound: Any = address
                one = socket.create_server(bound, family=family, backlog=backlog)
            except OSError as error:
                # The family is not enabled on this machine.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                continue
            one.setblocking(False)
            sockets.append(one)
        if not sockets:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    except BaseException:
        for one in sockets:
            one.close()
        raise
    return sockets
