"""Comparison with tshark on intact captures of TLS: the same messages.

tshark is given the same keys. It reads refused early data as if it had been accepted, and finds no
WebSockets in HTTP/2. The truths of the recordings name these connections, which are left out.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from capture_files import pcapng
from capture_seen import read
from tls_oracle import IntactTls
from tls_recordings import LOADED, intact, resealed
from tshark_messages import TSHARK, Sent, ours, tshark

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")


RECORDINGS = ["suites", "resumption", "early-data", "key-updates", "renegotiation", "forms"]


def both(captures: list[IntactTls], home: Path) -> tuple[Counter[Sent], Counter[Sent]]:
    """What tshark reads in several captures at once, because it starts slowly, and what we do."""
    path, keys = home / "capture.pcapng", home / "keys.log"
    packets = [packet for whole in captures for packet in whole.packets]
    path.write_bytes(pcapng(sorted(packets, key=lambda packet: packet.time)))
    keys.write_bytes(b"".join(whole.key_log for whole in captures))
    theirs = Counter(tshark(path, home, keys))
    return theirs, ours(read(path, ordered=False, keylog=keys))


def test_recordings_read_as_tshark_reads_them(tmp_path: Path) -> None:
    theirs, mine = both(list(map(intact, RECORDINGS)), tmp_path)
    assert sum(theirs.values()) > 1000
    without = {
        one.client.port
        for name in RECORDINGS
        for one in LOADED[name].connections
        if one.path in LOADED[name].not_by_tshark
    }
    for found in (theirs, mine):
        for sent in [one for one in found if one[0] in without]:
            del found[sent]
    assert theirs == mine


def test_captures_of_our_own_read_as_tshark_reads_them(tmp_path: Path) -> None:
    """So what `tls_craft` writes is TLS."""
    suites = {0x1303: False, 0xC02F: False, 0xC028: True, 0x002F: False}
    captures = [
        resealed("early-data", suite, mac_last=mac_last) for suite, mac_last in suites.items()
    ]
    theirs, mine = both(captures, tmp_path)
    assert sum(theirs.values()) > 100
    assert theirs == mine
