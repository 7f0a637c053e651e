"""``Reading``: reads captures for a command, shows progress, and reports losses at the end.

Exit status: 0 if everything was read; 1 if something was lost, a rule was broken or a file is
damaged; 2 if nothing could be read; 130 and the like for signals. Problems that ``--tolerate``
names are printed but do not change the exit status.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from wsdefrag.capture import PacketCounts
from wsdefrag.capture._arguments import TABLES
from wsdefrag.cli.input.inputs import Input, is_regular, name_of
from wsdefrag.cli.input.source import file_size, progress
from wsdefrag.cli.output.errors import BadStream, UnusableInput, note, printable_name
from wsdefrag.cli.output.losses import Losses
from wsdefrag.cli.output.numbers import counted
from wsdefrag.cli.output.unfollowed import held_instead
from wsdefrag.cli.signals import Stopped
from wsdefrag.errors import CaptureError
from wsdefrag.formats.shown import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from wsdefrag.capture.reader import CaptureItem
    from wsdefrag.cli.selection import Selection

T = TypeVar("T")


def _in_a_thread(read: Callable[[], T]) -> T:
    """Call a function in another thread, so that signal handlers run meanwhile.

    The native module reads a pipe among several files itself. A signal that comes just before such
    a read does not interrupt it. The end of the process ends the thread.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(read())
        except BaseException as error:  # raised below
            errors.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
    for error in errors:
        raise error
    return results[0]


class Counters(Protocol):
    """What a pass of the native module has counted so far."""

    def note(self, sentence: str) -> None:
        """Add a sentence to a report."""

    @property
    def has_ended(self) -> bool:
        """Whether the capture was read to its end."""

    @property
    def bytes_read(self) -> int:
        """Bytes of the files."""

    @property
    def counts(self) -> dict[str, Any]:
        """The counters of the packets."""

    @property
    def tally(self) -> dict[str, Any]:
        """The counters of the rows."""

    @property
    def warnings(self) -> list[str]:
        """Warnings about files."""


