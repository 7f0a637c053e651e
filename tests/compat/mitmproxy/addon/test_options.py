"""The addon's options, each on a proxy of its own."""

from __future__ import annotations

import time
from typing import Any

import pytest

from addon_frames import finish, payloads, seen
from addon_wires import Pair
from mitmdump import SCRIPTS, Mitmdump, Start
from wire_writer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    TEXT,
    deflate,
    deflated_zeros,
    fragments,
    frame,
)
from wsdefrag.compat.mitmproxy import SCRIPT


def ended_by(proxy: Mitmdump, *wire: bytes) -> tuple[int, str]:
    """The close code, and the flow's error, of a connection whose server sends something."""
    pair = Pair(proxy.port, "permessage-deflate")
    pair.server.send(*wire)
    codes = {one.payload[:2] for one in (*pair.client.rest(), *pair.server.rest())}
    pair.close()
    flow = proxy.flow(pair.path)
    code = flow["websocket"]["close_code"]
    assert codes == {code.to_bytes(2, "big")}
    return code, flow["error"]["msg"]


def passes(proxy: Mitmdump, *wire: bytes) -> bytes:
    """The content that the flow file holds of a message from the server."""
    pair = Pair(proxy.port, "permessage-deflate")
    pair.server.send(*wire)
    pair.client.message()
    (message,) = finish(proxy, pair)["websocket"]["messages"]
    content: bytes = message[2]
    return content


def test_limits_are_options(start: Start) -> None:
    proxy = start(
        "wsdefrag_max_message_size=2k",
        "wsdefrag_max_frame_size=1k",
        "wsdefrag_max_fragments=3",
        "wsdefrag_max_inflate_ratio=50",
    )
    assert passes(proxy, *fragments(TEXT, [b"a" * 1024] * 2)) == b"a" * 2048
    assert passes(proxy, frame(BINARY, deflate(b"a" * 200), rsv1=True)) == b"a" * 200
    for wire, said in (
        (fragments(TEXT, [b"a" * 1000] * 3), "max_message_size is 2048"),
        ([frame(TEXT, b"a" * 1025)], "max_frame_size is 1024"),
        (fragments(TEXT, [b"a"] * 4), "max_fragments is 3"),
        ([frame(BINARY, deflate(b"a" * 1500), rsv1=True)], "max_inflate_ratio is 50"),
    ):
        code, error = ended_by(proxy, *wire)
        assert code == 1009
        assert said in error


def test_limits_can_be_switched_off(start: Start) -> None:
    proxy = start("wsdefrag_max_message_size=", "wsdefrag_max_frame_size=")
    zeros = fragments(BINARY, deflated_zeros(65), rsv1=True)
    assert passes(proxy, *zeros) == bytes(65 << 20)


def test_unfinished_messages_of_all_connections_are_bounded_together(start: Start) -> None:
    proxy = start("wsdefrag_max_buffered=100k")
    first = Pair(proxy.port)
    first.client.send(frame(TEXT, b"a" * 60_000, fin=False, key=KEY), frame(PING, key=KEY))
    assert first.server.frame().opcode == PING
    code, error = ended_by(proxy, frame(TEXT, b"a" * 60_000, fin=False), frame(PING))
    assert code == 1013
    assert "102400" in error
    first.client.send(frame(CONTINUATION, b"b", key=KEY))
    assert len(payloads(first.server.message()[1])[0]) == 60_000
    finish(proxy, first)
    # The budget has been released.
    assert passes(proxy, frame(TEXT, b"a" * 60_000)) == b"a" * 60_000


def test_only_the_newest_messages_are_kept(start: Start) -> None:
    proxy = start("wsdefrag_retain=3")
    pair = Pair(proxy.port)
    for number in range(10):
        pair.server.send(frame(TEXT, b"%d" % number))
    assert payloads(pair.client.frames(10)) == [b"%d" % number for number in range(10)]
    flow = finish(proxy, pair)
    assert [one[2] for one in flow["websocket"]["messages"]] == [b"7", b"8", b"9"]
    events = [one for one in proxy.events(pair.path) if one["event"] == "message"]
    assert [bytes.fromhex(one["content"]) for one in events] == [b"%d" % n for n in range(10)]
    assert max(one["kept"] for one in events) == 3


