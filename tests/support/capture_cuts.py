"""Recordings that begin later: the first packets are left out.

The files are cut as they are, block by block; see `capture_recordings` for an independent reader of
their packets. What has to be found is taken from the uncut recording: a connection with at least
three frames of messages that begin after the cut.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from capture_files import ENHANCED_PACKET
from capture_recordings import recordings
from capture_seen import Seen, read

MIN_FRAMES = 3
"""Frames that are enough for a connection to be found."""

Ends = frozenset[tuple[str, int]]


def cut_files(path: Path) -> tuple[bytes, list[bytes]]:
    """The blocks of a pcapng file before its packets, and those of its packets."""
    data = path.read_bytes()
    head, packets, at = b"", [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        block = data[at : at + length]
        if kind == ENHANCED_PACKET:
            packets.append(block)
        elif not packets:
            head += block
        at += length
    return head, packets


def ends_of(seen: Seen) -> set[Ends]:
    """The endpoints of the WebSockets that were read."""
    return {
        frozenset([one.client_address, one.server_address])
        for one in seen.connections
        if one.ended != "refused"
    }


def expected(whole: Seen, first: int) -> set[Ends]:
    """The endpoints of the connections with enough frames from packet `first` + 1 on."""
    frames: Counter[Ends] = Counter()
    for message in whole.messages:
        if message.first_packet > first and message.status != "incomplete":
            one = message.connection
            frames[frozenset([one.client_address, one.server_address])] += message.frames
    return {ends for ends, count in frames.items() if count >= MIN_FRAMES}


def cuts(path: Path, every: int) -> Iterator[tuple[int, set[Ends], Seen]]:
    """Cut a recording before each packet of which the number is a multiple of `every`.

    Yields:
        How many packets are missing, the connections that have to be found, and what was read.
    """
    head, packets = cut_files(path)
    whole = read(path, ordered=False)
    for first in range(0, len(packets), every):
        yield first, expected(whole, first), read(head + b"".join(packets[first:]), ordered=False)


def sent_digests(recording: recordings.Capture) -> dict[tuple[str, int], set[str]]:
    """What was sent in a recording: for each client, the SHA-256 of the contents of both sides."""
    return {
        (connection.client.ip, connection.client.port): {
            message.sha256 for side in connection.messages.values() for message in side
        }
        for connection in recording.connections
    }
