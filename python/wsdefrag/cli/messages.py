"""The subcommand ``messages``: the raw bytes of one direction in, one line a message out.

Pieces of the stream go through a ``MessageReassembler``; what it gives is printed before the
next piece is read, so a pipe shows its messages as they arrive. The command stops at the first
violation; after a Close it reads on, to say in the summary how much followed.

Whatever ends it, the messages before that are printed first, then on standard error what was
tolerated (if anything was), the summary (if asked for), and last what is wrong.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import closing
from dataclasses import dataclass, fields
from typing import IO, TYPE_CHECKING, Literal

import click

from wsdefrag.cli.complaint import BadStream, Complaint, note, stream_name
from wsdefrag.cli.parameters import deflate_header, seconds
from wsdefrag.cli.render import TextLines, escaped, json_line
from wsdefrag.cli.source import pieces, read_arrivals, recorded_pieces, with_progress
from wsdefrag.errors import WebSocketError
from wsdefrag.limits import Limits
from wsdefrag.opcode import CloseCode
from wsdefrag.reassembler import MessageReassembler
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    from wsdefrag.deflate import DeflateParams
    from wsdefrag.events import Close
    from wsdefrag.message import WebSocketMessage

# Lines are written in bunches: one by one costs a system call each, and a MiB of tiny messages
# at once would be tens of MiB of lines.
_BUNCH = 1024

# What a shell says of a program that was ended by Ctrl-C.
_INTERRUPTED = 130

_DEFAULTS = Limits()
_RULES = [field.name.replace("_", "-") for field in fields(Strictness)]

_COUNT = click.IntRange(min=0)

_EPILOG = """
\b
Examples:
  wsdefrag messages server.bin --from server
  wsdefrag messages client.bin --from client --deflate "permessage-deflate"
  tail -c +1 -f dump.bin | wsdefrag messages - --from server --format jsonl
