"""The bytes of a stream, piece by piece, each with the time of its arrival.

A piece is what one read gives, 1 MiB at most, so that a long file takes little memory and what
comes through a pipe is worked on as it arrives. A recording's list of chunks, where there is one,
cuts the pieces at the chunks and gives them their times.

Invariant: the pieces are the stream's bytes, in order and without a gap.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from contextlib import closing, contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, NamedTuple

import click

from wsdefrag.cli.output.complaint import UnusableInput, stream_name

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Generator

_PIECE = 1 << 20

# A file that is read in less than a blink shows no progress bar.
_LONG_FILE = 32 << 20


class Piece(NamedTuple):
    """Bytes and when they arrived, in seconds since the epoch; None for now."""

    data: bytes
    timestamp: float | None


class Arrival(NamedTuple):
    """When a chunk arrived, in seconds since the epoch, and how many bytes it has."""

    timestamp: float
    length: int


def pieces(
    stream: io.BufferedIOBase, timestamp: float | None = None
) -> Generator[Piece, None, None]:
    """Read a stream to its end.

    Args:
        stream: Where the bytes come from.
        timestamp: The time to give to all of them, in seconds since the epoch.

    Yields:
        What each read gave.

    Raises:
        UnusableInput: If the stream cannot be read.
    """
    while data := _read(stream, _PIECE):
        yield Piece(data, timestamp)


def recorded_pieces(
    stream: io.BufferedIOBase, arrivals: list[Arrival]
) -> Generator[Piece, None, None]:
    """Read a stream in the chunks of its recording.

    Args:
        stream: Where the bytes come from.
        arrivals: The chunks, in order.

    Yields:
        The bytes of each chunk; a large one may come in several pieces.

    Raises:
        UnusableInput: If the stream cannot be read, or is not as long as the recording says.
    """
    total = 0
    for timestamp, length in arrivals:
        missing = length
        while missing:
            data = _read(stream, min(missing, _PIECE))
            if not data:
                reason = f"ends after {total:,} bytes, the recording has more"
                raise UnusableInput(stream_name(stream), reason)
            yield Piece(data, timestamp)
            missing -= len(data)
            total += len(data)
    if _read(stream, 1):
        reason = f"goes on after the {total:,} bytes of the recording"
        raise UnusableInput(stream_name(stream), reason)


def read_arrivals(file: IO[bytes], sender: str) -> list[Arrival]:
    """Read the chunks of one sender from a recording.

    Args:
        file: JSON, an object whose ``chunks`` are ``[seconds since the epoch, sender, bytes]``.
        sender: ``"client"`` or ``"server"``.

    Returns:
        The chunks, in order.

    Raises:
        click.BadParameter: If the file does not hold such a list.
    """
    try:
        return [
            Arrival(checked_seconds(timestamp), _checked_length(length))
            for timestamp, who, length in json.load(file)["chunks"]
            if who == sender
        ]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f"{stream_name(file)} holds no list of chunks ({error})."
        raise click.BadParameter(reason, param_hint="'--times'") from None


def with_progress(
    source: Generator[Piece, None, None], stream: io.BufferedIOBase
) -> Generator[Piece, None, None]:
    """Show a progress bar on standard error while a long file is read into something else.

    Args:
        source: The pieces of the stream.
        stream: Where they come from.

    Yields:
        The same pieces.
    """
    done = 0
    with closing(source), progress(file_size(stream), stream_name(stream)) as advance:
        for piece in source:
            yield piece
            done += len(piece.data)
            advance(done)


@contextmanager
def progress(size: int, label: str) -> Generator[Callable[[int], None], None, None]:
    """Show a progress bar on standard error, with rate and time left, if there is a use for it.

    There is for a long file, where somebody looks at standard error and nothing is printed there
    meanwhile.

    Args:
        size: How many bytes there are, 0 if that is not known.
        label: What is read.

    Yields:
        What is to be called with the number of bytes read so far.
    """
    if size < _LONG_FILE or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda done: None
        return
    started = time.perf_counter()

    def rate(done: int | None) -> str:
        return f"{(done or 0) / max(time.perf_counter() - started, 1e-9) / 1e6:,.0f} MB/s"

    shown = 0
    with click.progressbar(
        length=size, label=label, file=sys.stderr, item_show_func=rate, update_min_steps=size // 200
    ) as bar:

        def advance(done: int) -> None:
            nonlocal shown
            bar.update(done - shown, done)
            shown = done

        yield advance


def file_size(stream: io.BufferedIOBase) -> int:
    """Give the size of a regular file.

    Args:
        stream: An open file, or what stands in for one.

    Returns:
        Its bytes; 0 for anything else, such as a pipe.
    """
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # it is no file at all
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def checked_seconds(value: object) -> float:
    """Refuse what is not a time in seconds since the epoch.

    Args:
        value: Anything.

    Returns:
        The seconds.

    Raises:
        ValueError: If it is no number, or no time between the years 1970 and 9999.
    """
    if isinstance(value, (int, float)) and value >= 0:
        try:
            datetime.fromtimestamp(value)
        except (OverflowError, OSError, ValueError):  # which one depends on the platform
            pass
        else:
            return float(value)
    raise ValueError(f"{value!r} is no time in seconds since the epoch")


def _read(stream: io.BufferedIOBase, size: int) -> bytes:
    """Read what there is, at least one byte; nothing at the end of the stream."""
    try:
        return stream.read1(size)
    except OSError as error:
        raise UnusableInput(stream_name(stream), error.strerror or str(error)) from None


def _checked_length(value: object) -> int:
    """Refuse what is not a count of bytes."""
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError(f"{value!r} is not a count of bytes")
