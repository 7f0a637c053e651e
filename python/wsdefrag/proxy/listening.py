"""``Listening``: the addresses that a proxy or a mock listens on, and the servers there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag.proxy import transports
from wsdefrag.proxy.address import ListenAddress
from wsdefrag.proxy.tls_server import TlsServer

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable, Sequence


class Listening:
    """Servers with one factory of protocols.

    Args:
        listen: ``HOST:PORT``, a port on 127.0.0.1, ``:PORT`` for all addresses, ``unix:PATH``, or
            several of these.
        tls: The context for TLS, or None.

    Raises:
        ValueError: If an address is none of these.
    """

    def __init__(
        self, listen: str | int | Sequence[str | int], *, tls: ssl.SSLContext | None
    ) -> None:
        texts = [listen] if isinstance(listen, (str, int)) else listen
        self._wanted = [ListenAddress.parse(text) for text in texts]
        self._tls = tls
        self._servers: list[transports.Server] = []

    async def start(
        self, factory: Callable[[], asyncio.BaseProtocol], *, handshake_timeout: float | None
    ) -> None:
        """Start to accept connections.

        Raises:
            OSError: If an address cannot be listened on; then none is.
        """
        try:
            for address in self._wanted:
                server = await transports.listen(
                    address, factory, tls=self._tls, handshake_timeout=handshake_timeout
                )
                self._servers.append(server)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Accept no more connections, and end the TLS handshakes that are under way."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for server in servers:
            # The others would wait for the connections that they accepted.
            if isinstance(server, TlsServer):
                await server.wait_closed()

    @property
    def addresses(self) -> list[str]:
        """Where they listen: ``HOST:PORT`` or ``unix:PATH``, with the ports that were free."""
        return transports.addresses(self._servers)

    @property
    def url(self) -> str:
        """The URL for clients on this machine."""
        return f"{'ws' if self._tls is None else 'wss'}://{self.addresses[0]}"
