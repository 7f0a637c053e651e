"""The echo endpoints against websockets, against each other, and against peers that stop or vanish.

RFC 7692 section 7.1 says what may be agreed on.
"""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

import echo_server
from echo_client import echo_at
from echo_scenes import HOST, MIB, Handler, each_server, listening, run
from hang_guard import PATIENT
from upgrade import request
from wire_writer import BINARY, KEY, TEXT, frame
from wsdefrag import Close, DeflateParams, FrameEncoder, WebSocketDirection, WebSocketMessage

# Between them they have every kind of parameter.
FACTORIES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "small windows": {"server_max_window_bits": 9, "client_max_window_bits": 9},
    "no takeover": {"server_no_context_takeover": True, "client_no_context_takeover": True},
}


MESSAGES: list[str | bytes] = [
    *("", "a", "κόσμε", "x" * 125, "x" * 126, "x" * 65_535, "x" * 65_536, "a b c " * MIB),
    *(b"", b"\x00", bytes(range(256)) * 300, bytes(MIB)),
]


@each_server
@pytest.mark.parametrize("parameters", [None, *FACTORIES.values()], ids=["plain", *FACTORIES])
def test_server_echoes_what_websockets_says(
    handler: Handler, parameters: dict[str, Any] | None
) -> None:
    extensions = [] if parameters is None else [ClientPerMessageDeflateFactory(**parameters)]

    async def scenario() -> None:
        async with listening(handler) as port:
            uri = f"ws://{HOST}:{port}/"
            client = await connect(
                uri, compression=None, extensions=extensions, max_size=None, proxy=None, **PATIENT
            )
            agreed = client.response is not None and client.response.headers.get(
                "Sec-WebSocket-Extensions", ""
            )
            assert bool(agreed) == (parameters is not None)
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message
            await client.send(["in ", "three ", "fragments"])
            assert await client.recv() == "in three fragments"
            await (await client.ping(b"are you there?"))
            await client.close(3001, "enough")
            assert client.close_code == 3001

    run(scenario())


@pytest.mark.parametrize("parameters", [None, *FACTORIES.values()], ids=["plain", *FACTORIES])
def test_client_echoes_what_websockets_says(parameters: dict[str, Any] | None) -> None:
    extensions = [] if parameters is None else [ServerPerMessageDeflateFactory(**parameters)]
    ends: list[int | None] = []

    async def speak(server: ServerConnection) -> None:
        for message in MESSAGES:
            await server.send(message)
            assert await server.recv() == message
        await (await server.ping(b"are you there?"))
        await server.close(3001, "enough")
        ends.append(server.close_code)

    async def scenario() -> None:
        async with serve_websockets(
            speak, HOST, 0, compression=None, extensions=extensions, max_size=None, **PATIENT
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            direction = await echo_at(HOST, port, "/")
        assert direction.close_received is not None
        assert direction.close_received.close_code == 3001

    run(scenario())
    assert ends == [3001]


@each_server
def test_server_echoes_what_ours_says(handler: Handler) -> None:
    """Everything at once, while the answers are read."""

    async def scenario() -> None:
        async with listening(handler) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            upgraded = await request(reader, writer, HOST, "/")
            assert upgraded.deflate == DeflateParams()
            outgoing = FrameEncoder(from_client=True, deflate=upgraded.deflate)
            incoming = WebSocketDirection(from_client=False, deflate=upgraded.deflate)
            for message in MESSAGES:
                whole = outgoing.text if isinstance(message, str) else outgoing.binary
                writer.write(whole(message))  # type: ignore[arg-type]
            writer.write(outgoing.close(1000))
            events: list[Any] = []
            while data := await reader.read(1 << 16):
                events += incoming.receive_data(data)
            *messages, close = events
            assert isinstance(close, Close)
            assert all(isinstance(message, WebSocketMessage) for message in messages)
            said = [one.text if one.is_text else one.content for one in messages]
            assert said == MESSAGES
            writer.close()
            await writer.wait_closed()

    run(scenario())


@each_server
def test_server_does_not_read_from_whom_it_cannot_write_to(handler: Handler) -> None:
    """A client that does not read can send only what the kernel buffers, and a little more."""
    # Random bytes, which compression does not make fewer.
    message = frame(BINARY, random.Random(1).randbytes(MIB), key=KEY)

    async def say_much(writer: asyncio.StreamWriter) -> None:
        for _ in range(256):
            writer.write(message)
            await asyncio.wait_for(writer.drain(), 1)

    async def scenario() -> None:
        async with listening(handler) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            await request(reader, writer, HOST, "/")
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            with pytest.raises(asyncio.TimeoutError):
                await say_much(writer)
            writer.transport.abort()

    run(scenario())


@each_server
def test_server_goes_on_after_a_client_that_vanishes(handler: Handler) -> None:
    async def scenario() -> None:
        async with listening(handler) as port:
            for wire in (b"", frame(TEXT, b"half", announced=9, key=KEY)):
                reader, writer = await asyncio.open_connection(HOST, port)
                await request(reader, writer, HOST, "/")
                writer.write(wire)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                )
                writer.close()
            uri = f"ws://{HOST}:{port}/"
            async with connect(uri, proxy=None, **PATIENT) as client:
                await client.send("still there?")
                assert await client.recv() == "still there?"

    run(scenario())


def head(**changes: str) -> str:
    fields = {
        "Host": "a",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    fields |= {f"Sec-WebSocket-{name}": value for name, value in changes.items()}
    lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines) + "\r\n\r\n"


REFUSED = {
    "no upgrade": ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426),
    "another version": (head(Version="8"), 426),
    "half a key": (head(Key="dGhlIHNhbXBs"), 426),
    "malformed offers": (head(Extensions='permessage-deflate; x="9'), 400),
    "no HTTP": ("hello\r\n\r\n", 400),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
def test_server_refuses_other_requests(sent: str, status: int | None) -> None:
    async def scenario() -> None:
        async with listening(echo_server.handle) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(sent.encode())
            writer.write_eof()
            answer = await reader.read()
            expected = b"" if status is None else f"HTTP/1.1 {status} ".encode()
            assert answer.startswith(expected)
            assert bool(answer) == bool(expected)
            writer.close()
            await writer.wait_closed()

    run(scenario())


def test_client_takes_no_other_answer() -> None:
    """websockets refuses: our client is told, and does not go on."""

    def refuse(connection: ServerConnection, _request: object) -> websockets.Response:
        return connection.respond(403, "no")

    async def scenario() -> None:
        async with serve_websockets(
            lambda _connection: asyncio.sleep(0), HOST, 0, process_request=refuse, **PATIENT
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            with pytest.raises(Exception, match="403"):
                await echo_at(HOST, port, "/")

    run(scenario())
