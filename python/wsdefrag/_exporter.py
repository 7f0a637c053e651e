"""``Exporter``: gives counters to Prometheus, by way of ``prometheus_client``.

Invariant: a scrape reads the counters and changes nothing, so any thread may do it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric


class Exporter(ABC):
    """A collector of ``prometheus_client``, with a registry of its own.

    Raises:
        ImportError: If ``prometheus_client`` is not installed.
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry

        self._registry = CollectorRegistry()
        self._registry.register(self)

    @abstractmethod
    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; ``prometheus_client`` calls it."""

    def text(self) -> bytes:
        """Return the counters in Prometheus's text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)

    def serve(self, host: str, port: int) -> Any:  # noqa: ANN401  (its type is the library's own)
        """Answer scrapes over HTTP, in a thread.

        Args:
            host: IP address to listen on.
            port: TCP port; 0 for any free one.

        Returns:
            The HTTP server: ``server_port`` is its port, ``shutdown()`` and ``server_close()`` end
            it.

        Raises:
            OSError: If the address cannot be listened on.
        """
        from prometheus_client import start_http_server

        return start_http_server(port, host, self._registry)[0]
