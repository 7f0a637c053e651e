"""``Selection``: the values of the shared options (see ``options``).

It has the filters, the limits and the tolerated rules. The defaults select everything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

import click

from wsdefrag.capture import Capture
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from wsdefrag.cli.input.inputs import Input
    from wsdefrag.deflate import DeflateParams

_DEFAULTS = Limits()
# The rules that are off by default need no option.
RULES = [field.name.replace("_", "-") for field in fields(Strictness) if field.default]

# The values of ``CapturedMessage.status``.
STATUSES = ("ok", "incomplete", "undecodable", "too_big", "invalid_utf8", "protocol_error")

# Bytes.
DEFAULT_MEMORY = 512 << 20

# The options that choose messages by what they contain.
_CONTENTS = (
    *("grep", "grep_not", "ignore_case", "json", "status", "min_size", "max_size", "around"),
)

# The options that do not work with raw dumps.
_OF_CAPTURES = (
    *("host", "path", "connection", "port", "address", "type", "since", "until"),
    *_CONTENTS,
    *("keylog", "resync", "key", "decode_as", "memory", "idle_timeout", "threads"),
)
# Those of them that select nothing.
_NO_FILTERS = {
    "--ignore-case",
    "--around",
    "--keylog",
    "--resync",
    "--key",
    "--decode-as",
    "--memory",
    "--idle-timeout",
    "--threads",
}


# No two are compared or printed; the methods for that take some time to be made.
@dataclass(frozen=True, eq=False, repr=False)
class Selection:
    """The values of the shared options.

    Attributes:
        sender: Only messages of this sender; None for both.
        host: Patterns of the request's ``Host``.
        path: Patterns of the request's path and query.
        connection: Ranges of numbers of connections.
        port: TCP ports of either side.
        address: IP addresses of either side.
        type: Only messages of this type; None for both.
        since: Only messages at or after this time, in seconds since the epoch.
        until: Only messages before this time, in seconds since the epoch.
        grep: Only messages in which each of these regular expressions occurs.
        grep_not: Only messages in which none of these regular expressions occurs.
        ignore_case: Whether these regular expressions ignore case.
        json: Only messages that meet each of these conditions as JSON.
        status: Only messages with one of these statuses.
        min_size: Only messages whose content has at least this many bytes.
        max_size: Only messages whose content has at most this many bytes.
        around: How many rows before and after each of these messages are shown, too.
        keylog: Paths of key logs for TLS.
        resync: Whether to search for the next frame after a loss.
        key: What tells connections with the same addresses and ports apart.
        decode_as: UDP ports that carry tunnels, as ``Capture`` takes them.
        deflate: The permessage-deflate parameters where no response says what was agreed.
        memory: Most bytes of memory that everything unfinished may take.
        idle_timeout: After how many seconds without a packet a WebSocket ends; None for never.
        threads: How many threads follow the connections.
        tolerate: What does not change the exit status: names of rules, ``loss``, ``all``.
        max_message_size: Most bytes of a message; 0 for no limit.
        max_frame_size: Most bytes of a frame; 0 for no limit.
        max_fragments: Most frames of a message; 0 for no limit.
    """

    sender: Literal["client", "server"] | None = None
    host: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    connection: tuple[range, ...] = ()
    port: tuple[int, ...] = ()
    address: tuple[str, ...] = ()
    type: Literal["text", "binary"] | None = None
    since: float | None = None
    until: float | None = None
    grep: tuple[str, ...] = ()
    grep_not: tuple[str, ...] = ()
    ignore_case: bool = False
    json: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    min_size: int | None = None
    max_size: int | None = None
    around: int = 0
    keylog: tuple[str, ...] = ()
    resync: bool = False
    key: Literal["auto", "addresses", "tagged"] = "auto"
    decode_as: tuple[str, ...] = ()
    deflate: DeflateParams | None = None
    memory: int = DEFAULT_MEMORY
    idle_timeout: float | None = None
    threads: int = 1
    tolerate: tuple[str, ...] = ()
    max_message_size: int = _DEFAULTS.max_message_size or 0
    max_frame_size: int = _DEFAULTS.max_frame_size or 0
    max_fragments: int = _DEFAULTS.max_fragments or 0

    def tolerates(self, what: str) -> bool:
        """Whether ``--tolerate`` names a kind of problem.

        Args:
            what: ``loss``, or ``all`` for problems without a name of their own.

        Returns:
            True if ``--tolerate`` has this name or ``all``.
        """
        return what in self.tolerate or "all" in self.tolerate

    def limits(self) -> Limits:
        """Return the limits.

        Returns:
            The limits.

        Raises:
            click.UsageError: If a limit is out of range.
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
        """Return which rules are enforced."""
        let_pass = RULES if "all" in self.tolerate else self.tolerate
        named = [rule for rule in let_pass if rule in RULES]
        return Strictness(**{rule.replace("-", "_"): False for rule in named})

    def of_captures(self) -> list[str]:
        """Return the names of the given options that do not work with raw dumps."""
        default = Selection()
        return [
            f"--{name.replace('_', '-')}"
            for name in _OF_CAPTURES
            if getattr(self, name) != getattr(default, name)
        ]

    def of_connection(self, number: int) -> Selection:
        """Return the same with this connection as the only one.

        Args:
            number: The number of the connection.
        """
        return replace(self, connection=(range(number, number + 1),))

    def row_filters(self) -> list[str]:
        """Return the names of the given options that choose among the messages of a connection."""
        default = Selection()
        names = ("type", "since", "until", *_CONTENTS)
        given = [name for name in names if getattr(self, name) != getattr(default, name)]
        sender = ["--from"] if self.sender else []
        return sender + [f"--{name.replace('_', '-')}" for name in given]

    def searches(self) -> bool:
        """Whether any option chooses messages by what they contain."""
        default = Selection()
        names = set(_CONTENTS) - {"ignore_case", "around"}
        return any(getattr(self, name) != getattr(default, name) for name in names)

    def filters(self) -> bool:
        """Whether any option filters connections or messages."""
        return bool(self.sender or set(self.of_captures()) - _NO_FILTERS)

    def chosen(self) -> list[str]:
        """Return the options that filter connections or messages, as a command line has them.

        Returns:
            A text for each value, such as ``--host api.*``.
        """
        given = [("--from", self.sender)] if self.sender else []
        for option in self.of_captures():
            if option not in _NO_FILTERS:
                values = getattr(self, option[2:].replace("-", "_"))
                given += [(option, one) for one in (values if type(values) is tuple else [values])]
        return [f"{option} {_written(value)}" for option, value in given]

    def capture(self, source: Input | list[str], *, content: bool = True) -> Capture:
        """Make a ``Capture`` with these filters and limits.

        Args:
            source: The paths of the files, or an open input.
            content: Whether to read contents.

        Returns:
            The capture.

        Raises:
            click.UsageError: If a limit is out of range, or contents are searched and not read.
        """
        if not content:
            if self.grep or self.grep_not or self.json:
                raise click.UsageError("--no-content leaves no contents to search.")
            if self.min_size is not None or self.max_size is not None:
                reason = (
                    "--no-content does not inflate, so the sizes of contents are not known; "
                    "--width 60 cuts contents instead."
                )
                raise click.UsageError(reason)
        return Capture(
            source,
            hosts=self.host,
            request_paths=self.path,
            connections=self.connection,
            ports=self.port,
            addresses=self.address,
            from_client=None if self.sender is None else self.sender == "client",
            types=() if self.type is None else (self.type,),
            since=self.since,
            until=self.until,
            grep=self.grep,
            grep_not=self.grep_not,
            ignore_case=self.ignore_case,
            json=self.json,
            statuses=self.status,
            min_size=self.min_size,
            max_size=self.max_size,
            around=self.around,
            content=content,
            deflate=self.deflate,
            limits=self.limits(),
            strictness=self.strictness(),
            keylog=self.keylog,
            resync=self.resync,
            key=self.key,
            decode_as=self.decode_as,
            memory=self.memory,
            idle_timeout=self.idle_timeout,
            threads=self.threads,
        )


def _written(value: object) -> str:
    """Return a value as the option takes it."""
    if isinstance(value, range):
        return f"{value.start}" if len(value) == 1 else f"{value.start}-{value.stop - 1}"
    return str(value)
