"""Opens the inputs of a command and tells captures from raw dumps.

A capture starts with a magic number, compressed or not. A valid raw dump does not start with one of
these numbers: read as a WebSocket frame, each has a reserved opcode, a reserved bit or a fragmented
control frame. bzip2's alone could be a compressed frame, so ten bytes of it are compared.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, cast

import click

from wsdefrag.capture import Capture
from wsdefrag.cli.output.errors import UnusableInput, printable_name, stream_name
from wsdefrag.cli.signals import Stopped, deferred, raised
from wsdefrag.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Sequence

# pcap in microseconds and nanoseconds, in both byte orders, and Kuznetzov's; pcapng; snoop; gzip;
# zstd; lz4; frames of both that hold no data; xz; bzip2 of each level; the length that a flow file
# starts with; an HTTP archive. No frame starts with these bytes, so no raw dump does.
_MAGICS = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\x34\xcd\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",
    b"snoop\0\0\0",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    *(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16)),
    b"\xfd7zXZ\0",
    *(b"BZh%d1AY&SY" % level for level in range(1, 10)),
    *(b"%d" % digit for digit in range(10)),
    b"{",
)
_LONGEST = max(map(len, _MAGICS))

# Bytes that tell what a file looks like that is no capture.
_START = 512

# How names of outputs end, which a user may have given without -o.
_OUTPUTS = (".arrow", ".har", ".html", ".jsonl", ".mitm", ".parquet", ".png", ".svg")


class _Existing(click.Path):
    """A file that exists; the error for a directory says what to give instead."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Check the path."""
        if value != "-" and os.path.isdir(value):
            files = printable_name(os.path.join(os.fspath(value), "*"))
            self.fail(f"{os.fspath(value)!r} is a directory; give its files: {files}.", param, ctx)
        is_output = os.fspath(value).lower().endswith(_OUTPUTS) and not os.path.exists(value)
        if is_output and ctx is not None and "output" in {one.name for one in ctx.command.params}:
            self.fail(f"{os.fspath(value)!r} does not exist; -o names the output.", param, ctx)
        return super().convert(value, param, ctx)


EXISTING = _Existing(exists=True, dir_okay=False, readable=True, allow_dash=True)
"""The type of an argument that names an input; ``-`` is standard input."""


class Input(io.BufferedIOBase):
    """A file or standard input that detects whether it is a capture.

    ``read1`` returns the bytes that are available, so bytes from a pipe are read as they arrive.

    Args:
        argument: A path, or ``-``.

    Attributes:
        name: The printable name.
        is_capture: Whether the input starts with the magic number of a capture.
        is_live: Whether the input is standard input or a pipe.
        stopped: The signal that came while the input was read and ended it, or None.
        position: Bytes read so far.

    Raises:
        UnusableInput: If the input cannot be opened or read.
    """

    def __init__(self, argument: str) -> None:
        """Open the input and read its first bytes; ``read`` returns them again."""
        super().__init__()
        self.position = 0
        self.stopped: Stopped | None = None
        self.is_live = not is_regular(argument)
        self._is_ours = argument != "-"
        if argument == "-":
            _check_stdin()
        try:
            self._stream = cast("io.BufferedIOBase", click.open_file(argument, "rb"))
            self.name = stream_name(self._stream)
            self._peeked = self._start()
        except OSError as error:
            raise UnusableInput(name_of([argument]), error.strerror or str(error)) from None
        self.is_capture = self._peeked.startswith(_MAGICS)

    def _start(self) -> bytes:
        """Read the first bytes, until they match a magic number or cannot match one."""
        start = b""
        while any(len(start) < len(magic) and magic.startswith(start) for magic in _MAGICS):
            data = self._stream.read1(_LONGEST - len(start))
            if not data:
                break
            start += data
        return start

    def readable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._stream.fileno()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read ``size`` bytes, or all bytes if ``size`` is negative or None."""
        left = -1 if size is None else size
        parts = []
        while left and (data := self.read1(left)):
            parts.append(data)
            left -= len(data) if left > 0 else 0
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """Read the bytes that are available, at most ``size``; b"" after a signal."""
        if self.stopped is not None:
            return b""
        if self._peeked:
            end = len(self._peeked) if size < 0 else size
            data, self._peeked = self._peeked[:end], self._peeked[end:]
        else:
            data = self._read_stream(size)
        self.position += len(data)
        return data

    def _read_stream(self, size: int) -> bytes:
        try:
            with raised():
                return self._stream.read1(size)
        except Stopped as stopped:
            self.stopped = stopped
            return b""

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._is_ours and not self.closed:
            self._stream.close()
        super().close()


def _check_stdin() -> None:
    """Refuse standard input where nothing can come from it."""
    if sys.stdin is None:
        raise UnusableInput("<stdin>", "is closed")
    if sys.stdin.isatty():
        raise UnusableInput("<stdin>", "is a terminal; give a file, or a pipe: tcpdump -w - | ...")


def live(source: Input | list[str]) -> AbstractContextManager[None]:
    """Have the first signal end a live input and not the command, in a ``with`` block.

    Args:
        source: What ``opened`` returned.

    Returns:
        The context manager; it does nothing for files.
    """
    return deferred() if isinstance(source, Input) and source.is_live else nullcontext()


def opened(arguments: Sequence[str]) -> Input | list[str]:
    """Open the arguments of a command.

    Args:
        arguments: Paths, or ``-`` alone.

    Returns:
        The paths, if there are several, or one of a capture in a regular file. Otherwise the only
        argument as an open input, which may be a capture or a raw dump. What is no capture among
        several files is reported when they are read.

    Raises:
        click.UsageError: If standard input is combined with files.
        UnusableInput: If the input cannot be opened or read.
    """
    if len(arguments) == 1:
        stream = Input(arguments[0])
        if not (stream.is_capture and is_regular(arguments[0])):
            return stream
        stream.close()
    elif "-" in arguments:
        raise click.UsageError("Standard input (-) cannot be combined with files.")
    return list(arguments)


def captures(arguments: Sequence[str]) -> Input | list[str]:
    """Open captures.

    Args:
        arguments: Paths, or ``-`` alone.

    Returns:
        The paths, or an open input, as ``opened`` does.

    Raises:
        click.UsageError: If standard input is combined with files.
        UnusableInput: If the input cannot be opened or read, or is no capture.
    """
    source = opened(arguments)
    if isinstance(source, Input) and not source.is_capture:
        raise UnusableInput(source.name, what_it_is(source))
    return source


def what_it_is(source: Input) -> str:
    """Say what an input looks like that is no capture.

    Args:
        source: The input, at its start.

    Returns:
        The text of the error that reading it as a capture gives, without the name.
    """
    start = io.BytesIO(source.read(_START))
    try:
        with Capture(start).read() as reader:
            reader.next_batch()
    except CaptureError as error:
        return str(error).removeprefix(f"{error.file}: ")
    return "not a capture file"


def is_regular(argument: str) -> bool:
    """Whether an argument names a regular file, which can be read more than once."""
    return argument != "-" and os.path.isfile(argument)


def is_capture(path: str) -> bool:
    """Whether a regular file starts with the magic number of a capture."""
    with open(path, "rb") as file:
        return file.read(_LONGEST).startswith(_MAGICS)


def name_of(arguments: Sequence[str]) -> str:
    """Return one name for all inputs.

    Args:
        arguments: The arguments of the command.

    Returns:
        The printable name of the first input, and how many more there are.
    """
    first = "<stdin>" if arguments[0] == "-" else printable_name(arguments[0])
    return first if len(arguments) == 1 else f"{first} and {len(arguments) - 1} more"
