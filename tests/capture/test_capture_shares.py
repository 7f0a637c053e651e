"""Readers of shares of a capture's connections have together exactly the rows of one reader."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from capture_conversation import CLIENT, Conversation, Segment, capture_of, merged, text
from capture_craft import Captured, ethernet, ipv4_fragments
from capture_files import pcapng
from capture_mutations import mutated
from capture_recordings import LOADED, packets_of
from capture_samples import inner
from capture_shares import TABLES, assert_shared, rows
from capture_spread import damage_records, in_files
from http2_craft import Talk
from wsdefrag.capture import Capture

RUNS = int(os.environ.get("WSDEFRAG_MUTATIONS", "200")) // 100
SALT = os.environ.get("WSDEFRAG_SALT", "")
RECORDINGS = Path("vectors/captures")
FILES = sorted(path for path in RECORDINGS.rglob("*") if path.suffix in (".pcap", ".pcapng", ".gz"))
MANY = LOADED["cable-many"].path


@pytest.mark.parametrize("path", FILES, ids=str)
def test_shares_of_a_recording_have_its_rows(path: Path) -> None:
    keys = path.with_name("tls.keys.log") if "tls" in path.name else None
    assert_shared(path, 1, 2, 5, keylog=keys if keys and keys.exists() else None)


def test_connections_are_spread_over_all_shares() -> None:
    assert min(assert_shared(MANY, 2)) > 0


@pytest.mark.random
@pytest.mark.parametrize("name", ["demo", "deflate-directions", "cable-many", "lossy-many"])
def test_shares_of_a_damaged_recording_have_its_rows(name: str, tmp_path: Path) -> None:
    _, packets = packets_of(LOADED[name].path.read_bytes())
    path = tmp_path / "capture"
    for run in range(RUNS):
        path.write_bytes(pcapng(mutated(packets, f"{name} shares {run}{SALT}")))
        assert_shared(path, 3)
        assert_shared(path, 5, resync=True, idle_timeout=1.0)


@pytest.mark.random
def test_shares_read_files_that_overlap_and_are_damaged(tmp_path: Path) -> None:
    _, packets = packets_of(MANY.read_bytes())
    for run in range(RUNS):
        seed = f"shares {run}{SALT}"
        paths = []
        for number, part in enumerate(in_files(packets, seed)):
            path = tmp_path / f"{run}-{number}"
            path.write_bytes(pcapng(part))
            paths.append(path)
        assert_shared(paths, 3)
        damaged, _ = damage_records(packets, seed)
        paths[0].write_bytes(damaged)
        assert_shared(paths[0], 3)


def conversations(number: int = 8) -> list[Conversation]:
    """Connections between two hosts that take turns."""
    ends = [(CLIENT[0], CLIENT[1] + port) for port in range(number)]
    return [Conversation(end, step=1_000_000 * number + port) for port, end in enumerate(ends)]


def said(number: int) -> str:
    return f"this is what connection {number} says " * 9


def test_fragments_of_ip_that_are_in_two_files_reach_their_share(tmp_path: Path) -> None:
    talks = conversations()
    for number, talk in enumerate(talks):
        talk.open().upgrade()
        for _ in range(4):
            talk.says(True, text(True, said(number)))
        talk.end()
    packets = []
    segments: list[Segment] = merged(*talks)
    for number, one in enumerate(segments):
        ends = (one.source[0], one.destination[0])
        parts = ipv4_fragments(inner(one), *ends, size=48, identification=number)
        packets += [Captured(one.time, ethernet(part)) for part in parts]
    paths = []
    # Datagrams with a message have nine fragments, so most cuts are inside one.
    for number, start in enumerate(range(0, len(packets), 97)):
        paths.append(tmp_path / f"{number}.pcapng")
        paths[-1].write_bytes(pcapng(packets[start : start + 97]))
    contents = sorted(message.content for message in Capture(paths))
    assert contents == sorted(said(number).encode() for number in range(8) for _ in range(4))
    assert min(assert_shared(paths, 3)) > 0


def test_streams_of_http2_have_the_numbers_of_one_reader(tmp_path: Path) -> None:
    """Each stream takes the next number of the capture when its request is read."""
    talks = [Talk(tcp.open()).open() for tcp in conversations()]
    for name in ("first", "second", "third"):
        for talk in talks:
            talk.page()
            stream = talk.websocket(f"/{name}")
            talk.say(stream, True, text(True, name))
    path = tmp_path / "capture"
    path.write_bytes(capture_of(merged(*(talk.tcp for talk in talks))))
    assert min(assert_shared(path, 3)) > 0
    numbers = [message.connection.connection for message in Capture(path)]
    assert len(set(numbers)) == 24


@pytest.mark.parametrize(("most", "evicted"), [(1, 8), (3, 6), (5, 4)])
def test_limit_of_connections_is_that_of_all_shares_together(most: int, evicted: int) -> None:
    """All connections are followed, so the same ones are given up for new ones."""
    assert_shared(MANY, 2, 5, max_connections=most)
    whole = Capture(MANY, max_connections=most)
    for capture in (whole, whole._share(0, 2), whole._share(1, 2)):
        with capture.read() as reader:
            list(reader)
            assert reader.counts.evicted_connections == evicted


def test_shares_and_filters_choose_together() -> None:
    demo = LOADED["demo"].path
    assert_shared(demo, 3, hosts=["sensors*"], from_client=True)
    assert_shared(demo, 3, grep=["a"], around=2)


def test_share_that_outgrows_its_memory_ends_with_an_error() -> None:
    """Whether the connections of all shares keep to the limit cannot be known then."""
    capture = Capture(MANY, memory=1 << 20)
    assert len(rows(capture, "messages")) == len(rows(Capture(MANY), "messages"))
    share = capture._share(0, 64)
    text = r"hold more than 14\d\d\d bytes, their part of the memory.*allow more memory"
    with pytest.raises(MemoryError, match=text):
        list(share.messages())
    with pytest.raises(MemoryError, match=text):
        pa.table(share._table("connections"))
    with pytest.raises(MemoryError, match=text):
        rows(share, "events")
    assert_shared(MANY, 64, memory=64 << 20)


def test_threads_do_not_change_a_share() -> None:
    alone, together = (Capture(MANY, threads=threads)._share(1, 3) for threads in (1, 3))
    for table in TABLES:
        assert rows(alone, table) == rows(together, table) != []


def test_share_is_the_same_in_another_process() -> None:
    share = Capture(MANY)._share(1, 3)
    code = (
        "import pickle, sys\n"
        "share = pickle.load(sys.stdin.buffer)\n"
        "print(sum(1 for _ in share), next(iter(share)).content)\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(share), capture_output=True, check=True
    )
    messages = list(share)
    assert made.stdout.decode().strip() == f"{len(messages)} {messages[0].content!r}"


@pytest.mark.parametrize(("index", "of"), [(0, 0), (1, 1), (5, 4), (0, 65)])
def test_shares_that_there_are_not_are_refused(index: int, of: int) -> None:
    with pytest.raises(ValueError, match=f"there is no share {index} of {of}; at most 64"):
        Capture(MANY)._share(index, of)
