"""Reads both directions of a connection, chunk by chunk, as a passive tap sees them.

    python examples/passive_tap.py [RECORDING.json]

RECORDING.json lists the chunks: time, sender and length. Their bytes are in RECORDING.client.bin
and RECORDING.server.bin in the same directory. The default is a recording with compressed,
fragmented messages and pings between the fragments.
"""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from pathlib import Path

import wsdefrag

RECORDED = Path(__file__).parents[1] / "vectors" / "streams" / "deflate-fragments-pings.json"
SHOWN = 16


def main() -> None:
    """Print the first events, the number of events of each kind, and how the connection ended."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED
    recording = json.loads(path.read_text(encoding="utf-8"))
    streams = {
        side: io.BytesIO(path.with_suffix(f".{side}.bin").read_bytes())
        for side in ("client", "server")
    }

    agreed = wsdefrag.DeflateParams.from_header(recording["extensions"] or "")
    connection = wsdefrag.WebSocketConnection(deflate=agreed)
    events: list[wsdefrag.Event] = []
    for time, side, length in recording["chunks"]:
        chunk = streams[side].read(length)
        events += connection.receive_data(chunk, from_client=side == "client", timestamp=time)
    for time, side in recording["ends"]:
        events += connection.receive_eof(from_client=side == "client", timestamp=time)

    begin = recording["chunks"][0][0]
    for event in events[:SHOWN]:
        arrow = "->" if event.from_client else "<-"
        kind = type(event).__name__
        shown = getattr(event, "payload", event)  # Ping and Pong have a payload
        print(f"{event.timestamp - begin:.6f} s {arrow} {kind:<16} {shown!r:.60}")
    for kind, count in Counter(type(event).__name__ for event in events).items():
        print(f"{count:>4} x {kind}")

    websocket = connection.websocket
    who = "client" if websocket.closed_by_client else "server"
    print(websocket)
    print(f"ended by the {who} with {websocket.close_code}, reason {websocket.close_reason!r}")


if __name__ == "__main__":
    main()
