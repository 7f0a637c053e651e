"""Two other parsers, wsproto and websockets, run the way the package is, for comparing them.

A `Reading` is what a parser made of one direction fed whole: its events, and the close code it
failed the connection with, or None where it did not. Both peers hand out messages in parts;
these are joined here. websockets leaves the text of messages unchecked in its sans-I/O layer and
decodes it a layer above, fragment by fragment; that is done here in the same way.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

import websockets.frames
import wsproto.extensions
import wsproto.frame_protocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import Protocol, Side, State

import wsdefrag
from wire_case import Seen, as_seen
from wsdefrag import DeflateParams, Limits

STRICT = wsdefrag.Strictness(
    no_context_takeover=True, empty_compressed_payload=True, deflate_tail=True
)
UNLIMITED = Limits(max_frame_size=None, max_message_size=None, max_fragments=None)


@dataclass(frozen=True)
class Reading:
    """The events of one direction, and the close code it was failed with."""

    events: tuple[Seen, ...]
    failed: int | None = None


@dataclass(frozen=True)
class Direction:
    """What all three parsers are given."""

    wire: bytes
    from_client: bool = False
    deflate: DeflateParams | None = None


def read_ours(direction: Direction) -> tuple[Reading, str, int]:
    """The results of the package; the kind and the offset of its error, or "" and -1.

    Peers read on about deflate where they happen to, so the package is held to all its rules.
    """
    reader = wsdefrag.WebSocketDirection(
        from_client=direction.from_client,
        deflate=direction.deflate,
        limits=UNLIMITED,
        strictness=STRICT,
    )
    events = reader.receive_data(direction.wire)
    error = reader.error
    if error is None:
        return Reading(tuple(as_seen(event) for event in events)), "", -1
    assert isinstance(error, wsdefrag.ProtocolError)
    seen = tuple(as_seen(event) for event in events[:-1])
    return Reading(seen, error.close_code), error.kind, error.offset


def read_wsproto(direction: Direction) -> Reading:
    """The results of wsproto's frame protocol."""
    extensions: list[wsproto.extensions.Extension] = []
    agreed = direction.deflate
    if agreed is not None:
        extension = wsproto.extensions.PerMessageDeflate(
            client_no_context_takeover=agreed.client_no_context_takeover,
            client_max_window_bits=agreed.client_max_window_bits,
            server_no_context_takeover=agreed.server_no_context_takeover,
            server_max_window_bits=agreed.server_max_window_bits,
        )
        extension.finalize("permessage-deflate")
        extensions.append(extension)
    protocol = wsproto.frame_protocol.FrameProtocol(not direction.from_client, extensions)
    protocol.receive_bytes(direction.wire)
    events: list[Seen] = []
    parts: list[bytes] = []
    try:
        for one in protocol.received_frames():
            if one.opcode in (1, 2):
                payload = one.payload
                assert isinstance(payload, (str, bytes))
                parts.append(payload.encode() if isinstance(payload, str) else payload)
                if one.message_finished:
                    events.append(("text" if one.opcode == 1 else "binary", b"".join(parts)))
                    parts.clear()
            elif one.opcode == 8:
                assert isinstance(one.payload, tuple)
                events.append(("close", int(one.payload[0]), one.payload[1]))
            else:
                events.append(("ping" if one.opcode == 9 else "pong", one.payload))
    except wsproto.frame_protocol.ParseFailed as error:
        return Reading(tuple(events), int(error.code))
    return Reading(tuple(events))


def read_websockets(direction: Direction) -> Reading:
    """The results of the sans-I/O protocol of websockets."""
    side = Side.SERVER if direction.from_client else Side.CLIENT
    protocol = Protocol(side, state=State.OPEN, max_size=None)
    agreed = direction.deflate
    if agreed is not None:
        client = (agreed.client_no_context_takeover, agreed.client_max_window_bits)
        server = (agreed.server_no_context_takeover, agreed.server_max_window_bits)
        alone, bits = client if direction.from_client else server
        protocol.extensions = [PerMessageDeflate(alone, False, bits, 15)]
    protocol.receive_data(direction.wire)
    failed = None
    if protocol.parser_exc is not None:
        assert protocol.close_sent is not None
        failed = int(protocol.close_sent.code)
    events: list[Seen] = []
    try:
        _join(protocol, events)
    except UnicodeDecodeError:
        return Reading(tuple(events), 1007)
    return Reading(tuple(events), failed)


def _join(protocol: Protocol, events: list[Seen]) -> None:
    """Join the frames that websockets hands out into `events`, checking text as they come."""
    parts: list[bytes] = []
    kind = ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for one in protocol.events_received():
        assert isinstance(one, websockets.frames.Frame)
        payload = bytes(one.data)
        if one.opcode == 8:
            close = websockets.frames.Close.parse(payload)
            events.append(("close", int(close.code), close.reason))
        elif one.opcode >= 8:
            events.append(("ping" if one.opcode == 9 else "pong", payload))
        else:
            if one.opcode:
                kind = "text" if one.opcode == 1 else "binary"
            if kind == "text":
                decoder.decode(payload, final=one.fin)
            parts.append(payload)
            if one.fin:
                events.append((kind, b"".join(parts)))
                parts = []
