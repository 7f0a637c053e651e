"""Reports what is missing from a capture.

    python examples/what_was_lost.py [CAPTURE ...]

Reads the messages of a capture (several files are one capture, in order), counts them by status,
and prints the accounts of each connection that lost bytes. The default is a recording from which
this script removes some packets first.
"""

from __future__ import annotations

import io
import struct
import sys
from collections import Counter
from pathlib import Path

from wsdefrag.capture import Capture, CapturedConnection, CapturedMessage

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


def show(connection: CapturedConnection) -> None:
    """Print the accounts of a connection, if it lost bytes."""
    if not connection.has_losses:
        return
    print(f"{connection.host}{connection.path} ({connection.ended})")
    for name, account in (("client", connection.from_client), ("server", connection.from_server)):
        print(
            f"  {name}: {account.bytes} bytes = {account.emitted} in messages + {account.control} "
            f"control + {account.skipped} skipped + {account.lost} lost + {account.trailing} "
            f"trailing; {account.missing} bytes were not captured"
        )


def main() -> None:
    """Read the capture and print the losses."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    capture = Capture(paths) if paths else Capture(with_lost_packets(RECORDED))
    seen: Counter[str] = Counter()
    with capture.read() as reader:
        for item in reader:
            if isinstance(item, CapturedMessage):
                seen[item.status] += 1
            else:
                show(item)
        for warning in reader.warnings:
            print(warning)
    for status, count in seen.most_common():
        print(f"{count:>6} messages {status}")


if __name__ == "__main__":
    main()
