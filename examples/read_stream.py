"""Reads the messages of one direction from a file.

    python examples/read_stream.py [STREAM]

STREAM is a file with the bytes that a server sent after its 101 response, without compression. The
default is a recording of a price feed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import wsdefrag

RECORDED = Path(__file__).parents[1] / "vectors" / "streams" / "prices-plain.server.bin"
CHUNK = 4096  # bytes; any other number gives the same messages
SHOWN = 8


def main() -> None:
    """Print the first messages and how the stream ends."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED
    reassembler = wsdefrag.MessageReassembler(from_client=False)
    count = 0
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                for message in reassembler.receive_data(chunk):
                    count += 1
                    if count <= SHOWN:
                        print(f"{message.type.name:<6} {len(message.content):>4} B  {message!r}")
        reassembler.receive_eof()
    except wsdefrag.WebSocketError as error:
        print(f"stopped: {error}")
    print(f"{count} messages in {reassembler.bytes_received} bytes")
    close = reassembler.close_received
    if close is not None:
        print(f"closed with {close.close_code} {close.close_reason!r} at byte {close.offset}")


if __name__ == "__main__":
    main()
