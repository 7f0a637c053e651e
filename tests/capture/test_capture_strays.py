"""Stray packets: a RST or a SYN that the endpoints ignore ends no connection.

Middleboxes forge RSTs, and late packets of an earlier connection come on the same ports. The
packets after them show whether a connection goes on.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from capture_craft import RST, SYN
from capture_files import pcapng
from capture_intact import Intact, contents_by_direction
from capture_packets import flags_of, flow
from capture_recordings import LOADED, packets_of
from capture_seen import read
from capture_strays import strays, with_stray

NAMES = ["plain-small", "early-frames", "deflate-directions", "refused"]


@cache
def intact(name: str) -> Intact:
    _, packets = packets_of(LOADED[name].path.read_bytes())
    return Intact.of(packets)


def assert_nothing_lost(name: str, chosen: Any) -> int:
    """Adds each stray packet before and after each packet; returns how many there were."""
    whole = intact(name)
    last = {flow(packet): index for index, packet in enumerate(whole.packets)}
    tried = 0
    for index, packet in enumerate(whole.packets):
        for kind, stray in strays(packet):
            if not chosen(flags_of(stray)):
                continue
            # After the last packet of a connection a stray one may be the start of another.
            for place in {index, index + 1} - {last[flow(packet)] + 1}:
                seen = read(pcapng(with_stray(whole.packets, place, stray)), ordered=False)
                found = contents_by_direction(seen)
                assert found == whole.sent, f"{kind} before packet {place + 1}, of {index + 1}"
                assert not any(one.has_losses for one in seen.connections), kind
                tried += 1
    return tried


@pytest.mark.parametrize("name", NAMES)
def test_stray_reset_at_any_place_loses_nothing(name: str) -> None:
    assert assert_nothing_lost(name, lambda flags: flags & RST) > 100


@pytest.mark.parametrize("name", NAMES)
def test_stray_syn_at_any_place_loses_nothing(name: str) -> None:
    assert assert_nothing_lost(name, lambda flags: flags & SYN) > 100
