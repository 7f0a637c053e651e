"""`Replay` against real servers, and against raw ones that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from capture_conversation import (
    Conversation,
    accept_of,
    binary,
    close,
    ping,
    text,
    upgraded,
)
from capture_recordings import LOADED
from proxy_loops import WAYS, runner
from proxy_peers import ACCEPT, Raw, aiohttp_server, echo, raw_server, serving
from proxy_tls import authority
from proxy_way import socks_proxy
from replay_samples import echoed, lossy, read, read_segments
from wire_writer import TEXT, frame
from wsdefrag import FrameDecoder, Opcode
from wsdefrag.proxy import Timeouts
from wsdefrag.replay import Played, RecordedConnection, Replay

way = pytest.mark.parametrize("way", WAYS)
PATIENT = Timeouts(handshake=None, connect=None, write=None, close=None)


async def play(to: str, connections: Sequence[RecordedConnection], **options: Any) -> list[Played]:
    """Replay connections as fast as possible; results in the order of the connections."""
    options = {"speed": None, "patience": 600.0, "timeouts": PATIENT, **options}
    found = [played async for played in Replay(to, **options).run(connections)]
    return sorted(found, key=lambda played: played.recorded.number)


def results(played: Played) -> list[str]:
    return [row.result for row in played.rows]


@way
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("in_turn", [False, True])
def test_echo_is_equal(
    way: str, compression: Any, in_turn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [f"{number} größe €" * (number % 50) for number in range(300)]
    talks = [echoed(*many), echoed("x" * 200_000, "", "a", target="/b?c=d", port=50_001)]
    segments = [segment for talk in talks for segment in talk.segments]

    async def scenario() -> None:
        connections = read_segments(segments)
        async with (
            serving(echo, compression=compression) as websockets_port,
            aiohttp_server(compression=compression) as aiohttp_port,
        ):
            for port in (websockets_port, aiohttp_port):
                found = await play(f"127.0.0.1:{port}", connections, in_turn=in_turn)
                assert [played.error for played in found] == [None, None]
                assert [played.sent for played in found] == [300, 3]
                for played in found:
                    assert set(results(played)) == {"equal"}
                    assert played.rows[0].received is not None
                    assert played.rows[0].received.content == b"101"
                    assert played.rows[-1].received is not None
                    assert played.rows[-1].received.kind == "close"
                    assert (played.is_equal, played.has_losses) == (True, False)

    runner(way, monkeypatch)(scenario())


def test_recorded_compression_is_used_where_the_server_agrees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A recording of a real program with permessage-deflate, client and server."""
    (connection,) = read(LOADED["node-deflate"].path.read_bytes())
    answers = iter([turn for turn in connection.turns if not turn.from_client and turn.type])
    asked: list[str | None] = []

    async def answering(peer: Any) -> None:
        asked.append(peer.request.headers.get("Sec-WebSocket-Extensions"))
        async for _ in peer:
            turn = next(answers, None)
            if turn is not None:
                text = turn.type == 1
                await peer.send(turn.content.decode() if text else turn.content)

    async def scenario() -> None:
        async with serving(answering, compression="deflate") as port:
            (played,) = await play(f"127.0.0.1:{port}", [connection], patience=0.5)
        recorded = [turn for turn in connection.turns if turn.from_client and turn.type]
        assert played.sent == len(recorded)
        assert asked[0] is not None
        assert "permessage-deflate" in asked[0]

    runner("asyncio", monkeypatch)(scenario())


def test_request_has_the_recorded_path_and_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = [
        "Origin: http://page.example",
        "Cookie: session=1",
        "Sec-WebSocket-Protocol: chat, superchat",
        "Sec-WebSocket-Extensions: x-own; a, permessage-deflate; client_max_window_bits",
        "Keep-Alive: timeout=5",
    ]
    heads: list[list[str]] = []

    async def handle(raw: Raw) -> None:
        heads.append((await raw.head()).decode().split("\r\n"))
        raw.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async def scenario() -> None:
        connections = read_segments(echoed("a", target="/a?b=c", fields=fields).segments)
        async with raw_server(handle) as port:
            await play(f"ws://127.0.0.1:{port}/api", connections)
            more = [("Cookie", None), ("X-Own", "1"), ("Host", "other.example")]
            await play(f"127.0.0.1:{port}", connections, fields=more)
            first, second = heads
            assert first[0] == "GET /api/a?b=c HTTP/1.1"
            assert f"Host: 127.0.0.1:{port}" in first
            assert "Origin: http://page.example" in first
            assert "Cookie: session=1" in first
            assert "Sec-WebSocket-Protocol: chat, superchat" in first
            offered = [line for line in first if line.startswith("Sec-WebSocket-Extensions")]
            assert offered == [
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
            ]
            assert not [line for line in first if line.startswith("Keep-Alive")]
            keys = [line for head in heads for line in head if line.startswith("Sec-WebSocket-Key")]
            assert len(set(keys)) == 2
            assert "Host: other.example" in second
            assert "X-Own: 1" in second
            assert not [line for line in second if line.startswith("Cookie")]

    runner("asyncio", monkeypatch)(scenario())


