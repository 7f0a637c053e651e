"""Stray packets: a RST or a SYN that the endpoints ignore ends no connection.

Middleboxes forge RSTs, and late packets of an earlier connection come on the same ports. The
packets after them show whether a connection goes on.
"""

from __future__ import annotations

from functools import cache
from itertools import zip_longest
from random import Random
from typing import Any, NamedTuple

import pytest

from capture_craft import RST, SYN, Captured
from capture_files import enhanced, pcapng
from capture_intact import Intact, contents_by_direction
from capture_packets import flags_of, flow
from capture_recordings import LOADED, packets_of
from capture_seen import read
from capture_strays import strays
from night import NIGHT

pytestmark = pytest.mark.random

NAMES = ["plain-small", "early-frames", "deflate-directions", "refused"]


class Stray(NamedTuple):
    what: str
    place: int
    packet: Captured


def ends(packet: Captured) -> frozenset[bytes]:
    """The two ends of its connection, address and port."""
    addresses, numbers = flow(packet)[:8], flow(packet)[8:]
    return frozenset({addresses[:4] + numbers[:2], addresses[4:] + numbers[2:]})


@cache
def intact(name: str) -> Intact:
    _, packets = packets_of(LOADED[name].path.read_bytes())
    return Intact.of(packets)


def assert_nothing_lost(name: str, chosen: Any) -> int:
    """Adds each stray packet before and after each packet; returns how many were added.

    Connections know nothing of each other, so every connection of a recording has a stray packet of
    its own in each reading. By day a third of them is added.
    """
    whole = intact(name)
    head, blocks = pcapng([]), [enhanced(packet) for packet in whole.packets]
    last = {flow(packet): index for index, packet in enumerate(whole.packets)}
    cases: dict[frozenset[bytes], list[Stray]] = {}
    for index, packet in enumerate(whole.packets):
        for kind, stray in strays(packet):
            if not chosen(flags_of(stray)):
                continue
            # After the last packet of a connection a stray one may be the start of another.
            for place in {index, index + 1} - {last[flow(packet)] + 1}:
                what = f"{kind} before packet {place + 1}, of {index + 1}"
                cases.setdefault(ends(packet), []).append(Stray(what, place, stray))
    readings = list(zip_longest(*cases.values()))
    if not NIGHT:
        readings = Random(name).sample(readings, len(readings) // 3)
    for together in readings:
        written = blocks.copy()
        # The last place first, because each moves those after it.
        added = sorted(filter(None, together), key=lambda one: one.place, reverse=True)
        for one in added:
            time = whole.packets[one.place].time
            written.insert(one.place, enhanced(one.packet.at(time)))
        seen = read(head + b"".join(written), ordered=False)
        what = "; ".join(one.what for one in added)
        assert contents_by_direction(seen) == whole.sent, what
        assert not any(one.has_losses for one in seen.connections), what
    return sum(one is not None for together in readings for one in together)


@pytest.mark.parametrize("name", NAMES)
def test_stray_reset_at_any_place_loses_nothing(name: str) -> None:
    assert assert_nothing_lost(name, lambda flags: flags & RST) > 100


@pytest.mark.parametrize("name", NAMES)
def test_stray_syn_at_any_place_loses_nothing(name: str) -> None:
    assert assert_nothing_lost(name, lambda flags: flags & SYN) > 100
