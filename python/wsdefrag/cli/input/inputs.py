"""What the arguments of a command name: captures, raw dumps, standard input.

The first bytes tell: a pcap or pcapng file starts with its magic number, a compressed one with
gzip's. No raw dump starts so, because each of these numbers, read as a WebSocket frame, has a
reserved opcode, a reserved bit or a fragmented control frame in it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from wsdefrag.cli.output.complaint import UnusableInput, printable_name, stream_name

if TYPE_CHECKING:
    from collections.abc import Sequence

# pcap in microseconds and nanoseconds, in both byte orders; pcapng; gzip.
_MAGICS = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",
    b"\x1f\x8b",
)

EXISTING = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
"""The type of an argument that names an input; ``-`` is standard input."""


class Input(io.BufferedIOBase):
    """A file or standard input, whose first bytes can be looked at before it is read.

    Reading gives what there is, so what comes through a pipe is there as it arrives.

    Args:
        argument: A path, or ``-``.

    Attributes:
        name: Its name, fit to be printed.
        is_capture: Whether it starts as captures do.
        position: Bytes read so far.

    Raises:
        UnusableInput: If it cannot be opened or read.
    """

    def __init__(self, argument: str) -> None:
        """Open it and look at its start."""
        super().__init__()
        self.position = 0
        self._is_ours = argument != "-"
        try:
            self._stream = cast("io.BufferedIOBase", click.open_file(argument, "rb"))
            self.name = stream_name(self._stream)
            self._ahead = self._start()
        except OSError as error:
            raise UnusableInput(name_of([argument]), error.strerror or str(error)) from None
        self.is_capture = self._ahead.startswith(_MAGICS)

    def _start(self) -> bytes:
        """Read until it is certain whether it is a capture, and no further."""
        start = b""
        while any(len(start) < len(magic) and magic.startswith(start) for magic in _MAGICS):
            data = self._stream.read1(4 - len(start))
            if not data:
                break
            start += data
        return start

    def readable(self) -> bool:
        """Whether it can be read, which it can."""
        return True

    def fileno(self) -> int:
        """Give the descriptor of what is read."""
        return self._stream.fileno()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read that many bytes, or all there are."""
        left = -1 if size is None else size
        parts = []
        while left and (data := self.read1(left)):
            parts.append(data)
            left -= len(data) if left > 0 else 0
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """Read what there is, at most that many bytes."""
        if self._ahead:
            end = len(self._ahead) if size < 0 else size
            data, self._ahead = self._ahead[:end], self._ahead[end:]
        else:
            data = self._stream.read1(size)
        self.position += len(data)
        return data

    def close(self) -> None:
        """Close it, unless it is standard input."""
        if self._is_ours and not self.closed:
            self._stream.close()
        super().close()


def opened(arguments: Sequence[str]) -> Input | list[str]:
    """Open what the arguments of a command name.

    Args:
        arguments: Paths, or ``-`` alone.

    Returns:
        Captures in regular files as their paths; anything else, which is one input, as an open
        one that may be a capture or not.

    Raises:
        click.UsageError: If one of several is no capture.
        UnusableInput: If one of them cannot be opened or read.
    """
    if len(arguments) == 1:
        stream = Input(arguments[0])
        if not (stream.is_capture and is_regular(arguments[0])):
            return stream
        stream.close()
    elif "-" in arguments:
        raise click.UsageError("Standard input (-) is read alone.")
    else:
        # To look at what is no regular file would be to take it away.
        for path in filter(is_regular, arguments):
            with Input(path) as stream:
                if not stream.is_capture:
                    raise click.UsageError(f"{stream.name} is no capture (pcap or pcapng).")
    return list(arguments)


def captures(arguments: Sequence[str]) -> Input | list[str]:
    """Open captures.

    Args:
        arguments: Paths, or ``-`` alone.

    Returns:
        As ``opened`` does.

    Raises:
        click.UsageError: If one of them is no capture.
        UnusableInput: If one of them cannot be opened or read.
    """
    source = opened(arguments)
    if isinstance(source, Input) and not source.is_capture:
        raise click.UsageError(f"{source.name} is no capture (pcap or pcapng).")
    return source


def is_regular(argument: str) -> bool:
    """Tell whether an argument names a regular file, which can be read more than once."""
    return argument != "-" and Path(argument).is_file()


def name_of(arguments: Sequence[str]) -> str:
    """Give one name for all inputs.

    Args:
        arguments: As given.

    Returns:
        The name, fit to be printed.
    """
    first = "<stdin>" if arguments[0] == "-" else printable_name(arguments[0])
    return first if len(arguments) == 1 else f"{first} and {len(arguments) - 1} more"
