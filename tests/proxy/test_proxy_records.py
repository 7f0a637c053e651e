"""What a proxy records: flows, lines and tables, while connections live."""

from __future__ import annotations

import asyncio
import errno
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flow_reader import flows
from proxy_loops import WAYS, runner
from proxy_peers import connect, echo, ended, serving
from wsdefrag.capture import Capture
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection, Records

way = pytest.mark.parametrize("way", WAYS)


def edit(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """Edit one message, drop another, inject a third."""
    if message.content == b"edit":
        message.text = "edited"
    elif message.content == b"drop":
        message.drop()
        connection.inject("injected", to_client=True)


async def talk(proxy: Proxy) -> None:
    async with connect(f"{proxy.url}/chat") as connection:
        await connection.send("edit")
        assert await connection.recv() == "edited"
        await connection.send("drop")
        assert await connection.recv() == "injected"
        await connection.send(b"\x00\xff")
        assert await connection.recv() == b"\x00\xff"
    await ended(proxy)


@way
def test_flow_has_what_passed(way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "all.mitm"

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", on_message=edit, records=Records(path)) as proxy,
        ):
            await talk(proxy)
            await talk(proxy)

    runner(way, monkeypatch)(scenario())
    found = flows(path.read_bytes())
    assert len(found) == 2
    assert found[0]["id"] != found[1]["id"]
    for flow in found:
        assert flow["request"]["path"] == b"/chat"
        assert flow["response"]["status_code"] == 101
        websocket = flow["websocket"]
        states = [[state[0], state[1], state[2], *state[4:]] for state in websocket["messages"]]
        assert states == [
            [1, True, b"edited", False, False],
            [1, False, b"edited", False, False],
            [1, False, b"injected", False, True],
            [1, True, b"drop", True, False],
            [2, True, b"\x00\xff", False, False],
            [2, False, b"\x00\xff", False, False],
        ]
        assert (websocket["closed_by_client"], websocket["close_code"]) == (True, 1000)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@way
def test_lines_are_written_while_the_connection_lives(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "all.jsonl"

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", records=Records(path, flush_seconds=0.01)) as proxy,
            connect(f"{proxy.url}/x") as connection,
        ):
            for number in range(3):
                await connection.send(f"line\n{number}")
                await connection.recv()
                while len(lines(path)) < 2 * (number + 1):
                    await asyncio.sleep(0.001)

    runner(way, monkeypatch)(scenario())
    found = lines(path)
    assert [(one["from_client"], one["seq"], one["text"]) for one in found] == [
        (sender, number, f"line\n{number}") for number in range(3) for sender in (True, False)
    ]
    assert {(one["path"], one["connection"]) for one in found} == {("/x", 1)}
    assert len({one["uid"] for one in found}) == 1


def test_table_is_complete_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"

    async def scenario() -> None:
        records = Records(path, flush_seconds=0.01)
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", on_message=edit, records=records) as proxy,
        ):
            await talk(proxy)
            assert not path.exists()
            assert records.written == 6

    runner("asyncio", monkeypatch)(scenario())
    table = pl.read_parquet(path)
    assert table.height == 6
    assert table["uid"].n_unique() == 1
    assert [one.name for one in tmp_path.iterdir()] == ["all.parquet"]


@pytest.mark.parametrize("format", ["mitm", "jsonl", "parquet"])
def test_files_are_numbered_by_size_and_nothing_is_lost_between(
    format: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / f"day-000001.{format}").write_bytes(b"")

    async def scenario() -> None:
        records = Records(tmp_path / f"day.{format}", max_bytes=2_500_000)
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", records=records) as proxy,
            connect(proxy.url, max_size=None, compression=None) as connection,
        ):
            for number in range(8):
                await connection.send(str(number) * 600_000)
                await connection.recv()

    runner("asyncio", monkeypatch)(scenario())
    paths = sorted(tmp_path.iterdir())[1:]
    assert [path.name for path in paths] == [
        f"day-{number:06}.{format}" for number in range(2, 2 + len(paths))
    ]
    assert len(paths) >= 3
    firsts = []
    for path in paths:
        if format == "mitm":
            firsts += [message.content[:1].decode() for message in Capture(path)]
        elif format == "jsonl":
            firsts += [one["text"][0] for one in lines(path)]
        else:
            firsts += [text[0] for text in pl.read_parquet(path)["text"]]
    assert sorted(firsts) == sorted("01234567" * 2)


def test_file_that_cannot_be_written_costs_records_and_no_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        full = tmp_path / "full.jsonl"
        full.symlink_to("/dev/full")
        records = Records(full)
        async with serving(echo) as port, Proxy(f"127.0.0.1:{port}", records=records) as proxy:
            async with connect(proxy.url) as connection:
                await connection.send("x")
                assert await connection.recv() == "x"
            await ended(proxy)
            assert (records.written, records.lost) == (0, 2)

    runner("asyncio", monkeypatch)(scenario())
    assert "2 messages are not recorded" in caplog.text


def test_wrong_arguments_and_files_raise(tmp_path: Path) -> None:
    for arguments in ({"path": "a.har"}, {"path": "a"}, {"path": "a.mitm", "max_bytes": 0}):
        with pytest.raises(ValueError, match=r"."):
            Records(**arguments)
    (tmp_path / "there.parquet").write_bytes(b"")

    async def start(path: Path) -> None:
        async with Proxy("127.0.0.1:9", records=Records(path)):
            pass

    with pytest.raises(FileExistsError):
        asyncio.run(start(tmp_path / "there.parquet"))
    with pytest.raises(FileNotFoundError) as caught:
        asyncio.run(start(tmp_path / "missing" / "a.mitm"))
    assert caught.value.errno == errno.ENOENT
