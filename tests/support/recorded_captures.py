"""The packet captures of `vectors/captures` and of `tls` in it, as Python values.

A capture `NAME` is a file that dumpcap wrote (`NAME.pcapng`, `NAME.pcap` or `NAME.pcap.gz`) and
`NAME.json`, what the two applications of each connection in it had really sent. A capture in
another form (`same_as` in its JSON file) has the connections of the one it was derived from.
Nothing here reads a packet; the JSON file is the truth a reader of captures is compared with.

Invariants: `lacks` is None exactly where the capture holds every byte of every connection; a
refused connection has no messages and no Close; the number of messages sent before the capture
started is never more than the number of messages. `load` raises ValueError for files that break
one of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from recorded_streams import SentClose, SentMessage, Side, sent_message

__all__ = [
    "DIRECTORY",
    "SUFFIXES",
    "TLS_DIRECTORY",
    "Address",
    "Capture",
    "Connection",
    "SentClose",
    "SentMessage",
    "Side",
    "TlsFacts",
    "load",
    "names",
]

DIRECTORY = Path(__file__).resolve().parents[2] / "vectors" / "captures"
TLS_DIRECTORY = DIRECTORY / "tls"
SUFFIXES = (".pcapng", ".pcap", ".pcap.gz", ".pcapng.gz")


class Address(NamedTuple):
    """An IP address, as text, and a TCP port."""

    ip: str
    port: int


@dataclass(frozen=True)
class TlsFacts:
    """What OpenSSL said of a connection: `cipher` is the suite's number, in four hex digits.

    `key_updates` counts those of each side, None before TLS 1.3.
    """

    version: str
    cipher: str
    resumed: bool
    early_data: bool
    key_updates: dict[Side, int] | None = None


@dataclass(frozen=True)
class Connection:
    """One WebSocket connection, or one that was `refused` with that HTTP status.

    `host` is the Host header, `path` the request target, `extensions` the
    `Sec-WebSocket-Extensions` of the 101 answer (None where it had none). `before_capture` counts
    the messages of each side that were sent before the capture started. `tls` is None without TLS
    and where nobody told.
    """

    client: Address
    server: Address
    host: str
    path: str
    subprotocol: str | None
    extensions: str | None
    refused: int | None
    close: SentClose | None
    pings: dict[Side, int]
    messages: dict[Side, tuple[SentMessage, ...]]
    before_capture: dict[Side, int]
    tls: TlsFacts | None


@dataclass(frozen=True)
class Capture:
    """One capture file and the connections in it, in the order of their first packets.

    `lacks` says what the file does not hold of them, None where it holds all. `same_as` names the
    capture this one was derived from. `key_log` is the file with the TLS secrets, if there is one;
    `secrets_inside` tells whether the capture itself holds them. `not_by_tshark` says, by the paths
    of connections, why tshark does not find their messages.
    `tcp` counts the segments tshark found wanting: retransmissions, out_of_order, duplicate_acks,
    missing_before (a gap before them); it is empty where it found none.

        >>> capture = load("plain-small")
        >>> capture.connections[0].close
        SentClose(by='server', code=1001, reason='going away')
    """

    name: str
    path: Path
    shows: str
    link: str
    client_peers: str
    server_peers: str
    recorded: datetime
    tools: dict[str, str]
    connections: tuple[Connection, ...]
    lacks: str | None
    same_as: str | None
    key_log: Path | None
    secrets_inside: bool
    not_by_tshark: dict[str, str]
    tcp: dict[str, int]


def names(directory: Path = DIRECTORY) -> list[str]:
    """Return the names of all captures in `directory`, sorted."""
    return sorted(path.stem for path in directory.glob("*.json"))


def load(name: str, directory: Path = DIRECTORY) -> Capture:
    """Read what is known of one capture.

    Args:
        name: one of `names()`.
        directory: where its files are.

    Raises:
        FileNotFoundError: there is no capture of that name.
        ValueError: what the JSON file says cannot be.
    """
    own: dict[str, Any] = json.loads((directory / f"{name}.json").read_text("utf-8"))
    source: str | None = own.get("same_as")
    facts = own
    if source is not None:
        facts = json.loads((directory / f"{source}.json").read_text("utf-8")) | own
    key_log = facts.get("key_log")
    capture = Capture(
        name=name,
        path=_file(name, directory),
        shows=facts["shows"],
        link=facts["link"],
        client_peers=facts["client"],
        server_peers=facts["server"],
        recorded=datetime.fromisoformat(facts["recorded"]),
        tools=facts["tools"],
        connections=tuple(map(_connection, facts["connections"])),
        lacks=facts.get("lacks"),
        same_as=source,
        key_log=directory / key_log if key_log else None,
        secrets_inside=facts.get("secrets_inside", False),
        not_by_tshark=facts.get("not_by_tshark", {}),
        tcp=facts.get("tcp", {}),
    )
    _check(capture, facts)
    return capture


def _file(name: str, directory: Path) -> Path:
    for suffix in SUFFIXES:
        path = directory / (name + suffix)
        if path.exists():
            return path
    raise FileNotFoundError(f"there is a {name}.json but no capture file beside it")


def _connection(facts: dict[str, Any]) -> Connection:
    return Connection(
        client=Address(*facts["client"]),
        server=Address(*facts["server"]),
        host=facts["host"],
        path=facts["path"],
        subprotocol=facts["subprotocol"],
        extensions=facts["extensions"],
        refused=facts["refused"],
        close=SentClose(**facts["close"]) if facts["close"] else None,
        pings=facts["pings"],
        messages={
            "client": tuple(map(sent_message, facts["client_messages"])),
            "server": tuple(map(sent_message, facts["server_messages"])),
        },
        before_capture=facts.get("before_capture", {"client": 0, "server": 0}),
        tls=TlsFacts(**facts["tls"]) if "tls" in facts else None,
    )


def _check(capture: Capture, facts: dict[str, Any]) -> None:
    sides: tuple[Side, Side] = ("client", "server")
    if facts.get("complete", True) != (capture.lacks is None):
        raise ValueError(f"{capture.name}: complete and lacks contradict each other")
    for connection in capture.connections:
        if connection.refused is not None and (
            connection.close or any(connection.messages.values())
        ):
            raise ValueError(f"{capture.name}: {connection.path} was refused and yet went on")
        for side in sides:
            before = connection.before_capture[side]
            if before > len(connection.messages[side]):
                raise ValueError(f"{capture.name}: {connection.path} lists too few messages")
            if before and capture.lacks is None:
                raise ValueError(f"{capture.name}: {connection.path} began before the capture")
