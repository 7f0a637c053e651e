"""TLS in captures is read with its keys: the recordings, and every way that keys can be given."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import Conversation, capture_of
from capture_files import SECRETS, block
from capture_seen import read
from hang_guard import HANG_SECONDS
from tls_recordings import HTTP1, LOADED, intact, key_log, path_of
from tls_streams import ends_of, payload_of
from wsdefrag.capture import Capture, CapturedConnection, PacketCounts
from wsdefrag.errors import CaptureError

NAME = "early-data"
ANOTHER = "node"


def messages_of(capture: Capture) -> list[bytes]:
    return [one.content for one in capture]


def counts_of(capture: Capture) -> PacketCounts:
    with capture.read() as reader:
        for _ in reader:
            pass
        return reader.counts


def expected(name: str) -> list[bytes]:
    return messages_of(Capture(path_of(name), keylog=key_log(name)))


@pytest.mark.parametrize("name", HTTP1)
def test_recordings_are_read_as_they_were_sent(name: str) -> None:
    sent = intact(name).sent
    connections = list(Capture(path_of(name), keylog=key_log(name)).connections())
    found: dict[Any, list[bytes]] = {}
    for one in connections:
        assert one.tls is not None
        assert one.tls.status == "ok"
        for account in (one.tls.from_client, one.tls.from_server):
            assert account.undecryptable == account.missing == 0
        for message in one.websocket.messages:
            side = (one.client_address, one.server_address)
            key = side if message.from_client else side[::-1]
            found.setdefault(key, []).append(message.content)
    assert sorted(map(tuple, found.values())) == sorted(
        tuple(direction) for direction in sent.values() if direction
    )


def given(tmp_path: Path) -> Iterator[Any]:
    """The ways to give the keys of `NAME`."""
    keys, path = key_log(NAME), tmp_path / "keys.log"
    path.write_bytes(keys)
    other = tmp_path / "other.log"
    other.write_bytes(key_log(ANOTHER))
    lines = keys.splitlines(keepends=True)
    yield path
    yield str(path)
    yield [other, path]
    yield keys
    yield bytearray(keys)
    yield io.BytesIO(keys)
    yield [keys, other]
    yield [b"".join(lines[::2]), b"".join(lines[1::2])]
    yield keys.replace(b"\n", b"\r\n")
    yield b"\n".join(
        line.split()[0] + b" " + b" ".join(line.split()[1:]).upper()
        for line in lines
        if line.count(b" ") == 2
    )
    yield keys + keys + b"# the end\nCLIENT_RANDOM 00"
    with path.open("rb") as file:
        yield file


def test_keys_are_given_as_paths_bytes_and_files(tmp_path: Path) -> None:
    for keylog in given(tmp_path):
        assert messages_of(Capture(path_of(NAME), keylog=keylog)) == expected(NAME), keylog
    assert expected(NAME)


@pytest.mark.parametrize("keylog", [5, [5], ["keys.log", None], io.StringIO("CLIENT_RANDOM")])
def test_other_types_are_refused(keylog: Any) -> None:
    with pytest.raises(TypeError, match="keylog"):
        Capture(path_of(NAME), keylog=keylog)


def test_a_capture_with_keys_is_pickled_and_reads_again(tmp_path: Path) -> None:
    (tmp_path / "keys.log").write_bytes(key_log(NAME))
    for keylog in (tmp_path / "keys.log", key_log(NAME)):
        capture = pickle.loads(pickle.dumps(Capture(path_of(NAME), keylog=keylog)))
        assert messages_of(capture) == messages_of(capture) == expected(NAME)


def without_blocks(name: str) -> bytes:
    """A recording as pcapng, without its blocks of secrets."""
    data, at, kept = path_of(name).read_bytes(), 0, b""
    while at < len(data):
        kind = int.from_bytes(data[at : at + 4], "little")
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        kept += b"" if kind == SECRETS else data[at : at + length]
        at += length
    return kept


def secrets(keys: bytes) -> bytes:
    """A block of secrets (pcapng section 4.8)."""
    head = (0x544C534B).to_bytes(4, "little") + len(keys).to_bytes(4, "little")
    return block(SECRETS, head + keys + bytes(-len(keys) % 4))


def after_section(capture: bytes, added: bytes) -> bytes:
    end = int.from_bytes(capture[4:8], "little")
    return capture[:end] + added + capture[end:]


def test_secrets_blocks_count_wherever_they_stand_in_a_file(tmp_path: Path) -> None:
    capture, keys = without_blocks(NAME), key_log(NAME)
    assert messages_of(Capture(io.BytesIO(capture))) == []
    lines = keys.splitlines(keepends=True)
    for data in (
        after_section(capture, secrets(keys)),
        capture + secrets(keys),
        after_section(capture, secrets(b"".join(lines[:2]))) + secrets(b"".join(lines[2:])),
    ):
        path = tmp_path / "capture.pcapng"
        path.write_bytes(data)
        assert messages_of(Capture(path)) == expected(NAME)
        rows = list(Capture(path).connections())
        assert {one.tls and one.tls.key_source for one in rows} == {"secrets_block"}
    # A stream is read as it comes.
    assert messages_of(Capture(io.BytesIO(after_section(capture, secrets(keys))))) == expected(NAME)


def test_secrets_of_one_file_open_packets_of_another(tmp_path: Path) -> None:
    capture, keys = without_blocks(NAME), key_log(NAME)
    (tmp_path / "a.pcapng").write_bytes(capture)
    (tmp_path / "b.pcapng").write_bytes(without_blocks(ANOTHER) + secrets(keys))
    both = Capture([tmp_path / "a.pcapng", tmp_path / "b.pcapng"])
    assert messages_of(both) == expected(NAME)


def test_rows_say_what_was_negotiated() -> None:
    truths = {one.tls.cipher: one.tls for one in LOADED["suites"].connections if one.tls}
    rows = list(Capture(path_of("suites"), keylog=key_log("suites")).connections())
    assert len(rows) == len(LOADED["suites"].connections)
    for row in rows:
        assert row.tls is not None
        assert row.tls.key_source == "key_log"
        assert row.tls.cipher is not None
        assert row.tls.cipher.startswith("TLS_")
        assert row.tls.version in ("TLS 1.2", "TLS 1.3")
    assert {row.tls.version for row in rows if row.tls} == {"TLS 1.2", "TLS 1.3"}
    assert len({row.tls.cipher for row in rows if row.tls}) == len(truths)


def test_resumption_early_data_and_key_updates_are_columns() -> None:
    def facts(name: str) -> list[Any]:
        capture = Capture(path_of(name), keylog=key_log(name))
        return [one.tls for one in capture.connections() if one.tls]

    assert any(one.resumed for one in facts("resumption"))
    assert any(one.early_data for one in facts("early-data"))
    assert any(one.key_updates for one in facts("key-updates"))


def test_tls_that_is_not_read_is_counted_by_status() -> None:
    counts = counts_of(Capture(path_of("unread"), keylog=key_log("unread")))
    assert counts.tls_connections["unknown_cipher"] > 0
    assert sum(counts.tls_packets.values()) == counts.tcp
    none = counts_of(Capture(path_of(NAME)))
    assert none.tls_packets == dict.fromkeys(none.tls_packets, 0) | {"no_keys": none.tcp}
    assert none.tcp_packets["tls"] == none.tcp
    assert none.keys == 0
    assert none.tls_servers
    read = counts_of(Capture(path_of(NAME), keylog=key_log(NAME)))
    assert read.tls_packets["ok"] == read.tcp == read.tcp_packets["websocket"]
    assert read.tcp_packets["tls"] == 0
    assert read.keys > 0


def test_proxy_preambles_and_connect_come_before_tls() -> None:
    """What stands before the first record is skipped, whatever it is."""
    for before in (
        [(True, b"PROXY TCP4 198.51.100.1 198.51.100.2 50000 443\r\n")],
        [
            (True, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
            (False, b"HTTP/1.1 200 OK\r\n\r\n"),
        ],
        [
            (True, b"\x05\x01\x00"),
            (False, b"\x05\x00"),
            (True, b"\x05\x01\x00\x03\x09a.example\x01\xbb"),
            (False, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
        ],
    ):
        talk = Conversation(server=("192.0.2.20", 443)).open()
        for side, said in [*before, *_streams(ANOTHER)]:
            talk.say(side, said, size=1400)
        capture = Capture(io.BytesIO(capture_of(talk.end().segments)), keylog=key_log(ANOTHER))
        (row,) = capture.connections()
        assert row.tls is not None
        assert row.tls.status == "ok"
        assert row.websocket.messages


def _streams(name: str) -> list[tuple[bool, bytes]]:
    """What the sides of a recording's first connection sent, segment by segment."""
    packets = intact(name).packets
    client, server = ends_of(packets[0])
    sides = {(client, server): True, (server, client): False}
    return [
        (sides[ends_of(one)], payload_of(one))
        for one in packets
        if ends_of(one) in sides and payload_of(one)
    ]


