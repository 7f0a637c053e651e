"""The replies of the echo endpoints, frame by frame, without the Autobahn TestSuite.

The echo server, the echo client and the server of the examples get frames that are written by hand.
RFC 6455 sections 5.4 and 5.5 (control frames between fragments), 7.1.1 (who ends TCP), 7.4 (close
codes) and 8.1 (UTF-8) decide the replies.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable

import pytest

from echo_client import echo_at
from echo_scenes import HOST, MIB, Frames, Handler, each_server, listening, run
from upgrade import accept, request
from wire_writer import BINARY, CLOSE, CONTINUATION, KEY, PING, PONG, TEXT, close_frame, frame
from wsdefrag import DeflateParams, Frame, FrameDecoder, MessageReassembler, Opcode

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
    "a ping after a close": (
        lambda key: close_frame(1001, key=key) + frame(PING, key=key),
        closed(1001),
    ),
    "bytes after a close": (lambda key: close_frame(1000, key=key) + b"\xff" * MIB, closed(1000)),
    "a message before a fault": (
        lambda key: frame(TEXT, b"hi", key=key) + frame(3, key=key),
        [(TEXT, b"hi"), *closed(1002)],
    ),
    "a lot after a fault": (lambda key: frame(3, key=key) + b"\xff" * MIB, closed(1002)),
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
    # The reply comes before the message, and even the frame, is complete.
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
        async with listening(handler) as port:
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
        async with listening(speak) as port:
            await echo_at(HOST, port, "/")

    run(scenario())
    assert seen == [expected]
