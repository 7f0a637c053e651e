"""Prints the frames of a stream, one on each line, without joining fragments to messages.

    python examples/frames.py [STREAM]

STREAM is a file with the bytes that a client sent after its request. The default is a recording
with fragmented messages and pings between the fragments, as FIN and the opcodes show.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import wsdefrag

RECORDED = Path(__file__).parents[1] / "vectors" / "streams" / "fragments-pings.client.bin"
SHOWN = 24


def main() -> None:
    """Print the first frames, and the number of frames of each opcode."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED
    # With `deflate`, RSV1 is allowed; payloads stay compressed.
    decoder = wsdefrag.FrameDecoder(from_client=True, deflate=wsdefrag.DeflateParams())
    frames = decoder.receive_data(path.read_bytes())

    print("offset  wire  FIN RSV1 key       opcode          payload")
    for frame in frames[:SHOWN]:
        key = frame.masking_key.hex() if frame.masking_key else "none"
        inside = frame.opcode == wsdefrag.Opcode.CONTINUATION
        name = ("  " if inside else "") + frame.opcode.name
        print(
            f"{frame.offset:>6} {frame.wire_length:>5}  {frame.fin:>3} {frame.rsv1:>4} {key:<9} "
            f"{name:<16}{frame.payload[:16]!r}{'...' if len(frame.payload) > 16 else ''}"
        )
    if len(frames) > SHOWN:
        print("...")
    for opcode, count in Counter(frame.opcode for frame in frames).items():
        print(f"{count:>4} x {opcode.name}")

    try:
        decoder.receive_eof()
    except wsdefrag.WebSocketError as error:
        print(f"stopped: {error}")


if __name__ == "__main__":
    main()
