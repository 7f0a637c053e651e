"""The recorded WebSocket streams of `vectors/streams`, as Python values.

A recording `NAME` is three files: `NAME.client.bin` and `NAME.server.bin` hold every byte a side
sent after the HTTP handshake, and `NAME.json` holds what cannot be read off the bytes: when they
arrived and in which chunks, what was agreed in the handshake, and what the two applications had
really sent. Nothing here parses a frame; the JSON file is the truth a parser is compared with.

Invariants: `len(recording.client)` is the sum of the client's chunk lengths and likewise for the
server; chunk timestamps never fall; `complete` is False exactly where `partial` is set, and then
`close` is None. `load` raises ValueError for files that break one of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

DIRECTORY = Path(__file__).resolve().parents[2] / "vectors" / "streams"

Side = Literal["client", "server"]


class Chunk(NamedTuple):
    """One network read: `length` bytes of `sender` arrived at `timestamp` (seconds, epoch)."""

    timestamp: float
    sender: Side
    length: int


class Delivery(NamedTuple):
    """A chunk together with its bytes, as the arguments of a `receive_data` call."""

    timestamp: float
    from_client: bool
    data: bytes


class EndOfStream(NamedTuple):
    """When (seconds, epoch) the TCP stream of `sender` ended."""

    timestamp: float
    sender: Side


@dataclass(frozen=True)
class SentMessage:
    """A message as an application handed it to its WebSocket library.

    `length` counts bytes (of UTF-8 for a text) and `sha256` is the hex digest of those bytes.
    `content` is the bytes themselves, None where the message was too long to be listed.
    """

    type: Literal["text", "binary"]
    length: int
    sha256: str
    content: bytes | None

    @property
    def opcode(self) -> int:
        """The opcode of the message's first frame (RFC 6455 section 5.2)."""
        return 1 if self.type == "text" else 2

    def matches(self, content: bytes) -> bool:
        """Tell whether `content` is this message, byte for byte."""
        return len(content) == self.length and hashlib.sha256(content).hexdigest() == self.sha256


@dataclass(frozen=True)
class SentClose:
    """The first Close frame: who sent it and what it said; `code` is None where it was empty."""

    by: Side
    code: int | None
    reason: str


@dataclass(frozen=True)
class PartialMessage:
    """The message that was under way when TCP was dropped.

    `arrived` is the part of its content that had arrived. `where` tells whether the stream stops
    `"between fragments"` or `"inside a frame"`.
    """

    by: Side
    where: Literal["between fragments", "inside a frame"]
    arrived: SentMessage


@dataclass(frozen=True)
class Recording:
    """One connection between two unmodified programs.

    `client` and `server` are the raw bytes each side sent after the handshake, `extensions` the
    `Sec-WebSocket-Extensions` header of the 101 answer (None where it had none), `messages` and
    `pings` what each application sent, `ends` how the two TCP streams ended, in that order.

        >>> recording = load("prices-plain")
        >>> recording.close
        SentClose(by='server', code=1001, reason='the feed ends for today')
    """

    name: str
    shows: str
    client_peer: str
    server_peer: str
    python: str
    recorded: datetime
    extensions: str | None
    client: bytes
    server: bytes
    chunks: tuple[Chunk, ...]
    ends: tuple[EndOfStream, ...]
    messages: dict[Side, tuple[SentMessage, ...]]
    pings: dict[Side, int]
    close: SentClose | None
    complete: bool
    partial: PartialMessage | None

    def stream(self, sender: Side) -> bytes:
        """Return every byte `sender` sent after the handshake."""
        return self.client if sender == "client" else self.server

    def deliveries(self, sender: Side | None = None) -> Iterator[Delivery]:
        """Yield the chunks in arrival order with their bytes, of one sender or of both."""
        offsets: dict[Side, int] = {"client": 0, "server": 0}
        for chunk in self.chunks:
            start = offsets[chunk.sender]
            offsets[chunk.sender] = start + chunk.length
            if sender is None or sender == chunk.sender:
                data = self.stream(chunk.sender)[start : start + chunk.length]
                yield Delivery(chunk.timestamp, chunk.sender == "client", data)


def names(directory: Path = DIRECTORY) -> list[str]:
    """Return the names of all recordings in `directory`, sorted."""
    return sorted(path.stem for path in directory.glob("*.json"))


def load(name: str, directory: Path = DIRECTORY) -> Recording:
    """Read one recording.

    Args:
        name: one of `names()`.
        directory: where its three files are.

    Raises:
        FileNotFoundError: there is no recording of that name.
        ValueError: the three files do not fit together.
    """
    facts: dict[str, Any] = json.loads((directory / f"{name}.json").read_text("utf-8"))
    recording = Recording(
        name=name,
        shows=facts["shows"],
        client_peer=facts["client"],
        server_peer=facts["server"],
        python=facts["python"],
        recorded=datetime.fromisoformat(facts["recorded"]),
        extensions=facts["extensions"],
        client=(directory / f"{name}.client.bin").read_bytes(),
        server=(directory / f"{name}.server.bin").read_bytes(),
        chunks=tuple(Chunk(*chunk) for chunk in facts["chunks"]),
        ends=tuple(EndOfStream(*end) for end in facts["ends"]),
        messages={
            "client": tuple(map(sent_message, facts["messages"]["client"])),
            "server": tuple(map(sent_message, facts["messages"]["server"])),
        },
        pings=facts["pings"],
        close=SentClose(**facts["close"]) if facts["close"] else None,
        complete=facts["complete"],
        partial=_partial(facts["partial"]) if facts["partial"] else None,
    )
    _check(recording)
    return recording


def sent_message(entry: dict[str, Any]) -> SentMessage:
    if "sha256" in entry:
        return SentMessage(entry["type"], entry["length"], entry["sha256"], None)
    if "text" in entry:
        content = entry["text"].encode()
    else:  # binary, or a text that was cut inside a code point
        content = base64.b64decode(entry["base64"], validate=True)
    return SentMessage(entry["type"], len(content), hashlib.sha256(content).hexdigest(), content)


def _partial(entry: dict[str, Any]) -> PartialMessage:
    return PartialMessage(entry["by"], entry["where"], sent_message(entry["arrived"]))


def _check(recording: Recording) -> None:
    sides: tuple[Side, Side] = ("client", "server")
    for side in sides:
        total = sum(chunk.length for chunk in recording.chunks if chunk.sender == side)
        if total != len(recording.stream(side)):
            raise ValueError(f"{recording.name}: chunks of the {side} do not add up to its bytes")
    times = [chunk.timestamp for chunk in recording.chunks]
    if times != sorted(times):
        raise ValueError(f"{recording.name}: chunks are not in arrival order")
    if recording.complete != (recording.partial is None):
        raise ValueError(f"{recording.name}: complete and partial contradict each other")
    if recording.complete != (recording.close is not None):
        raise ValueError(f"{recording.name}: complete and close contradict each other")