def test_a_key_log_that_is_none_is_named(tmp_path: Path) -> None:
    for keylog, what in ((path_of(ANOTHER), "a capture"), (b"\x89PNG\r\n", "a PNG image")):
        found = read(path_of(NAME), keylog=keylog)
        assert found.messages == []
        (warning,) = found.warnings
        assert warning.endswith(f": is {what}, not a key log")
    with pytest.raises(FileNotFoundError):
        messages_of(Capture(path_of(NAME), keylog=tmp_path / "none.log"))
    with pytest.raises(OSError, match=r"directory|Permission"):
        messages_of(Capture(path_of(NAME), keylog=tmp_path))
    with pytest.raises(CaptureError, match="a file of TLS keys"):
        messages_of(Capture(io.BytesIO(key_log(NAME)), keylog=path_of(NAME).read_bytes()[:0]))


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "the key log is empty"), (b"hello\n" * 9, "the key log has no secret of TLS")],
)
def test_a_key_log_without_keys_is_a_warning(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "keys.log"
    path.write_bytes(content)
    with Capture(path_of(NAME), keylog=path).read() as reader:
        assert [one for one in reader if isinstance(one, CapturedConnection)] == []
        assert reader.warnings == [f"{path}: {says}"]


def test_a_log_that_grows_while_a_pipe_is_read_is_read_again(tmp_path: Path) -> None:
    """The keys are written after the packets that need them have been read."""
    path = tmp_path / "keys.log"
    path.write_bytes(b"# keys follow\n")
    data = without_blocks(NAME)
    read_end, write_end = os.pipe()
    at_half = threading.Event()
    half = len(data) // 2

    def feed() -> None:
        with os.fdopen(write_end, "wb", buffering=0) as pipe:
            pipe.write(data[:half])
            at_half.wait(HANG_SECONDS)
            path.write_bytes(b"# keys follow\n" + key_log(NAME))
            pipe.write(data[half:])

    class Watched(io.RawIOBase):
        """Notes when the first half has been asked for."""

        def __init__(self) -> None:
            self.pipe = os.fdopen(read_end, "rb", buffering=0)
            self.position = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            if self.position >= half:
                at_half.set()
            part = self.pipe.read(min(size, half))
            self.position += len(part)
            return part

    feeder = threading.Thread(target=feed)
    feeder.start()
    source = Watched()
    try:
        assert messages_of(Capture(source, keylog=path)) == expected(NAME)
    finally:
        at_half.set()
        feeder.join()
        source.pipe.close()


def test_the_environment_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "keys.log").write_bytes(key_log(NAME))
    program = (
        "import sys; from wsdefrag.capture import Capture; print(len(list(Capture(sys.argv[1]))))"
    )
    path = tmp_path / "capture.pcapng"
    path.write_bytes(without_blocks(NAME))
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env=os.environ | {"SSLKEYLOGFILE": str(tmp_path / "keys.log")},
        capture_output=True,
        check=True,
        timeout=HANG_SECONDS,
    )
    assert result.stdout == b"0\n"
