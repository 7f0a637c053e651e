"""Raw dumps: the bytes of one direction in, its messages out.

Pieces of the stream go through a ``MessageReassembler``; what it gives is printed before the
next piece is read, so a pipe shows its messages as they arrive. Reading stops at the first
violation; after a Close it goes on, to say in the summary how much followed.

Whatever ends it, the messages before that are printed first, then on standard error what was
tolerated (if anything was), the summary (if asked for), and last what is wrong.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import click

from wsdefrag.cli.input.source import pieces, read_arrivals, recorded_pieces, with_progress
from wsdefrag.cli.output.complaint import BadStream, Complaint, note, stream_name
from wsdefrag.cli.output.losses import tolerated_text
from wsdefrag.cli.output.render import escaped
from wsdefrag.errors import IncompleteMessage, WebSocketError
from wsdefrag.opcode import CloseCode
from wsdefrag.reassembler import MessageReassembler

if TYPE_CHECKING:
    import io

    from wsdefrag.cli.output.printer import Printer
    from wsdefrag.cli.selection import Selection
    from wsdefrag.deflate import DeflateParams
    from wsdefrag.events import Close
    from wsdefrag.message import WebSocketMessage

# What a shell says of a program that was ended by Ctrl-C.
INTERRUPTED = 130


@dataclass(frozen=True)
class DumpOptions:
    """What has to be said of a raw dump, and what a capture says itself.

    Attributes:
        deflate: The agreed permessage-deflate parameters.
        timestamp: The time of all messages, in seconds since the epoch.
        times: A recording of when the bytes arrived.
    """

    deflate: DeflateParams | None
    timestamp: float | None
    times: IO[bytes] | None

    def given(self) -> list[str]:
        """Name the options that were given."""
        options = {"deflate": self.deflate, "timestamp": self.timestamp, "times": self.times}
        return [f"--{name}" for name, value in options.items() if value is not None]


@dataclass
class _Tally:
    """What the summary tells: messages, bytes of content, and when it all began (seconds)."""

    started: float
    messages: int = 0
    content: int = 0


def print_dump(
    context: click.Context,
    stream: io.BufferedIOBase,
    selection: Selection,
    options: DumpOptions,
    write: Printer[WebSocketMessage],
    *,
    summary: bool,
) -> None:
    """Print the messages of a raw dump.

    Args:
        context: The command's.
        stream: The bytes that one side sent after the handshake.
        selection: Who sent them, and how strictly they are read.
        options: What else has to be said of them.
        write: Prints messages.
        summary: Whether to say at the end how much and how fast.

    Raises:
        BadStream: If the bytes break a rule or stop too early, and that was not tolerated.
        UnusableInput: If the stream cannot be read.
    """
    reassembler = MessageReassembler(
        from_client=selection.sender == "client",
        deflate=options.deflate,
        limits=selection.limits(),
        strictness=selection.strictness(),
    )
    if options.times is None:
        source = pieces(stream, options.timestamp)
    else:
        arrivals = read_arrivals(options.times, selection.sender or "")
        source = recorded_pieces(stream, arrivals)

    tally = _Tally(started=time.perf_counter())
    failure: Exception | None = None
    interrupted = False
    try:
        # Closed before anything is said about it, so that no progress bar is in the way.
        with closing(with_progress(source, stream)) as read:
            for data, arrived in read:
                batch = reassembler.receive_data(data, timestamp=arrived)
                tally.messages += len(batch)
                tally.content += sum(len(message.content) for message in batch)
                write(batch)
                if reassembler.error is not None:
                    break
        reassembler.receive_eof()
    except (WebSocketError, Complaint) as error:
        failure = error
    except KeyboardInterrupt:  # the usual end of what is read from a live pipe
        interrupted = True

    name = stream_name(stream)
    if breaches := tolerated_text(reassembler.tolerated):
        note(name, breaches)
    if summary:
        note(name, _summary(tally, reassembler))
    if isinstance(failure, WebSocketError):
        if selection.tolerates("loss" if isinstance(failure, IncompleteMessage) else "all"):
            note(name, str(failure))
        else:
            raise BadStream(name, str(failure)) from None
    elif failure is not None:
        raise failure
    if interrupted:
        context.exit(INTERRUPTED)


def _summary(tally: _Tally, reassembler: MessageReassembler) -> str:
    """Say how much was read, how fast, and how the peer closed."""
    # The clock may be too coarse to see a very short time.
    seconds = max(time.perf_counter() - tally.started, 1e-9)
    received = reassembler.bytes_received
    parts = [
        f"{tally.messages:,} messages with {tally.content:,} bytes",
        f"{received:,} bytes read in {seconds:.3f} s",
        f"{tally.messages / seconds:,.0f} messages/s, {received / seconds / 1e6:,.1f} MB/s",
        _closing(reassembler.close_received),
    ]
    if reassembler.close_received is not None and reassembler.bytes_discarded:
        parts.append(f"{reassembler.bytes_discarded:,} bytes after it discarded")
    return "; ".join(parts)


def _closing(close: Close | None) -> str:
    if close is None:
        return "no Close"
    if close.close_code == CloseCode.NO_STATUS_RCVD:
        return "Close without a code"
    reason = f' "{escaped(close.close_reason)}"' if close.close_reason else ""
    return f"Close {close.close_code}{reason}"
