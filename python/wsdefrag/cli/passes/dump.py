"""Prints the messages of a raw dump: a file with the bytes of one direction.

The chunks of the stream go through a ``MessageReassembler``. Its messages are printed before the
next chunk is read, so messages from a pipe appear as they arrive. Reading stops at the first
violation. After a Close, reading continues, because the summary counts the bytes after it.

At the end, standard error gets one line each for tolerated violations (if any), the summary (if
requested) and the error (if any), after all messages on standard output.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import click

from wsdefrag.cli.input.inputs import Input, live
from wsdefrag.cli.input.source import chunks, read_arrivals, recorded_chunks, with_progress
from wsdefrag.cli.output.errors import BadStream, CommandError, note, stream_name
from wsdefrag.cli.output.losses import tolerated_text
from wsdefrag.errors import IncompleteMessage, WebSocketError
from wsdefrag.formats.shown import escaped
from wsdefrag.opcode import CloseCode
from wsdefrag.reassembler import MessageReassembler

if TYPE_CHECKING:
    from wsdefrag.cli.output.printer import Printer
    from wsdefrag.cli.selection import Selection
    from wsdefrag.events import Close
    from wsdefrag.message import WebSocketMessage


@dataclass(frozen=True)
class DumpOptions:
    """Options for facts that a capture contains and a raw dump does not.

    Attributes:
        timestamp: The time of all messages, in seconds since the epoch.
        times: A JSON file with the time and length of each chunk.
    """

    timestamp: float | None
    times: IO[bytes] | None


@dataclass
class _Totals:
    """Totals for the summary: start time (``perf_counter`` seconds), messages, content bytes."""

    started: float
    messages: int = 0
    content: int = 0


def print_dump(
    context: click.Context,
    stream: Input,
    selection: Selection,
    options: DumpOptions,
    write: Printer[WebSocketMessage],
    *,
    summary: bool,
) -> None:
    """Print the messages of a raw dump.

    Args:
        context: The context of the command.
        stream: The bytes that one side sent after the handshake.
        selection: The sender, limits and tolerated rules.
        options: The options for raw dumps.
        write: Prints messages.
        summary: Whether to print totals and speed at the end.

    Raises:
        BadStream: If the bytes break a rule or end inside a message, and this was not tolerated.
        UnusableInput: If the stream cannot be read.
    """
    reassembler = MessageReassembler(
        from_client=selection.sender == "client",
        deflate=selection.deflate,
        limits=selection.limits(),
        strictness=selection.strictness(),
    )
    if options.times is None:
        source = chunks(stream, options.timestamp)
    else:
        arrivals = read_arrivals(options.times, selection.sender or "")
        source = recorded_chunks(stream, arrivals)

    totals = _Totals(started=time.perf_counter())
    failure: Exception | None = None
    try:
        # Closing it removes the progress bar before anything else is printed.
        with live(stream), closing(with_progress(source, stream)) as read:
            for data, arrived in read:
                batch = reassembler.receive_data(data, timestamp=arrived)
                totals.messages += len(batch)
                totals.content += sum(len(message.content) for message in batch)
                write(batch)
                if reassembler.error is not None:
                    break
        if stream.stopped is None:
            reassembler.receive_eof()
    except (WebSocketError, CommandError) as error:
        failure = error

    name = stream_name(stream)
    if breaches := tolerated_text(reassembler.tolerated):
        note(name, breaches)
    if summary:
        note(name, _summary(totals, reassembler))
    if isinstance(failure, WebSocketError):
        if selection.tolerates("loss" if isinstance(failure, IncompleteMessage) else "all"):
            note(name, str(failure))
        else:
            raise BadStream(name, str(failure)) from None
    elif failure is not None:
        raise failure
    if stream.stopped is not None:
        context.exit(stream.stopped.exit_status)


def _summary(totals: _Totals, reassembler: MessageReassembler) -> str:
    """Format totals, speed and the Close."""
    # Avoids a division by zero where the clock is coarse.
    seconds = max(time.perf_counter() - totals.started, 1e-9)
    received = reassembler.bytes_received
    parts = [
        f"{totals.messages:,} messages with {totals.content:,} bytes",
        f"{received:,} bytes read in {seconds:.3f} s",
        f"{totals.messages / seconds:,.0f} messages/s, {received / seconds / 1e6:,.1f} MB/s",
        _closing(reassembler.close_received),
    ]
    if reassembler.close_received is not None and reassembler.bytes_discarded:
        parts.append(f"{reassembler.bytes_discarded:,} bytes after the Close discarded")
    return "; ".join(parts)


def _closing(close: Close | None) -> str:
    if close is None:
        return "no Close"
    if close.close_code == CloseCode.NO_STATUS_RCVD:
        return "Close without a code"
    reason = f' "{escaped(close.close_reason)}"' if close.close_reason else ""
    return f"Close {close.close_code}{reason}"
