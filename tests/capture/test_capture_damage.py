"""Damaged and truncated files, and files that are not captures: what is read, and the error."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_files import pcap, pcap_record, pcapng, section
from capture_samples import EXPECTED, FILE, PACKETS, SENT
from capture_seen import read
from wsdefrag.capture import Capture
from wsdefrag.errors import CaptureError


def edges(data: bytes) -> list[int]:
    """Where each block of a little-endian pcapng file ends."""
    found = []
    at = 0
    while at < len(data):
        at += int.from_bytes(data[at + 4 : at + 8], "little")
        found.append(at)
    return found


def test_pcapng_cut_anywhere_gives_all_before_the_cut() -> None:
    ends = edges(FILE)
    assert ends[-1] == len(FILE)
    for length in range(8, len(FILE)):
        whole = sum(1 for end in ends if end <= length) - 2
        if length < ends[0]:
            continue
        found = read(FILE[:length])
        assert found.counts.packets == max(whole, 0), length
        assert (found.warnings == []) == (length in ends), length
        expected = [one for one in EXPECTED.messages if one.last_packet <= whole]
        assert found.contents() == [one.content for one in expected], length


@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_cut_anywhere_gives_all_before_the_cut(nanoseconds: bool) -> None:
    data = pcap(PACKETS, nanoseconds=nanoseconds)
    ends = [24]
    for packet in PACKETS:
        ends.append(ends[-1] + len(pcap_record(packet)))
    for length in range(24, len(data)):
        found = read(data[:length])
        whole = sum(1 for end in ends if end <= length) - 1
        assert found.counts.packets == whole, length
        assert len(found.warnings) == (length not in ends), length
        expected = [one for one in EXPECTED.messages if one.last_packet <= whole]
        assert found.contents() == [one.content for one in expected], length


def test_gzip_cut_anywhere_gives_what_came_out_of_it() -> None:
    data = gzip.compress(FILE, mtime=0)
    for length in range(120, len(data), 7):
        found = read(data[:length])
        assert found.warnings != [], length
        assert found.contents() == SENT[: len(found.contents())]
    assert found.contents() == SENT


def test_warning_of_a_cut_file_says_where(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(FILE[:-5])
    (warning,) = read(path).warnings
    assert str(path) in warning
    assert str(edges(FILE)[-2]) in warning


DAMAGES = {
    "length below a block's own": (4, (8).to_bytes(4, "little")),
    "length that is no multiple of four": (4, (63).to_bytes(4, "little")),
    "length beyond all bounds": (4, (0x7FFFFFF0).to_bytes(4, "little")),
    "captured length beyond the block": (20, (60_000).to_bytes(4, "little")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_block_is_an_error_after_all_before_it(damage: str) -> None:
    at, number = DAMAGES[damage]
    ends = edges(FILE)
    start = ends[-6]
    damaged = bytearray(FILE)
    damaged[start + at : start + at + 4] = number
    found = read(bytes(damaged) + bytes(100_000), fails=True)
    whole = len(ends) - 5 - 2
    assert found.contents() == [
        one.content for one in EXPECTED.messages if one.last_packet <= whole
    ]
    assert found.error is not None
    assert found.error.offset == start
    assert len(str(found.error).splitlines()) == 1
    assert len(found.connections) == 1


def test_damaged_pcap_record_is_an_error_after_all_before_it() -> None:
    records = [pcap_record(packet) for packet in PACKETS]
    data = bytearray(pcap(PACKETS) + bytes(100_000))
    start = 24 + sum(map(len, records[:10]))
    data[start + 8 : start + 12] = (0x7FFFFFFF).to_bytes(4, "little")
    found = read(bytes(data), fails=True)
    assert found.counts.packets == 10
    assert found.contents() == [one.content for one in EXPECTED.messages if one.last_packet <= 10]
    assert found.error is not None
    assert found.error.offset == start


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x81\x05hello",
        bytes(64),
        b"\x7fELF" + bytes(100),
        gzip.compress(b"something else, and long enough to be looked at", mtime=0),
        section()[:8] + b"abcd" + section()[12:],
    ],
)
def test_file_that_is_no_capture_is_an_error(data: bytes) -> None:
    with pytest.raises(CaptureError) as caught:
        list(Capture(io.BytesIO(data)).read())
    assert len(str(caught.value).splitlines()) == 1


def test_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear reader, this is no capture at all.")
    with pytest.raises(CaptureError) as caught:
        list(Capture(path))
    assert caught.value.file == str(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(Capture(tmp_path / "nowhere.pcapng"))


@pytest.mark.parametrize("data", [pcap([]), pcapng([]), section()])
def test_capture_without_packets_gives_nothing(data: bytes) -> None:
    found = read(data)
    assert found.messages == []
    assert found.connections == []
    assert found.counts.packets == 0
    assert found.warnings == []


def test_empty_file_is_an_error() -> None:
    with pytest.raises(CaptureError, match="empty"):
        read(b"")


class Pieces(io.RawIOBase):
    """A file whose reads return chunks of given sizes, whatever size is requested."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes, self._at = data, sizes, 0
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        wanted = self._sizes[self._count % len(self._sizes)]
        self._count += 1
        taken = self._data[self._at : self._at + min(wanted, size if size > 0 else wanted)]
        self._at += len(taken)
        return taken


@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    form=st.sampled_from(["pcapng", "pcap", "gzip", "damaged", "cut"]),
)
def test_any_split_of_the_file_gives_the_same(sizes: list[int], form: str) -> None:
    data = {
        "pcapng": FILE,
        "pcap": pcap(PACKETS),
        "gzip": gzip.compress(FILE, mtime=0),
        "damaged": FILE[:700] + bytes(3000),
        "cut": FILE[:-9],
    }[form]
    whole = read(data, fails=True)
    assert read(Pieces(data, sizes), fails=True).dump() == whole.dump()