class Reading:
    """One pass over captures.

    Args:
        source: The paths of the captures, or an open input.
        selection: The values of the options.
        content: Whether to read contents.

    Attributes:
        source: The paths, or the open input.
        name: The name of the captures in notes and errors.
        losses: The losses counted so far.
        counts: The counters of the packets, after the pass.
        capture: The capture.
        bytes_read: Bytes read from the files.
        failure: The error of a damaged file, or None.
    """

    def __init__(
        self, source: Input | list[str], selection: Selection, *, content: bool = True
    ) -> None:
        """Start the clock; reads no packets."""
        self._names = [source.name] if isinstance(source, Input) else source
        self.name = source.name if isinstance(source, Input) else name_of(source)
        self.losses = Losses(selection.sender, selection.connection)
        self.capture = selection.capture(source, content=content)
        self.selection = selection
        self.counts: PacketCounts | None = None
        self._started = time.perf_counter()
        self.failure: CaptureError | None = None
        self.source = source
        self._stopped: Stopped | None = None
        self.bytes_read = 0

    def batches(self) -> Generator[list[CaptureItem], None, None]:
        """Read the capture.

        A damaged file or a signal ends the iteration early, without an exception; ``finish``
        reports it.

        Yields:
            Batches of messages, events and ended connections.

        Raises:
            UnusableInput: If a file cannot be read, or nothing in it could be.
        """
        with self.capture.read() as reader:
            # Leaving the block removes the progress bar before anything else is printed.
            with progress(self._size(), self.name, lambda: self.losses.messages) as advance:
                while (batch := self._next(reader.next_batch)) is not None:
                    self.losses.count(batch)
                    yield batch
                    advance(reader.bytes_read)
            self.bytes_read = reader.bytes_read
            self.counts = reader.counts
            self._count_packets(self.counts, reader.warnings)
        self._check()

    def blocks(self, format: str, options: Mapping[str, Any]) -> Generator[bytes, None, None]:
        """Read the capture, and have the native module make an output of it.

        As with ``batches``, ``finish`` reports a damaged file or a signal. Text is in UTF-8.

        Args:
            format: The name of the format, as ``CapturePlan.output`` takes it.
            options: Its options.

        Yields:
            Bytes of the output, after each read that completed some.

        Raises:
            UnusableInput: If a file cannot be read, or nothing in it could be.
        """
        made = self.capture._output(format, options)
        with closing(self._driven(made, made.next_block)) as blocks:
            yield from filter(None, blocks)

    def table_blocks(
        self, format: str, tables: Sequence[str], options: Mapping[str, Any]
    ) -> Generator[tuple[str, bytes], None, None]:
        """Read the capture, and have the native module make a file of each of these tables.

        Args:
            format: The name of the format, as ``CapturePlan.table_files`` takes it.
            tables: The names of the tables.
            options: Its options.

        Yields:
            The name of a table, and bytes of its file.

        Raises:
            UnusableInput: If a file cannot be read, or nothing in it could be.
            Stopped: If a signal came; a live input has ended instead, and its files are complete.
        """
        made = self.capture._table_files(format, tables, options)
        with closing(self._driven(made, made.next_part)) as parts:
            for number, block in parts:
                if block:
                    yield TABLES[number], block
        if self._stopped is not None:
            raise self._stopped

    def _driven(self, made: Counters, read: Callable[[], T | None]) -> Generator[T, None, None]:
        """Drive a pass with progress to its end, and count what it has counted."""
        is_noted = False
        has_pipe = isinstance(self.source, list) and not all(map(is_regular, self.source))
        call = partial(_in_a_thread, read) if has_pipe else read
        with progress(self._size(), self.name, lambda: made.tally["messages"]) as advance:
            while (part := self._next(call)) is not None:
                yield part
                advance(made.bytes_read)
                if made.has_ended and not is_noted:
                    is_noted = True
                    for sentence in _notes(PacketCounts(**made.counts), made.warnings):
                        made.note(sentence)
        self.bytes_read = made.bytes_read
        if has_pipe and self._stopped is not None:
            return  # the thread still has the pass
        self.counts = PacketCounts(**made.counts)
        self.losses.count_tally(made.tally)
        self._count_packets(self.counts, made.warnings)
        self._check()

    def written_blocks(
        self, format: str, options: Mapping[str, Any]
    ) -> Generator[bytes, None, None]:
        """Read the capture like ``blocks``, for an output file.

        Args:
            format: The name of the format.
            options: Its options.

        Yields:
            Bytes of the output.

        Raises:
            Stopped: If a signal came; a live input has ended instead, and its file is complete.
        """
        with closing(self.blocks(format, options)) as blocks:
            yield from blocks
        if self._stopped is not None:
            raise self._stopped

    def items(self) -> Generator[CaptureItem, None, None]:
        """Read the capture like ``batches``, one item at a time, for an output file.

        Yields:
            Messages, events and ended connections.

        Raises:
            Stopped: If a signal came; a live input has ended instead, and its file is complete.
        """
        with closing(self.batches()) as batches:
            for batch in batches:
                yield from batch
        if self._stopped is not None:
            raise self._stopped

    def _count_packets(self, counts: PacketCounts, warnings: list[str]) -> None:
        self.losses.count_packets(counts, warnings, has_key_log=bool(self.selection.keylog))

    def _size(self) -> int:
        """Return the bytes of all files, as stored; 0 if that is not known."""
        if isinstance(self.source, Input):
            return file_size(self.source)
        try:
            return sum(os.path.getsize(path) for path in self.source if is_regular(path))
        except OSError:  # reading will say so
            return 0

    def _check(self) -> None:
        """Raise the failure of a pass that has read nothing."""
        if self.failure is not None and self.counts is not None and not self.counts.packets:
            raise UnusableInput(*self._file_and_text(str(self.failure)))

    def _next(self, read: Callable[[], T | None]) -> T | None:
        """Return the next part of a pass; None at the end and after an error or a signal."""
        try:
            return read()
        except CaptureError as error:
            if self.stopped is None:  # otherwise the input ended in the middle of a record
                self.failure = error
        except OSError as error:
            name = self.name if error.filename is None else os.fspath(error.filename)
            raise UnusableInput(escaped(name), error.strerror or str(error)) from None
        except Stopped as stopped:
            self._stopped = stopped
        return None

    @property
    def stopped(self) -> Stopped | None:
        """The signal that ended the pass or its live input, or None."""
        ended = self.source.stopped if isinstance(self.source, Input) else None
        return self._stopped or ended

    @property
    def ended_early(self) -> bool:
        """Whether an error or a signal ended the pass before the end of the capture."""
        return self.failure is not None or self.stopped is not None

    def finish(
        self, context: click.Context, *, summary: bool = False, written: str | None = None
    ) -> None:
        """Print losses and violations; end the command if its exit status is not 0.

        Args:
            context: The context of the command.
            summary: Whether to print totals and speed.
            written: What was written, for the summary, if it is not all that was read.

        Raises:
            BadStream: If the capture is damaged.
        """
        if self.counts is not None and not self.losses.messages:
            if not self.losses.connections:
                self._note_nothing_found(self.counts)
            elif self.selection.searches():
                packets = counted(self.counts.packets, "packet")
                note(self.name, f"no message matches the filters in {packets}")
        for warning in self.losses.warnings:
            note(*self._file_and_text(warning))
        for line in [*self.losses.notes, *self.losses.lines()]:
            note(self.name, line)
        not_found = "" if self.ended_early else self.losses.not_found()
        if not_found:
            note(self.name, not_found)
        if summary:
            note(self.name, f"{written}; of {self._summary()}" if written else self._summary())
        if self.failure is not None:
            raise BadStream(*self._file_and_text(str(self.failure)))
        if self.stopped is not None:
            context.exit(self.stopped.exit_status)
        if not_found:
            context.exit(BadStream.exit_code)
        losses, tolerates = self.losses, self.selection.tolerates
        if losses.has_losses and not tolerates("loss"):
            context.exit(BadStream.exit_code)
        if losses.has_violations and not tolerates("all"):
            context.exit(BadStream.exit_code)

    def _file_and_text(self, text: str) -> tuple[str, str]:
        """Split a line of the capture reader into file name and text.

        A line without a file name is about all captures.
        """
        for name in self._names:
            # Bytes of a name that are no UTF-8 stand replaced in the line.
            shown = os.fsencode(name).decode(errors="replace")
            if text.startswith(f"{shown}: "):
                return printable_name(name), escaped(text[len(shown) + 2 :])
        return self.name, escaped(text)

    def _note_nothing_found(self, counts: PacketCounts) -> None:
        if self.selection.filters():
            packets = counted(counts.packets, "packet")
            note(self.name, f"nothing matches the filters in {packets}")
        else:
            note(self.name, held_instead(counts))

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


def _notes(counts: PacketCounts, warnings: list[str]) -> list[str]:
    """Return what a pass did not read, for an output that has a place for it."""
    losses = Losses()
    losses.count_packets(counts, warnings)
    return [*losses.warnings, *losses.notes]
