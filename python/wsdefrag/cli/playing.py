"""What ``replay`` and ``mock`` have in common: reading the recording, options, and the end."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import click

from wsdefrag.cli.help import Command
from wsdefrag.cli.network import CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT, new_loop
from wsdefrag.cli.options import WIDTH, format_option
from wsdefrag.cli.output.errors import BadStream, UnusableInput, note, printable_name
from wsdefrag.cli.output.printer import colours_wanted, columns
from wsdefrag.cli.output.rows import Rows
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.signals import Stopped, given_to
from wsdefrag.proxy import Timeouts
from wsdefrag.replay import RecordedConnection, Turn, recordings
from wsdefrag.replay.comparison import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Sequence

    from wsdefrag.cli.input.inputs import Input
    from wsdefrag.cli.selection import Selection
    from wsdefrag.replay.comparison import Key


class PlayingCommand(Command):
    """A command whose exit status says whether everything was equal."""

    exit_statuses = (
        ("0", "everything was equal"),
        ("1", "something differed, failed, or was not captured (--tolerate loss accepts the last)"),
        ("2", "nothing could be read or listened on, or the arguments are wrong"),
        ("130, 143", "ended by Ctrl-C or kill"),
    )


def _speed(
    context: click.Context, parameter: click.Parameter, value: str
) -> float | Literal["max"]:
    """Parse a factor, or ``max``."""
    if value == "max":
        return "max"
    try:
        factor = float(value)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise click.BadParameter(f"{value!r} is neither max nor a number more than 0.")
    return factor


def _patterns(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[re.Pattern[bytes], ...]:
    """Compile regular expressions for bytes."""
    try:
        return tuple(re.compile(value.encode()) for value in values)
    except re.error as error:
        raise click.BadParameter(f"{error}.") from None


def speed_option(default: str) -> Callable[[Any], Any]:
    """Return the option ``--speed``."""
    return click.option(
        "--speed",
        metavar="FACTOR",
        default=default,
        show_default=True,
        callback=_speed,
        help="Times faster than recorded, such as 10 or 0.5; max: at once.",
    )


PRINTING: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--ignore",
        multiple=True,
        metavar="REGEX",
        callback=_patterns,
        help="Do not compare what matches in contents; repeatable.",
    ),
    click.option("--differences", is_flag=True, help="Print only what is not equal."),
    format_option("text", "json"),
    WIDTH,
)

WAITING: tuple[Callable[[Any], Any], ...] = (HANDSHAKE_TIMEOUT, CLOSE_TIMEOUT)


def read(
    context: click.Context, source: Input | list[str], selection: Selection
) -> tuple[Reading, list[RecordedConnection]]:
    """Read what is played.

    Raises:
        UnusableInput: If there is nothing to play.
    """
    reading = Reading(source, selection)
    with closing(reading.items()) as items:
        connections = recordings(items)
    if not connections:
        # It says what there was instead.
        with suppress(click.exceptions.Exit):
            reading.finish(context)
        raise UnusableInput(reading.name, "there is nothing to play")
    return reading, connections


def key_without(patterns: Sequence[re.Pattern[bytes]]) -> Key:
    """Return what is compared of a turn without what matches."""
    if not patterns:
        return whole

    def key(turn: Turn) -> Hashable:
        content = turn.content
        for pattern in patterns:
            content = pattern.sub(b"", content)
        return whole(replace(turn, content=content))

    return key


def rows_of(options: dict[str, Any]) -> Rows:
    """Return what prints, for the values of ``PRINTING``."""
    return Rows(
        width=columns(options["width"]),
        colours=colours_wanted(),
        as_json=options["output_format"] == "json",
        only_differences=options["differences"],
    )


def timeouts_of(options: dict[str, Any]) -> Timeouts:
    """Return the timeouts, for the values of ``WAITING``."""
    handshake = options["handshake_timeout"] or None
    return Timeouts(handshake=handshake, connect=handshake, close=options["close_timeout"] or None)


def run(playing: Coroutine[Any, Any, None]) -> Stopped | None:
    """Run something until it or a signal ends it.

    Returns:
        The signal that ended it, or None.

    Raises:
        UnusableInput: If an address cannot be listened on.
    """
    logging.basicConfig(level="WARNING", format="%(message)s", stream=sys.stderr)
    loop, stopped = new_loop(), None
    task = loop.create_task(playing)

    def stop(number: int) -> None:
        nonlocal stopped
        stopped = Stopped(number)
        task.cancel()

    try:
        with given_to(loop, stop):
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
            loop.run_until_complete(loop.shutdown_asyncgens())
    except OSError as error:
        name = printable_name(str(error.filename or "listen"))
        raise UnusableInput(name, error.strerror or str(error)) from None
    return stopped


def finish(context: click.Context, reading: Reading, rows: Rows) -> None:
    """Print the totals and the losses; end the command if its exit status is not 0."""
    rows.finish()
    for sentence in rows.sentences():
        note(reading.name, sentence)
    tolerates_loss = reading.selection.tolerates("loss")
    reading.finish(context)
    if not rows.is_equal or (rows.has_losses and not tolerates_loss):
        context.exit(BadStream.exit_code)
