"""A script for mitmproxy: reports its hooks to the tests, and applies rules to messages.

It runs inside mitmproxy and reports on the descriptor that ``PROBE`` names, one JSON object a line.
The rules for messages are in a header of the request, ``X-Rules``, as JSON:

    [{"when": "hello", "do": "edit", "to": "..."}, ...]

A rule applies to the messages whose content begins with ``when``: ``edit`` puts the text ``to`` in
its place, ``drop`` drops it, ``inject`` sends the text ``to`` on the way that ``to_client`` says
(``binary`` sends it as BINARY), ``hold`` intercepts the flow for a while, ``kill`` kills it,
``log`` logs ``to``; ``text`` and ``bytes`` edit in other ways. Injected messages are matched only
by rules that say ``"injected": true``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import platform
from typing import Any

from mitmproxy import ctx, http, version

LONG = 4096
HOLD = 0.3
"""Seconds that a flow stays intercepted; what arrives meanwhile has to wait."""

_out = os.fdopen(int(os.environ["PROBE"]), "w")
_rules: dict[str, list[dict[str, Any]]] = {}


def tell(event: str, **facts: Any) -> None:
    """Report to the tests."""
    print(json.dumps({"event": event, **facts}), file=_out, flush=True)


def shown(content: bytes) -> str:
    """A content in hexadecimal, or the hash of a long one."""
    return content.hex() if len(content) <= LONG else hashlib.sha256(content).hexdigest()


def running() -> None:
    """Report where the proxy listens."""
    proxy = ctx.master.addons.get("proxyserver")
    (address,) = proxy.listen_addrs()
    tell(
        "running",
        port=address[1],
        release=version.VERSION,
        python=platform.python_version(),
    )


def request(flow: http.HTTPFlow) -> None:
    """Take the rules from the request of a connection; the server does not get them."""
    _rules[flow.id] = json.loads(flow.request.headers.pop("X-Rules", "[]"))


def websocket_start(flow: http.HTTPFlow) -> None:
    """Report."""
    tell("start", path=flow.request.path)


def websocket_message(flow: http.HTTPFlow) -> None:
    """Report a message as it arrived, then apply the rules."""
    assert flow.websocket is not None
    message = flow.websocket.messages[-1]
    tell(
        "message",
        path=flow.request.path,
        opcode=int(message.type),
        from_client=message.from_client,
        content=shown(message.content),
        size=len(message.content),
        injected=message.injected,
        kept=len(flow.websocket.messages),
        kind=type(message).__module__,
    )
    for rule in _rules[flow.id]:
        if message.content.startswith(rule["when"].encode()) and message.injected == rule.get(
            "injected", False
        ):
            apply(rule, flow, message)


def apply(rule: dict[str, Any], flow: http.HTTPFlow, message: Any) -> None:
    """Apply one rule."""
    match rule["do"]:
        case "edit":
            message.content = rule["to"].encode()
        case "text":
            message.text = rule["to"]
        case "bytes":
            message.content = bytes.fromhex(rule["to"])
        case "drop":
            message.drop()
        case "inject":
            ctx.master.commands.call(
                "inject.websocket",
                flow,
                rule["to_client"],
                rule["to"].encode(),
                not rule.get("binary", False),
            )
        case "hold":
            flow.intercept()
            asyncio.get_running_loop().call_later(HOLD, flow.resume)
        case "kill":
            flow.kill()
        case "log":
            logging.info(rule["to"])


def websocket_end(flow: http.HTTPFlow) -> None:
    """Report the end, once the flow has been written to the file."""
    assert flow.websocket is not None
    data = flow.websocket
    facts = {
        "path": flow.request.path,
        "closed_by_client": data.closed_by_client,
        "code": data.close_code,
        "reason": data.close_reason,
        "ended": data.timestamp_end is not None,
        "error": flow.error.msg if flow.error else None,
    }

    def saved() -> None:
        save = ctx.master.addons.get("save")
        if save.stream:
            save.stream.fo.flush()
        tell("end", **facts)

    asyncio.get_running_loop().call_soon(saved)
