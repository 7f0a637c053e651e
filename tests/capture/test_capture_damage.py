"""Damaged and truncated files, and files that are no captures: what is read, and the warnings."""

from __future__ import annotations

import gzip
import io
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_conversation import CLIENT
from capture_craft import Captured, Order
from capture_files import pcap, pcap_record, pcapng, section, snoop, snoop_record
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


def is_from(packet: Captured, from_client: bool) -> bool:
    """Whether a packet's source port is that of the client."""
    return (packet.data[34:36] == CLIENT[1].to_bytes(2, "big")) == from_client


DAMAGES = {
    "length below a block's own": (4, (8).to_bytes(4, "little")),
    "length that is no multiple of four": (4, (63).to_bytes(4, "little")),
    "length beyond all bounds": (4, (0x7FFFFFF0).to_bytes(4, "little")),
    "captured length beyond the block": (20, (60_000).to_bytes(4, "little")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_block_costs_its_packet(damage: str) -> None:
    at, number = DAMAGES[damage]
    ends = edges(FILE)
    start, end = ends[-6:-4]
    damaged = bytearray(FILE)
    damaged[start + at : start + at + 4] = number
    found = read(bytes(damaged))
    assert found.counts.packets == EXPECTED.counts.packets - 1
    (warning,) = found.warnings
    assert f"record {len(ends) - 4} at byte {start}:" in warning
    assert f"{end - start} bytes were skipped" in warning


def test_damage_up_to_the_end_keeps_all_before_it() -> None:
    ends = edges(FILE)
    start = ends[-6]
    found = read(FILE[:start] + bytes(100_000))
    whole = len(ends) - 5 - 2
    assert found.contents() == [
        one.content for one in EXPECTED.messages if one.last_packet <= whole
    ]
    (warning,) = found.warnings
    assert f"at byte {start}:" in warning
    assert "100000 bytes were skipped" in warning
    assert len(found.connections) == 1


def test_damaged_pcap_record_costs_its_packet() -> None:
    records = [pcap_record(packet) for packet in PACKETS]
    data = bytearray(pcap(PACKETS))
    start = 24 + sum(map(len, records[:10]))
    data[start + 8 : start + 12] = (0x7FFFFFFF).to_bytes(4, "little")
    found = read(bytes(data))
    assert found.counts.packets == len(PACKETS) - 1
    (warning,) = found.warnings
    assert f"record 11 at byte {start}:" in warning
    assert f"{len(records[10])} bytes were skipped" in warning


FORMATS = {
    "pcapng": (FILE, edges(FILE)[1:]),
    "pcap": (
        pcap(PACKETS),
        list(accumulate((len(pcap_record(packet)) for packet in PACKETS), initial=24)),
    ),
    "snoop": (
        snoop(PACKETS),
        list(accumulate((len(snoop_record(packet)) for packet in PACKETS), initial=16)),
    ),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("flip", [0xFF, 0x01, 0x80])
def test_damage_at_any_byte_costs_only_its_packet(form: str, flip: int) -> None:
    """The bytes are those of the records; those of a packet are no matter of the file."""
    data, ends = FORMATS[form]
    header = {"pcapng": 28, "pcap": 16, "snoop": 24}[form]
    for index, (start, end) in enumerate(pairwise(ends)):
        if index < 9:
            # The handshakes of TCP and of the WebSocket.
            continue
        for at in [*range(start, start + header), *range(end - 4, end)]:
            damaged = bytearray(data)
            damaged[at] ^= flip
            found = read(bytes(damaged), ordered=False, timed=False)
            place = (index, at - start)
            assert found.counts.packets >= len(PACKETS) - 1, place
            # A gap over a frame's header ends its own direction.
            for from_client in (True, False):
                sent = EXPECTED.side(from_client)
                lost = [one for one in PACKETS[index : index + 1] if is_from(one, from_client)]
                assert found.side(from_client)[: len(sent)] == sent or lost, place


def odd_records(odd: dict[int, tuple[int, int]], order: Order = "little") -> bytes:
    """A pcap file of which some records have other seconds and fractions of a second."""
    records = [bytearray(pcap_record(packet, order)) for packet in PACKETS]
    for index, (seconds, fraction) in odd.items():
        records[index][:8] = seconds.to_bytes(4, order) + fraction.to_bytes(4, order)
    return pcap([], order=order) + b"".join(records)


ODD = (1_701_999_731, 1_011_041_000)
"""A time two years from the others, with a fraction of a thousand seconds."""


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_times_that_cannot_be_right_cost_no_record(count: int, order: Order) -> None:
    """Only the times are wrong, of one record or of several in a row."""
    for start in range(1, len(PACKETS) - count + 1):
        found = read(odd_records(dict.fromkeys(range(start, start + count), ODD), order))
        assert found.counts.packets == len(PACKETS), start
        assert found.contents() == SENT, start
        assert len(found.warnings) == count, start
        for warning in found.warnings:
            assert "its time cannot be right; that of the packet before is used" in warning, start


@pytest.mark.parametrize("odd", [(0, 0xFFFF_FFFF), (1_200_000_000, 5), (0xFFFF_FFFF, 0)])
def test_odd_time_next_to_another_costs_no_record(odd: tuple[int, int]) -> None:
    """One has a fraction that is too large, and the one next to it another day."""
    for start in range(1, len(PACKETS) - 1):
        for times in ((odd, ODD), (ODD, odd)):
            data = odd_records(dict(enumerate(times, start)))
            found = read(data, ordered=False, timed=False)
            assert found.counts.packets == len(PACKETS), (start, times)
            assert found.contents() == SENT, (start, times)


def test_first_time_that_cannot_be_right_costs_no_record() -> None:
    for count in (1, 2):
        found = read(odd_records(dict.fromkeys(range(count), ODD)), ordered=False, timed=False)
        assert found.counts.packets == len(PACKETS)
        assert found.contents() == SENT


def test_packet_with_an_odd_time_that_holds_records_is_no_packet() -> None:
    """Its length is wrong: there are whole records inside, and one that fits comes after it."""
    records = [bytearray(pcap_record(packet)) for packet in PACKETS]
    for index in range(9, len(PACKETS) - 5):
        damaged = [*map(bytearray, records)]
        length = sum(map(len, records[index : index + 4])) - 16
        fields = (*ODD, length, length)
        damaged[index][:16] = b"".join(field.to_bytes(4, "little") for field in fields)
        found = read(pcap([]) + b"".join(damaged), ordered=False, timed=False)
        assert found.counts.packets == len(PACKETS) - 1, index
        (warning,) = found.warnings
        assert f"{len(records[index])} bytes were skipped" in warning


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
