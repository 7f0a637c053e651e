"""What is wanted of the input, and how strictly it is read.

What a command does not offer (``options``) has the value that means everything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

import click

from wsdefrag.capture import Capture
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from wsdefrag.cli.input.inputs import Input

_DEFAULTS = Limits()
# The rules that are off by default need no option.
RULES = [field.name.replace("_", "-") for field in fields(Strictness) if field.default]

# Names of the filters that raw dumps, which know nothing of connections, cannot be read with.
_OF_CAPTURES = ("host", "path", "port", "address", "type", "since", "until", "resync")


@dataclass(frozen=True)
class Selection:
    """What is wanted of a capture or of a raw dump, and how strictly it is read.

    Attributes:
        sender: Who sent it; None for both.
        host: Patterns of the request's ``Host``.
        path: Patterns of the request's path.
        port: Ports of either side.
        address: IP addresses of either side.
        type: ``text`` or ``binary``; None for both.
        since: The first moment, in seconds since the epoch.
        until: The moment behind the last, in seconds since the epoch.
        resync: Whether frames are looked for after a loss.
        tolerate: What does not count for the exit status: names of rules, ``loss``, ``all``.
        max_message_size: Most bytes of a message; 0 for no limit.
        max_frame_size: Most bytes of a frame; 0 for no limit.
        max_fragments: Most frames of a message; 0 for no limit.
    """

    sender: Literal["client", "server"] | None = None
    host: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    port: tuple[int, ...] = ()
    address: tuple[str, ...] = ()
    type: Literal["text", "binary"] | None = None
    since: float | None = None
    until: float | None = None
    resync: bool = False
    tolerate: tuple[str, ...] = ()
    max_message_size: int = _DEFAULTS.max_message_size or 0
    max_frame_size: int = _DEFAULTS.max_frame_size or 0
    max_fragments: int = _DEFAULTS.max_fragments or 0

    def tolerates(self, what: str) -> bool:
        """Tell whether something does not count for the exit status.

        Args:
            what: ``loss``, or ``all`` for what no other name stands for.

        Returns:
            Whether it was named, or all was.
        """
        return what in self.tolerate or "all" in self.tolerate

    def limits(self) -> Limits:
        """Give the limits.

        Returns:
            The limits.

        Raises:
            click.UsageError: If one of them is none.
        """
        try:
            return Limits(
                max_message_size=self.max_message_size or None,
                max_frame_size=self.max_frame_size or None,
                max_fragments=self.max_fragments or None,
            )
        except ValueError as error:
            raise click.UsageError(f"{error}.") from None

    def strictness(self) -> Strictness:
        """Give the rules that are enforced."""
        let_pass = RULES if "all" in self.tolerate else self.tolerate
        named = [rule for rule in let_pass if rule in RULES]
        return Strictness(**{rule.replace("-", "_"): False for rule in named})

    def of_captures(self) -> list[str]:
        """Name the options that were given and mean nothing for a raw dump."""
        default = Selection()
        return [
            f"--{name}" for name in _OF_CAPTURES if getattr(self, name) != getattr(default, name)
        ]

    def filters(self) -> bool:
        """Tell whether some connections or messages are not wanted."""
        return bool(self.sender or set(self.of_captures()) - {"--resync"})

    def capture(self, source: Input | list[str], *, content: bool = True) -> Capture:
        """Describe what is to be read.

        Args:
            source: The paths of its files, or the one that is open.
            content: Whether contents are wanted.

        Returns:
            The capture.

        Raises:
            click.UsageError: If a limit is none.
        """
        return Capture(
            source,
            hosts=self.host,
            request_paths=self.path,
            ports=self.port,
            addresses=self.address,
            from_client=None if self.sender is None else self.sender == "client",
            types=() if self.type is None else (self.type,),
            since=self.since,
            until=self.until,
            content=content,
            limits=self.limits(),
            strictness=self.strictness(),
            resync=self.resync,
        )
