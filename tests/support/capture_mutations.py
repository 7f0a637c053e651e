"""Changes the packets of captures at random but repeatably: the same seed gives the same change.

Most mutations are errors of capturing: packets are missing, duplicated, late or in another order;
the capture starts late or stops early; packets are cut to a snap length; packets are captured at
two places, with other addresses of Ethernet, TTL, VLAN and lengths. Others happen in the network:
hours pass without a packet; somebody forges a RST or a SYN; or a faulty middlebox retransmits other
bytes after the original ones. There is no mutation with other bytes before the original ones,
because the first bytes to arrive are used.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from capture_craft import RST, SYN
from capture_files import SECOND
from capture_packets import Packets, flags_of, flow, in_time, is_syn, payload_start, ports, tapped
from capture_strays import strays, with_stray


def drop(packets: Packets, chance: random.Random) -> Packets:
    """Miss single packets."""
    rate = chance.choice([0.01, 0.05, 0.2])
    return [packet for packet in packets if chance.random() >= rate]


def drop_run(packets: Packets, chance: random.Random) -> Packets:
    """Miss some in a row."""
    start = chance.randrange(len(packets))
    return packets[:start] + packets[start + chance.randint(1, 12) :]


def drop_one(packets: Packets, chance: random.Random) -> Packets:
    at = chance.randrange(len(packets))
    return packets[:at] + packets[at + 1 :]


def duplicate(packets: Packets, chance: random.Random) -> Packets:
    """See some twice, the second time later."""
    seen = list(packets)
    for _ in range(chance.randint(1, 10)):
        at = chance.randrange(len(seen))
        seen.insert(min(at + chance.randint(1, 30), len(seen)), seen[at])
    return seen


def reorder(packets: Packets, chance: random.Random) -> Packets:
    """See some later or earlier than they were sent."""
    seen = list(packets)
    for _ in range(chance.randint(1, 10)):
        packet = seen.pop(chance.randrange(len(seen)))
        at = chance.randrange(len(seen) + 1)
        seen.insert(at, packet)
    return seen


def shuffle(packets: Packets, chance: random.Random) -> Packets:
    """See all of them a little out of order."""
    reach = chance.choice([2, 4, 10])
    places = [(index + chance.uniform(0, reach), index) for index in range(len(packets))]
    return [packets[index] for _, index in sorted(places)]


def displace(packets: Packets, chance: random.Random) -> Packets:
    """See segments later, by 1 to 64 places among those of their direction."""
    seen = list(packets)
    for packet in chance.sample(packets, min(chance.randint(1, 10), len(packets))):
        at = seen.index(packet)
        rest = range(at + 1, len(seen))
        later = [place for place in rest if flow(seen[place]) == flow(packet)]
        if later:
            place = later[: chance.randint(1, 64)][-1]
            seen.insert(place, seen.pop(at))
    return seen


def start_late(packets: Packets, chance: random.Random) -> Packets:
    return packets[chance.randrange(len(packets)) :]


def stop_early(packets: Packets, chance: random.Random) -> Packets:
    return packets[: chance.randint(1, len(packets))]


def snap(packets: Packets, chance: random.Random) -> Packets:
    """Cut all packets, or some, to a length."""
    length = chance.randint(54, 400)
    rate = chance.choice([0.05, 0.3, 1.0])
    return [packet.snapped(length) if chance.random() < rate else packet for packet in packets]


def delay(packets: Packets, chance: random.Random) -> Packets:
    """Let seconds pass somewhere."""
    return _pause(packets, chance.randrange(len(packets)), chance.choice([1, 3, 50]))


def silence(packets: Packets, chance: random.Random) -> Packets:
    """Let minutes or hours pass at some places."""
    for _ in range(chance.randint(1, 3)):
        seconds = chance.choice([700, 3_600, 30_000, 200_000])
        packets = _pause(packets, chance.randrange(len(packets)), seconds)
    return packets


def _pause(packets: Packets, at: int, seconds: int) -> Packets:
    later = [packet.at(packet.time + seconds * SECOND) for packet in packets[at:]]
    return packets[:at] + later


def forge(packets: Packets, chance: random.Random) -> Packets:
    """Put RSTs and SYNs with plausible numbers before or after some packets."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(packets))
        _, stray = chance.choice(list(strays(packets[at])))
        packets = with_stray(packets, min(at + chance.randint(0, 1), len(packets) - 1), stray)
    return packets


def one_side(packets: Packets, chance: random.Random) -> Packets:
    """Capture what one side of each connection sends."""
    wanted = chance.random() < 0.5
    return [packet for packet in packets if (ports(packet)[0] < ports(packet)[1]) == wanted]


