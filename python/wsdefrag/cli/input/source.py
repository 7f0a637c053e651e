"""The bytes of a stream, chunk by chunk, each with the time of its arrival.

A chunk is the result of one read, at most 1 MiB, so memory is small and bytes from a pipe are
processed as they arrive. With a recording (the JSON file of ``--times``), chunks end where the
recorded chunks end and have their recorded times.

Invariant: the chunks, joined, are the bytes of the stream.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import closing, contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, NamedTuple

import click

from wsdefrag.cli.output.errors import UnusableInput, stream_name

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Generator

_CHUNK_BYTES = 1 << 20

# Bytes; smaller files are read so fast that a progress bar would only flicker.
_LONG_FILE = 32 << 20


class Chunk(NamedTuple):
    """Bytes and their time of arrival in seconds since the epoch; None for the current time."""

    data: bytes
    timestamp: float | None


class Arrival(NamedTuple):
    """A recorded chunk: time of arrival in seconds since the epoch, and length in bytes."""

    timestamp: float
    length: int


def chunks(
    stream: io.BufferedIOBase, timestamp: float | None = None
) -> Generator[Chunk, None, None]:
    """Read a stream to its end.

    Args:
        stream: The stream.
        timestamp: The time of all chunks, in seconds since the epoch; None for the current time.

    Yields:
        The result of each read.

    Raises:
        UnusableInput: If the stream cannot be read.
    """
    while data := _read(stream, _CHUNK_BYTES):
        yield Chunk(data, timestamp)


def recorded_chunks(
    stream: io.BufferedIOBase, arrivals: list[Arrival]
) -> Generator[Chunk, None, None]:
    """Read a stream in the chunks of its recording.

    Args:
        stream: The stream.
        arrivals: The recorded chunks, in order.

    Yields:
        The bytes of each recorded chunk; a large one is divided into several chunks.

    Raises:
        UnusableInput: If the stream cannot be read, or its length differs from the recording's.
    """
    total = 0
    for timestamp, length in arrivals:
        missing = length
        while missing:
            data = _read(stream, min(missing, _CHUNK_BYTES))
            if not data:
                reason = f"ends after {total:,} bytes, but the recording has more"
                raise UnusableInput(stream_name(stream), reason)
            yield Chunk(data, timestamp)
            missing -= len(data)
            total += len(data)
    if _read(stream, 1):
        reason = f"is longer than the recording, which has {total:,} bytes"
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
    import json  # only recordings need it

    try:
        return [
            Arrival(checked_seconds(timestamp), _checked_length(length))
            for timestamp, who, length in json.load(file)["chunks"]
            if who == sender
        ]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f"{stream_name(file)} has no valid list of chunks ({error})."
        raise click.BadParameter(reason, param_hint="'--times'") from None


def with_progress(
    source: Generator[Chunk, None, None], stream: io.BufferedIOBase
) -> Generator[Chunk, None, None]:
    """Show a progress bar on standard error while chunks are read.

    Args:
        source: The chunks.
        stream: The stream that they come from.

    Yields:
        The same chunks.
    """
    done = 0
    with closing(source), progress(file_size(stream), stream_name(stream)) as advance:
        for chunk in source:
            yield chunk
            done += len(chunk.data)
            advance(done)


@contextmanager
def progress(
    size: int, label: str, messages: Callable[[], int] | None = None
) -> Generator[Callable[[int], None], None, None]:
    """Show a progress bar on standard error, with messages, speed and remaining time.

    It is shown only for a large file, if standard error is a terminal and standard output is not.

    Args:
        size: Total bytes, 0 if unknown.
        label: The name of the input.
        messages: Returns how many messages there are so far; None to leave it out.

    Yields:
        A function to call with the number of bytes read so far.
    """
    if size < _LONG_FILE or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda done: None
        return
    started = time.perf_counter()

    def rate(done: int | None) -> str:
        seconds = max(time.perf_counter() - started, 1e-9)
        speed = f"{(done or 0) / seconds / 1e6:,.0f} MB/s"
        return speed if messages is None else f"{messages():,} messages, {speed}"

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
    """Return the size of a regular file.

    Args:
        stream: A file object.

    Returns:
        The size in bytes; 0 for anything else, such as a pipe.
    """
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # the object has no file descriptor
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def checked_seconds(value: object) -> float:
    """Check a time in seconds since the epoch.

    Args:
        value: Any value.

    Returns:
        The seconds.

    Raises:
        ValueError: If the value is not a number, or not a time in the years 1970 to 9999.
    """
    if isinstance(value, (int, float)) and value >= 0:
        try:
            datetime.fromtimestamp(value)
        except (OverflowError, OSError, ValueError):  # depends on the platform
            pass
        else:
            return float(value)
    raise ValueError(f"{value!r} is not a time in seconds since the epoch")


def _read(stream: io.BufferedIOBase, size: int) -> bytes:
    """Read the bytes that are available, at least one; b"" at the end of the stream."""
    try:
        return stream.read1(size)
    except OSError as error:
        raise UnusableInput(stream_name(stream), error.strerror or str(error)) from None


def _checked_length(value: object) -> int:
    """Check a number of bytes."""
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError(f"{value!r} is not a number of bytes")
