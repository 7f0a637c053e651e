"""Several files as one capture: rotated, split by direction, overlapping, appended, unusable."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest

from capture_conversation import START, STEP, Conversation, merged, packets, text, upgraded
from capture_craft import Captured
from capture_files import pcap, pcapng, snoop
from capture_packets import ports
from capture_samples import EXPECTED, PACKETS, SENT
from capture_seen import Seen, read
from capture_values import message_values
from wsdefrag.capture import Capture
from wsdefrag.errors import CaptureError

MESSAGES = 600


def long_talk() -> list[Captured]:
    """Two connections that say 600 messages."""
    talks = [Conversation(("192.0.2.10", port), ("192.0.2.20", 80)) for port in (50_000, 50_001)]
    # No two packets have one time.
    talks[1].wait(STEP // 2)
    for talk in talks:
        talk.open().upgrade()
    for number in range(MESSAGES // 2):
        for talk in talks:
            talk.says(number % 3 > 0, text(number % 3 > 0, f"message {number}"))
    return packets(merged(*(talk.end() for talk in talks)))


LONG = long_talk()
WHOLE = read(pcap(LONG, nanoseconds=True))


def write(folder: Path, parts: Sequence[Sequence[Captured]], names: Sequence[str]) -> list[Path]:
    paths = []
    for part, name in zip(parts, names, strict=True):
        path = folder / name
        path.write_bytes(pcap(part, nanoseconds=True))
        paths.append(path)
    return paths


def same(found: Seen, expected: Seen) -> bool:
    """Whether all messages are the same, and their packets."""
    return (
        list(map(message_values, found.messages)) == list(map(message_values, expected.messages))
        and found.warnings == []
    )


def rotated(count: int) -> list[list[Captured]]:
    size = -(-len(LONG) // count)
    return [LONG[at : at + size] for at in range(0, len(LONG), size)]


@pytest.mark.parametrize("order", ["sorted by a shell", "reversed", "shuffled"])
def test_rotated_files_are_read_in_any_order(tmp_path: Path, order: str) -> None:
    names = ["cap", *(f"cap{number}" for number in range(1, 12))]
    paths = write(tmp_path, rotated(12), names)
    if order == "reversed":
        paths.reverse()
    elif order == "shuffled":
        random.Random(order).shuffle(paths)
    else:
        paths.sort()
        assert [path.name for path in paths][:4] == ["cap", "cap1", "cap10", "cap11"]
    found = read(paths)
    assert len(found.messages) == MESSAGES
    assert same(found, WHOLE)


def test_file_for_each_direction_is_merged(tmp_path: Path) -> None:
    sides = [
        [packet for packet in LONG if (ports(packet)[0] == 80) == from_server]
        for from_server in (True, False)
    ]
    assert same(read(write(tmp_path, sides, ["out", "in"])), WHOLE)


def test_overlapping_files_are_merged(tmp_path: Path) -> None:
    chance = random.Random(3)
    parts: list[list[Captured]] = [[] for _ in range(7)]
    for packet in LONG:
        chance.choice(parts).append(packet)
    assert same(read(write(tmp_path, parts, [f"part{number}" for number in range(7)])), WHOLE)


def test_more_overlapping_files_than_can_be_open(tmp_path: Path) -> None:
    """With 200 handles for the process, 400 files of packets in turn are read."""
    count = 400
    parts = [LONG[number::count] for number in range(count)]
    paths = write(tmp_path, parts, [f"part{number}" for number in range(count)])
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))\n"
        "from wsdefrag.capture import Capture\n"
        "reader = Capture(sys.argv[1:]).read()\n"
        "print(sum(1 for item in reader if hasattr(item, 'seq')), reader.warnings)"
    )
    command = [sys.executable, "-c", script, *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith(f"{MESSAGES} []")


def test_only_one_of_rotated_files_is_open(tmp_path: Path) -> None:
    """With 32 handles for the process and 200 files that follow each other."""
    parts = rotated(200)
    paths = write(tmp_path, parts, [f"part{number}" for number in range(len(parts))])
    script = (
        "import os, resource, sys\n"
        "from wsdefrag.capture import Capture\n"
        "files = len(os.listdir('/proc/self/fd')) if os.path.exists('/proc/self/fd') else 16\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (files + 4, files + 4))\n"
        "print(sum(1 for message in Capture(sys.argv[1:])))"
    )
    command = [sys.executable, "-c", script, *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"{MESSAGES}\n"


def test_times_that_go_back_inside_a_file_stay_as_they_are(tmp_path: Path) -> None:
    """The packets of the file that is out of order are next as soon as it is."""
    late = [*LONG[:20], LONG[21], LONG[20], *LONG[22:40]]
    (path,) = write(tmp_path, [late], ["late"])
    (other,) = write(tmp_path, [LONG[40:]], ["other"])
    found = read([other, path], ordered=False, timed=False)
    alone = read(pcap([*late, *LONG[40:]], nanoseconds=True), ordered=False, timed=False)
    assert same(found, alone)


WRITERS: dict[str, Callable[[list[Captured]], bytes]] = {
    "pcap": pcap,
    "pcap, big-endian": lambda part: pcap(part, order="big"),
    "pcap, nanoseconds": lambda part: pcap(part, nanoseconds=True),
    "pcapng": pcapng,
    "pcapng, big-endian": lambda part: pcapng(part, order="big"),
    "snoop": snoop,
}


@pytest.mark.parametrize(("first", "second"), list(product(WRITERS, WRITERS)))
def test_appended_capture_is_read_on(first: str, second: str) -> None:
    for cut in (0, 1, 9, 26):
        data = WRITERS[first](PACKETS[:cut]) + WRITERS[second](PACKETS[cut:])
        found = read(data)
        assert found.contents() == SENT, cut
        assert found.counts.packets == EXPECTED.counts.packets
        assert found.warnings == []


def test_unusable_files_among_others_are_named(tmp_path: Path) -> None:
    parts = rotated(28)
    paths = write(tmp_path, parts, [f"cap{number}" for number in range(len(parts))])
    empty, letter, missing = (tmp_path / name for name in ("empty", "letter", "missing"))
    empty.write_bytes(b"")
    letter.write_bytes(b"Dear reader")
    found = read([empty, *paths[:9], letter, *paths[9:], missing, tmp_path])
    assert len(found.messages) == MESSAGES
    expected = [
        f"{empty}: not a capture file: it is empty",
        f"{letter}: not a capture file: it looks like text",
    ]
    assert sorted(found.warnings)[:2] == expected
    assert len(found.warnings) == 4
    assert any(warning.startswith(f"{missing}: No such file") for warning in found.warnings)


def test_only_unusable_files_are_an_error(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "other"]
    for path in paths:
        path.write_bytes(b"Dear reader")
    with pytest.raises(CaptureError, match="text"):
        read(paths)


def test_damaged_file_does_not_end_the_others(tmp_path: Path) -> None:
    first, second = write(tmp_path, rotated(2), ["first", "second"])
    data = bytearray(first.read_bytes())
    data[-2_000:-1_900] = bytes(100)
    first.write_bytes(data)
    found = read([second, first])
    assert all(str(first) in warning for warning in found.warnings)
    assert found.warnings
    whole = [one for one in found.messages if one.status == "ok"]
    assert len(whole) > MESSAGES // 4


def test_bytes_of_all_files_are_read(tmp_path: Path) -> None:
    paths = write(tmp_path, rotated(5), [f"cap{number}" for number in range(5)])
    bad = tmp_path / "bad"
    bad.write_bytes(b"Dear reader, " * 90_000)
    with Capture([bad, *paths]).read() as reader:
        list(reader)
        assert reader.bytes_read == reader.bytes_total


def test_time_that_cannot_be_right_does_not_hold_a_file_back(tmp_path: Path) -> None:
    """A packet of the year 2106 in one direction's file is where its neighbours are."""
    talk = upgraded()
    for number in range(20):
        talk.says(number % 2 > 0, text(number % 2 > 0, f"message {number}"))
    made = packets(talk.end().segments)
    sides = [
        [packet for packet in made if (ports(packet)[0] == 80) == from_server]
        for from_server in (True, False)
    ]
    paths = write(tmp_path, sides, ["out", "in"])
    data = bytearray(paths[0].read_bytes())
    at = 24 + sum(16 + len(packet.data) for packet in sides[0][:8])
    assert int.from_bytes(data[at : at + 4], "little") == START // 10**9
    data[at : at + 4] = b"\xff\xff\xff\xff"
    paths[0].write_bytes(data)
    found = read(paths, ordered=False, timed=False)
    assert sorted(found.contents()) == sorted(f"message {n}".encode() for n in range(20))
    (warning,) = found.warnings
    assert "its time cannot be right" in warning
