"""Messages with bytes of TLS records that were captured in part are marked, and no others.

No tag confirms such bytes. A message whose records were all captured whole has none, and every
other message that was read whole has some.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from capture_files import pcapng
from capture_intact import Direction, direction
from capture_seen import Seen
from cli_command import run
from flow_reader import flows
from tls_damage import Damage, Packets, one_segment, read_damaged, segments, snapped
from tls_oracle import IntactTls
from tls_recordings import intact, resealed
from wsdefrag.capture import Capture
from wsdefrag.formats.har import write_har
from wsdefrag.formats.jsonl import write_jsonl
from wsdefrag.formats.mitm import write_mitm

SCENARIOS = {
    "1.3 AES-128-GCM": partial(intact, "losses-tls13"),
    "1.3 ChaCha20": partial(resealed, "losses-tls13", 0x1303),
    "1.2 AES-256-GCM": partial(resealed, "losses-tls12", 0xC030),
    "1.2 CBC": partial(resealed, "losses-tls12", 0xC027),
    "1.2 and 1.3 Node.js": partial(intact, "node"),
    "1.2 and 1.3 forms": partial(intact, "forms"),
}
DAMAGES: dict[str, Damage] = {
    "snap length 900": snapped(900),
    "snap length 300": snapped(300),
    "1 % of the segments missing": segments(0.01, 3),
    "one segment missing": one_segment(6),
}


def known(whole: IntactTls, packets: Packets) -> dict[tuple[Direction, bytes], bool]:
    """Whether the records of each message were captured whole, for contents that are sent once."""
    captures = whole.captures(packets)
    found = {}
    for side, sent in whole.messages.items():
        times = Counter(message.content for message in sent)
        for message in sent:
            if times[message.content] == 1:
                found[side, message.content] = all(map(captures[side].has, message.ranges))
    return found


def marks(seen: Seen) -> dict[tuple[Direction, bytes], bool]:
    """The mark of each whole message."""
    return {
        (direction(message), message.content): message.unauthenticated
        for message in seen.messages
        if message.status == "ok"
    }


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_messages_of_whole_records_alone_are_not_marked(name: str, damage: str) -> None:
    whole = SCENARIOS[name]()
    for packets in DAMAGES[damage](whole):
        records_are_whole = known(whole, packets)
        seen = read_damaged(whole, packets)
        for key, mark in marks(seen).items():
            if key in records_are_whole:
                assert mark != records_are_whole[key], key
        marked = sum(message.unauthenticated for message in seen.messages)
        said = sum(
            int(problem.split()[1])
            for connection in seen.connections
            for problem in connection.problems
            if "captured in part" in problem
        )
        assert marked == said


def test_marks_are_in_every_output(tmp_path: Path) -> None:
    whole = intact("losses-tls13")
    (packets,) = snapped(900)(whole)
    path, keys = tmp_path / "snapped.pcapng", tmp_path / "keys.log"
    path.write_bytes(pcapng(packets))
    keys.write_bytes(whole.key_log)
    capture = Capture(path, keylog=keys, resync=True)
    messages = list(capture.messages())
    expected = [message.unauthenticated for message in messages]
    assert 0 < sum(expected) < len(expected)
    read_whole = sum(one.unauthenticated and one.status == "ok" for one in messages)

    assert pa.table(capture)["unauthenticated"].to_pylist() == expected

    lines = io.BytesIO()
    write_jsonl(capture, lines)
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [row["unauthenticated"] for row in rows if "kind" not in row] == expected

    archive = io.BytesIO()
    write_har(capture, archive)
    entries = json.loads(archive.getvalue())["log"]["entries"]
    shown = [one for entry in entries for one in entry["_webSocketMessages"]]
    assert sum(one.get("_unauthenticated", False) for one in shown) == read_whole

    flow_file = io.BytesIO()
    write_mitm(capture, flow_file)
    metadata = [flow["metadata"] for flow in flows(flow_file.getvalue())]
    assert sum(one.get("wsdefrag_unauthenticated", 0) for one in metadata) == read_whole

    printed = run(path, "--keylog", keys, "--resync", "--no-events").stdout.splitlines()
    assert [b"unauthenticated] " in line for line in printed] == expected
