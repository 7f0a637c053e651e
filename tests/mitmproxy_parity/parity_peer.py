"""The side that runs inside mitmproxy's environment.

Reads one request a line from standard input, ``[name, arguments]``, and answers each with one
line on standard output. Ends with its input.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mitmproxy import http, version, websocket
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import tflow
from parity_codec import decode, encode
from parity_operations import OPERATIONS, operation, run


@operation
def release(_module: Any) -> str:
    """Which mitmproxy this is."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"mitmproxy {version.VERSION} on Python {python}"


@operation
def write_flows(_module: Any, path: str, states: list[dict[str, Any]]) -> int:
    """Write a flow file, one flow for each state of a ``WebSocketData``."""
    with Path(path).open("wb") as file:
        writer = FlowWriter(file)
        for state in states:
            flow_state = tflow.twebsocketflow().get_state()
            flow_state["websocket"] = state
            writer.add(http.HTTPFlow.from_state(flow_state))
    return Path(path).stat().st_size


@operation
def read_flows(_module: Any, path: str) -> list[Any]:
    """Read a flow file, and give the state of each flow's ``WebSocketData`` and its lines."""
    with Path(path).open("rb") as file:
        flows = list(FlowReader(file).stream())
    return [
        [flow.websocket.get_state(), flow.websocket._get_formatted_messages()] for flow in flows
    ]


@operation
def example_flow(_module: Any) -> Any:
    """The state of the ``WebSocketData`` that mitmproxy's own tests use."""
    return tflow.twebsocketflow().websocket.get_state()


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        name, arguments = decode(line)
        assert name in OPERATIONS, name
        print(encode(run(websocket, name, arguments)), flush=True)


if __name__ == "__main__":
    main()
