"""Times encoding masked messages of a client: ours compared with wsproto and websockets.

`Protocol.send_text` of websockets keeps its connection's state too, as wsproto's `send` does;
`Frame.serialize` is its encoder alone.
"""

import json
import random
from collections.abc import Callable

from websockets.extensions.permessage_deflate import PerMessageDeflate as WebsocketsDeflate
from websockets.frames import Frame
from websockets.frames import Opcode as FrameOpcode
from websockets.protocol import Protocol, Side, State
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage
from wsproto.extensions import PerMessageDeflate

import wsdefrag
from proxies.turns import Comparison, in_turns

OURS = "wsdefrag"
WSPROTO = "wsproto"
PROTOCOL = "websockets"
FRAME = "websockets frames"

Way = Callable[[], object]


def ours(data: str | bytes, deflate: bool) -> Way:
    """FrameEncoder."""
    params = wsdefrag.DeflateParams() if deflate else None
    encoder = wsdefrag.FrameEncoder(from_client=True, deflate=params)
    if isinstance(data, str):
        return lambda: encoder.text(data)
    return lambda: encoder.binary(data)


def wsproto(data: str | bytes, deflate: bool) -> Way:
    """Its connection, with the event made for each message, as its users do."""
    extensions = []
    if deflate:
        extension = PerMessageDeflate()
        extension.finalize("permessage-deflate")
        extensions.append(extension)
    connection = Connection(ConnectionType.CLIENT, extensions)
    if isinstance(data, str):
        return lambda: connection.send(TextMessage(data=data))
    return lambda: connection.send(BytesMessage(data=data))


def websockets(data: str | bytes, deflate: bool) -> Way:
    """Its sans-I/O connection."""
    protocol = Protocol(Side.CLIENT, state=State.OPEN)
    if deflate:
        protocol.extensions = [WebsocketsDeflate(False, False, 15, 15)]
    if isinstance(data, str):

        def send() -> bytes:
            protocol.send_text(data.encode())
            return b"".join(protocol.data_to_send())
    else:

        def send() -> bytes:
            protocol.send_binary(data)
            return b"".join(protocol.data_to_send())

    return send


def websockets_frames(data: str | bytes) -> Way:
    """Its frame encoder."""
    if isinstance(data, str):
        return lambda: Frame(FrameOpcode.TEXT, data.encode()).serialize(mask=True)
    return lambda: Frame(FrameOpcode.BINARY, data).serialize(mask=True)


def document(length: int) -> str:
    """JSON of about this length, with numbers that do not compress."""
    chance = random.Random(length)
    values = [chance.random() for _ in range(length // 20)]
    return json.dumps({"name": "sensor", "values": values})[:length]


WORKLOADS: tuple[tuple[str, str | bytes, bool, dict[str, float]], ...] = (
    ("64 B binary", bytes(range(64)), False, {WSPROTO: 8, PROTOCOL: 1, FRAME: 1}),
    ("64 B text", "x" * 64, False, {WSPROTO: 8, PROTOCOL: 1, FRAME: 1}),
    ("1 KiB binary", bytes(1 << 10), False, {}),
    ("64 KiB binary", bytes(1 << 16), False, {WSPROTO: 4, PROTOCOL: 1, FRAME: 1}),
    ("64 KiB ASCII text", "x" * (1 << 16), False, {WSPROTO: 4, PROTOCOL: 1, FRAME: 1}),
    ("64 KiB other text", "é" * (1 << 15), False, {}),
    ("1 KiB JSON, deflate", document(1 << 10), True, {}),
)


def measure(quick: bool) -> list[Comparison]:
    """Every workload."""
    comparisons = []
    for what, data, deflate, targets in WORKLOADS:
        ways = {
            OURS: ours(data, deflate),
            WSPROTO: wsproto(data, deflate),
            PROTOCOL: websockets(data, deflate),
        }
        if not deflate:
            ways[FRAME] = websockets_frames(data)
        comparisons.append(Comparison(what, "message", in_turns(ways, quick=quick), targets))
    return comparisons