def test_differences_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server leaves out the second answer, changes the third, and adds one."""

    async def sloppy(peer: Any) -> None:
        async for message in peer:
            if message == "b":
                continue
            await peer.send("C" if message == "c" else message)
            if message == "d":
                await peer.send("more")

    async def scenario() -> None:
        connections = read_segments(echoed(*"abcde").segments)
        async with serving(sloppy) as port:
            (played,) = await play(f"127.0.0.1:{port}", connections)
        assert played.counts == {"equal": 5, "different": 1, "missing": 1, "extra": 1}
        assert not played.is_equal
        assert played.sent == 5

    runner("asyncio", monkeypatch)(scenario())


def test_refusals_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = [one for one in read(LOADED["refused"].path.read_bytes()) if one.captured.refused][:1]
    (accepted,) = read_segments(echoed("a").segments)

    def answering(status: int) -> Any:
        async def handle(raw: Raw) -> None:
            await raw.head()
            raw.send(b"HTTP/1.1 %d So\r\nContent-Length: 0\r\n\r\n" % status)

        return handle

    async def scenario() -> None:
        recorded = refused[0].status
        assert recorded is not None
        async with raw_server(answering(recorded)) as port:
            (played,) = await play(f"127.0.0.1:{port}", refused)
            assert (results(played), played.error, played.is_equal) == (["equal"], None, True)
        async with raw_server(answering(500)) as port:
            (played,) = await play(f"127.0.0.1:{port}", refused)
            assert (results(played), played.is_equal) == (["different"], False)
            (played,) = await play(f"127.0.0.1:{port}", [accepted])
            assert results(played) == ["different", "missing", "missing"]
            assert played.error == "the server answered 500 So"
            assert played.unsent == {"connection ended": 1}

    runner("asyncio", monkeypatch)(scenario())


def test_what_was_not_captured_is_not_sent_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = read(lossy())

    async def scenario() -> None:
        async with serving(echo) as port:
            (played,) = await play(f"127.0.0.1:{port}", connections)
        assert played.sent == 1
        assert played.unsent == {"incomplete": 1, "undecodable": 1}
        assert (played.is_equal, played.has_losses) == (True, True)

    runner("asyncio", monkeypatch)(scenario())


def test_pings_are_sent_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = upgraded()
    talk.says(True, ping(True, b"are you there"))
    talk.says(True, binary(True, b"\x00"))
    talk.says(False, binary(False, b"\x01"))
    got: list[int] = []

    async def handle(raw: Raw) -> None:
        head = await raw.head()
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
        raw.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_of(key).encode() + b"\r\n\r\n\x89\x02hi"
        )
        decoder = FrameDecoder(from_client=True)
        while len(got) < 3:
            got.extend(one.opcode for one in decoder.receive_data(await raw.reader.read(100)))
        raw.send(binary(False, b"\x01") + close(False, 1000))
        while len(got) < 4:
            got.extend(one.opcode for one in decoder.receive_data(await raw.reader.read(100)))

    async def scenario() -> None:
        async with raw_server(handle) as port:
            (played,) = await play(f"127.0.0.1:{port}", read_segments(talk.segments))
        assert played.is_equal
        assert sorted(got[:3]) == [Opcode.BINARY, Opcode.PING, Opcode.PONG]
        assert got[3] == Opcode.CLOSE

    runner("asyncio", monkeypatch)(scenario())


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        ("refuse", "onnect"),
        ("silent head", "ended the connection without a response"),
        ("garbage head", "HTTP"),
        ("wrong key", "Accept"),
        ("garbage", "it broke a rule"),
        ("half a message", "inside of a message"),
        ("reset", None),
    ],
)
def test_failures_are_told(behave: str, error: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handle(raw: Raw) -> None:
        head = await raw.head()
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
        accept = ACCEPT if behave == "wrong key" else accept_of(key)
        if behave == "silent head":
            return
        if behave == "garbage head":
            raw.send(b"\x00\x01\x02\x03\r\n\r\n")
            return
        raw.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
        )
        if behave == "garbage":
            raw.send(b"\xff\xff\xff\xff")
        elif behave == "half a message":
            raw.send(frame(TEXT, b"hel", fin=False))
            raw.writer.write_eof()
        elif behave == "reset":
            raw.abort()
            return
        await raw.rest()

    async def scenario() -> None:
        connections = read_segments(echoed("a", "b").segments)
        async with raw_server(handle) as port:
            to = "127.0.0.1:1" if behave == "refuse" else f"127.0.0.1:{port}"
            (played,) = await play(to, connections)
        assert not played.is_equal
        if error is not None:
            assert error in (played.error or "")
        assert "missing" in results(played) or "different" in results(played)

    runner("asyncio", monkeypatch)(scenario())


def test_side_of_the_server_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = upgraded()
    talk.says(False, text(False, "from the server"))
    talk.says(True, text(True, "from the client"))
    heard: list[str] = []

    async def handle(peer: Any) -> None:
        async for message in peer:
            heard.append(message)
            await peer.send("from the client")

    async def scenario() -> None:
        async with serving(handle) as port:
            (played,) = await play(f"127.0.0.1:{port}", read_segments(talk.segments), side="server")
        assert heard == ["from the server"]
        assert played.is_equal

    runner("asyncio", monkeypatch)(scenario())


@way
def test_tls_and_a_proxy_on_the_way(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def scenario() -> None:
        connections = read_segments(echoed("a", "b").segments)
        async with (
            serving(echo, ssl=authority().server("localhost")) as port,
            socks_proxy(port, asked) as via,
        ):
            (played,) = await play(
                f"wss://localhost:{port}",
                connections,
                tls=authority().client(),
                via=f"socks5://127.0.0.1:{via}",
            )
            assert (played.error, played.is_equal) == (None, True)
            assert asked == [b"localhost:%d" % port]
            (played,) = await play(f"wss://localhost:{port}", connections)
            assert "certificate" in (played.error or "")

    runner(way, monkeypatch)(scenario())


def test_timing_is_kept_or_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages come no earlier than they should; how much later depends on the machine."""
    talk = Conversation(step=1_000_000).open().upgrade()
    for number in range(3):
        talk.wait(300_000_000)
        talk.says(True, text(True, f"{number}"))
        talk.says(False, text(False, f"{number}"))
    times: list[float] = []

    async def timed(peer: Any) -> None:
        async for message in peer:
            times.append(asyncio.get_running_loop().time())
            await peer.send(message)

    async def scenario() -> None:
        connections = read_segments(talk.segments)
        async with serving(timed) as port:
            for speed, least in ((1.0, 0.6), (4.0, 0.15)):
                times.clear()
                begun = asyncio.get_running_loop().time()
                (played,) = await play(f"127.0.0.1:{port}", connections, speed=speed)
                assert played.is_equal
                assert times[-1] - begun >= least * 1.5

    runner("asyncio", monkeypatch)(scenario())


