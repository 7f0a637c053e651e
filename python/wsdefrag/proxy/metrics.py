"""``Metrics``: the counters of a proxy for Prometheus, by way of ``prometheus_client``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag._exporter import Exporter
from wsdefrag.proxy.stats import LATENCY_BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from wsdefrag.proxy.proxy import Proxy


class Metrics(Exporter):
    """The counters of a proxy, as a collector of ``prometheus_client``.

    Args:
        proxy: The proxy.

    Raises:
        ImportError: If ``prometheus_client`` is not installed.

    Example:
        >>> from wsdefrag.proxy import Metrics, Proxy
        >>> metrics = Metrics(Proxy("ws://127.0.0.1:9000"))
        >>> b"wsdefrag_proxy_open_connections 0.0" in metrics.text()
        True
    """

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        super().__init__()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; ``prometheus_client`` calls it."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        stats, budget = self._proxy.stats, self._proxy.budget
        name = "wsdefrag_proxy_"
        yield GaugeMetricFamily(f"{name}open_connections", "Open WebSockets.", stats.open)
        if budget is not None:
            held = budget.bytes_held
            yield GaugeMetricFamily(f"{name}held_bytes", "Frames and messages in memory.", held)
        for key, text, count in (
            ("accepted_connections", "TCP connections of clients.", stats.accepted),
            ("opened_connections", "WebSockets that were opened.", stats.opened),
            ("hook_errors", "Connections that a hook failed.", stats.hook_errors),
        ):
            yield CounterMetricFamily(name + key, text, count)
        for key, text, label, counter in (
            ("refused", "Refused requests.", "status", stats.refused),
            ("messages", "Messages by sender.", "sender", stats.messages),
            ("dropped_messages", "Messages that a hook dropped.", "sender", stats.dropped),
            ("injected_messages", "Messages that a hook injected.", "sender", stats.injected),
            ("websocket_bytes", "Bytes of WebSockets that closed.", "sender", stats.bytes),
            ("violations", "Broken rules.", "kind", stats.violations),
            ("limits", "Exceeded limits.", "limit", stats.limits),
            ("timeouts", "Timeouts.", "timeout", stats.timeouts),
            ("closes", "WebSockets that closed.", "code", stats.closes),
        ):
            family = CounterMetricFamily(name + key, text, labels=[label])
            for value, number in dict(counter).items():
                family.add_metric([str(value)], number)
            yield family
        histogram = HistogramMetricFamily(f"{name}handshake_seconds", "How long handshakes took.")
        below, buckets = 0, []
        bounds = [*(f"{bound:g}" for bound in LATENCY_BOUNDS), "+Inf"]
        for bound, number in zip(bounds, stats.handshakes.counts, strict=True):
            below += number
            buckets.append((bound, below))
        histogram.add_metric([], buckets, stats.handshakes.total)
        yield histogram
