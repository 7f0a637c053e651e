"""What of a capture was lost or broke a rule, gathered while it is read.

Lost is what was not captured and what could not be read because of it; it says nothing about who
was captured. Violated is what a rule of the protocol or a limit forbids. Tolerated is what broke a
rule that is not enforced.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING

from wsdefrag.capture import CapturedConnection
from wsdefrag.cli.output.render import counted, escaped
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wsdefrag.capture import CapturedMessage, PacketCounts

_LOSS = ("incomplete", "undecodable")
_VIOLATION = ("too_big", "invalid_utf8", "protocol_error")

# In the order of their names in the options.
_RULES = [field.name for field in fields(Strictness)]

# A capture of a broken program has as many broken connections as connections.
_MOST_NAMED = 8


def tolerated_text(counts: Mapping[str, int]) -> str:
    """Say how often rules that are not enforced were broken.

    Args:
        counts: How often, by the names of ``Strictness``.

    Returns:
        One line, empty if none was broken.
    """
    breaches = [f"{rule.replace('_', '-')} {n:,}" for rule in _RULES if (n := counts.get(rule, 0))]
    return f"tolerated {', '.join(breaches)}" if breaches else ""


class Losses:
    """Gathers what was lost and what broke a rule.

    Args:
        sender: Whose messages are wanted, ``client`` or ``server``; None for both. What the other
            side lost does not count.

    Attributes:
        messages: Messages seen.
        connections: Connections that ended.
        content: Bytes of the messages' contents.
        warnings: What the reader had to say of the files and of packets that it does not read.
    """

    def __init__(self, sender: str | None = None) -> None:
        """Start with nothing."""
        self._sides = ("client", "server") if sender is None else (sender,)
        self._statuses: Counter[str] = Counter()
        self._amounts: Counter[str] = Counter()
        self._tolerated: Counter[str] = Counter()
        self._violations: list[str] = []
        self._violated = 0
        self.warnings: list[str] = []
        self.messages = self.connections = self.content = 0

    def see(self, items: Iterable[CapturedMessage | CapturedConnection]) -> None:
        """Look at what a reader gave.

        Args:
            items: Messages and ended connections.
        """
        for item in items:
            if isinstance(item, CapturedConnection):
                accounts = {"client": item.from_client, "server": item.from_server}
                self.see_connection(
                    item.connection,
                    item.midstream,
                    {
                        side: (account.missing, account.lost, account.violation)
                        for side, account in accounts.items()
                    },
                    {side: account.tolerated for side, account in accounts.items()},
                )
            else:
                self.messages += 1
                self.content += len(item.content)
                if item.status != "ok":
                    self._statuses[item.status] += 1

    def see_statuses(self, counts: Counter[str]) -> None:
        """Count messages of which only the status is at hand.

        Args:
            counts: How many messages have each status.
        """
        self.messages += sum(counts.values())
        self._statuses.update({name: n for name, n in counts.items() if name != "ok"})

    def see_packets(self, counts: PacketCounts, warnings: list[str]) -> None:
        """Look at what became of the packets.

        Args:
            counts: Of the packets.
            warnings: What the reader had to say of the files.
        """
        self.warnings += warnings
        for link, packets in sorted(counts.unknown_links.items()):
            said = counted(packets, "packet")
            self.warnings.append(f"{said} of link type {link}, which is not read")

    def see_connection(
        self,
        connection: int,
        midstream: bool,
        sides: Mapping[str, tuple[int, int, str | None]],
        tolerated: Mapping[str, Mapping[str, int]],
    ) -> None:
        """Look at what is known of a connection that has ended.

        Args:
            connection: Its number.
            midstream: Whether its handshake was not captured.
            sides: For ``client`` and ``server``, the bytes that were not captured, the bytes that
                could not be assigned to frames, and the broken rule or None.
            tolerated: For ``client`` and ``server``, how often rules that are not enforced were
                broken, by name.
        """
        self.connections += 1
        self._amounts["midstream"] += midstream
        for side in self._sides:
            missing, lost, violation = sides[side]
            self._amounts["missing"] += missing
            self._amounts["lost"] += lost
            self._tolerated.update(tolerated[side])
            if violation is not None:
                self._violated += 1
                if len(self._violations) < _MOST_NAMED:
                    self._violations.append(
                        f"connection {connection}, {side}: {escaped(violation)}"
                    )

    @property
    def has_losses(self) -> bool:
        """Whether anything was lost."""
        return bool(self.warnings or self._lost())

    @property
    def has_violations(self) -> bool:
        """Whether anything broke a rule."""
        return bool(self._violated or self._named(_VIOLATION))

    def lines(self) -> list[str]:
        """Say what was lost, what broke a rule, and what was tolerated.

        Returns:
            One line for each kind, for people to read, without the warnings; none if there is
            nothing to say.
        """
        lines = []
        if lost := self._lost():
            lines.append(f"lost: {'; '.join(lost)}")
        lines += [f"violated: {violation}" for violation in self._violations]
        if (more := self._violated - len(self._violations)) > 0:
            lines.append(f"violated: some rule in {counted(more, 'more direction')}")
        if broken := self._named(_VIOLATION):
            lines.append(f"violated: {'; '.join(broken)}")
        if breaches := tolerated_text(self._tolerated):
            lines.append(breaches)
        return lines

    def _lost(self) -> list[str]:
        said = self._named(_LOSS)
        for name, text in (
            ("missing", "{} not captured"),
            ("lost", "{} that cannot be assigned to frames"),
        ):
            if self._amounts[name]:
                said.append(text.format(counted(self._amounts[name], "byte")))
        if self._amounts["midstream"]:
            said.append(f"the handshake of {counted(self._amounts['midstream'], 'connection')}")
        return said

    def _named(self, statuses: tuple[str, ...]) -> list[str]:
        return [
            f"{counted(self._statuses[status], 'message')} {status.replace('_', ' ')}"
            for status in statuses
            if self._statuses[status]
        ]