def test_in_turn_waits_for_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers only when nothing more has come for a while."""
    heard: list[list[str]] = []

    async def next_of(peer: Any) -> str | None:
        try:
            return str(await asyncio.wait_for(peer.recv(), 0.2))
        except asyncio.TimeoutError:
            return None

    async def handle(peer: Any) -> None:
        waiting: list[str] = []
        while True:
            message = await next_of(peer)
            if message is not None:
                waiting.append(message)
                continue
            heard.append(waiting)
            for one in waiting:
                await peer.send(one)
            waiting = []

    async def scenario() -> None:
        connections = read_segments(echoed("a", "b", "c").segments)
        async with serving(handle) as port:
            (played,) = await play(f"127.0.0.1:{port}", connections, in_turn=True)
        assert played.is_equal
        assert all(len(batch) <= 1 for batch in heard)

    runner("asyncio", monkeypatch)(scenario())


def test_parallel_bounds_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    open_now, most = 0, 0

    async def counting(peer: Any) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await echo(peer)
        open_now -= 1

    async def scenario() -> None:
        talks = [echoed("a", "b", port=50_000 + number) for number in range(12)]
        connections = read_segments([one for talk in talks for one in talk.segments])
        assert len(connections) == 12
        async with serving(counting) as port:
            found = await play(f"127.0.0.1:{port}", connections, parallel=3)
        assert all(played.is_equal for played in found)
        assert most <= 3

    runner("asyncio", monkeypatch)(scenario())


def test_slow_server_and_large_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """16 MiB go out though the server answers each only after a while."""

    async def scenario() -> None:
        talk = upgraded()
        for number in range(16):
            talk.say(True, binary(True, bytes([number]) * (1 << 20)), size=60_000, acked=False)
            talk.say(False, binary(False, bytes([number]) * (1 << 20)), size=60_000, acked=False)
        connections = read_segments(talk.segments)

        async def slow(peer: Any) -> None:
            async for message in peer:
                await asyncio.sleep(0.01)
                await peer.send(message)

        async with serving(slow) as port:
            (played,) = await play(f"127.0.0.1:{port}", connections)
        assert (played.error, played.is_equal, played.sent) == (None, True, 16)

    runner("asyncio", monkeypatch)(scenario())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"to": "ftp://a"}, "does not begin"),
        ({"side": "both"}, "side"),
        ({"speed": 0}, "speed"),
        ({"speed": float("nan")}, "speed"),
        ({"patience": 0}, "patience"),
        ({"parallel": 0}, "parallel"),
        ({"fields": [("a b", "c")]}, "not the name"),
    ],
)
def test_wrong_arguments_raise(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Replay(**{"to": "a:1", **options})
