"""Compressed captures: each format, whole, truncated and damaged, alone and one after another."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from collections.abc import Callable
from itertools import product

import pyarrow as pa
import pytest

from capture_conversation import capture_of, text, upgraded
from capture_samples import FILE, SENT
from capture_seen import read
from wsdefrag.capture import Capture
from wsdefrag.errors import CaptureError


def arrow(codec: str) -> Callable[[bytes], bytes]:
    """Compress as Arrow's libraries for zstd and lz4 do."""

    def compress(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        return bytes(sink.getvalue())

    return compress


FORMATS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": arrow("zstd"),
    "lz4": arrow("lz4"),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}

talk = upgraded()
chance = random.Random(1)
LONG_TEXTS = [chance.randbytes(300).hex() for _ in range(2_000)]
for number, content in enumerate(LONG_TEXTS):
    talk.says(number % 2 > 0, text(number % 2 > 0, content))
LONG = capture_of(talk.end().segments)
LONG_CONTENTS = [content.encode() for content in LONG_TEXTS]


@pytest.mark.parametrize("form", FORMATS)
def test_compressed_capture_is_read(form: str) -> None:
    found = read(FORMATS[form](LONG))
    assert found.contents() == LONG_CONTENTS
    assert found.warnings == []


@pytest.mark.parametrize(("first", "second"), list(product(FORMATS, FORMATS)))
def test_members_follow_each_other(first: str, second: str) -> None:
    data = FORMATS[first](FILE[:900]) + bytes(700) + FORMATS[second](FILE[900:]) + bytes(512)
    found = read(data)
    assert found.contents() == SENT
    assert found.warnings == []


@pytest.mark.parametrize("form", FORMATS)
def test_plain_capture_may_follow_a_compressed_one(form: str) -> None:
    cut = FILE.index(b"\x06\0\0\0")
    found = read(FORMATS[form](FILE[:cut]) + FILE)
    assert found.contents() == SENT
    assert found.warnings == []


@pytest.mark.parametrize("form", FORMATS)
def test_frame_without_data_is_passed_over(form: str) -> None:
    frame = b"\x5a\x2a\x4d\x18" + (9).to_bytes(4, "little") + b"some data"
    assert read(frame + FORMATS[form](FILE) + frame).contents() == SENT


@pytest.mark.parametrize("form", FORMATS)
def test_truncated_data_gives_what_can_be_inflated(form: str) -> None:
    data = FORMATS[form](LONG)
    most = 0
    for part in range(1, 20):
        found = read(data[: len(data) * part // 20 + 40], fails=True)
        contents = [one.content for one in found.messages if one.status == "ok"]
        assert contents == LONG_CONTENTS[: len(contents)]
        most = max(most, len(contents))
        if found.error is None:
            assert any("ends too early" in warning for warning in found.warnings), part
    # A block of bzip2 has 900,000 bytes, one of xz up to 2 MiB; neither can be read in part.
    assert most > (0 if form in ("bzip2", "xz") else 1_000)


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_data_gives_what_comes_before_it(form: str) -> None:
    data = FORMATS[form](LONG)
    for place in range(200, len(data), len(data) // 15):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        damaged[place + 1] ^= 0xAA
        found = read(bytes(damaged), fails=True, ordered=False, timed=False)
        # Arrow's frames of zstd and lz4 have no checksum, so other bytes may come out of them.
        if form not in ("zstd", "lz4"):
            assert found.warnings or found.error is not None, place


@pytest.mark.parametrize("form", FORMATS)
def test_compressed_letter_is_no_capture(form: str) -> None:
    with pytest.raises(CaptureError, match="not a capture file: it looks like text"):
        list(Capture(io.BytesIO(FORMATS[form](b"Dear reader, " * 100))))


@pytest.mark.parametrize("form", FORMATS)
def test_bomb_is_inflated_bit_by_bit(form: str) -> None:
    """100 MB of zeros after a capture are passed over, and named."""
    zeros = bytes(100_000_000)
    found = read(FORMATS[form](FILE) + FORMATS[form](zeros))
    assert found.contents() == SENT
    (warning,) = found.warnings
    assert "100000000 bytes were skipped" in warning
