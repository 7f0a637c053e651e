"""Real applications connected through a real mitmdump: what they receive, and the flow file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from addon_applications import Arrived, Content, exchange, silent
from mitmdump import Mitmdump

DEFLATES = {
    "plain": None,
    "deflate": {},
    "no takeover": {"server_no_context_takeover": True, "client_no_context_takeover": True},
    "windows of 9 bits": {"server_max_window_bits": 9, "client_max_window_bits": 9},
}
compressions = pytest.mark.parametrize("deflate", DEFLATES.values(), ids=DEFLATES)

LINE = "the same words again and again, as in a feed, with a number and some ümläuts: "


def states(proxy: Mitmdump, arrived: Arrived, *, from_client: bool) -> list[Any]:
    """What the flow file holds of one direction: content, dropped, injected."""
    kept = proxy.flow(arrived.path)["websocket"]["messages"]
    return [(one[2], one[4], one[5]) for one in kept if one[1] == from_client]


def sends(contents: Sequence[Any], **until: int) -> Any:
    """A side that sends messages, then waits until so many have arrived."""

    async def does(connection: Any, arrived: Arrived) -> None:
        for one in contents:
            await connection.send(one)
        await arrived.count(**until)

    return does


def as_bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


@compressions
def test_messages_arrive_on_both_sides(with_addon: Mitmdump, deflate: Any) -> None:
    contents: list[Content] = ["", b"", "héllo", b"\x00\xff" * 300, "€" * 70_000]
    contents += [LINE + str(number) for number in range(50)]
    arrived = exchange(
        with_addon,
        sends(contents, at_client=len(contents), at_server=len(contents)),
        sends(contents[::-1]),
        deflate=deflate,
    )
    assert arrived.at_server == contents
    assert arrived.at_client == contents[::-1]
    assert arrived.closed == {"server": (1000, "done"), "client": (1000, "done")}
    kept = with_addon.flow(arrived.path)["websocket"]
    assert (kept["closed_by_client"], kept["close_code"], kept["close_reason"]) == (
        True,
        1000,
        "done",
    )
    assert kept["timestamp_end"] >= kept["messages"][-1][3] >= kept["messages"][0][3] > 0
    opcodes = {one[2]: one[0] for one in kept["messages"] if one[2]}
    assert all(opcodes[as_bytes(one)] == (1 if isinstance(one, str) else 2) for one in contents[2:])
    for from_client, sent in ((True, contents), (False, contents[::-1])):
        expected = [(as_bytes(one), False, False) for one in sent]
        assert states(with_addon, arrived, from_client=from_client) == expected


@compressions
def test_fragmented_messages_arrive(with_addon: Mitmdump, deflate: Any) -> None:
    fragments = [LINE + "€" * number for number in range(30)]
    arrived = exchange(
        with_addon,
        sends([fragments, "between", fragments], at_client=2),
        sends([[b"a", b"", b"b" * 5000], [b"", b""]]),
        deflate=deflate,
    )
    assert arrived.at_server == ["".join(fragments), "between", "".join(fragments)]
    assert arrived.at_client == [b"a" + b"b" * 5000, b""]


EDITS = {
    "shorter": "x",
    "as long": "edit me, with a €",
    "longer": "much longer than before, €, " * 400,
    "empty": "",
}


@compressions
@pytest.mark.parametrize("to", EDITS.values(), ids=EDITS)
def test_edited_messages_arrive_as_edited(with_addon: Mitmdump, deflate: Any, to: str) -> None:
    rules = [{"when": "edit me", "do": "text", "to": to}]
    contents = [LINE, "edit me, with a €", ["edit me, with", " a €"], LINE, LINE + "2"]
    arrived = exchange(
        with_addon,
        sends(contents, at_client=5, at_server=5),
        sends(contents),
        rules=rules,
        deflate=deflate,
    )
    expected = [LINE, to, to, LINE, LINE + "2"]
    assert arrived.at_server == arrived.at_client == expected
    for from_client in (True, False):
        kept = states(with_addon, arrived, from_client=from_client)
        assert kept == [(one.encode(), False, False) for one in expected]


@compressions
def test_binary_edits_may_be_anything(with_addon: Mitmdump, deflate: Any) -> None:
    rules = [{"when": "edit me", "do": "bytes", "to": "ff00fe"}]
    arrived = exchange(
        with_addon, sends([b"edit me", LINE], at_server=2), silent, rules=rules, deflate=deflate
    )
    assert arrived.at_server == [b"\xff\x00\xfe", LINE]


def test_text_edited_into_what_is_not_utf8_is_mended_and_told(with_addon: Mitmdump) -> None:
    since = len(with_addon.log)
    rules = [{"when": "edit me", "do": "bytes", "to": "61ff62"}]
    arrived = exchange(with_addon, sends(["edit me"], at_server=1), silent, rules=rules)
    # As in mitmproxy's own layer; otherwise the other side would end the connection.
    assert arrived.at_server == ["a\N{REPLACEMENT CHARACTER}b"]
    assert with_addon.logged("invalid UTF-8", since=since)


@compressions
def test_dropped_messages_do_not_arrive(with_addon: Mitmdump, deflate: Any) -> None:
    contents = [LINE, "drop " + LINE, LINE + "2", LINE + "3"]
    arrived = exchange(
        with_addon,
        sends(contents, at_client=3, at_server=3),
        sends(contents),
        rules=[{"when": "drop", "do": "drop"}],
        deflate=deflate,
    )
    assert arrived.at_server == arrived.at_client == [LINE, LINE + "2", LINE + "3"]
    for from_client in (True, False):
        kept = states(with_addon, arrived, from_client=from_client)
        assert [dropped for _, dropped, _ in kept] == [False, True, False, False]
        assert kept[1][0] == ("drop " + LINE).encode()


@compressions
@pytest.mark.parametrize("binary", [False, True])
def test_injected_messages_arrive_and_are_marked(
    with_addon: Mitmdump, deflate: Any, binary: bool
) -> None:
    rules = [
        {"when": "ask", "do": "inject", "to_client": to_client, "to": LINE, "binary": binary}
        for to_client in (True, False)
    ]
    arrived = exchange(
        with_addon,
        sends([LINE + "1", "ask", LINE + "2"], at_client=2, at_server=4),
        sends([LINE + "3"]),
        rules=rules,
        deflate=deflate,
    )
    injected = LINE.encode() if binary else LINE
    # Whether it comes before the message sent after it depends on the time of the injection.
    assert sorted(map(as_bytes, arrived.at_server)) == sorted(
        map(as_bytes, [LINE + "1", "ask", injected, LINE + "2"])
    )
    assert injected in arrived.at_server
    assert injected in arrived.at_client
    for from_client, count in ((True, 4), (False, 2)):
        kept = states(with_addon, arrived, from_client=from_client)
        assert len(kept) == count
        assert [content for content, _, marked in kept if marked] == [LINE.encode()]
    seen = [one for one in with_addon.events(arrived.path) if one.get("injected")]
    assert len(seen) == 2


def test_injected_messages_may_be_edited_and_dropped(with_addon: Mitmdump) -> None:
    rules = [
        {"when": "one", "do": "inject", "to_client": True, "to": "first"},
        {"when": "two", "do": "inject", "to_client": True, "to": "second"},
        {"when": "first", "do": "text", "to": "edited", "injected": True},
        {"when": "second", "do": "drop", "injected": True},
    ]

    async def client(connection: Any, arrived: Arrived) -> None:
        await connection.send("one")
        await connection.send("two")
        await arrived.count(at_client=1)
        while sum(bool(one.get("injected")) for one in with_addon.events(arrived.path)) < 2:
            await asyncio.sleep(0.005)

    arrived = exchange(with_addon, client, silent, rules=rules)
    assert arrived.at_client == ["edited"]
    assert sorted(states(with_addon, arrived, from_client=False)) == [
        (b"edited", False, True),
        (b"second", True, True),
    ]


def test_intercepted_message_waits_and_so_do_later_ones(
    with_addon: Mitmdump,
) -> None:
    rules = [{"when": "hold", "do": "hold"}]
    arrived = exchange(
        with_addon,
        sends(["one", "hold me", "two"], at_server=3, at_client=1),
        sends(["three"]),
        rules=rules,
    )
    assert arrived.at_server == ["one", "hold me", "two"]
    assert arrived.at_client == ["three"]
    messages = with_addon.flow(arrived.path)["websocket"]["messages"]
    assert {one[2] for one in messages} == {b"one", b"hold me", b"two", b"three"}


def test_pings_and_pongs_are_logged_and_go_on(with_addon: Mitmdump) -> None:
    since = len(with_addon.log)

    async def client(connection: Any, arrived: Arrived) -> None:
        await (await connection.ping(b"from here"))

    async def server(connection: Any, arrived: Arrived) -> None:
        await (await connection.ping(b"from there"))
        await connection.send("answered")

    async def both(connection: Any, arrived: Arrived) -> None:
        await client(connection, arrived)
        await arrived.count(at_client=1)

    arrived = exchange(with_addon, both, server)
    for side, other, payload in (("client", "server", "here"), ("server", "client", "there")):
        said = f"(payload: b'from {payload}')"
        assert with_addon.logged(f"WebSocket ping from {side} {said}", since=since)
        assert with_addon.logged(f"WebSocket pong from {other} {said}", since=since)
    messages = with_addon.flow(arrived.path)["websocket"]["messages"]
    assert [one[2] for one in messages] == [b"answered"]


def test_server_closes(with_addon: Mitmdump) -> None:
    async def client(connection: Any, arrived: Arrived) -> None:
        await connection.wait_closed()

    async def server(connection: Any, arrived: Arrived) -> None:
        await connection.send("bye")
        await connection.close(4001, "näh")

    arrived = exchange(with_addon, client, server)
    assert arrived.at_client == ["bye"]
    assert arrived.closed == {"server": (4001, "näh"), "client": (4001, "näh")}
    kept = with_addon.flow(arrived.path)["websocket"]
    assert (kept["close_code"], kept["close_reason"]) == (4001, "näh")
    assert kept["closed_by_client"] is False