def overlap(packets: Packets, chance: random.Random) -> Packets:
    """See some again with other payload bytes, after the original."""
    seen = list(packets)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(seen))
        original = seen[at]
        start = payload_start(original)
        changed = bytearray(original.data)
        for place in range(start, len(changed)):
            changed[place] ^= chance.randrange(256)
        copy = replace(original, data=bytes(changed))
        seen.insert(min(at + chance.randint(1, 20), len(seen)), copy)
    return seen


def tap(packets: Packets, chance: random.Random) -> Packets:
    """See some at two places: the copies have other MAC addresses, TTL, VLAN, and may be cut."""
    rate = chance.choice([0.1, 0.5, 1.0])
    # A mirror has one VLAN, one for each direction, or none.
    vlans = chance.choice([(None, None), (12, 12), (12, 13), (12, None)])
    length = chance.choice([None, None, chance.randint(58, 400)])
    macs = bytes(chance.randrange(256) for _ in range(12))
    seen: Packets = []
    for packet in packets:
        if chance.random() >= rate:
            seen.append(packet)
            continue
        copy = tapped(packet, macs, vlans[ports(packet)[0] < ports(packet)[1]])
        if length is not None:
            copy = copy.snapped(length)
        at = max(0, len(seen) - chance.randint(0, 3)) if chance.random() < 0.3 else len(seen) + 1
        seen.append(packet)
        seen.insert(at, copy)
    return seen


MUTATIONS: Sequence[Callable[[Packets, random.Random], Packets]] = (
    drop,
    drop_run,
    drop_one,
    drop_one,
    duplicate,
    reorder,
    shuffle,
    displace,
    start_late,
    stop_early,
    snap,
    delay,
    silence,
    forge,
    one_side,
    tap,
    overlap,
)


def mutated(packets: Packets, seed: Any) -> Packets:
    """Damage a capture in one to three ways; the same seed gives the same damage."""
    chance = random.Random(seed)
    chosen = chance.choices(MUTATIONS, k=chance.randint(1, 3))
    # The last one, so that nothing puts the other bytes before the original.
    for mutation in sorted(chosen, key=lambda one: one is overlap):
        if packets:
            packets = mutation(packets, chance)
    return in_time(packets)


def disturbed(packets: Packets, seed: Any) -> Packets:
    """A capture in which nothing is missing: packets that come again, or two places late."""
    chance = random.Random(seed)
    repeat, late = chance.choice([(True, False), (False, True), (True, True)])
    if repeat:
        # A SYN that comes again when its connection is long over would begin another one.
        known = [packet for packet in packets if not is_syn(packet)]
        for _ in range(chance.randint(1, 10)):
            again = chance.choice(known)
            at = min(packets.index(again) + chance.randint(1, 30), len(packets))
            packets = [*packets[:at], again, *packets[at:]]
    if late:
        places = [(index + chance.uniform(0, 2), index) for index in range(len(packets))]
        packets = [packets[index] for _, index in sorted(places)]
    return in_time(packets)


def displaced(packets: Packets, seed: Any) -> Packets:
    """A capture in which nothing is missing: segments that come up to 64 places late.

    They keep the times at which they were sent, or get those of the places that they come to.
    """
    chance = random.Random(seed)
    moved = displace(packets, chance)
    return moved if chance.random() < 0.5 else in_time(moved)


def beset(packets: Packets, seed: Any) -> Packets:
    """A capture in which nothing is missing: silence of hours, then forged RSTs and a forged SYN.

    A forged RST before a silence would be the end, and one after the last packet of a connection
    could not be told from a real one. Two forged SYNs that answer each other are a handshake.
    """
    chance = random.Random(seed)
    at = chance.randrange(len(packets) - 1)
    packets = _pause(packets, at, chance.choice([700, 30_000]))
    last = {flow(packet): index for index, packet in enumerate(packets)}
    places = sorted((chance.randrange(at, len(packets)) for _ in range(4)), reverse=True)
    flags = SYN
    for place in places:
        if place < last[flow(packets[place])]:
            forged = [stray for _, stray in strays(packets[place]) if flags_of(stray) & flags]
            stray, flags = chance.choice(forged), RST
            packets = with_stray(packets, place + chance.randint(0, 1), stray)
    return packets


def doubly_tapped(packets: Packets, seed: Any) -> Packets:
    """A capture in which nothing is missing, and each packet may be there twice."""
    return in_time(tap(packets, random.Random(seed)))
