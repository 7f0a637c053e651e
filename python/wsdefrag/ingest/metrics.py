"""``IngestMetrics``: the counters of an ingest for Prometheus, by way of ``prometheus_client``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag._exporter import Exporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from wsdefrag.ingest.ingest import Ingest


class IngestMetrics(Exporter):
    """The counters of an ingest, as a collector of ``prometheus_client``.

    Args:
        ingest: The ingest.

    Raises:
        ImportError: If ``prometheus_client`` is not installed.
    """

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        super().__init__()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; ``prometheus_client`` calls it."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        counts, name = self._ingest.counts, "wsdefrag_ingest_"
        for key, text, count in (
            ("files", "Files that were committed.", counts.files),
            ("commits", "Commits that were made.", counts.commits),
            ("read_bytes", "Bytes of the files, as stored.", counts.bytes),
            ("messages", "Messages that were written.", counts.messages),
            ("rows", "Rows that were written.", counts.rows),
            ("set_aside_files", "Files that could not be read.", counts.set_aside),
            ("changed_files", "Files that changed after they were read.", counts.changed),
            ("failures", "Commits that failed.", counts.failures),
        ):
            yield CounterMetricFamily(name + key, text, count)
        lag = "Seconds from the last change of the last file to its commit."
        yield GaugeMetricFamily(f"{name}lag_seconds", lag, counts.lag)
