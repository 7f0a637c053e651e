"""The recordings of TLS: their truths, their key logs, and captures made anew from them.

`intact(NAME)` is a recording with what was sent in it. `resealed(NAME, SUITE)` has the same
messages under another suite, written by `tls_craft`.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import recorded_captures as recordings
from capture_conversation import Conversation, merged, packets
from capture_craft import Captured, Endpoint
from capture_files import SECRETS
from capture_intact import Direction
from capture_recordings import packets_of
from recorded_streams import SentMessage
from tls_craft import TlsTalk
from tls_keys import SUITES
from tls_oracle import IntactTls

LOADED = {
    name: recordings.load(name, recordings.TLS_DIRECTORY)
    for name in recordings.names(recordings.TLS_DIRECTORY)
}
"""All recordings."""

UNREAD = "unread"
"""The one whose connections are not read, because of their versions and suites."""

HTTP2 = "chromium-http2"

READ = [name for name in LOADED if name != UNREAD]
HTTP1 = [name for name in READ if name != HTTP2]

BETWEEN = 1_000_000_000
"""From one connection to the next, in nanoseconds."""


def path_of(name: str) -> Path:
    return LOADED[name].path


def packets_of_recording(name: str) -> list[Captured]:
    return packets_of(path_of(name).read_bytes())[1]


@cache
def key_log(name: str) -> bytes:
    """The secrets of a recording, from the file beside it or from the blocks in it."""
    recording = LOADED[name]
    if recording.key_log is not None:
        return recording.key_log.read_bytes()
    data, at, found = recording.path.read_bytes(), 0, b""
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == SECRETS:
            (size,) = struct.unpack_from("<I", data, at + 12)
            found += data[at + 16 : at + 16 + size]
        at += length
    return found


@cache
def intact(name: str) -> IntactTls:
    """A recording; what `tls_oracle` finds in it is what its applications sent."""
    found = IntactTls(packets_of_recording(name), key_log(name))
    if name in HTTP1:
        assert set(found.messages) == set(sent_of(name))
        for direction, sent in sent_of(name).items():
            contents = found.sent[direction]
            assert len(contents) == len(sent)
            assert all(map(SentMessage.matches, sent, contents)), direction
    return found


def sent_of(name: str) -> dict[Direction, list[SentMessage]]:
    """What was sent in a recording, by direction; streams of one connection are not told apart."""
    found: dict[Direction, list[SentMessage]] = {}
    for connection in LOADED[name].connections:
        client: Endpoint = (connection.client.ip, connection.client.port)
        server: Endpoint = (connection.server.ip, connection.server.port)
        for from_client in (True, False):
            messages = connection.messages["client" if from_client else "server"]
            found.setdefault((client, server, from_client), []).extend(messages)
    return found


@cache
def resealed(name: str, suite: int, *, mac_last: bool = False) -> IntactTls:
    """A recording whose applications send the same messages under another suite."""
    original = intact(name)
    talks: list[Conversation] = []
    keys = b""
    time = original.packets[0].time
    for number, connection in enumerate(original.connections.values()):
        client = (connection.tcp.client[0], 51_000 + 64 * (suite & 0xFF) + number)
        talk = TlsTalk(
            SUITES[suite],
            seed=f"{name} {suite} {number}",
            mac_last=mac_last,
            client=client,
            time=time,
        )
        talk.open().handshake(together=number % 2 == 0)
        for record in connection.records:
            if record.on_stream:
                talk.say(record.from_client, record.content)
        talk.end()
        talks.append(talk.conversation)
        keys += talk.key_log
        time = talk.conversation.time + BETWEEN
    return IntactTls(packets(merged(*talks)), keys)
