"""What is wanted of the input, and how strictly it is read: the options that commands share.

A command takes groups of options with ``selects(...)`` and gets one ``Selection``; what it does
not offer has the value that means everything.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from wsdefrag.capture import Capture
from wsdefrag.cli.options import moment
from wsdefrag.limits import Limits
from wsdefrag.opcode import Opcode
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from wsdefrag.cli.input.inputs import Input

_F = TypeVar("_F", bound=Callable[..., Any])
_Option = Callable[[Any], Any]

_DEFAULTS = Limits()
_RULES = [field.name.replace("_", "-") for field in fields(Strictness)]
_COUNT = click.IntRange(min=0)

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
        lax: Whether text may be anything.
        resync: Whether frames are looked for behind a loss.
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
    lax: bool = False
    resync: bool = False
    tolerate: tuple[str, ...] = ()
    max_message_size: int = _DEFAULTS.max_message_size or 0
    max_frame_size: int = _DEFAULTS.max_frame_size or 0
    max_fragments: int = _DEFAULTS.max_fragments or 0

    @property
    def utf8(self) -> Literal["strict", "lax"]:
        """How text is checked."""
        return "lax" if self.lax else "strict"

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
        let_pass = _RULES if "all" in self.tolerate else self.tolerate
        named = [rule for rule in let_pass if rule in _RULES]
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
            paths=self.path,
            ports=self.port,
            addresses=self.address,
            from_client=None if self.sender is None else self.sender == "client",
            opcodes=() if self.type is None else (Opcode[self.type.upper()],),
            since=self.since,
            until=self.until,
            content=content,
            limits=self.limits(),
            strictness=self.strictness(),
            utf8=self.utf8,
            resync=self.resync,
        )


def _addresses(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse what is no IP address."""
    try:
        return tuple(str(ipaddress.ip_address(text)) for text in value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


# In the order in which the help shows them.
CONNECTION_FILTERS: tuple[_Option, ...] = (
    click.option("--host", multiple=True, metavar="PATTERN", help="Only this Host; * is anything."),
    click.option("--path", multiple=True, metavar="PATTERN", help="Only this path and query."),
    click.option(
        "--port",
        type=click.IntRange(0, 65_535),
        multiple=True,
        metavar="PORT",
        help="Only this TCP port, of either side.",
    ),
    click.option(
        "--address",
        callback=_addresses,
        multiple=True,
        metavar="IP",
        help="Only this IP address, of either side.",
    ),
)

SENDER: tuple[_Option, ...] = (
    click.option(
        "--from",
        "sender",
        type=click.Choice(["client", "server"]),
        help="Only messages of this side.",
    ),
)

MESSAGE_FILTERS: tuple[_Option, ...] = (
    click.option("--type", type=click.Choice(["text", "binary"]), help="Only these messages."),
    click.option(
        "--since",
        metavar="TIME",
        callback=moment,
        help="From this time on: ISO 8601, or seconds since 1970.",
    ),
    click.option(
        "--until", metavar="TIME", callback=moment, help="Before this time, given likewise."
    ),
)

READING: tuple[_Option, ...] = (
    click.option("--lax", is_flag=True, help="Keep text that is not UTF-8."),
    click.option("--resync", is_flag=True, help="Look for frames again behind a loss."),
    click.option(
        "--tolerate",
        type=click.Choice([*_RULES, "loss", "all"]),
        multiple=True,
        metavar="WHAT",
        help=f"Let pass: {', '.join(_RULES)}, loss, all; repeatable.",
    ),
    click.option(
        "--max-message-size",
        type=_COUNT,
        metavar="BYTES",
        default=_DEFAULTS.max_message_size,
        show_default="64 MiB",
        help="Of a message, inflated; 0: no limit.",
    ),
    click.option(
        "--max-frame-size",
        type=_COUNT,
        metavar="BYTES",
        default=_DEFAULTS.max_frame_size,
        show_default="64 MiB",
        help="Of a frame; 0: no limit.",
    ),
    click.option(
        "--max-fragments",
        type=_COUNT,
        metavar="COUNT",
        default=_DEFAULTS.max_fragments,
        show_default=True,
        help="Frames of a message; 0: no limit.",
    ),
)


def selects(*groups: Sequence[_Option]) -> Callable[[_F], _F]:
    """Give a command groups of options and one argument, ``selection``, for all their values.

    Args:
        groups: The groups, in the order in which the help shows them.

    Returns:
        The decorator.
    """
    known = {field.name for field in fields(Selection)}

    def decorate(command: _F) -> _F:
        @functools.wraps(command)
        def selecting(*arguments: object, **options: Any) -> object:  # noqa: ANN401
            values = {name: options.pop(name) for name in known & options.keys()}
            return command(*arguments, selection=Selection(**values), **options)

        decorated: Any = selecting
        for option in reversed([option for group in groups for option in group]):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate
