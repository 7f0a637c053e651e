"""`Mock` with real clients: it plays the recorded server at its turns."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from capture_conversation import Conversation, close, text, upgraded
from capture_recordings import LOADED
from proxy_loops import WAYS, runner
from proxy_peers import REQUEST, Raw, connect, talk_aiohttp, talk_websockets
from proxy_tls import authority
from replay_samples import echoed, read, read_segments
from wire_writer import KEY, TEXT, frame
from wsdefrag.proxy import Timeouts
from wsdefrag.replay import Mock, Played

way = pytest.mark.parametrize("way", WAYS)
PATIENT = Timeouts(handshake=None, write=None, close=None)


def results(played: Played) -> list[str]:
    return [row.result for row in played.rows]


@way
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_clients_get_what_the_server_sent(
    way: str, compression: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str | bytes] = ["größe €", "a" * 70_000, "", "b"]
    found: list[Played] = []

    async def scenario() -> None:
        talk = echoed(*map(str, sent))
        async with Mock(
            read_segments(talk.segments), on_played=found.append, timeouts=PATIENT
        ) as mock:
            url = f"{mock.url}/chat"
            assert await talk_websockets(url, sent, compression=compression) == sent
            assert await talk_aiohttp(url, sent, compression=compression) == sent
            await mock.wait_played()
        assert len(found) == 2
        for played in found:
            # These clients close with a reason of their own.
            assert set(results(played)[:4]) == {"equal"}
            assert (played.sent, played.error) == (4, None)

    runner(way, monkeypatch)(scenario())


def test_messages_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = upgraded()
    talk.says(False, text(False, "hello"))
    talk.says(True, text(True, "one"))
    talk.says(True, text(True, "two"))
    talk.says(False, text(False, "both"))
    talk.says(False, close(False, 4000, b"enough"))
    talk.says(True, close(True, 4000, b"enough"))
    found: list[Played] = []

    async def scenario() -> None:
        async with (
            Mock(read_segments(talk.segments), on_played=found.append, timeouts=PATIENT) as mock,
            connect(f"{mock.url}/chat") as client,
        ):
            assert await client.recv() == "hello"
            await client.send("one")
            # It answers a ping, and sends nothing before the second message.
            await (await client.ping())
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.recv(), 0.1)
            await client.send("two")
            assert await client.recv() == "both"
            with pytest.raises(ConnectionClosedError):
                await client.recv()
            assert (client.close_code, client.close_reason) == (4000, "enough")
            await mock.wait_played()
        assert results(found[0]) == ["equal", "equal", "equal"]
        assert found[0].is_equal

    runner("asyncio", monkeypatch)(scenario())


def test_differences_of_the_client_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Played] = []

    async def scenario() -> None:
        async with Mock(
            read_segments(echoed("a", "b", "c").segments), on_played=found.append, timeouts=PATIENT
        ) as mock:
            async with connect(f"{mock.url}/chat") as client:
                await client.send("a")
                await client.send("B")
                assert [await client.recv(), await client.recv()] == ["a", "b"]
            await mock.wait_played()
            (played,) = found
            assert results(played)[:3] == ["equal", "different", "missing"]
            assert played.unsent["connection ended"] == 1
            assert not played.is_equal

    runner("asyncio", monkeypatch)(scenario())


def test_connections_are_chosen_by_path_and_order(monkeypatch: pytest.MonkeyPatch) -> None:
    talks = []
    for number, target in enumerate(["/a", "/b?x=1", "/a", "/b?x=2"]):
        talk = Conversation(("192.0.2.10", 50_000 + number), time=10**18 + number).open()
        talk.upgrade(target)
        talk.says(False, text(False, f"{number}"))
        talks.append(talk)
    segments = [one for talk in talks for one in talk.segments]

    async def first(url: str) -> str | bytes:
        async with connect(url) as client:
            return await client.recv()

    async def scenario() -> None:
        async with Mock(read_segments(segments), timeouts=PATIENT) as mock:
            wanted = ["/a", "/a", "/a", "/b?x=2", "/b?x=1", "/b?x=3", "/b?x=2"]
            got = [await first(f"{mock.url}{target}") for target in wanted]
            # A path without its query gets the one that was played least often.
            assert got == ["0", "2", "0", "3", "1", "1", "3"]
            with pytest.raises(InvalidStatus) as refused:
                await first(f"{mock.url}/c")
            assert refused.value.response.status_code == 404
            assert b"/a" in refused.value.response.body
        async with Mock(read_segments(segments), any_path=True, timeouts=PATIENT) as mock:
            assert [await first(f"{mock.url}/c") for _ in range(3)] == ["0", "1", "2"]

    runner("asyncio", monkeypatch)(scenario())


def test_response_is_the_recorded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Conversation().open()
    talk.upgrade(
        "/chat",
        fields=["Sec-WebSocket-Protocol: chat, other"],
        answers=["Sec-WebSocket-Protocol: other", "Set-Cookie: a=b", "Server: old/1"],
    )
    refused = [one for one in read(LOADED["refused"].path.read_bytes()) if one.captured.refused][:1]

    async def scenario() -> None:
        connections = read_segments(talk.segments)
        async with Mock(connections, timeouts=PATIENT) as mock:
            async with connect(f"{mock.url}/chat", subprotocols=["x", "other"]) as client:
                assert client.subprotocol == "other"
                assert client.response is not None
                assert client.response.headers["Set-Cookie"] == "a=b"
                assert client.response.headers["Server"] == "old/1"
            async with connect(f"{mock.url}/chat") as client:
                assert client.subprotocol is None
        async with Mock(refused, timeouts=PATIENT) as mock:
            with pytest.raises(InvalidStatus) as error:
                await connect(f"{mock.url}{refused[0].target}")
            assert error.value.response.status_code == refused[0].status

    runner("asyncio", monkeypatch)(scenario())


@way
def test_tls_and_a_unix_socket(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        connections = read_segments(echoed("a").segments)
        async with Mock(connections, tls=authority().server("127.0.0.1"), timeouts=PATIENT) as mock:
            assert mock.url.startswith("wss://")
            context = authority().client()
            assert await talk_websockets(f"{mock.url}/chat", ["a"], ssl=context) == ["a"]
        path = tmp_path / "mock.sock"
        async with Mock(connections, listen=f"unix:{path}", timeouts=PATIENT) as mock:
            assert mock.addresses == [f"unix:{path}"]

    runner(way, monkeypatch)(scenario())


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 505 "),
        (b"\x16\x03\x01\x02\x00", b"HTTP/1.1 400 "),
        (b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 4"),
    ],
)
def test_bad_requests_are_answered_and_others_go_on(
    sent: bytes, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with Mock(read_segments(echoed("a").segments), timeouts=PATIENT) as mock:
            port = int(mock.addresses[0].rpartition(":")[2])
            bad = await Raw.to(port)
            bad.send(sent)
            assert (await bad.rest()).startswith(answer)
            await bad.close()
            early = await Raw.to(port)
            early.send(REQUEST + frame(TEXT, b"a", key=KEY))
            assert (await early.head()).startswith(b"HTTP/1.1 101 ")
            assert await early.take(3) == frame(TEXT, b"a")
            early.abort()

    runner("asyncio", monkeypatch)(scenario())


def test_garbage_of_a_client_ends_its_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Played] = []

    async def scenario() -> None:
        async with Mock(
            read_segments(echoed("a", "b").segments), on_played=found.append, timeouts=PATIENT
        ) as mock:
            port = int(mock.addresses[0].rpartition(":")[2])
            async with connect(f"{mock.url}/chat") as good:
                bad = await Raw.opened(port)
                bad.send(frame(TEXT, b"no mask"))
                assert (await bad.rest())[:2] == b"\x88\x02"
                await bad.close()
                await good.send("a")
                assert await good.recv() == "a"
        errors = [played.error for played in found]
        assert any(error and "it broke a rule" in error for error in errors)

    runner("asyncio", monkeypatch)(scenario())


def test_end_closes_connections_with_1001(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Mock(read_segments(echoed("a").segments), timeouts=PATIENT) as mock:
            client = await connect(f"{mock.url}/chat")
            await client.send("a")
            assert await client.recv() == "a"
        await client.wait_closed()
        assert client.close_code == 1001

    runner("asyncio", monkeypatch)(scenario())


def test_wrong_arguments_raise() -> None:
    connections = read_segments(echoed("a").segments)
    with pytest.raises(ValueError, match="no connections"):
        Mock([])
    with pytest.raises(ValueError, match="speed"):
        Mock(connections, speed=0)
    with pytest.raises(ValueError, match="no port"):
        Mock(connections, listen="x:y")
