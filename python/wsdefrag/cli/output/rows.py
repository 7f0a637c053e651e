"""Prints what ``replay`` and ``mock`` found: a line for each turn, or one JSON document.

A text line has the number of the connection, an arrow (``->`` from the client, ``<-`` from the
server), the result, and what was received; for what differs, also what was recorded. Contents are
cut to the width of the line as in ``messages``.

The JSON document is written while connections end. It has ``connections`` and ``counts``; contents
are in ``text``, or in ``base64`` if they are binary or not UTF-8.

Invariant: a text line contains exactly one line feed, its last character.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from wsdefrag.cli.output.errors import note
from wsdefrag.cli.output.numbers import counted
from wsdefrag.cli.output.render import MIN_CONTENT_COLUMNS
from wsdefrag.formats.jsonl import json_content
from wsdefrag.formats.shown import escaped, shown_binary, shown_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wsdefrag.replay import Played, Row, Turn

RESULTS = ("equal", "different", "missing", "extra", "unknown")

_COLOURS = {"different": "red", "missing": "red", "extra": "red", "unknown": "yellow"}
_TEXT = 1


class Rows:
    """Prints and counts what came of connections.

    Args:
        width: The most columns of a line; 0 for no limit.
        colours: Whether to use terminal colours.
        as_json: Whether to print a JSON document.
        only_differences: Whether to leave out rows that are equal.

    Attributes:
        results: How many rows have each result.
        is_equal: Whether all connections were equal.
        has_losses: Whether something could not be played or compared.
    """

    def __init__(self, *, width: int, colours: bool, as_json: bool, only_differences: bool) -> None:
        """Print nothing yet."""
        self._width = width or sys.maxsize
        self._colours, self._as_json, self._only = colours, as_json, only_differences
        self.results: Counter[str] = Counter()
        self._unsent: Counter[str] = Counter()
        self._sent = self._gaps = self._connections = self._failed = 0
        self.is_equal, self.has_losses = True, False

    def start(self) -> None:
        """Print what stands before the first connection."""
        if self._as_json:
            click.echo('{"connections": [', nl=False)

    def add(self, played: Played) -> None:
        """Print and count what came of a connection."""
        rows = [row for row in played.rows if not (self._only and row.result == "equal")]
        number = played.recorded.number
        if self._as_json:
            comma = ",\n" if self._connections else "\n"
            click.echo(comma + json.dumps(_connection(played, rows)), nl=False)
        else:
            click.echo("".join(self._lines(number, rows)), nl=False, color=True)
            if played.error is not None:
                note(f"connection {number}", escaped(played.error))
        self.results.update(row.result for row in played.rows)
        self._unsent.update(played.unsent)
        self._sent += played.sent
        self._gaps += played.gaps
        self._connections += 1
        self._failed += played.error is not None
        self.is_equal = self.is_equal and played.is_equal
        self.has_losses = self.has_losses or played.has_losses

    def finish(self) -> None:
        """Print what stands after the last connection."""
        if self._as_json:
            counts = {
                "connections": self._connections,
                "failed": self._failed,
                "sent": self._sent,
                "unsent": dict(self._unsent),
                "gaps": self._gaps,
                **{name: self.results[name] for name in RESULTS},
            }
            click.echo(f'\n], "counts": {json.dumps(counts)}}}')

    def sentences(self) -> Iterator[str]:
        """Return the totals, and what could not be played or compared."""
        found = [f"{self.results[name]:,} {name}" for name in RESULTS if self.results[name]]
        failed = f", {self._failed:,} failed" if self._failed else ""
        yield (
            f"{counted(self._connections, 'connection')}{failed}; "
            f"{counted(self._sent, 'message')} sent; {', '.join(found) or 'nothing'} received"
        )
        for reason, count in sorted(self._unsent.items()):
            yield f"not sent: {counted(count, 'message')} ({reason.replace('_', ' ')})"
        if self._gaps:
            yield f"{counted(self._gaps, 'gap')} that may hide messages"

    def _lines(self, number: int, rows: list[Row]) -> Iterator[str]:
        for row in rows:
            turn = row.received or row.recorded
            assert turn is not None
            arrow = "->" if turn.from_client else "<-"
            result = f"{row.result:<9}"
            start = f"{number:>5} {arrow} "
            room = self._width - len(start) - len(result) - 1
            if row.result == "different" and row.recorded is not None:
                middle = " instead of "
                half = (room - len(middle)) // 2
                rest = _shown(turn, half) + middle + _shown(row.recorded, half)
            else:
                rest = _shown(turn, room)
            if self._colours and row.result in _COLOURS:
                result = click.style(result, fg=_COLOURS[row.result])
            yield f"{start}{result} {rest}".rstrip(" ") + "\n"


def _shown(turn: Turn, room: int) -> str:
    content = turn.content
    if turn.kind == "close":
        code = "unknown" if turn.close_code is None else turn.close_code
        start = f"close           {code}"
        is_text = True
    elif turn.kind == "response":
        start, is_text = "response       ", True
    else:
        is_text = turn.type == _TEXT
        start = f"{'text' if is_text else 'binary':<6} {len(content):>7} B "
        if not turn.is_known:
            start += f"[{turn.status.replace('_', ' ')}] "
    room = max(room - len(start) - 1, MIN_CONTENT_COLUMNS)
    shown = shown_text(content, room) if is_text else shown_binary(content, room)
    return f"{start} {shown}".rstrip(" ")


def _connection(played: Played, rows: list[Row]) -> dict[str, Any]:
    recorded = played.recorded
    return {
        "connection": recorded.number,
        "uid": recorded.captured.uid.hex(),
        "target": recorded.target,
        "is_equal": played.is_equal,
        "error": played.error,
        "sent": played.sent,
        "unsent": dict(played.unsent),
        "gaps": played.gaps,
        "rows": [
            {
                "result": row.result,
                "recorded": None if row.recorded is None else _turn(row.recorded),
                "received": None if row.received is None else _turn(row.received),
            }
            for row in rows
        ],
    }


def _turn(turn: Turn) -> dict[str, Any]:
    is_text = turn.kind != "message" or turn.type == _TEXT
    found: dict[str, Any] = {
        "from_client": turn.from_client,
        "kind": turn.kind,
        "type": {1: "text", 2: "binary"}.get(turn.type),
        "size": len(turn.content),
        "status": turn.status,
        "close_code": turn.close_code,
        **json.loads(f"{{{json_content(turn.content, is_text=is_text)}}}"),
    }
    return found
