"""Compares a capture file with what the applications sent.

tshark counts whole messages for each direction with its own WebSocket dissector. It also puts the
bytes of each TCP (or TLS) stream together, and the parser of websockets reads these into messages,
which are compared one by one. Both are told to reorder segments, which tshark does not by itself.
Two kinds are not compared: captures that lack packets by design, and connections whose record says
why tshark does not find their messages.

The checks also sort the connections by their first packets. For a bad line they record tshark's
analysis of its segments.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from recorder.endpoint import Content
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from .meeting import Facts, entry
from .tools import run

HEX_LINE = re.compile(r"^(\t?)([0-9a-f]+)$")
BIGGEST_WINDOW = 15
TROUBLE = {
    "retransmissions": "tcp.analysis.retransmission",
    "out_of_order": "tcp.analysis.out_of_order",
    "duplicate_acks": "tcp.analysis.duplicate_ack",
    "missing_before": "tcp.analysis.lost_segment",
}
Ends = tuple[tuple[str, int], tuple[str, int]]


def check(file: Path, facts: Facts) -> None:
    """Compare a capture with its facts, sort its connections, and add what tshark found.

    Raises:
        ValueError: they differ.
    """
    capture = _Capture(file, facts.get("key_log"))
    streams = capture.streams()
    connections = facts["connections"]
    connections.sort(key=lambda connection: streams[_ends(connection)])
    trouble = capture.trouble()
    if any(trouble.values()):
        facts["tcp"] = trouble
    if facts.get("lacks"):
        return
    counts = capture.message_counts()
    not_found = facts.get("not_by_tshark", {})
    for connection in connections:
        stream = streams[_ends(connection)]
        if connection["refused"] is None and connection["path"] not in not_found:
            for side in ("client", "server"):
                found = counts[stream, connection[side][1]]
                sent = len(connection[f"{side}_messages"])
                if found != sent:
                    raise ValueError(
                        f"{file.name} {connection['path']}: the {side} sent {sent} messages, "
                        f"tshark counts {found}"
                    )
            _compare(connection, capture.content(stream))


def _ends(connection: Facts) -> Ends:
    client, server = connection["client"], connection["server"]
    return ((client[0], client[1]), (server[0], server[1]))


class _Capture:
    """A capture file as tshark reads it."""

    def __init__(self, file: Path, key_log: str | None) -> None:
        self._command = ["tshark", "-r", str(file), "-o", "tcp.reassemble_out_of_order:TRUE"]
        if key_log:
            self._command += ["-o", f"tls.keylog_file:{file.with_name(key_log)}"]
        self._follow = "tls" if key_log else "tcp"

    def _fields(self, display_filter: str, *fields: str) -> list[list[str]]:
        wanted = [word for field in fields for word in ("-e", field)]
        printed = run(*self._command, "-2", "-Y", display_filter, "-T", "fields", *wanted)
        return [line.split("\t") for line in printed.decode().splitlines()]

    def streams(self) -> dict[Ends, int]:
        """Return tshark's numbers of the TCP connections, in the order of their first packets."""
        numbers: dict[Ends, int] = {}
        addresses = ("ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport")
        for number, *ends in self._fields("tcp", "tcp.stream", *addresses):
            source = (ends[0] or ends[1], int(ends[2]))
            target = (ends[3] or ends[4], int(ends[5]))
            numbers.setdefault((source, target), int(number))
        return numbers

    def message_counts(self) -> Counter[tuple[int, int]]:
        """Count the messages by stream and port of the sender: data frames with FIN."""
        counts: Counter[tuple[int, int]] = Counter()
        fields = ("tcp.stream", "tcp.srcport", "websocket.fin", "websocket.opcode")
        for stream, port, fins, opcodes in self._fields("websocket", *fields):
            for fin, opcode in zip(fins.split(","), opcodes.split(","), strict=True):
                counts[int(stream), int(port)] += fin in ("1", "True") and int(opcode) < 8
        return counts

    def trouble(self) -> dict[str, int]:
        """Count the segments that tshark comments on, by its comment."""
        return {name: len(self._fields(flag, "frame.number")) for name, flag in TROUBLE.items()}

    def content(self, stream: int) -> dict[str, bytes]:
        """Return all bytes of both directions of a stream."""
        printed = run(*self._command, "-q", "-z", f"follow,{self._follow},raw,{stream}").decode()
        halves = {"": b"", "\t": b""}
        for line in printed.splitlines():
            if match := HEX_LINE.match(line):
                halves[match[1]] += bytes.fromhex(match[2])
        one, other = halves.values()
        if one.startswith(b"HTTP/"):
            one, other = other, one
        return {"client": one, "server": other}


def _compare(connection: Facts, content: dict[str, bytes]) -> None:
    where = f"connection of {connection['path']}"
    request_start = content["client"].index(f"GET {connection['path']} HTTP/1.1".encode())
    request, _, client = content["client"][request_start:].partition(b"\r\n\r\n")
    answer_start = content["server"].index(b"HTTP/1.1 101 ")
    answer, _, server = content["server"][answer_start:].partition(b"\r\n\r\n")
    agreed = _header(answer, "Sec-WebSocket-Extensions")
    for name, found, noted in (
        ("host", _header(request, "Host"), connection["host"]),
        ("subprotocol", _header(answer, "Sec-WebSocket-Protocol"), connection["subprotocol"]),
        ("extensions", agreed, connection["extensions"]),
    ):
        if found != noted:
            raise ValueError(
                f"{where}: {name} is {noted!r} to the applications, sent was {found!r}"
            )
    for side, data in (("client", client), ("server", server)):
        arrived = [entry(message) for message in _messages(side, data, agreed)]
        if arrived != connection[f"{side}_messages"]:
            raise ValueError(f"{where}: the file holds other messages than the {side} sent")


def _header(head: bytes, name: str) -> str | None:
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name.lower():
            return value.strip()
    return None


def _messages(sender: str, data: bytes, agreed: str | None) -> list[Content]:
    """Read the messages with the parser of websockets."""
    reader = Protocol(SERVER if sender == "client" else CLIENT, max_size=None)
    if agreed:
        anew = f"{sender}_no_context_takeover" in agreed
        reader.extensions = [PerMessageDeflate(anew, False, BIGGEST_WINDOW, BIGGEST_WINDOW)]
    reader.receive_data(data)
    messages: list[Content] = []
    parts: list[bytes] = []
    text = False
    frames: list[Any] = reader.events_received()
    for frame in frames:
        if not isinstance(frame, Frame) or frame.opcode >= Opcode.CLOSE:
            continue
        if frame.opcode != Opcode.CONT:
            text, parts = frame.opcode == Opcode.TEXT, []
        parts.append(bytes(frame.data))
        if frame.fin:
            content = b"".join(parts)
            messages.append(content.decode() if text else content)
    return messages
