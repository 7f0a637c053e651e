"""A lake from folders of captures: files that a capture point closes become Parquet, exactly once.

::

    folder    which files there are, of which capture point, which are closed, in which order
    commits   what was done: files and the state of the capture, together; the lock
    known     which files are done: the sum of the commits
    group     which files are committed together
    lake      their rows, as Parquet files by table, date and hour
    ingest    the loop over these
    counts    what it has done
    metrics   counters for Prometheus

A connection goes on from file to file: the state of the capture (``Capture.resume``) is committed
with the files.
"""

from wsdefrag.ingest.commits import IngestLocked
from wsdefrag.ingest.counts import IngestCounts
from wsdefrag.ingest.ingest import Ingest, ingest
from wsdefrag.ingest.metrics import IngestMetrics

__all__ = ["Ingest", "IngestCounts", "IngestLocked", "IngestMetrics", "ingest"]