"""


@dataclass
class _Tally:
    """What the summary tells: messages, bytes of content, and when it all began (seconds)."""

    started: float
    messages: int = 0
    content: int = 0


@click.command(epilog=_EPILOG)
@click.argument("stream", type=click.File("rb"))
@click.option(
    "--from",
    "sender",
    type=click.Choice(["client", "server"]),
    required=True,
    help="Who sent the bytes.",
)
@click.option(
    "--deflate",
    metavar="HEADER",
    callback=deflate_header,
    help="What was agreed: Sec-WebSocket-Extensions of the 101 answer.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="Lines for people or JSON lines.",
)
@click.option(
    "--width",
    type=_COUNT,
    metavar="COLUMNS",
    help="Length of a text line; 0: no limit.  [default: the terminal's]",
)
@click.option("--lax", is_flag=True, help="Keep text that is not UTF-8.")
@click.option(
    "--tolerate",
    type=click.Choice(_RULES),
    multiple=True,
    help="A rule to let pass and count; repeatable.",
)
@click.option(
    "--max-message-size",
    type=_COUNT,
    metavar="BYTES",
    default=_DEFAULTS.max_message_size,
    show_default="64 MiB",
    help="Most bytes of a message, inflated; 0: no limit.",
)
@click.option(
    "--max-frame-size",
    type=_COUNT,
    metavar="BYTES",
    default=_DEFAULTS.max_frame_size,
    show_default="64 MiB",
    help="Most bytes of a frame; 0: no limit.",
)
@click.option(
    "--max-fragments",
    type=_COUNT,
    metavar="COUNT",
    default=_DEFAULTS.max_fragments,
    show_default=True,
    help="Most frames of a message; 0: no limit.",
)
@click.option(
    "--timestamp",
    type=float,
    metavar="SECONDS",
    callback=seconds,
    help="Time of all messages, since the epoch; else now.",
)
@click.option(
    "--times",
    type=click.File("rb"),
    metavar="FILE",
    help='Times of arrival: JSON, {"chunks": [[seconds, sender, bytes], ...]}.',
)
@click.option("--summary", is_flag=True, help="Say at the end how much and how fast.")
@click.pass_context
def messages(
    context: click.Context,
    *,
    stream: io.BufferedIOBase,
    sender: Literal["client", "server"],
    deflate: DeflateParams | None,
    output_format: Literal["text", "jsonl"],
    width: int | None,
    lax: bool,
    tolerate: tuple[str, ...],
    max_message_size: int,
    max_frame_size: int,
    max_fragments: int,
    timestamp: float | None,
    times: IO[bytes] | None,
    summary: bool,
) -> None:
    """Print the messages of one direction.

    STREAM holds the bytes one side sent after the handshake; - is standard input. A stream that
    breaks a rule or stops inside a message gives one line on standard error and exit status 1.
    """
    if timestamp is not None and times is not None:
        raise click.UsageError("--timestamp and --times exclude each other.")
    try:
        limits = Limits(
            max_message_size=max_message_size or None,
            max_frame_size=max_frame_size or None,
            max_fragments=max_fragments or None,
        )
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    reassembler = MessageReassembler(
        from_client=sender == "client",
        deflate=deflate,
        limits=limits,
        strictness=Strictness(**{rule.replace("-", "_"): False for rule in tolerate}),
        utf8="lax" if lax else "strict",
    )
    if times is None:
        source = pieces(stream, timestamp)
    else:
        source = recorded_pieces(stream, read_arrivals(times, sender))
    write = _writer(output_format, width)

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
    breaches = [
        f"{rule.replace('_', '-')} {count:,}"
        for rule, count in reassembler.tolerated.items()
        if count
    ]
    if breaches:
        note(name, f"tolerated {', '.join(breaches)}")
    if summary:
        note(name, _summary(tally, reassembler))
    if isinstance(failure, WebSocketError):
        raise BadStream(name, str(failure)) from None
    if failure is not None:
        raise failure
    if interrupted:
        context.exit(_INTERRUPTED)


def _writer(
    output_format: Literal["text", "jsonl"], width: int | None
) -> Callable[[list[WebSocketMessage]], None]:
    """Make what prints messages on standard output and flushes it."""
    jsonl = output_format == "jsonl"
    line: Callable[[WebSocketMessage], str] = json_line
    if not jsonl:
        columns = shutil.get_terminal_size().columns if width is None else width
        line = TextLines(columns, colours=_colours_wanted())

    def write(batch: list[WebSocketMessage]) -> None:
        for start in range(0, len(batch), _BUNCH):
            lines = "".join(map(line, batch[start : start + _BUNCH]))
            # JSON is UTF-8 wherever it goes; text is in the encoding of the terminal. What is
            # coloured has been decided, so click is to leave it as it is.
            click.echo(lines.encode() if jsonl else lines, nl=False, color=True)

    return write


def _colours_wanted() -> bool:
    """Colours are for terminals, and not for those who set NO_COLOR to anything but nothing."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _summary(tally: _Tally, reassembler: MessageReassembler) -> str:
    """Say how much was read, how fast, and how the peer closed."""
    # The clock may be too coarse to see a very short time.
    seconds = max(time.perf_counter() - tally.started, 1e-9)
    received = reassembler.bytes_received
    parts = [
        f"{tally.messages:,} messages with {tally.content:,} bytes",
        f"{received:,} bytes read in {seconds:.3f} s",
        f"{tally.messages / seconds:,.0f} messages/s, {received / seconds / 1e6:,.1f} MB/s",
        _closing(reassembler.close),
    ]
    if reassembler.close is not None and reassembler.bytes_discarded:
        parts.append(f"{reassembler.bytes_discarded:,} bytes after it discarded")
    return "; ".join(parts)


def _closing(close: Close | None) -> str:
    if close is None:
        return "no Close"
    if close.close_code == CloseCode.NO_STATUS_RCVD:
        return "Close without a code"
    reason = f' "{escaped(close.close_reason)}"' if close.close_reason else ""
    return f"Close {close.close_code}{reason}"
