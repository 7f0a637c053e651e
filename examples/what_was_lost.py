"""Reports what is missing from a capture.

    python examples/what_was_lost.py [CAPTURE ...]

Reads the messages of a capture (several files are one capture), counts them by status, and prints
the accounts and the gaps of each connection that lost bytes. The default is a recording from which
this script removes some packets first.
"""

from __future__ import annotations

import io
import struct
import sys
from collections import Counter
from pathlib import Path

from wsdefrag.capture import Capture, CapturedConnection, CapturedEvent, CapturedMessage

RECORDED = Path(__file__).parents[1] / "vectors" / "captures" / "legacy.pcap"


def with_lost_packets(path: Path) -> io.BytesIO:
    """Return a pcap file without each ninth packet, from the twentieth on."""
    data = path.read_bytes()
    kept, position, number = [data[:24]], 24, 0
    while position < len(data):
        (length,) = struct.unpack_from("<8xI", data, position)
        record = data[position : position + 16 + length]
        position += len(record)
        number += 1
        if number < 20 or number % 9:
            kept.append(record)
    return io.BytesIO(b"".join(kept))


def show(connection: CapturedConnection, gaps: list[CapturedEvent]) -> None:
    """Print the accounts and the gaps of a connection, if it lost bytes."""
    if not connection.has_losses:
        return
    print(f"{connection.host}{connection.path} ({connection.ended})")
    for name, account in (("client", connection.from_client), ("server", connection.from_server)):
        print(
            f"  {name}: {account.bytes} bytes = {account.emitted} in messages + {account.control} "
            f"control + {account.skipped} skipped + {account.lost} lost + {account.trailing} "
            f"trailing; {account.missing} bytes were not captured"
        )
    for gap in gaps:
        print(
            f"  {'client' if gap.from_client else 'server'}: a gap of {gap.length} bytes at byte "
            f"{gap.offset}, after packet {gap.first_packet}; effect: {gap.effect}, "
            f"{gap.incomplete} incomplete, {gap.undecodable} undecodable, {gap.lost} bytes lost"
        )


def main() -> None:
    """Read the capture and print the losses."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    capture = Capture(paths) if paths else Capture(with_lost_packets(RECORDED))
    seen: Counter[str] = Counter()
    gaps: dict[int, list[CapturedEvent]] = {}
    with capture.read() as reader:
        for item in reader:
            if isinstance(item, CapturedMessage):
                seen[item.status] += 1
            elif isinstance(item, CapturedConnection):
                show(item, gaps.pop(item.connection, []))
            elif item.kind == "gap":
                gaps.setdefault(item.connection.connection, []).append(item)
        for warning in reader.warnings:
            print(warning)
    for status, count in seen.most_common():
        print(f"{count:>6} messages {status}")


if __name__ == "__main__":
    main()
