"""Secrets blocks that come after packets which need them, in files of all kinds and in pipes.

Files by path are scanned for them, compressed ones too. In a pipe, records wait for them within a
bound, and what was given up is counted.
"""

from __future__ import annotations

import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from capture_files import SECRETS, block
from capture_seen import read
from capture_tables import READERS, converted
from cli_captures import invoke_capture
from tls_recordings import key_log, path_of
from wsdefrag.capture import Capture

NAME = "early-data"
LONG = "losses-tls13"


def secrets(keys: bytes) -> bytes:
    """A block of secrets (pcapng section 4.8)."""
    head = (0x544C534B).to_bytes(4, "little") + len(keys).to_bytes(4, "little")
    return block(SECRETS, head + keys + bytes(-len(keys) % 4))


def blocks(name: str) -> list[bytes]:
    """The blocks of a recording without those of secrets."""
    data, at, found = path_of(name).read_bytes(), 0, []
    while at < len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if int.from_bytes(data[at : at + 4], "little") != SECRETS:
            found.append(data[at : at + length])
        at += length
    return found


def late(name: str) -> bytes:
    """A recording whose secrets stand after its last packet."""
    return b"".join(blocks(name)) + secrets(key_log(name))


def contents(capture: Capture) -> list[bytes]:
    return [message.content for message in capture.messages()]


def expected(name: str) -> list[bytes]:
    return contents(Capture(path_of(name), keylog=key_log(name)))


@pytest.mark.parametrize("name", [NAME, LONG])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress])
def test_files_are_scanned_for_secrets(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "late.pcapng"
    path.write_bytes(compress(late(name)))
    assert contents(Capture(path)) == expected(name)
    assert pa.table(Capture(path)).num_rows == len(expected(name)) > 0


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_convert_finds_secrets_after_the_packets(
    tmp_path: Path, reader: str, compress: Callable[[bytes], bytes]
) -> None:
    source = tmp_path / "late.pcapng"
    source.write_bytes(compress(late(NAME)))
    suffix, rows_of = READERS[reader]
    rows = rows_of(converted(source, tmp_path / f"rows.{suffix}"))
    assert len(rows) == len(expected(NAME)) > 0


def test_a_pipe_waits_for_its_first_secrets() -> None:
    """Without a key log, and wherever the block stands, as long as little has come before it."""
    whole = blocks(NAME)
    for place in range(len(whole)):
        data = b"".join([*whole[: place + 1], secrets(key_log(NAME)), *whole[place + 1 :]])
        found = read(io.BytesIO(data), ordered=False)
        got = [message.content for message in found.messages]
        assert sorted(got) == sorted(expected(NAME)), place
        assert found.counts.bytes_before_keys == 0


def test_a_pipe_counts_what_it_gave_up() -> None:
    """Also what a connection had that ended before its keys came."""
    whole = blocks(LONG)
    places = [*range(0, len(whole), 80), *range(len(whole) - 40, len(whole), 10), len(whole)]
    places = [place for place in places if place]
    read_whole = []
    for place in places:
        data = b"".join([*whole[:place], secrets(key_log(LONG)), *whole[place:]])
        found = read(io.BytesIO(data), ordered=False, resync=True)
        got = [message.content for message in found.messages if message.status == "ok"]
        read_whole.append(len(got))
        assert set(got) <= set(expected(LONG))
        said = sum(
            int(problem.split()[1])
            for connection in found.connections
            for problem in connection.problems
            if "given up before their keys came" in problem
        )
        ended = found.counts.tls_packets["no_keys"]
        assert said == found.counts.bytes_before_keys or (said == 0 < ended)
        lost = len(got) < len(expected(LONG))
        assert lost == (found.counts.bytes_before_keys > 0)
    assert read_whole == sorted(read_whole, reverse=True)
    assert read_whole[-1] < read_whole[0]


def test_late_keys_are_said() -> None:
    whole = blocks(LONG)
    for place in (len(whole) - 30, len(whole)):
        data = b"".join([*whole[:place], secrets(key_log(LONG)), *whole[place:]])
        result = invoke_capture("connections", "-", stdin=data)
        assert "of TLS not decrypted: the keys came too late" in result.stderr
        assert result.exit_code == 1


def test_no_secret_at_all_is_no_key_that_came_too_late() -> None:
    found = read(io.BytesIO(b"".join(blocks(LONG))), ordered=False)
    assert found.messages == []
    assert found.counts.bytes_before_keys == 0
    assert found.counts.tls_packets["no_keys"] > 0
