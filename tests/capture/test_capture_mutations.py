"""Recordings with random damage: no message is yielded that was not sent.

`WSDEFRAG_MUTATIONS` says how many runs there are for each recording, and `WSDEFRAG_SALT` changes
the damage. A failure names its seed, and `mutated(packets, seed)` gives the same damage again.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from capture_files import pcap, pcapng
from capture_intact import Intact, contents_by_direction, violations
from capture_mutations import beset, displaced, disturbed, doubly_tapped, mutated
from capture_packets import Packets, in_time, told_apart
from capture_recordings import LOADED, packets_of
from capture_seen import Seen, read
from capture_spread import corrupted, damage_records, in_files

RUNS = int(os.environ.get("WSDEFRAG_MUTATIONS", "200"))
SALT = os.environ.get("WSDEFRAG_SALT", "")

pytestmark = pytest.mark.random

RECORDINGS = (
    "plain-small",
    "deflate-fragments",
    "deflate-directions",
    "demo",
    "early-frames",
    "refused",
    "wsproto-subprotocol",
)
LARGE = ("cable-many", "lossy-many")
"""Many connections at once; a run takes longer, so there are fewer."""


@cache
def intact(name: str) -> Intact:
    _, packets = packets_of(LOADED[name].path.read_bytes())
    return Intact.of(packets)


def assert_nothing_lost(whole: Intact, seen: Seen, seed: str) -> None:
    assert contents_by_direction(seen) == whole.sent, f"seed {seed!r}"
    assert not any(missing_by_direction(seen).values()), f"seed {seed!r}"


def assert_law(name: str, runs: int, label: str, **options: Any) -> None:
    whole = intact(name)
    kept = 0
    for run in range(runs):
        seed = f"{name} {label}{run}{SALT}"
        packets = mutated(whole.packets, seed)
        try:
            seen = read(pcapng(packets), ordered=False, **options)
            found = violations(whole, seen)
        except Exception as error:
            raise AssertionError(f"seed {seed!r}: {error!r}") from error
        assert found == [], f"seed {seed!r}"
        kept += seen.statuses().count("ok")
    # Many messages must survive, because a reader that yields nothing would pass the check too.
    assert kept > runs * sum(map(len, whole.sent.values())) // 8


@pytest.mark.parametrize("name", RECORDINGS)
def test_damaged_recording_gives_nothing_that_was_not_sent(name: str) -> None:
    assert_law(name, RUNS, "")


@pytest.mark.parametrize("name", LARGE)
def test_damaged_recording_of_many_gives_nothing_that_was_not_sent(name: str) -> None:
    assert_law(name, RUNS // 6, "")


@pytest.mark.parametrize("name", RECORDINGS)
def test_packets_again_or_slightly_out_of_order_lose_nothing(name: str) -> None:
    whole = intact(name)
    for run in range(RUNS // 2):
        seed = f"{name} disturbed {run}{SALT}"
        seen = read(pcapng(disturbed(whole.packets, seed)), ordered=False)
        assert_nothing_lost(whole, seen, seed)


@pytest.mark.parametrize("name", RECORDINGS)
def test_silence_of_hours_and_forged_packets_lose_nothing(name: str) -> None:
    whole = intact(name)
    for run in range(RUNS // 2):
        seed = f"{name} beset {run}{SALT}"
        seen = read(pcapng(beset(whole.packets, seed)), ordered=False)
        assert_nothing_lost(whole, seen, seed)


@pytest.mark.parametrize("name", RECORDINGS)
def test_segments_up_to_64_places_late_lose_nothing(name: str) -> None:
    whole = intact(name)
    for run in range(RUNS // 2):
        seed = f"{name} displaced {run}{SALT}"
        seen = read(pcapng(displaced(whole.packets, seed)), ordered=False, timed=False)
        assert_nothing_lost(whole, seen, seed)


@pytest.mark.parametrize("name", RECORDINGS)
def test_packets_captured_at_two_places_lose_nothing_and_make_nothing_up(name: str) -> None:
    whole = intact(name)
    connections = len(read(pcapng(whole.packets)).connections)
    for run in range(RUNS // 2):
        seed = f"{name} tapped {run}{SALT}"
        seen = read(pcapng(doubly_tapped(whole.packets, seed)), ordered=False)
        assert contents_by_direction(seen) == whole.sent, f"seed {seed!r}"
        assert len(seen.connections) == connections, f"seed {seed!r}"


def read_files(folder: Path, files: list[Packets]) -> Seen:
    """Write the packets of each file, in one of two formats, and read all of them."""
    paths = []
    for number, packets in enumerate(files):
        path = folder / f"{number}.pcap"
        path.write_bytes(pcapng(packets) if number % 3 == 0 else pcap(packets, nanoseconds=True))
        paths.append(path)
    seen = read(paths, ordered=False)
    assert seen.warnings == []
    return seen


def missing_by_direction(seen: Seen) -> dict[tuple[int, bool], int]:
    """The bytes of each direction of a connection that were not captured, or too late."""
    return {
        (connection.connection, from_client): account.missing + account.late
        for connection in seen.connections
        for from_client, account in (
            (True, connection.from_client),
            (False, connection.from_server),
        )
    }


@pytest.mark.parametrize("name", RECORDINGS)
def test_packets_in_several_files_lose_nothing(name: str, tmp_path: Path) -> None:
    whole = intact(name)
    packets = told_apart(whole.packets)
    expected = read(pcapng(packets))
    assert contents_by_direction(expected) == whole.sent
    for run in range(RUNS // 4):
        seed = f"{name} files {run}{SALT}"
        seen = read_files(tmp_path, in_files(packets, seed))
        assert seen.dump() == expected.dump(), f"seed {seed!r}"


@pytest.mark.parametrize("name", RECORDINGS)
def test_damaged_recording_in_several_files_gives_what_one_file_gives(
    name: str, tmp_path: Path
) -> None:
    whole = intact(name)
    for run in range(RUNS // 4):
        seed = f"{name} damaged files {run}{SALT}"
        packets = told_apart(mutated(whole.packets, seed))
        expected = read(pcapng(packets), ordered=False)
        seen = read_files(tmp_path, in_files(packets, seed))
        assert seen.dump() == expected.dump(), f"seed {seed!r}"


@pytest.mark.parametrize("name", RECORDINGS)
def test_files_whose_packets_have_equal_times_lose_nothing(name: str, tmp_path: Path) -> None:
    """The order of packets of one time in several files is not known."""
    whole = intact(name)
    # A clock with steps in which an end sends, and the other does not answer yet.
    packets = [packet.at(packet.time - packet.time % 50_000) for packet in whole.packets]
    for run in range(RUNS // 4):
        seed = f"{name} equal times {run}{SALT}"
        seen = read_files(tmp_path, in_files(packets, seed))
        assert_nothing_lost(whole, seen, seed)


@pytest.mark.parametrize("name", RECORDINGS)
def test_damaged_records_cost_only_their_packets(name: str) -> None:
    whole = intact(name)
    # Microseconds, because snoop has no more.
    packets = [one.at(one.time // 1000 * 1000) for one in in_time(whole.packets)]
    for run in range(RUNS // 2):
        seed = f"{name} records {run}{SALT}"
        data, left = damage_records(packets, seed)
        seen, expected = read(data, ordered=False), read(pcapng(left), ordered=False)
        assert seen.warnings != []
        assert seen.counts.packets == len(left), f"seed {seed!r}"
        seen.warnings = []
        assert seen.dump() == expected.dump(), f"seed {seed!r}"
        assert violations(whole, seen) == [], f"seed {seed!r}"


@pytest.mark.parametrize("name", ["plain-small", "early-frames", "refused", "http-besides"])
def test_single_lost_packet_is_never_unsaid(name: str) -> None:
    """Drops each packet in turn; the connection reports the loss."""
    whole = intact(name)
    for lost in range(len(whole.packets)):
        seen = read(pcapng(whole.packets[:lost] + whole.packets[lost + 1 :]), ordered=False)
        assert violations(whole, seen) == [], f"packet {lost + 1}"
        for (client, server, from_client), sent in whole.sent.items():
            found = [
                one
                for one in seen.connections
                if (one.client_address, one.server_address) == (client, server)
            ]
            contents = [content for one in found for content in seen.contents_of(one, from_client)]
            said = any(one.has_losses for one in found)
            assert contents == sent or said, f"packet {lost + 1} of {client}"


@pytest.mark.parametrize(
    "name", ["plain-small", "legacy", "vlan", "two-interfaces", "tls-exported", "http-besides"]
)
def test_corrupted_file_is_read_or_refused_with_accounts_that_balance(name: str) -> None:
    """`read` looks at the accounts, and lets no other exception pass than `CaptureError`.

    Only damage of the file's own header has the file refused.
    """
    data = LOADED[name].path.read_bytes()
    header = int.from_bytes(data[4:8], "little") if data.startswith(b"\x0a\x0d\x0d\x0a") else 24
    ends = {True: 0, False: 0}
    for run in range(RUNS // 2):
        changed = corrupted(data, f"{name} corrupted {run}{SALT}")
        found = read(changed, fails=True, ordered=False, timed=False, resync=run % 2 == 0)
        ends[found.error is None] += 1
        assert found.error is None or changed[:header] != data[:header]
    assert ends[True] > ends[False]


@pytest.mark.parametrize("name", ["plain-small", "deflate-directions"])
def test_same_damage_gives_the_same(name: str) -> None:
    for run in range(10):
        data = pcapng(mutated(intact(name).packets, f"{name} again {run}{SALT}"))
        assert read(data, ordered=False).dump() == read(data, ordered=False).dump()
