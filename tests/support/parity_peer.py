"""The side that runs inside mitmproxy's environment.

Reads one request a line from standard input, ``[name, arguments]``, and answers each with one
line on standard output. Ends with its input.
"""

from __future__ import annotations

import enum
import json
import sys
from pathlib import Path
from typing import Any

from mitmproxy import http, version, websocket
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.exceptions import FlowReadException
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


@operation
def flow_states(_module: Any, path: str) -> list[Any]:
    """Read a flow file, and give the state of each flow."""
    with Path(path).open("rb") as file:
        states = [flow.get_state() for flow in FlowReader(file).stream()]
    # An enum member would not pass on to the other side.
    return [_plain(state) for state in states]


@operation
def har_entries(_module: Any, path: str) -> list[Any]:
    """Read a flow file, and give the entries of the HTTP archive that mitmproxy makes of it."""
    with Path(path).open("rb") as file:
        flows = list(FlowReader(file).stream())
    # Through JSON, as they would be in the file.
    entries: list[Any] = json.loads(json.dumps(SaveHar().make_har(flows)))["log"]["entries"]
    return entries


@operation
def flows_before_the_damage(_module: Any, path: str) -> int:
    """Read a flow file that ends too early, and count the flows before that."""
    count = 0
    try:
        with Path(path).open("rb") as file:
            for _ in FlowReader(file).stream():
                count += 1
    except FlowReadException:
        return count
    raise AssertionError("the file is whole")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return int(value) if isinstance(value, enum.IntEnum) else value


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        name, arguments = decode(line)
        assert name in OPERATIONS, name
        print(encode(run(websocket, name, arguments)), flush=True)


if __name__ == "__main__":
    main()
