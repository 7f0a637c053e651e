"""Captures of TLS with losses: messages in whole records are read, and no others are invented.

`LAWS` has the share of messages that must be read, over all scenarios. The table at the end of the
test run has the share for each kind of cipher suite, and the messages that were read from parts of
records. `WSDEFRAG_SALT` and `WSDEFRAG_MUTATIONS` have no effect here, because a share can be
compared only over the same captures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from tls_damage import (
    Damage,
    Share,
    any_packets,
    from_the_middle,
    no_handshake,
    no_server_hello,
    one_segment,
    read_damaged,
    segments,
    share,
    snapped,
)
from tls_keys import TLS13
from tls_oracle import IntactTls
from tls_recordings import intact, resealed

SCENARIOS: dict[str, Callable[[], IntactTls]] = {
    "1.3 AES-128-GCM": partial(intact, "losses-tls13"),
    "1.3 AES-256-GCM": partial(resealed, "losses-tls13", 0x1302),
    "1.3 ChaCha20": partial(resealed, "losses-tls13", 0x1303),
    "1.3 Chromium": partial(intact, "chromium-http1"),
    "1.3 key updates": partial(intact, "key-updates"),
    "1.2 AES-128-GCM": partial(intact, "losses-tls12"),
    "1.2 AES-256-GCM": partial(resealed, "losses-tls12", 0xC030),
    "1.2 ChaCha20": partial(resealed, "losses-tls12", 0xCCA8),
    "1.2 CBC": partial(resealed, "losses-tls12", 0xC027),
    "1.2 CBC, MAC last": partial(resealed, "losses-tls12", 0xC028, mac_last=True),
    "1.2 and 1.3 Node.js": partial(intact, "node"),
    "1.2 and 1.3 forms": partial(intact, "forms"),
}


@dataclass(frozen=True)
class Law:
    """How much of what whole records allow is read after a kind of damage."""

    damage: Damage
    least: float
    only_13: bool = False


LAWS = {
    "one segment missing": Law(one_segment(24), 0.99),
    "1 % of the segments missing": Law(segments(0.01, 5), 0.92),
    "2 % of all packets missing": Law(any_packets(0.02, 5), 0.85),
    "snap length 900": Law(snapped(900), 0.92),
    "handshake not captured": Law(no_handshake, 0.92, only_13=True),
    "captured from the middle": Law(from_the_middle, 0.92, only_13=True),
    "ServerHello missing": Law(no_server_hello, 1.0, only_13=True),
}


def share_of(name: str, whole: IntactTls, damage: Damage) -> Share:
    total = Share()
    for number, packets in enumerate(damage(whole)):
        total += share(whole, packets, read_damaged(whole, packets), f"{name}, capture {number}")
    return total


def shares(law: Law) -> dict[str, Share]:
    found = {}
    for name, scenario in SCENARIOS.items():
        whole = scenario()
        is_13 = all(one.version == TLS13 for one in whole.connections.values())
        if is_13 or not law.only_13:
            found[name] = share_of(name, whole, law.damage)
    return found


@pytest.mark.parametrize("damage", LAWS)
def test_what_whole_records_allow_is_read(
    damage: str, record_property: Callable[[str, object], None]
) -> None:
    law = LAWS[damage]
    found = shares(law)
    total = sum(found.values(), Share())
    for name, one in [*found.items(), ("all", total)]:
        least = f", at least {law.least:.0%}" if name == "all" else ""
        line = (
            f"{damage:30} {name:22} {one.rate:7.1%} of {one.allowed:6,}, "
            f"{one.gain:+.1%} from parts of records{least}"
        )
        record_property("table messages read of what whole records allow", line)
    assert total.rate >= law.least
