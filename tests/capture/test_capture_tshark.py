"""Comparison with tshark on captures that it reads correctly: uncompressed and without gaps.

tshark is asked to put segments in order; without that it loses messages. Its output does not tell
empty messages from fragmented ones, so the comparison leaves out both.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from capture_conversation import SERVER, Segment, binary, capture_of, text, upgraded
from capture_craft import Captured
from capture_files import pcapng
from capture_recordings import LOADED, seen
from capture_seen import read
from capture_tunnels import LINK_TYPES, encapsulations, ethernet, framed
from tshark_messages import TSHARK, Sent, ours, tshark

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

RECORDINGS = ["plain-small", "demo", "ipv6", "vlan", "any-sll", "any-sll2", "refused", "lossy-many"]


@pytest.mark.parametrize("name", RECORDINGS)
def test_recording_reads_as_tshark_reads_it(name: str, tmp_path: Path) -> None:
    found = Counter(tshark(LOADED[name].path, tmp_path))
    assert found
    assert found == ours(seen(name))


@pytest.mark.parametrize("link", ["ethernet", "qinq", "sll2", "null", "raw"])
def test_segments_out_of_order_read_as_tshark_reads_them(link: str, tmp_path: Path) -> None:
    talk = upgraded()
    for number in range(8):
        content = bytes([number]) * 100 * (number + 1)
        first, second, third = talk.say(True, binary(True, content), size=50 + 34 * number)[:3]
        talk.segments = talk.with_moved(first, third)
        assert first is not second
        talk.says(False, text(False, f"number {number}"))
    path = tmp_path / "capture.pcapng"
    path.write_bytes(capture_of(talk.end().segments, link))
    mine = read(path)
    assert len(mine.messages) == 16
    assert Counter(tshark(path, tmp_path)) == ours(mine)


def talk_on(port: int) -> list[Segment]:
    """A conversation of one message a side, each of which is found once."""
    talk = upgraded(client=("192.0.2.10", port), server=SERVER)
    talk.says(True, text(True, f"client {port}"))
    talk.says(False, binary(False, f"server {port}".encode()))
    return talk.end().segments


def by_port(sent: Counter[Sent]) -> dict[int, list[tuple[bool, int, bytes]]]:
    found: dict[int, list[tuple[bool, int, bytes]]] = {}
    for port, from_client, opcode, content in sorted(sent):
        found.setdefault(port, []).append((from_client, opcode, content))
    return found


NOT_BY_TSHARK = {"VXLAN on 8472"}
"""What tshark 4.0 does not take off: it knows VXLAN on its registered port only."""


@pytest.mark.parametrize("outer", [False, True], ids=["in IPv4", "in IPv6"])
def test_encapsulations_read_as_tshark_reads_them(outer: bool, tmp_path: Path) -> None:
    """One file with a conversation in each of them, so that tshark starts once."""
    names = [name for name in encapsulations(outer) if name not in NOT_BY_TSHARK]
    packets = []
    for port, name in enumerate(names, 40_000):
        for segment in talk_on(port):
            frame = encapsulations(outer)[name](framed(segment.packet()))
            assert frame is not None
            packets.append(Captured(segment.time, ethernet(frame)))
    path = tmp_path / "capture.pcapng"
    path.write_bytes(pcapng(packets))
    mine = by_port(ours(read(path, ordered=False)))
    assert len(mine) == len(names)
    theirs = by_port(Counter(tshark(path, tmp_path)))
    assert {names[port - 40_000] for port in mine if mine[port] != theirs.get(port)} == set()


def test_link_types_read_as_tshark_reads_them(tmp_path: Path) -> None:
    packets = []
    for number, (_, write) in enumerate(LINK_TYPES.values()):
        for segment in talk_on(40_000 + number):
            data = write(framed(segment.packet()))
            assert data is not None
            packets.append(Captured(segment.time, data, None, number))
    path = tmp_path / "capture.pcapng"
    path.write_bytes(pcapng(packets, [number for number, _ in LINK_TYPES.values()]))
    mine = by_port(ours(read(path, ordered=False)))
    assert len(mine) == len(LINK_TYPES)
    theirs = by_port(Counter(tshark(path, tmp_path)))
    names = list(LINK_TYPES)
    assert {names[port - 40_000] for port in mine if mine[port] != theirs.get(port)} == set()