def test_messages_are_dropped_by_age(start: Start) -> None:
    proxy = start("wsdefrag_retain_seconds=1")
    pair = Pair(proxy.port)
    pair.server.send(frame(TEXT, b"old"), frame(TEXT, b"old too"))
    assert payloads(pair.client.frames(2)) == [b"old", b"old too"]
    # Longer than the option says, and more if the machine is busy.
    time.sleep(1.1)
    pair.server.send(frame(TEXT, b"new"))
    assert payloads(pair.client.frames(1)) == [b"new"]
    flow = finish(proxy, pair)
    assert [one[2] for one in flow["websocket"]["messages"]] == [b"new"]


@pytest.mark.parametrize("forward", ["messages", "bytes"])
def test_broken_rules_are_tolerated_by_name_and_counted(start: Start, forward: str) -> None:
    proxy = start("wsdefrag_tolerate=mask_direction", f"wsdefrag_forward={forward}")
    pair = Pair(proxy.port)
    pair.client.send(frame(TEXT, b"not masked"))
    assert seen([pair.server.frame()]) == [(TEXT, b"not masked")]
    finish(proxy, pair)
    proxy.logged("tolerated {'mask_direction': 1}")
    code, error = ended_by(proxy, frame(TEXT, b"\xff"))
    assert code == 1007
    assert "UTF-8" in error


@pytest.mark.parametrize(
    "answer",
    [
        "permessage-deflate;",
        "permessage-deflate x",
        'permessage-deflate; x="',
        "permessage-deflate;;",
    ],
)
def test_inexact_answers_are_read_as_mitmproxy_does(with_addon: Mitmdump, answer: str) -> None:
    pair = Pair(with_addon.port, answer)
    wire = frame(TEXT, deflate(b"compressed"), rsv1=True)
    pair.server.send(wire)
    assert pair.client.frame().payload == deflate(b"compressed")
    (message,) = finish(with_addon, pair)["websocket"]["messages"]
    assert message[2] == b"compressed"


@pytest.mark.parametrize("forward", ["messages", "frames"])
def test_killed_flow_ends(start: Start, forward: str) -> None:
    proxy = start(f"wsdefrag_forward={forward}")
    pair = Pair(proxy.port, rules=[{"when": "stop", "do": "kill"}])
    sent = [frame(TEXT, one, key=KEY) for one in (b"go", b"stop", b"never")]
    pair.client.send(b"".join(sent))
    arrived = pair.server.rest()
    assert seen(pair.client.rest()) == [(CLOSE, b"\x03\xe9")]
    pair.close()
    *messages, close = seen(arrived)
    assert close == (CLOSE, b"\x03\xe9")
    # What was forwarded before the hook cannot be taken back.
    assert messages == [(TEXT, b"go")] or forward == "frames"
    flow = proxy.flow(pair.path)
    assert flow["error"]["msg"] == "Connection killed."
    assert [one[2] for one in flow["websocket"]["messages"]] == [b"go", b"stop"]


