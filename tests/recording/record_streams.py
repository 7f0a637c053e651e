"""Record real WebSocket connections over loopback into the files of `vectors/streams`.

    pip install -r tests/recording/requirements.txt
    python tests/recording/record_streams.py [NAME ...] [--output DIR] [--list]

For each conversation a real server is started on 127.0.0.1, a relay in front of it, and a real
client connects to the relay. Both sides send the messages of the conversation's table, in bursts.
They send the same on every run; masking keys, times and the borders of chunks differ. A recording
is written only if each application received what the other had sent. Each conversation has
`TIME_LIMIT` seconds, and everything that it started ends with it.

The README.md there describes the three files of a recording;
`tests/support/recorded_streams.py` reads them.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from random import Random
from typing import Any

from recorder.conversations import CONVERSATIONS, Conversation, Says
from recorder.endpoint import HOST, Content, Endpoint
from recorder.relay import Relay, Side, relay_to

import recorded_streams

TIME_LIMIT = 60.0  # seconds for one conversation, start and end of the peers included
LONGEST_LISTED = 1000  # bytes; longer messages are listed as length and digest
BURST = 0.8  # probability that the next act follows at once

Facts = dict[str, Any]


async def record(conversation: Conversation) -> tuple[Facts, Relay]:
    """Run one conversation; return its facts and its relay."""
    recorded = datetime.now(timezone.utc)
    accepted: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
    async with (
        conversation.server(accepted.set_result) as port,
        relay_to(port, conversation.cut) as relay,
        conversation.client(f"ws://{HOST}:{relay.port}/") as client,
    ):
        server = await accepted
        await _converse(conversation, client, server)
        await relay.finished.wait()
    partial = _partial(conversation, client, server)
    _compare(client, server)
    facts: Facts = {
        "shows": conversation.shows,
        "client": client.peer,
        "server": server.peer,
        "python": platform.python_version(),
        "recorded": recorded.isoformat(timespec="seconds"),
        "extensions": relay.extensions,
        "close": asdict(conversation.close) if conversation.close else None,
        "complete": partial is None,
        "partial": partial,
        "pings": {"client": client.pings, "server": server.pings},
        "ends": [[round(timestamp, 6), sender] for timestamp, sender in relay.ends],
        "chunks": [[round(c.timestamp, 6), c.sender, len(c.data)] for c in relay.chunks],
        "messages": {
            "client": [_entry(*_typed(message)) for message in client.sent],
            "server": [_entry(*_typed(message)) for message in server.sent],
        },
    }
    return facts, relay


async def _converse(conversation: Conversation, client: Endpoint, server: Endpoint) -> None:
    readers = [asyncio.create_task(side.read_until_closed()) for side in (client, server)]
    await asyncio.gather(
        _say(client, conversation.client_says, conversation, "client"),
        _say(server, conversation.server_says, conversation, "server"),
    )
    if conversation.close:
        await client.until_received(len(server.sent))
        await server.until_received(len(client.sent))
        closer = client if conversation.close.by == "client" else server
        await closer.close(conversation.close.code, conversation.close.reason)
    await asyncio.gather(*readers)


async def _say(endpoint: Endpoint, says: Says, conversation: Conversation, side: Side) -> None:
    pace = Random(f"{conversation.name} {side} pace")
    for act in says(Random(f"{conversation.name} {side}")):
        await endpoint.perform(act)
        if pace.random() > BURST:
            await asyncio.sleep(pace.expovariate(1 / conversation.pause))


def _compare(client: Endpoint, server: Endpoint) -> None:
    if client.sent != server.received or server.sent != client.received:
        raise ValueError("an application received something else than the other had sent")


def _partial(conversation: Conversation, client: Endpoint, server: Endpoint) -> Facts | None:
    """Describe the message that was cut off, and remove it from the sent ones."""
    if server.dropped:
        kind = "text" if server.dropped.text else "binary"
        arrived = _entry(kind, server.dropped.payload)
        return {"by": "server", "where": "between fragments", "arrived": arrived}
    if conversation.cut:
        *before, (kind, last) = map(_typed, client.sent)
        client.sent.pop()
        start = sum(_masked_header(len(payload)) + len(payload) for _, payload in before)
        arrived = _entry(kind, last[: conversation.cut - start - _masked_header(len(last))])
        return {"by": "client", "where": "inside a frame", "arrived": arrived}
    return None


def _masked_header(length: int) -> int:
    """Bytes before the payload in a client's frame (RFC 6455 section 5.2)."""
    return 4 + (2 if length < 126 else 4 if length < 65536 else 10)


def _typed(message: Content) -> tuple[str, bytes]:
    return ("text", message.encode()) if isinstance(message, str) else ("binary", message)


def _entry(kind: str, content: bytes) -> Facts:
    if len(content) > LONGEST_LISTED:
        digest = hashlib.sha256(content).hexdigest()
        return {"type": kind, "length": len(content), "sha256": digest}
    if kind == "text":
        with suppress(UnicodeDecodeError):  # a text that was cut off may end inside a code point
            return {"type": kind, "text": content.decode()}
    return {"type": kind, "base64": base64.b64encode(content).decode()}


def write(name: str, facts: Facts, relay: Relay, output: Path) -> None:
    """Write the three files of a recording, and read them back."""
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{name}.client.bin").write_bytes(relay.stream("client"))
    (output / f"{name}.server.bin").write_bytes(relay.stream("server"))
    text = "\n".join(_json_lines(facts)) + "\n"
    (output / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")
    recorded_streams.load(name, output)


def _json_lines(facts: Facts) -> Iterator[str]:
    """JSON with one line for each fact, chunk and message, so that diffs are readable."""
    yield "{"
    for key, value in facts.items():
        comma = "" if key == "messages" else ","
        if key == "chunks":
            yield f'"{key}": ['
            yield from _rows(value)
            yield f"]{comma}"
        elif key == "messages":
            yield f'"{key}": {{"client": ['
            yield from _rows(value["client"])
            yield '], "server": ['
            yield from _rows(value["server"])
            yield f"]}}{comma}"
        else:
            yield f'"{key}": {_json(value)}{comma}'
    yield "}"


def _rows(values: list[Any]) -> Iterator[str]:
    for index, value in enumerate(values):
        yield _json(value) + ("," if index + 1 < len(values) else "")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def main() -> int:
    """Record what the command line asks for."""
    known = {conversation.name: conversation for conversation in CONVERSATIONS}
    parser = argparse.ArgumentParser(description="Record real WebSocket connections.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to record (default: all)")
    parser.add_argument("--output", type=Path, default=recorded_streams.DIRECTORY, metavar="DIR")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    arguments = parser.parse_args()
    if arguments.list:
        for conversation in CONVERSATIONS:
            print(f"{conversation.name}: {conversation.shows}")
        return 0
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no such conversation: {', '.join(unknown)} (--list prints them)")
    for name in arguments.names or known:
        facts, relay = asyncio.run(asyncio.wait_for(record(known[name]), TIME_LIMIT))
        write(name, facts, relay, arguments.output)
        counts = {side: len(relay.stream(side)) for side in facts["messages"]}
        print(f"{name}: {counts['client']} bytes from the client, {counts['server']} back")
    return 0


if __name__ == "__main__":
    sys.exit(main())
