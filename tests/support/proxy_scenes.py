"""What a side written by hand does to a program through `wsdefrag.proxy`, as a server or a client.

Each scene begins with a message, and goes on when the program has answered it. So what comes next
finds an open WebSocket, however slow the machine is. Frames have masks if the side is a client.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy_peers import ACCEPT, REQUEST, RESPONSE, Raw
from wire_writer import (
    BINARY,
    CLOSE,
    KEY,
    PING,
    TEXT,
    Deflater,
    close_frame,
    deflated_zeros,
    fragments,
    frame,
    read_frames,
)
from wsdefrag.handshake import accept_key

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"

FIRST, ANSWER = "first", "seen"
"""The first message of a scene, and what a program sends when it has got it."""

BOMB_MIB = 20

Act = Callable[[Raw, bytes | None], Awaitable[None]]


async def _sends_fragments(raw: Raw, key: bytes | None) -> None:
    """Cut a character, have pings between, compress; and close."""
    ping = frame(PING, b"between", key=key)
    text = "größe €\N{GRINNING FACE}".encode()
    halves = Deflater().compress_parts([b"compressed ", b"in two parts"])
    sent = [
        *fragments(TEXT, [text[:3], text[3:9], b"", text[9:]], key=key, between=[ping, ping]),
        *fragments(BINARY, [b"\x00" * 70_000, b"\xff" * 70_000], key=key),
        *fragments(TEXT, halves, rsv1=True, key=key, between=[ping]),
    ]
    raw.send(b"".join(sent) + close_frame(4000, b"done", key=key))


async def _ends_its_half(raw: Raw, key: bytes | None) -> None:
    raw.send(frame(TEXT, b"last", key=key))
    raw.writer.write_eof()


async def _resets(raw: Raw, key: bytes | None) -> None:
    """Close with a RST, in the middle of a frame."""
    raw.send(frame(BINARY, bytes(9000), key=key)[:5000])
    await raw.writer.drain()
    linger = struct.pack("ii", 1, 0)
    raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    raw.abort()


async def _babbles(raw: Raw, key: bytes | None) -> None:
    raw.send(b"\xff" * 20)


async def _masks_wrongly(raw: Raw, key: bytes | None) -> None:
    raw.send(frame(TEXT, b"wrong mask", key=KEY if key is None else None))


async def _sends_no_utf8(raw: Raw, key: bytes | None) -> None:
    raw.send(frame(TEXT, b"\xff\xfe", key=key))


async def _bombs(raw: Raw, key: bytes | None) -> None:
    raw.send(frame(BINARY, b"".join(deflated_zeros(BOMB_MIB)), rsv1=True, key=key))


async def _is_silent(raw: Raw, key: bytes | None) -> None:
    """Do nothing more."""


PASSED: dict[str, Act] = {
    "sends fragments": _sends_fragments,
    "ends its half": _ends_its_half,
    "resets": _resets,
}
"""What passes a proxy, so that a program sees what it would see without one."""

BREACHES: dict[str, tuple[Act, int]] = {
    "babbles": (_babbles, 1002),
    "masks wrongly": (_masks_wrongly, 1002),
    "sends no UTF-8": (_sends_no_utf8, 1007),
    "bombs": (_bombs, 1009),
}
"""What breaks a rule or a limit, and the close code of that (RFC 6455 section 7.4.1)."""

SILENT = _is_silent


@dataclass
class Scene:
    """A side that acts, and what it got for it.

    Attributes:
        act: What it does.
        code: The code of the first Close that it got; None if there was none.
        heard: The bytes after the opening handshake, up to that Close.
    """

    act: Act
    code: int | None = None
    heard: bytes = b""

    async def as_server(self, raw: Raw) -> None:
        """Accept a WebSocket with permessage-deflate, and play."""
        head = await raw.head()
        asked = re.search(rb"(?im)^sec-websocket-key: *(\S+)", head)
        assert asked is not None, head
        accept = accept_key(asked[1].decode()).encode()
        raw.send(RESPONSE.replace(ACCEPT.encode(), accept)[:-2] + DEFLATE + b"\r\n")
        await self._play(raw, None)

    async def as_client(self, port: int) -> None:
        """Open a WebSocket with permessage-deflate, and play."""
        raw = await Raw.to(port)
        raw.send(REQUEST[:-2] + DEFLATE + b"\r\n")
        head = await raw.head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert b"permessage-deflate" in head, head
        await self._play(raw, KEY)
        await raw.close()

    async def _play(self, raw: Raw, key: bytes | None) -> None:
        raw.send(frame(TEXT, FIRST.encode(), key=key))
        if self.act is not SILENT:
            # No answer is shorter.
            self.heard = await raw.take(2)
        await self.act(raw, key)
        # A side that has sent and got a Close may end the connection, and a server has to.
        while self.code is None and (data := await raw.some()):
            self.heard += data
            frames, _ = read_frames(self.heard)
            codes = [
                int.from_bytes(one.payload[:2], "big") for one in frames if one.opcode == CLOSE
            ]
            self.code = codes[0] if codes else None