@pytest.mark.parametrize("mode", ["frames", "bytes"])
def test_fragments_can_go_on_before_the_last_one(start: Start, mode: str) -> None:
    proxy = start(f"wsdefrag_forward={mode}")
    rules: list[dict[str, Any]] = [
        {"when": "one two", "do": "edit", "to": "too late"},
        {"when": "go", "do": "drop"},
        {"when": "ask", "do": "inject", "to_client": False, "to": "injected"},
    ]
    pair = Pair(proxy.port, rules=rules)
    pair.client.send(frame(TEXT, b"one ", fin=False, key=KEY), frame(PING, b"!", key=KEY))
    # In order: the ping does not overtake what was sent before it.
    assert seen(pair.server.frames(2)) == [(TEXT, b"one "), (PING, b"!")]
    pair.server.send(frame(TEXT, b"ask"))
    assert seen([pair.client.frame()]) == [(TEXT, b"ask")]
    proxy.wait(lambda event: event.get("path") == pair.path and event.get("injected") is True)
    pair.client.send(frame(CONTINUATION, b"two", key=KEY), frame(TEXT, b"go", key=KEY))
    # The injected message waits for the end of the other message.
    assert seen(pair.server.frames(3)) == [
        (CONTINUATION, b"two"),
        (TEXT, b"injected"),
        (TEXT, b"go"),
    ]
    flow = finish(proxy, pair)
    # The file has the sent content, and a warning says that the edit had no effect.
    kept = {(one[2], one[4]) for one in flow["websocket"]["messages"]}
    assert kept == {(b"ask", False), (b"one two", False), (b"injected", False), (b"go", False)}
    assert proxy.logged("was already forwarded")
    assert flow["websocket"]["close_code"] == 1000


def test_bytes_mode_passes_half_a_frame_and_its_end(start: Start) -> None:
    proxy = start("wsdefrag_forward=bytes")
    pair = Pair(proxy.port)
    half = frame(TEXT, b"half of this", key=KEY)[:-4]
    pair.client.send(half)
    pair.server.expect(half)
    pair.client.close()
    assert pair.server.rest_of_bytes() == b""
    pair.close()
    flow = proxy.flow(pair.path)
    assert flow["websocket"]["close_code"] == 1006
    assert flow["metadata"]["wsdefrag_not_whole"][0]["state"][2] == b"half of "


def test_injected_message_whose_place_never_came_is_marked(start: Start) -> None:
    proxy = start("wsdefrag_forward=frames")
    rules = [{"when": "ask", "do": "inject", "to_client": False, "to": "never sent"}]
    pair = Pair(proxy.port, rules=rules)
    pair.client.send(frame(TEXT, b"half", fin=False, key=KEY))
    assert seen([pair.server.frame()]) == [(TEXT, b"half")]
    pair.server.send(frame(TEXT, b"ask"))
    proxy.wait(lambda event: event.get("path") == pair.path and event.get("injected") is True)
    pair.client.close()
    assert pair.server.rest() == []
    pair.close()
    kept = proxy.flow(pair.path)["websocket"]["messages"]
    assert [(one[2], one[4]) for one in kept] == [(b"ask", False), (b"never sent", True)]


def test_size_of_fragments_is_mitmproxys_own_knob(start: Start) -> None:
    proxy = start(scripts=(SCRIPTS / "fragment_size.py", SCRIPT))
    pair = Pair(proxy.port, rules=[{"when": "abc", "do": "edit", "to": "0123456789abc"}])
    pair.client.send(frame(BINARY, b"abc", key=KEY))
    assert payloads(pair.server.message()[1]) == [b"0123456789", b"abc"]
    finish(proxy, pair)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("wsdefrag_max_message_size=much", "wsdefrag_max_message_size: Invalid size"),
        ("wsdefrag_max_message_size=0", "wsdefrag_max_message_size: max_message_size must be"),
        ("wsdefrag_max_fragments=0", "wsdefrag_max_fragments: max_fragments must be"),
        ("wsdefrag_max_buffered=0", "wsdefrag_max_buffered: max_bytes must be"),
        ("wsdefrag_retain=0", "wsdefrag_retain: must be at least 1"),
        ("wsdefrag_retain_seconds=0", "wsdefrag_retain_seconds: must be at least 1"),
        ("wsdefrag_tolerate=everything", "wsdefrag_tolerate: 'everything' is none of"),
    ],
)
def test_value_that_means_nothing_is_refused(start: Start, option: str, said: str) -> None:
    with pytest.raises(AssertionError, match="mitmdump has ended") as ended:
        start(option)
    assert said in str(ended.value)
