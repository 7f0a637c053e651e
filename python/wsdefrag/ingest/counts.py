"""``IngestCounts``: what an ingest has done."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class IngestCounts:
    """What an ingest has done since it began.

    Attributes:
        files: Files that were committed.
        commits: Commits with rows of files, or of the end of a capture.
        bytes: Bytes of the files, as stored.
        packets: Packets that were read in the capture so far, by capture point.
        messages: Messages that were written.
        rows: Rows of all tables.
        set_aside: Files that could not be read.
        changed: Files that changed after they were read.
        failures: Commits that failed, such as for a full disk.
        lag: Seconds between the last change of the last commit's last file and its commit.
    """

    files: int = 0
    commits: int = 0
    bytes: int = 0
    packets: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    rows: int = 0
    set_aside: int = 0
    changed: int = 0
    failures: int = 0
    lag: float = 0.0
