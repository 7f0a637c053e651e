"""Recordings of TLS by real programs: the reader yields what their applications logged as sent.

The expected values are in a JSON file for each capture; none was computed from the packets.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from capture_files import pcapng
from capture_intact import Direction, direction
from capture_mutations import displaced, disturbed
from capture_seen import Seen, read
from recorded_captures import Connection
from tls_keys import SUITES
from tls_recordings import (
    HTTP1,
    LOADED,
    READ,
    UNREAD,
    intact,
    key_log,
    packets_of_recording,
    path_of,
)
from wsdefrag.capture import CapturedConnection


@cache
def seen(name: str) -> Seen:
    """What is read out of a recording, with its keys as they come with it."""
    recording = LOADED[name]
    return read(recording.path, ordered=False, keylog=recording.key_log)


def contents(found: Seen) -> dict[Direction, list[bytes]]:
    """The messages of each direction, which are whole."""
    assert set(found.statuses()) <= {"ok"}
    sides: dict[Direction, list[bytes]] = {}
    for message in found.messages:
        sides.setdefault(direction(message), []).append(message.content)
    return sides


def assert_exact(name: str, found: Seen) -> None:
    """Exactly what was sent was read."""
    read_ = contents(found)
    for side, sent in intact(name).sent.items():
        assert read_.pop(side, []) == sent, side
    assert read_ == {}


def by_path(name: str) -> list[tuple[CapturedConnection, Connection]]:
    """Each connection as read, with what is known of it."""
    found = {(one.path, one.client_address): one for one in seen(name).connections}
    known = LOADED[name].connections
    assert len(seen(name).connections) == len(known)
    return [(found[one.path, (one.client.ip, one.client.port)], one) for one in known]


@pytest.mark.parametrize("name", HTTP1)
def test_recording_gives_exactly_what_was_sent(name: str) -> None:
    assert_exact(name, seen(name))


@pytest.mark.parametrize("name", READ)
def test_each_connection_gives_what_its_application_sent(name: str) -> None:
    """Also those that are streams of one HTTP/2 connection."""
    for connection, known in by_path(name):
        for from_client in (True, False):
            sent = known.messages["client" if from_client else "server"]
            found = seen(name).contents_of(connection, from_client)
            assert len(found) == len(sent)
            for one, content in zip(sent, found, strict=True):
                assert one.matches(content)


@pytest.mark.parametrize("name", READ)
def test_recording_gives_the_handshake_and_the_close(name: str) -> None:
    for connection, known in by_path(name):
        assert connection.host == known.host
        assert connection.extensions == known.extensions
        assert connection.close is not None
        assert known.close is not None
        assert connection.close.from_client == (known.close.by == "client")
        assert connection.close.close_code == known.close.code
        assert connection.problems == ()
        assert not connection.has_losses


@pytest.mark.parametrize("name", READ)
def test_recording_gives_the_facts_of_tls(name: str) -> None:
    for connection, known in by_path(name):
        tls = connection.tls
        assert tls is not None
        assert tls.status == "ok"
        source = "secrets_block" if LOADED[name].secrets_inside else "key_log"
        assert tls.key_source == source
        assert tls.bad_tags == tls.found_by_trial == 0
        host = known.host.partition(":")[0]
        assert tls.sni == (None if re.fullmatch(r"[\d.]+", host) else host)
        if known.tls is None:
            continue
        assert tls.version == known.tls.version.replace("TLSv", "TLS ")
        assert tls.cipher == SUITES[int(known.tls.cipher, 16)].name
        assert tls.resumed == known.tls.resumed
        assert tls.early_data == known.tls.early_data
        updates = known.tls.key_updates or {}
        assert tls.key_updates == sum(updates.values())


@pytest.mark.parametrize("name", HTTP1)
def test_account_of_tls_counts_each_byte(name: str) -> None:
    """`tls_streams` opened every record, so it knows what each byte of TCP is."""
    for connection, _ in by_path(name):
        known = intact(name).connections[connection.client_address, connection.server_address]
        assert connection.tls is not None
        for from_client in (True, False):
            account = connection.tls.from_client if from_client else connection.tls.from_server
            records = known.of(from_client)
            data = [one for one in records if one.on_stream]
            refused = [one for one in records if one.is_early and not one.on_stream]
            size = sum(one.end - one.start for one in records)
            application = sum(len(one.content) for one in data)
            assert account.application == application
            assert account.overhead == sum(one.end - one.start for one in data) - application
            assert account.undecryptable + account.handshake == size - sum(
                one.end - one.start for one in data
            )
            assert account.undecryptable <= sum(one.end - one.start for one in refused)
            assert account.missing == 0
            assert account.bytes == size == len(known.tcp.data[from_client])


@pytest.mark.parametrize("name", READ)
def test_recording_without_keys_says_so(name: str) -> None:
    if LOADED[name].secrets_inside:
        found = read(pcapng(packets_of_recording(name)))
    else:
        found = read(path_of(name))
    assert found.messages == []
    assert {one.tls.status for one in found.connections if one.tls} <= {"no_keys"}


def test_versions_and_suites_that_are_not_read_are_named() -> None:
    found = read(path_of(UNREAD), keylog=key_log(UNREAD))
    assert found.messages == []
    statuses = {one.tls.status for one in found.connections if one.tls is not None}
    assert statuses <= {"unknown_cipher"}


@pytest.mark.parametrize("name", HTTP1)
def test_packets_again_or_out_of_order_lose_nothing(name: str) -> None:
    packets = packets_of_recording(name)
    for run in range(4):
        seed = f"tls {name} {run}"
        moved = disturbed(packets, seed) if run % 2 else displaced(packets, seed)
        found = read(pcapng(moved), ordered=False, timed=False, keylog=key_log(name))
        assert_exact(name, found)


def messy(name: str) -> bytes:
    """A key log that other programs wrote into, with the lines of the recording in it."""
    lines = key_log(name).split(b"\n")
    mess = [
        b"# a comment",
        b"",
        b"RSA 0123456789abcdef 00112233445566778899aabbccddeeff" + b"00" * 34,
        b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48,
        b"CLIENT_RANDOM " + b"ab" * 31 + b" " + b"cd" * 48,
        b"EXPORTER_SECRET " + b"ab" * 32 + b" " + b"cd" * 32,
        b"no key log line at all \xff\xfe",
        b"CLIENT_TRAFFIC_SECRET_0 " + b"ab" * 32,
    ]
    written: list[bytes] = []
    for number, line in enumerate(filter(None, lines)):
        label, random, secret = line.split(b" ")
        written.append(mess[number % len(mess)])
        written.append(b" ".join([label, random.upper(), secret.upper()]) if number % 2 else line)
    # The file ends in the middle of a line that repeats one, with other bytes.
    half = b" ".join([label, random, secret[:20]])
    return b"\r\n".join([*written, half])


@pytest.mark.parametrize("name", HTTP1)
def test_messy_key_log_loses_nothing(name: str) -> None:
    data = pcapng(packets_of_recording(name))
    assert_exact(name, read(data, ordered=False, keylog=messy(name)))
    reverse = b"\r".join(reversed(key_log(name).split(b"\n")))
    assert_exact(name, read(data, ordered=False, keylog=reverse))


def test_several_key_logs_are_one(tmp_path: Path) -> None:
    name = "suites"
    lines = key_log(name).splitlines(keepends=True)
    paths = []
    for part in range(3):
        paths.append(tmp_path / f"{part}.log")
        paths[-1].write_bytes(b"".join(lines[part::3]))
    found = read(path_of(name), ordered=False, keylog=paths)
    assert_exact(name, found)


def test_resumed_sessions_need_no_lines_of_their_own() -> None:
    """The master secret of TLS 1.2 is that of the first handshake, found by id or by ticket."""
    name = "resumption"
    resumed = {
        one.client
        for one in LOADED[name].connections
        if one.tls and one.tls.resumed and one.tls.version == "TLSv1.2"
    }
    assert len(resumed) == 2
    randoms = {
        connection.tcp.data[True][11:43].hex().encode()
        for connection in intact(name).connections.values()
        if connection.tcp.client in {(one.ip, one.port) for one in resumed}
    }
    lines = key_log(name).splitlines(keepends=True)
    left = [line for line in lines if line.split()[1].lower() not in randoms]
    assert len(left) == len(lines) - len(randoms)
    found = read(pcapng(packets_of_recording(name)), ordered=False, keylog=b"".join(left))
    assert_exact(name, found)


def test_handshake_secrets_are_not_needed() -> None:
    """The application's keys are found by trial."""
    for name in ("losses-tls13", "chromium-http1", "key-updates"):
        lines = key_log(name).splitlines(keepends=True)
        left = b"".join(line for line in lines if b"HANDSHAKE" not in line)
        found = read(pcapng(packets_of_recording(name)), ordered=False, keylog=left)
        assert_exact(name, found)
