"""Recordings of real programs: the reader yields what the applications logged as sent.

The expected values are in a JSON file for each capture; none was computed from the packets.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from capture_files import pcapng
from capture_recordings import ENCRYPTED, LOADED, SIDES, WHOLE, packets_of, recordings, seen
from capture_seen import read
from wsdefrag import Opcode
from wsdefrag.capture import Capture, CapturedConnection

SNAPPED = ["snap-length", "snap-length-heads"]


def pairs(name: str) -> list[tuple[CapturedConnection, recordings.Connection]]:
    """Each connection as read, with the expected values."""
    found = sorted(seen(name).connections, key=lambda one: one.opened_ns)
    by_ends: dict[Any, list[CapturedConnection]] = {}
    for connection in found:
        by_ends.setdefault((connection.client_address, connection.server_address), []).append(
            connection
        )
    known = LOADED[name].connections
    assert len(found) == len(known)
    return [(by_ends[one.client, one.server].pop(0), one) for one in known]


@pytest.mark.parametrize("name", WHOLE)
def test_recording_gives_what_the_applications_sent(name: str) -> None:
    for connection, known in pairs(name):
        for from_client, side in SIDES:
            messages = [
                one
                for one in seen(name).messages
                if one.connection is connection and one.from_client == from_client
            ]
            sent = known.messages[side]
            assert [one.status for one in messages] == ["ok"] * len(sent)
            assert [one.type for one in messages] == [one.opcode for one in sent]
            for message, expected in zip(messages, sent, strict=True):
                assert expected.matches(message.content)
                assert message.is_text == (message.type == Opcode.TEXT)
                if message.is_text:
                    assert message.text.encode() == message.content


@pytest.mark.parametrize("name", WHOLE)
def test_recording_gives_the_handshake(name: str) -> None:
    for connection, known in pairs(name):
        assert connection.host == known.host
        assert connection.path == known.path
        assert connection.subprotocol == known.subprotocol
        assert connection.extensions == known.extensions
        assert not connection.midstream
        assert connection.response is not None
        if known.refused is None:
            assert connection.response.status == 101
            assert connection.accept_key_ok is True
            assert (connection.deflate is not None) == (known.extensions is not None)
        else:
            assert connection.response.status == known.refused
            assert connection.ended == "refused"


@pytest.mark.parametrize("name", WHOLE)
def test_recording_gives_the_close(name: str) -> None:
    for connection, known in pairs(name):
        if known.close is None:
            assert connection.close is None
            continue
        assert connection.close is not None
        assert connection.close.from_client == (known.close.by == "client")
        expected = 1005 if known.close.code is None else known.close.code
        assert (connection.close.close_code, connection.close.close_reason) == (
            expected,
            known.close.reason,
        )


@pytest.mark.parametrize("name", WHOLE)
def test_recording_loses_nothing(name: str) -> None:
    """Also if packets were duplicated or late, because TCP repaired it."""
    assert seen(name).warnings == []
    assert seen(name).counts.malformed == 0
    for connection, known in pairs(name):
        assert connection.problems == ()
        assert not connection.has_losses
        for from_client, side in SIDES:
            account = connection.from_client if from_client else connection.from_server
            sent = known.messages[side]
            assert account.messages == len(sent)
            assert account.content == sum(one.length for one in sent)
            assert account.overlaps == account.gaps == account.trailing == 0
            # A pong answers each ping of the other side.
            other: recordings.Side = "server" if from_client else "client"
            assert account.pings >= known.pings[side]
            assert account.pings <= known.pings[side] + known.pings[other]


@pytest.mark.parametrize("name", WHOLE)
def test_connections_ends_with_their_records(name: str) -> None:
    expected = {
        (connection.connection, index): message.get_state()
        for connection in seen(name).connections
        for index, message in enumerate(
            one for one in seen(name).messages if one.connection is connection
        )
    }
    found = {
        (connection.connection, index): message.get_state()
        for connection in Capture(LOADED[name].path).connections()
        for index, message in enumerate(connection.websocket.messages)
    }
    assert found == expected


def test_lossy_recording_has_retransmissions() -> None:
    """The tests above need recordings with these properties."""
    accounts = [
        account
        for connection in seen("lossy-many").connections
        for account in (connection.from_client, connection.from_server)
    ]
    assert sum(account.retransmissions for account in accounts) >= 18


def test_encrypted_recording_without_keys_gives_nothing_and_no_error() -> None:
    found = seen("tls")
    assert found.messages == []
    assert found.connections == []
    assert found.warnings == []
    assert found.counts.tls_packets["no_keys"] == found.counts.tcp > 0


@pytest.mark.parametrize("name", ENCRYPTED)
def test_encrypted_recording_with_keys_gives_what_was_sent(name: str) -> None:
    recording = LOADED[name]
    keys = None if recording.key_log is None else recording.key_log.read_bytes()
    connections = list(Capture(recording.path, keylog=keys).connections())
    found = [
        [
            sha256(one.content).hexdigest()
            for one in connection.websocket.messages
            if one.from_client == from_client
        ]
        for connection in connections
        for from_client, _ in SIDES
    ]
    sent = [
        [one.sha256 for one in known.messages[side]]
        for known in recording.connections
        for _, side in SIDES
    ]
    assert sorted(found) == sorted(sent)


def test_midstream_recording_gives_what_was_captured() -> None:
    for connection, known in pairs("midstream"):
        began_before = any(known.before_capture.values())
        assert connection.midstream == began_before
        for from_client, side in SIDES:
            sent = known.messages[side][known.before_capture[side] :]
            messages = [
                one
                for one in seen("midstream").messages
                if one.connection is connection and one.from_client == from_client
            ]
            assert [one.type for one in messages] == [one.opcode for one in sent]
            for message, expected in zip(messages, sent, strict=True):
                if began_before and message.compressed:
                    assert message.status == "undecodable"
                    assert message.content != expected.content
                else:
                    assert message.status == "ok"
                    assert expected.matches(message.content)


@pytest.mark.parametrize("name", SNAPPED)
def test_cut_packets_never_give_what_was_not_sent(name: str) -> None:
    ((connection, known),) = pairs(name)
    assert seen(name).counts.cut > 0
    assert connection.has_losses
    for from_client, side in SIDES:
        sent = [one.content for one in known.messages[side]]
        account = connection.from_client if from_client else connection.from_server
        assert account.missing > 0
        rest = iter(known.messages[side])
        for message in seen(name).messages:
            if message.from_client != from_client:
                continue
            if message.status == "ok":
                assert any(expected.matches(message.content) for expected in rest)
            else:
                assert message.status == "incomplete"
                assert message.missing_bytes > 0
                assert any(
                    content is None or content.startswith(message.content) for content in sent
                )
    client = [one for one in seen(name).messages if one.from_client]
    assert len(client) == len(known.messages["client"])
    for message, expected in zip(client, known.messages["client"], strict=True):
        assert message.payload_length == expected.length
        if message.status == "incomplete":
            assert 0 < message.missing_bytes <= expected.length


class TinyReads(io.RawIOBase):
    """A file that gives few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file = io.BytesIO(data)
        self._size = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._file.read(min(self._size, len(buffer)))
        buffer[: len(part)] = part
        return len(part)


