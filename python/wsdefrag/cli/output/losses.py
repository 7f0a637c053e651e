"""Counts the losses and violations of a capture while it is read.

Lost: bytes that were not captured, and messages that cannot be read because of that; this is a
fault of the capture. Violated: a side broke a rule of the protocol or exceeded a limit. Tolerated:
a side broke a rule that is not enforced.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from wsdefrag.cli.output.numbers import counted
from wsdefrag.cli.output.unfollowed import unfollowed, unread_tls
from wsdefrag.formats.shown import escaped
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wsdefrag.capture import CapturedConnection, PacketCounts
    from wsdefrag.capture.reader import CaptureItem

_LOSS = ("incomplete", "undecodable")
_VIOLATION = ("too_big", "invalid_utf8", "protocol_error")

# In the order of the help of ``--tolerate``.
_RULES = [field.name for field in fields(Strictness)]

# More violations are only counted, because a faulty program may break a rule on each connection.
_MAX_VIOLATION_LINES = 8


def tolerated_text(counts: Mapping[str, int]) -> str:
    """Format how often rules that are not enforced were broken.

    Args:
        counts: How often each rule of ``Strictness`` was broken.

    Returns:
        One line; empty if no rule was broken.
    """
    breaches = [f"{rule.replace('_', '-')} {n:,}" for rule in _RULES if (n := counts.get(rule, 0))]
    return f"tolerated {', '.join(breaches)}" if breaches else ""


class Losses:
    """Counters of losses and violations.

    Args:
        sender: ``client`` or ``server`` to ignore losses of the other side; None for both.
        wanted: Ranges of numbers of connections, each of which should have one.

    Attributes:
        messages: Messages counted.
        connections: Ended connections counted.
        content: Bytes of the messages' contents.
        warnings: Warnings about files and about packets that cannot be read.
        notes: What was not read and is no failure.
    """

    def __init__(self, sender: str | None = None, wanted: Iterable[range] = ()) -> None:
        """Set all counters to 0."""
        self._not_found = list(wanted)
        self._sides = ("client", "server") if sender is None else (sender,)
        self._statuses: Counter[str] = Counter()
        self._amounts: Counter[str] = Counter()
        self._tolerated: Counter[str] = Counter()
        self._violations: list[str] = []
        self._violated = 0
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.messages = self.connections = self.content = 0

    def count(self, items: Iterable[CaptureItem]) -> None:
        """Count a batch of a reader.

        Args:
            items: Messages, events and ended connections.
        """
        # The native module counts for most outputs, without these objects.
        from wsdefrag.capture import CapturedConnection, CapturedEvent

        for item in items:
            if isinstance(item, CapturedConnection):
                self._count_connection(item)
            elif isinstance(item, CapturedEvent):
                self._amounts["ends"] += item.effect == "end"
            else:
                self.messages += 1
                self.content += len(item.content)
                if item.status != "ok":
                    self._statuses[item.status] += 1

    def count_tally(self, tally: Mapping[str, Any]) -> None:
        """Count what a pass of the native module has counted.

        Args:
            tally: ``OutputPass.tally``.
        """
        self.messages += tally["messages"]
        self.content += tally["content"]
        self.connections += tally["connections"]
        self._statuses.update({name: n for name, n in tally["statuses"].items() if name != "ok"})
        for name in ("ends", "midstream", "missing", "late", "lost"):
            self._amounts[name] += tally[name]
        self._tolerated.update(tally["tolerated"])
        self._violated += tally["violated"]
        for connection, from_client, text in tally["violations"]:
            self._note_violation(connection, "client" if from_client else "server", text)
        self._not_found = [range(first, last + 1) for first, last in tally["not_found"]]

    def _note_violation(self, connection: int, side: str, text: str) -> None:
        if len(self._violations) < _MAX_VIOLATION_LINES:
            self._violations.append(f"connection {connection}, {side}: {escaped(text)}")

    def count_packets(
        self, counts: PacketCounts, warnings: list[str], *, has_key_log: bool = False
    ) -> None:
        """Add the warnings of a reader, and those for packets that were not read.

        Args:
            counts: The counters of the packets.
            warnings: The reader's warnings.
            has_key_log: Whether a key log was given, which may have no keys.
        """
        self.warnings += [*warnings, *unfollowed(counts)]
        if not counts.keys and (tls := unread_tls(counts, has_key_log=has_key_log)):
            self.notes.append(tls)

    def _count_connection(self, connection: CapturedConnection) -> None:
        number = connection.connection
        self.connections += 1
        self._not_found = [one for one in self._not_found if number not in one]
        self._amounts["midstream"] += connection.midstream
        for side in self._sides:
            account = connection.from_client if side == "client" else connection.from_server
            for name in ("missing", "late", "lost"):
                self._amounts[name] += getattr(account, name)
            self._tolerated.update(account.tolerated)
            if account.violation is not None:
                self._violated += 1
                self._note_violation(number, side, account.violation)

    def not_found(self) -> str:
        """Format the wanted numbers that no connection had.

        Returns:
            One line; empty if there is none.
        """
        if not self._not_found:
            return ""
        names = [
            f"{one.start}" if len(one) == 1 else f"{one.start} to {one.stop - 1}"
            for one in self._not_found
        ]
        return f"no WebSocket has the number {', '.join(names)} (`wsdefrag connections` lists them)"

    @property
    def has_losses(self) -> bool:
        """Whether anything was lost."""
        return bool(self.warnings or self._lost())

    @property
    def has_violations(self) -> bool:
        """Whether anything broke a rule."""
        return bool(self._violated or self._named(_VIOLATION))

    def lines(self) -> list[str]:
        """Format the losses, violations and tolerated violations.

        Returns:
            One line for each kind that occurred, without the warnings.
        """
        lines = []
        if lost := self._lost():
            lines.append(f"lost: {'; '.join(lost)}")
        lines += [f"violated: {violation}" for violation in self._violations]
        if (more := self._violated - len(self._violations)) > 0:
            lines.append(f"violated: rules in {counted(more, 'more direction')}")
        if broken := self._named(_VIOLATION):
            lines.append(f"violated: {'; '.join(broken)}")
        if breaches := tolerated_text(self._tolerated):
            lines.append(breaches)
        return lines

    def _lost(self) -> list[str]:
        texts = self._named(_LOSS)
        for name, text in (
            ("missing", "{} not captured"),
            ("late", "{} captured too late"),
            ("lost", "{} that cannot be assigned to frames"),
        ):
            if self._amounts[name]:
                texts.append(text.format(counted(self._amounts[name], "byte")))
        if self._amounts["ends"]:
            ended = counted(self._amounts["ends"], "direction")
            texts.append(f"the rest of {ended} after a gap (--resync searches for frames there)")
        if self._amounts["midstream"]:
            texts.append(f"the handshake of {counted(self._amounts['midstream'], 'connection')}")
        return texts

    def _named(self, statuses: tuple[str, ...]) -> list[str]:
        return [
            f"{counted(self._statuses[status], 'message')} {status.replace('_', ' ')}"
            for status in statuses
            if self._statuses[status]
        ]
