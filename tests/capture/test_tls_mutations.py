"""Captures of TLS with random damage, with and without keys: nothing is yielded that was not sent.

Besides the damage that other captures get, records are written anew under the right keys: divided
in other places, padded, mixed with tickets and key updates, or with contents that no program sends.
`WSDEFRAG_MUTATIONS` and `WSDEFRAG_SALT` are as in `test_capture_mutations`.
"""

from __future__ import annotations

import os
import random

import pytest

from capture_files import pcapng
from capture_intact import Intact, contents_by_direction, violations
from capture_mutations import mutated
from capture_packets import in_time
from capture_seen import Seen, read
from tls_damage import read_damaged
from tls_oracle import IntactTls
from tls_recordings import HTTP1, READ, intact, key_log, packets_of_recording
from tls_rewriting import changed_inside, rewritten, spoiled

RUNS = int(os.environ.get("WSDEFRAG_MUTATIONS", "200"))
SALT = os.environ.get("WSDEFRAG_SALT", "")

pytestmark = pytest.mark.random

SUITES = (0x1301, 0x1302, 0x1303, 0xC02F, 0xCCA8, 0xC027)


def law_of(whole: IntactTls) -> Intact:
    return Intact(list(whole.packets), whole.sent)


@pytest.mark.parametrize("name", HTTP1)
def test_damaged_recording_gives_nothing_that_was_not_sent(name: str) -> None:
    law = law_of(intact(name))
    kept = 0
    for run in range(RUNS // 25):
        seed = f"tls {name} {run}{SALT}"
        packets = mutated(law.packets, seed)
        seen = read(pcapng(packets), ordered=False, keylog=key_log(name), resync=run % 2 == 0)
        assert violations(law, seen) == [], f"seed {seed!r}"
        kept += seen.statuses().count("ok")
    # Many messages must survive, because a reader that yields nothing would pass the check too.
    assert kept > RUNS // 25 * sum(map(len, law.sent.values())) // 8


@pytest.mark.parametrize("name", READ)
def test_damaged_recording_without_keys_gives_nothing(name: str) -> None:
    packets = packets_of_recording(name)
    for run in range(RUNS // 60):
        seed = f"tls without keys {name} {run}{SALT}"
        seen = read(pcapng(mutated(packets, seed)), ordered=False, resync=True)
        assert seen.messages == [], f"seed {seed!r}"


@pytest.mark.parametrize("suite", SUITES)
def test_records_of_other_forms_give_exactly_what_was_sent(suite: int) -> None:
    for run in range(max(RUNS // 50, 1)):
        seed = f"tls rewritten {suite} {run}{SALT}"
        whole = rewritten("losses-tls13", suite, seed)
        seen = read(pcapng(whole.packets), ordered=False, keylog=whole.key_log)
        assert exact(whole, seen), f"seed {seed!r}"


@pytest.mark.parametrize("suite", SUITES)
def test_records_of_other_forms_with_damage_give_nothing_that_was_not_sent(suite: int) -> None:
    """What is known of lost records from their numbers is wrong here: padding, tickets, updates."""
    for run in range(max(RUNS // 100, 1)):
        whole = rewritten("losses-tls13", suite, f"tls rewritten, damaged {suite} {run}{SALT}")
        law = law_of(whole)
        for again in range(4):
            seed = f"tls rewritten and damaged {suite} {run} {again}{SALT}"
            chance = random.Random(seed)
            rate = chance.choice([0.004, 0.01, 0.05])
            packets = in_time([one for one in law.packets if chance.random() >= rate])
            if again == 3:
                packets = [one.snapped(900) for one in packets]
            assert violations(law, read_damaged(whole, packets)) == [], f"seed {seed!r}"


@pytest.mark.parametrize("name", HTTP1)
def test_spoiled_bytes_of_tcp_give_nothing_that_was_not_sent(name: str) -> None:
    """Bits of the payload are flipped, so tags are wrong, or lengths, or types."""
    law = law_of(intact(name))
    for run in range(RUNS // 30):
        seed = f"tls spoiled {name} {run}{SALT}"
        packets = spoiled(law.packets, seed)
        seen = read(pcapng(packets), ordered=False, keylog=key_log(name), resync=run % 2 == 0)
        assert violations(law, seen) == [], f"seed {seed!r}"


@pytest.mark.parametrize("suite", SUITES)
def test_contents_that_nobody_sends_are_read_with_accounts_that_balance(suite: int) -> None:
    """`read` looks at the accounts, and lets no exception pass."""
    for run in range(RUNS // 12):
        packets, keys = changed_inside(suite, f"tls changed {suite} {run}{SALT}")
        read(pcapng(packets), ordered=False, keylog=keys, resync=run % 2 == 0)


def exact(whole: IntactTls, seen: Seen) -> bool:
    return contents_by_direction(seen) == {side: sent for side, sent in whole.sent.items() if sent}