FORMS: dict[str, Callable[[bytes], Any]] = {
    "file object": io.BytesIO,
    "tiny reads": lambda data: TinyReads(data, 7),
    "gzip": lambda data: io.BytesIO(gzip.compress(data, mtime=0)),
    "gzip of two members": lambda data: io.BytesIO(
        gzip.compress(data[:1000], mtime=0) + gzip.compress(data[1000:], mtime=0)
    ),
    "gzip in tiny reads": lambda data: TinyReads(gzip.compress(data, mtime=0), 5),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["plain-small", "deflate-fragments", "legacy", "snap-length"])
def test_way_of_reading_never_shows(name: str, form: str) -> None:
    data = LOADED[name].path.read_bytes()
    assert read(FORMS[form](data), ordered=False).dump() == seen(name).dump()


@pytest.mark.parametrize("name", ["plain-small", "legacy"])
def test_path_may_be_text_or_one_of_a_list(name: str) -> None:
    path = LOADED[name].path
    assert read(str(path)).dump() == read([path]).dump() == seen(name).dump()


@pytest.mark.parametrize("name", [name for name in WHOLE if LOADED[name].same_as in WHOLE])
def test_other_form_of_a_capture_gives_the_same_messages(name: str) -> None:
    source = LOADED[name].same_as
    assert source is not None
    for found, expected in zip(seen(name).messages, seen(source).messages, strict=True):
        assert found.get_state()[:3] == expected.get_state()[:3]
        assert abs(found.timestamp_ns - expected.timestamp_ns) < 1000


def test_copy_of_the_packets_gives_the_same() -> None:
    """The writer and the reader of files that the other tests use are right."""
    name = "demo"
    link, packets = packets_of(LOADED[name].path.read_bytes())
    assert read(pcapng(packets, link)).dump() == seen(name).dump()


def test_two_captures_are_read_as_one() -> None:
    names = ["plain-small", "legacy"]
    both = read([LOADED[name].path for name in names])
    assert both.contents() == [
        *seen("plain-small").contents(),
        *seen("legacy").contents(),
    ]
    assert [one.connection for one in both.connections] == [0, 1]
