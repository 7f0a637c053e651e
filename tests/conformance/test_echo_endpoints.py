"""The echo endpoints end to end on loopback: what is asked of them, without the Autobahn TestSuite.

The server that conformance is tested on, its client, and the server of the examples talk to frames
that are written by hand, to websockets, and to each other. RFC 6455 sections 5.4 and 5.5 (control
frames between fragments), 7.1.1 (who ends TCP), 7.4 (close codes) and 8.1 (UTF-8) say what comes
back; RFC 7692 section 7.1 what may be agreed on.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
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
from upgrade import accept, request
from wire_writer import BINARY, CLOSE, CONTINUATION, KEY, PING, PONG, TEXT, close_frame, frame
from wsdefrag import (
    Close,
    DeflateParams,
    Frame,
    FrameDecoder,
    FrameEncoder,
    MessageReassembler,
    Opcode,
    WebSocketMessage,
)

HOST = "127.0.0.1"
SECONDS = 60.0
MIB = 1 << 20

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Frames = list[tuple[int, bytes]]


def example_handler() -> Handler:
    path = Path(__file__).parents[2] / "examples" / "echo_server.py"
    spec = importlib.util.spec_from_file_location("example_echo_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handle
    return handler


SERVERS: dict[str, Handler] = {"conformance": echo_server.handle, "example": example_handler()}

each_server = pytest.mark.parametrize("handler", SERVERS.values(), ids=SERVERS)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, SECONDS))


async def listen(handler: Handler) -> asyncio.Server:
    return await asyncio.start_server(handler, HOST, 0)


# What is sent, with a masking key or without one, and what comes back. A Close of 1000 is sent
# after it where no Close is among the answers.

Row = tuple[Callable[[bytes | None], bytes], Frames]


def closed(code: int) -> Frames:
    return [(CLOSE, code.to_bytes(2, "big"))]


def close_frame_keyed(code: int, key: bytes | None) -> bytes:
    return close_frame(code, key=key)


ANSWERED: dict[str, Row] = {
    "empty messages": (
        lambda key: frame(TEXT, key=key) + frame(BINARY, key=key),
        [(TEXT, b""), (BINARY, b"")],
    ),
    "everything in its order": (
        lambda key: b"".join(
            frame(opcode, payload, key=key)
            for opcode, payload in [(PING, b"1"), (TEXT, b"2"), (PING, b"3"), (BINARY, b"4")]
        ),
        [(PONG, b"1"), (TEXT, b"2"), (PONG, b"3"), (BINARY, b"4")],
    ),
    "a ping between fragments": (
        lambda key: (
            frame(TEXT, b"Hel", fin=False, key=key)
            + frame(PING, b"x" * 125, key=key)
            + frame(CONTINUATION, b"lo", key=key)
        ),
        [(PONG, b"x" * 125), (TEXT, b"Hello")],
    ),
    "a pong that nobody asked for": (lambda key: frame(PONG, b"x", key=key), []),
    "a message of 1 MiB": (lambda key: frame(BINARY, b"x" * MIB, key=key), [(BINARY, b"x" * MIB)]),
    "a close without a code": (lambda key: frame(CLOSE, key=key), [(CLOSE, b"")]),
    "a close with a reason": (lambda key: close_frame(3000, b"why", key=key), closed(3000)),
    "a ping behind a close": (
        lambda key: close_frame(1001, key=key) + frame(PING, key=key),
        closed(1001),
    ),
    "bytes behind a close": (lambda key: close_frame(1000, key=key) + b"\xff" * MIB, closed(1000)),
    "a message before a fault": (
        lambda key: frame(TEXT, b"hi", key=key) + frame(3, key=key),
        [(TEXT, b"hi"), *closed(1002)],
    ),
    "a lot behind a fault": (lambda key: frame(3, key=key) + b"\xff" * MIB, closed(1002)),
    "a reserved bit": (lambda key: frame(TEXT, b"hi", rsv2=True, key=key), closed(1002)),
    "a reserved opcode": (lambda key: frame(11, key=key), closed(1002)),
    "a ping in fragments": (lambda key: frame(PING, fin=False, key=key), closed(1002)),
    "a ping that is too long": (lambda key: frame(PING, b"x" * 126, key=key), closed(1002)),
    "a continuation of nothing": (lambda key: frame(CONTINUATION, key=key), closed(1002)),
    "a message in a message": (
        lambda key: frame(TEXT, fin=False, key=key) + frame(TEXT, key=key),
        closed(1002),
    ),
    "the wrong masking": (lambda key: frame(TEXT, key=None if key else KEY), closed(1002)),
    "a close of one byte": (lambda key: frame(CLOSE, b"\x03", key=key), closed(1002)),
    **{
        f"a close of {code}": (functools.partial(close_frame_keyed, code), closed(1002))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    "a close reason that is no text": (
        lambda key: close_frame(1000, b"\xff", key=key),
        closed(1007),
    ),
    # Before the message, and even the frame, is complete.
    "text that is none, in a frame": (
        lambda key: frame(TEXT, "κό".encode() + b"\xf4\x90", announced=99, key=key),
        closed(1007),
    ),
    "text that is none, in fragments": (
        lambda key: (
            frame(TEXT, b"\xce", fin=False, key=key) + frame(CONTINUATION, b"a", fin=False, key=key)
        ),
        closed(1007),
    ),
    "compressed data that is none": (
        lambda key: frame(BINARY, b"\xff\xff", rsv1=True, key=key),
        closed(1007),
    ),
    "more than is taken": (lambda key: frame(BINARY, announced=1 << 40, key=key), closed(1009)),
}

each_row = pytest.mark.parametrize(("sent", "answered"), ANSWERED.values(), ids=ANSWERED)


def whole(sent: bytes, answered: Frames, key: bytes | None) -> tuple[bytes, Frames]:
    """Both with a Close at the end, if there is none."""
    if answered and answered[-1][0] == CLOSE:
        return sent, answered
    return sent + close_frame(1000, key=key), [*answered, *closed(1000)]


def contents(frames: list[Frame], deflate: DeflateParams | None, from_client: bool) -> Frames:
    """Opcodes and payloads, those of messages inflated."""
    reader = MessageReassembler(from_client=from_client, deflate=deflate)
    return [
        (
            one.opcode,
            reader.receive_data(
                frame(one.opcode, one.payload, rsv1=True, key=KEY if from_client else None)
            )[0].content
            if one.rsv1
            else one.payload,
        )
        for one in frames
    ]


@each_server
@each_row
def test_server_answers(
    handler: Handler, sent: Callable[[bytes | None], bytes], answered: Frames
) -> None:
    """And ends TCP before this client does."""
    wire, expected = whole(sent(KEY), answered, KEY)

    async def scenario() -> None:
        async with await listen(handler) as server:
            port = echo_server.port_of(server)
            reader, writer = await asyncio.open_connection(HOST, port)
            agreed = (await request(reader, writer, HOST, "/")).deflate
            writer.write(wire)
            decoder = FrameDecoder(from_client=False, deflate=agreed)
            frames = decoder.receive_data(await reader.read())
            decoder.receive_eof()
            assert contents(frames, agreed, from_client=False) == expected
            writer.close()
            await writer.wait_closed()

    run(scenario())


@each_row
def test_client_answers(sent: Callable[[bytes | None], bytes], answered: Frames) -> None:
    """And waits until this server ends TCP."""
    wire, expected = whole(sent(None), answered, None)
    seen: list[Frames] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agreed = (await accept(reader, writer)).deflate
        writer.write(wire)
        decoder = FrameDecoder(from_client=True, deflate=agreed)
        frames: list[Frame] = []
        while not frames or frames[-1].opcode != Opcode.CLOSE:
            data = await reader.read(1 << 16)
            assert data, "the client ended TCP first"
            frames += decoder.receive_data(data)
        seen.append(contents(frames, agreed, from_client=True))
        writer.close()

    async def scenario() -> None:
        async with await listen(speak) as server:
            await echo_at(HOST, echo_server.port_of(server), "/")

    run(scenario())
    assert seen == [expected]


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
        async with await listen(handler) as server:
            uri = f"ws://{HOST}:{echo_server.port_of(server)}/"
            client = await connect(
                uri, compression=None, extensions=extensions, max_size=None, proxy=None
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
            speak, HOST, 0, compression=None, extensions=extensions, max_size=None
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            direction = await echo_at(HOST, port, "/")
        assert direction.close is not None
        assert direction.close.close_code == 3001

    run(scenario())
    assert ends == [3001]


@each_server
def test_server_echoes_what_ours_says(handler: Handler) -> None:
    """Everything at once, while the answers are read."""

    async def scenario() -> None:
        async with await listen(handler) as server:
            port = echo_server.port_of(server)
            reader, writer = await asyncio.open_connection(HOST, port)
            upgraded = await request(reader, writer, HOST, "/")
            assert upgraded.deflate == DeflateParams()
            outgoing = FrameEncoder(from_client=True, deflate=upgraded.deflate)
            incoming = MessageReassembler(from_client=False, deflate=upgraded.deflate)
            for message in MESSAGES:
                whole = outgoing.text if isinstance(message, str) else outgoing.binary
                writer.write(whole(message))  # type: ignore[arg-type]
            writer.write(outgoing.close(1000))
            events: list[Any] = []
            while data := await reader.read(1 << 16):
                events += incoming.receive_events(data)
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
    """What a client that does not read can send is what the kernel holds, and a little more."""
    # Random bytes, which compression does not make fewer.
    message = frame(BINARY, random.Random(1).randbytes(MIB), key=KEY)

    async def say_much(writer: asyncio.StreamWriter) -> None:
        for _ in range(256):
            writer.write(message)
            await asyncio.wait_for(writer.drain(), 1)

    async def scenario() -> None:
        async with await listen(handler) as server:
            port = echo_server.port_of(server)
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
        async with await listen(handler) as server:
            port = echo_server.port_of(server)
            for wire in (b"", frame(TEXT, b"half", announced=9, key=KEY)):
                reader, writer = await asyncio.open_connection(HOST, port)
                await request(reader, writer, HOST, "/")
                writer.write(wire)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                )
                writer.close()
            uri = f"ws://{HOST}:{port}/"
            async with connect(uri, proxy=None) as client:
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
        async with await listen(echo_server.handle) as server:
            port = echo_server.port_of(server)
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
            lambda _connection: asyncio.sleep(0), HOST, 0, process_request=refuse
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            with pytest.raises(Exception, match="403"):
                await echo_at(HOST, port, "/")

    run(scenario())
