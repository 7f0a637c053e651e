"""``Played``: what came of playing a connection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsdefrag.replay.comparison import Row
    from wsdefrag.replay.recording import RecordedConnection

_DIFFERENCES = ("different", "missing", "extra")


@dataclass(eq=False)
class Played:
    """What came of playing a connection.

    Attributes:
        recorded: The connection.
        rows: What the other side sent, compared with the recording.
        sent: Messages that were sent.
        unsent: Messages that were not sent, by reason: a status of ``CapturedMessage``, or
            ``"connection ended"``.
        gaps: Gaps in the recording, of either side, that may hide messages.
        error: Why the connection failed, as a sentence; None if it did not.
    """

    recorded: RecordedConnection
    rows: list[Row] = field(default_factory=list)
    sent: int = 0
    unsent: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
    error: str | None = None

    @property
    def counts(self) -> Counter[str]:
        """How many rows have each result."""
        return Counter(row.result for row in self.rows)

    @property
    def is_equal(self) -> bool:
        """Whether all was sent, and everything that came was recorded and the other way round."""
        counts = self.counts
        differs = any(counts[name] for name in _DIFFERENCES)
        return self.error is None and not differs and not self.unsent["connection ended"]

    @property
    def has_losses(self) -> bool:
        """Whether something could not be sent or compared because it was not captured."""
        lost = sum(self.unsent.values()) - self.unsent["connection ended"]
        return bool(lost or self.gaps or self.counts["unknown"])
