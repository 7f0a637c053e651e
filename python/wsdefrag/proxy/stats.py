"""``Stats``: what a proxy has done since it started."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# Upper bounds of the latencies' ranges, in seconds.
LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass
class Latencies:
    """Durations, counted in ranges.

    Attributes:
        counts: For each bound of ``LATENCY_BOUNDS``, durations up to it and above the bound before;
            the last one counts those above all bounds.
        total: Their sum in seconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        place = sum(seconds > bound for bound in LATENCY_BOUNDS)
        self.counts[place] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts)


@dataclass
class Stats:
    """What a proxy has done since it started.

    Attributes:
        accepted: TCP connections of clients.
        opened: WebSockets that were opened.
        open: WebSockets that are open now.
        refused: Refusals by status code, also those of servers.
        messages: Messages by sender: ``"client"``, ``"server"``; not the injected ones.
        dropped: Messages that a hook dropped, by sender.
        injected: Messages that a hook injected, by the side that they look to come from.
        bytes: Bytes of the WebSockets by sender; those of open ones are added when they close.
        violations: Broken rules by kind, such as ``"invalid_utf8"``.
        limits: Exceeded limits by name, such as ``"max_message_size"``.
        timeouts: Timeouts by name: ``"handshake"``, ``"connect"``, ``"idle"``, ``"write"``,
            ``"close"``.
        hook_errors: Connections that a hook failed.
        closes: Close codes of the WebSockets that were closed; 1006 without a Close frame.
        handshakes: How long handshakes took, from the client's connection to the 101 response.
    """

    accepted: int = 0
    opened: int = 0
    open: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    timeouts: Counter[str] = field(default_factory=Counter)
    hook_errors: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    handshakes: Latencies = field(default_factory=Latencies)

    def __str__(self) -> str:
        """One line for a terminal."""
        client, server = self.messages["client"], self.messages["server"]
        text = (
            f"{self.open:,} open, {self.opened:,} opened, {sum(self.refused.values()):,} refused, "
            f"{client:,} messages up, {server:,} down"
        )
        for name, counter in (
            ("violations", self.violations),
            ("limits met", self.limits),
            ("timeouts", self.timeouts),
        ):
            if counted := sum(counter.values()):
                text += f", {counted:,} {name}"
        return f"{text}, {self.hook_errors:,} hook errors" if self.hook_errors else text


SIDES = ("server", "client")
"""Names of the senders, by ``from_client``."""
