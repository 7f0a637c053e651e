"""Drives mitmproxy's own WebSocket layer and the addon's alike; runs in mitmproxy's environment.

Reads a list of conversations as JSON from standard input, passes each through both layers, and
writes what they did: for each conversation a pair of lists, mitmproxy's own first, of

    ["send", to whom, hexadecimal bytes], ["close", whom], ["log", level, text],
    ["hook", name, states of the messages without their times]

A conversation is an object: ``extensions`` of the 101 answer; ``edits``, from contents to what the
hook puts in their place, null for dropping them; and ``steps``: ``["client", bytes]``,
``["server", bytes]``, ``["end", who]``, ``["inject", to_client, text]``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from mitmproxy import http
from mitmproxy.options import Options
from mitmproxy.proxy import commands, context, events
from mitmproxy.proxy.layers import websocket
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from wsdefrag.compat.mitmproxy.layer import RelayLayer


def converse(kind: type[websocket.WebsocketLayer], conversation: dict[str, Any]) -> list[Any]:
    """Pass one conversation through a layer; returns what the layer did."""
    client = tflow.tclient_conn()
    made = context.Context(client, Options())
    made.server = tflow.tserver_conn()
    flow = http.HTTPFlow(client, made.server)
    flow.request = tflow.treq()
    extensions = conversation.get("extensions")
    headers = {"Sec-WebSocket-Extensions": extensions} if extensions else {}
    flow.response = http.Response.make(101, headers=headers)
    flow.websocket = WebSocketData()
    layer = kind(made, flow)
    sides = {"client": client, "server": made.server}
    names = {id(connection): name for name, connection in sides.items()}
    done: list[Any] = []

    def handle(event: events.Event) -> None:
        for command in layer.handle_event(event):
            match command:
                case commands.SendData():
                    done.append(["send", names[id(command.connection)], command.data.hex()])
                case commands.CloseConnection():
                    done.append(["close", names[id(command.connection)]])
                case commands.Log():
                    done.append(["log", command.level, command.message])
                case commands.StartHook():
                    hook(command)
                    handle(events.HookCompleted(command))

    def hook(command: commands.StartHook) -> None:
        assert flow.websocket is not None
        kept = flow.websocket
        states = [[one.type, *one.get_state()[1:3], *one.get_state()[4:]] for one in kept.messages]
        if command.name == "websocket_message":
            message = kept.messages[-1]
            edit = conversation.get("edits", {}).get(
                message.content.decode(errors="replace"), message.content
            )
            if edit is None:
                message.drop()
            elif isinstance(edit, str):
                message.content = edit.encode()
        end = [kept.closed_by_client, kept.close_code, flow.live]
        shown = [[*state[:2], state[2].hex(), *state[3:]] for state in states]
        done.append(["hook", command.name, shown, end])

    handle(events.Start())
    for step in conversation["steps"]:
        match step:
            case ["inject", to_client, text]:
                message = WebSocketMessage(1, not to_client, text.encode())
                handle(websocket.WebSocketMessageInjected(flow, message))
            case ["end", side]:
                handle(events.ConnectionClosed(sides[side]))
            case [side, data]:
                handle(events.DataReceived(sides[side], bytes.fromhex(data)))
    done.append(["live", flow.live])
    return done


def main() -> None:
    """Answer once."""
    kinds = (websocket.WebsocketLayer, RelayLayer)
    conversations = json.load(sys.stdin)
    json.dump([[converse(kind, one) for kind in kinds] for one in conversations], sys.stdout)


if __name__ == "__main__":
    main()
