"""Times mitmproxy's reader of flow files; runs in mitmproxy's environment, without wsdefrag.

python mitmproxy_reader.py FILE ROUNDS    prints [seconds of each round], number of messages
"""

import json
import sys
import time
from pathlib import Path

from mitmproxy.io import FlowReader


def read(path: Path) -> int:
    """Reads all flows; how many messages they have."""
    with path.open("rb") as file:
        return sum(len(flow.websocket.messages) for flow in FlowReader(file).stream())


def main() -> None:
    """Reads the file once for nothing, then as often as the command line says."""
    path, rounds = Path(sys.argv[1]), int(sys.argv[2])
    messages = read(path)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        read(path)
        seconds.append(time.perf_counter() - start)
    print(json.dumps([seconds, messages]))


if __name__ == "__main__":
    main()
