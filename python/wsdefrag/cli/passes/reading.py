"""Reading captures for a command: batches with progress, and what is said and returned at the end.

Exit status: 0 if all was read; 1 if something was lost or broke a rule, or the file is damaged; 2
if there was nothing to begin with. What ``--tolerate`` names is said and does not count.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from wsdefrag.cli.input.inputs import Input, name_of
from wsdefrag.cli.input.source import progress
from wsdefrag.cli.output.complaint import BadStream, UnusableInput, note, printable_name
from wsdefrag.cli.output.losses import Losses
from wsdefrag.cli.output.render import counted, escaped
from wsdefrag.cli.passes.dump import INTERRUPTED
from wsdefrag.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Generator

    from wsdefrag.capture import (
        CapturedConnection,
        CapturedMessage,
        CaptureReader,
        PacketCounts,
    )
    from wsdefrag.cli.selection import Selection


class Reading:
    """One pass over captures.

    Args:
        source: Their paths, or the one that is open.
        selection: What is wanted of them.
        content: Whether contents are wanted.

    Attributes:
        name: What they are called in messages.
        losses: What was lost so far.
        capture: What is read.
        bytes_read: Bytes of the files read.
        failure: What is wrong with a damaged file.
        interrupted: Whether Ctrl-C ended it.
    """

    def __init__(
        self, source: Input | list[str], selection: Selection, *, content: bool = True
    ) -> None:
        """Read nothing yet."""
        self._names = [source.name] if isinstance(source, Input) else source
        self.name = source.name if isinstance(source, Input) else name_of(source)
        self.losses = Losses(selection.sender)
        self.capture = selection.capture(source, content=content)
        self.selection = selection
        self._started = time.perf_counter()
        self.failure: CaptureError | None = None
        self.interrupted = False
        self.bytes_read = 0

    def batches(self) -> Generator[list[CapturedMessage | CapturedConnection], None, None]:
        """Read the capture.

        A damaged file and Ctrl-C (the usual end of what is read from a live pipe) end it as the
        end of the capture does; ``finish`` tells of them.

        Yields:
            What each piece of the capture completed.

        Raises:
            UnusableInput: If a file cannot be read, or has nothing in it that can.
        """
        with self.capture.read() as reader:
            # Closed before anything is said, so that no progress bar is in the way.
            with progress(reader.bytes_total or 0, self.name) as advance:
                while (batch := self._next(reader)) is not None:
                    self.losses.see(batch)
                    yield batch
                    advance(reader.bytes_read)
            self.bytes_read = reader.bytes_read
            counts = reader.counts
            self.losses.see_packets(counts, reader.warnings)
        if self.failure is not None and not counts.packets:
            raise UnusableInput(*self._place(str(self.failure)))
        if not self.losses.connections and not self.losses.messages:
            self._say_nothing_found(counts)

    def items(self) -> Generator[CapturedMessage | CapturedConnection, None, None]:
        """Read the capture, one thing at a time.

        Yields:
            What ``batches`` gives.
        """
        with closing(self.batches()) as batches:
            for batch in batches:
                yield from batch

    def _next(self, reader: CaptureReader) -> list[CapturedMessage | CapturedConnection] | None:
        """Read on; None at the end, whatever that is."""
        try:
            return reader.next_batch()
        except CaptureError as error:
            self.failure = error
        except OSError as error:
            name = self.name if error.filename is None else os.fspath(error.filename)
            raise UnusableInput(escaped(name), error.strerror or str(error)) from None
        except KeyboardInterrupt:
            self.interrupted = True
        return None

    @property
    def ended_early(self) -> bool:
        """Whether something else than its end was the end of the capture."""
        return self.failure is not None or self.interrupted

    def finish(self, context: click.Context, *, summary: bool = False) -> None:
        """Say what was lost, and end the command with its exit status if that is not 0.

        Args:
            context: The command's.
            summary: Whether to say how much was read and how fast.

        Raises:
            BadStream: If the capture is damaged.
        """
        for warning in self.losses.warnings:
            note(*self._place(warning))
        for line in self.losses.lines():
            note(self.name, line)
        if summary:
            note(self.name, self._summary())
        if self.failure is not None:
            raise BadStream(*self._place(str(self.failure)))
        if self.interrupted:
            context.exit(INTERRUPTED)
        losses, tolerates = self.losses, self.selection.tolerates
        if losses.has_losses and not tolerates("loss"):
            context.exit(BadStream.exit_code)
        if losses.has_violations and not tolerates("all"):
            context.exit(BadStream.exit_code)

    def _place(self, text: str) -> tuple[str, str]:
        """Divide a line of the reader's into the name of the file that it begins with and the rest.

        Where it begins with none, it is about all of them.
        """
        for name in self._names:
            if text.startswith(f"{name}: "):
                return printable_name(name), escaped(text[len(name) + 2 :])
        return self.name, escaped(text)

    def _say_nothing_found(self, counts: PacketCounts) -> None:
        packets = counted(counts.packets, "packet")
        if self.selection.filters():
            note(self.name, f"nothing that was asked for in {packets}")
        else:
            tcp = counts.tcp + counts.exported
            note(self.name, f"no WebSocket in {packets}, {tcp:,} of them TCP")

    def _summary(self) -> str:
        seconds = max(time.perf_counter() - self._started, 1e-9)
        losses = self.losses
        return "; ".join(
            [
                f"{counted(losses.messages, 'message')} with {counted(losses.content, 'byte')}",
                counted(losses.connections, "connection"),
                f"{self.bytes_read:,} bytes read in {seconds:.3f} s",
                f"{losses.messages / seconds:,.0f} messages/s",
                f"{self.bytes_read / seconds / 1e6:,.1f} MB/s",
            ]
        )
