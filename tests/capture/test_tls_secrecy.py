"""No key bytes in any output: objects, errors, warnings, tables, JSON lines, the command's text.

The tests search for the secrets of the key log and for the keys and IVs derived from them, as
bytes, in hexadecimal and in base64. A part of one is a failure.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture_files import pcapng
from capture_mutations import mutated
from capture_seen import read
from cli_captures import invoke_capture
from tls_keys import SUITES, expand_label
from tls_recordings import LOADED, READ, intact, key_log, packets_of_recording, path_of
from tls_streams import secrets_of
from wsdefrag.capture import Capture

PIECE = 12
"""Bytes of a key that must not be there in a row."""

NAMES = ["suites", "resumption", "early-data", "key-updates", "forms", "chromium-http2"]


def needles(name: str) -> set[bytes]:
    """Pieces of all keys of a recording, in the forms in which an output may have them."""
    keys = set(secrets_of(key_log(name)).values())
    for secret in list(keys):
        for suite in SUITES.values():
            if suite.number >> 8 == 0x13:
                keys.add(expand_label(secret, "key", suite.key_size, suite.hash))
                keys.add(expand_label(secret, "iv", 12, suite.hash))
                keys.add(expand_label(secret, "traffic upd", len(secret), suite.hash))
    found: set[bytes] = set()
    for key in keys:
        piece = key[:PIECE]
        decimal = ", ".join(map(str, piece)).encode()
        # Its last digits in base64 depend on the bytes that follow.
        encoded = base64.b64encode(piece)
        found |= {piece, piece.hex().encode(), piece.hex().upper().encode(), encoded, decimal}
    return found


def reprs(thing: Any) -> Iterator[str]:
    yield repr(thing)
    yield str(thing)


def outputs(name: str, home: Path) -> Iterator[bytes]:
    """All that is said of a recording that is read with its keys, intact and damaged."""
    keys = home / "keys.log"
    keys.write_bytes(key_log(name))
    damaged = home / "damaged.pcapng"
    packets = mutated(packets_of_recording(name), f"tls secrecy {name}")
    damaged.write_bytes(pcapng(packets))
    for path in (path_of(name), damaged):
        found = read(path, ordered=False, timed=False, keylog=keys, resync=True)
        for thing in (found.counts, *found.connections, *found.messages, *found.events):
            for text in reprs(thing):
                yield text.encode()
            if hasattr(thing, "content"):
                yield thing.content
        yield repr([getattr(one, "tls", None) for one in found.connections]).encode()
        yield "\n".join(found.warnings).encode()
        for text in reprs(Capture(path, keylog=key_log(name))):
            yield text.encode()
        for command in ("messages", "connections", "events"):
            for form in ("text", "jsonl"):
                result = invoke_capture(
                    command, path, "--keylog", keys, "--format", form, "--resync", "--summary"
                )
                yield result.stdout_bytes
                yield result.stderr_bytes
        tables = Capture(path, keylog=keys, resync=True).to_arrow()
        for table in (tables.messages, tables.connections, tables.events):
            yield repr(table).encode()


@pytest.mark.parametrize("name", NAMES)
def test_no_output_has_a_piece_of_a_key(name: str, tmp_path: Path) -> None:
    wanted = needles(name)
    size = 0
    for output in outputs(name, tmp_path):
        size += len(output)
        assert not [piece for piece in wanted if piece in output]
    assert size > 50_000


def wrong_key_logs(name: str) -> Iterator[bytes]:
    """Key logs with which something is wrong, such that a reader may want to say what."""
    lines = key_log(name).splitlines()
    yield b"\n".join(line[:-2] for line in lines)
    yield b"\n".join(line + b"00" for line in lines)
    yield b"\n".join(line.replace(b" ", b"  ") for line in lines)
    yield b"\n".join(line.lower() for line in lines)
    yield b"".join(lines)
    yield b"\n".join(line.replace(b"TRAFFIC", b"TRAFIC") for line in lines)


@pytest.mark.parametrize("name", ["suites", "key-updates"])
def test_no_complaint_about_a_key_log_quotes_it(name: str, tmp_path: Path) -> None:
    wanted = needles(name)
    keys = tmp_path / "keys.log"
    for wrong in wrong_key_logs(name):
        keys.write_bytes(wrong)
        found = read(path_of(name), ordered=False, keylog=keys)
        said = [*found.warnings, repr(found.counts)]
        said += [repr(one) for one in found.connections]
        result = invoke_capture("messages", path_of(name), "--keylog", keys)
        output = "\n".join(said).encode() + result.output.encode()
        assert not [piece for piece in wanted if piece in output]


def test_no_error_quotes_a_key() -> None:
    name = "suites"
    wanted = needles(name)
    for source, keys in (
        (key_log(name), key_log(name)),
        (path_of(name), [key_log(name), 5]),
        (path_of(name), {"keys": key_log(name)}),
        (path_of(name), key_log(name).decode()),
    ):
        given: Any = io.BytesIO(source) if isinstance(source, bytes) else source
        with pytest.raises(Exception) as caught:  # noqa: PT011
            list(Capture(given, keylog=keys))  # type: ignore[arg-type]
        text = f"{caught.value} {caught.value!r}".encode()
        assert not [piece for piece in wanted if piece in text]


def test_recordings_are_those_that_are_read() -> None:
    assert set(NAMES) <= set(READ)
    assert any(LOADED[name].secrets_inside for name in NAMES)
    assert all(intact(name).packets for name in NAMES)
