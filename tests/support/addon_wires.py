"""A client and a server; the tests write and read each of their bytes.

A ``Wire`` is one end of a TCP connection after the handshake. ``wire_writer`` writes the frames,
and its ``read_frame`` reads them without checking them.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hang_guard import HANG_SECONDS
from wire_writer import RawFrame, read_frame

HANDSHAKE = (
    "Host: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
ANSWER = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)
_numbers = itertools.count()
_open: list[socket.socket] = []


def close_all() -> None:
    """Close connections that a failed test has left open."""
    while _open:
        _open.pop().close()


def immutable(frame: RawFrame) -> RawFrame:
    """A frame that was read from a growing buffer, in bytes."""
    key = None if frame.key is None else bytes(frame.key)
    return replace(frame, key=key, payload=bytes(frame.payload))


class Wire:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        _open.append(connection)
        self._socket.settimeout(HANG_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = connection.getsockname()[1]
        self._received = bytearray()
        self._offset = 0

    def send(self, *data: bytes) -> None:
        """Write bytes, each piece by a call of its own."""
        for piece in data:
            self._socket.sendall(piece)

    def send_while_reading(self, data: bytes, size: int, receiver: Wire) -> None:
        """Write bytes in pieces of a size, while the other end reads what arrives.

        Otherwise large messages would fill the buffers between the two.
        """
        for start in range(0, len(data), size):
            self._socket.sendall(data[start : start + size])
            receiver.take_what_is_there()

    def take_what_is_there(self) -> None:
        """Read what has arrived, without waiting."""
        while select.select([self._socket], [], [], 0)[0] and self._more():
            pass

    def head(self) -> bytes:
        """Read an HTTP head."""
        while b"\r\n\r\n" not in self._received:
            assert self._more(), bytes(self._received)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return bytes(head)

    def frame(self) -> RawFrame:
        """Read the next frame."""
        while (found := read_frame(self._received, self._offset)) is None:  # type: ignore[arg-type]
            assert self._more(), f"the end, after {bytes(self._received[self._offset :])!r}"
        self._offset = found.end
        return immutable(found)

    def frames(self, count: int) -> list[RawFrame]:
        """Read the next frames."""
        return [self.frame() for _ in range(count)]

    def message(self) -> tuple[int, list[RawFrame]]:
        """Read the frames of the next message, and its opcode; no control frame among them."""
        found = [self.frame()]
        while not found[-1].fin:
            found.append(self.frame())
        return found[0].opcode, found

    def rest(self) -> list[RawFrame]:
        """Read frames until the other side ends the connection; nothing may be left over."""
        while self._more():
            pass
        found = []
        while (one := read_frame(self._received, self._offset)) is not None:  # type: ignore[arg-type]
            found.append(immutable(one))
            self._offset = one.end
        assert self._offset == len(self._received), bytes(self._received[self._offset :][:100])
        return found

    def expect(self, data: bytes) -> None:
        """Read exactly these bytes, which need not be a frame."""
        while len(self._received) - self._offset < len(data):
            assert self._more(), bytes(self._received[self._offset :])
        end = self._offset + len(data)
        assert self._received[self._offset : end] == data
        self._offset = end

    def rest_of_bytes(self) -> bytes:
        """Read bytes until the other side ends the connection."""
        while self._more():
            pass
        return bytes(self._received[self._offset :])

    def _more(self) -> bool:
        try:
            data = self._socket.recv(1 << 20)
        except ConnectionResetError:
            return False
        self._received += data
        return bool(data)

    def close(self) -> None:
        """End the connection in an orderly way."""
        self._socket.close()

    def shut(self) -> None:
        """End this side's half of the connection."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection by a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


class Pair:
    """A client and a server on the two sides of the proxy, connected.

    Args:
        proxy_port: where the proxy listens.
        extensions: what the server answers, and the client offers, in
            ``Sec-WebSocket-Extensions``; "" for nothing.
        rules: what the probe shall do.
        first: bytes that the server sends together with its answer.
    """

    def __init__(
        self,
        proxy_port: int,
        extensions: str = "",
        rules: Sequence[dict[str, Any]] = (),
        first: bytes = b"",
    ) -> None:
        self.path = f"/wire-{next(_numbers)}"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(HANG_SECONDS)
            port = listener.getsockname()[1]
            self.client = Wire(socket.create_connection(("127.0.0.1", proxy_port), HANG_SECONDS))
            said = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
            request = f"GET http://127.0.0.1:{port}{self.path} HTTP/1.1\r\n"
            request += HANDSHAKE.format(port=port) + said + f"X-Rules: {json.dumps(rules)}\r\n\r\n"
            self.client.send(request.encode("ascii"))
            self.server = Wire(listener.accept()[0])
            self.server.head()
            self.server.send((ANSWER + said + "\r\n").encode("ascii") + first)
            assert self.client.head().startswith(b"HTTP/1.1 101 ")

    def close(self) -> None:
        """End both connections."""
        self.client.close()
        self.server.close()
