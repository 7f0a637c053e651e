"""The addon byte by byte: frames, sizes, masks, the end of connections."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest

from addon_frames import finish, inflated, payloads, seen
from addon_wires import Pair
from hang_guard import HANG_SECONDS
from mitmdump import PYTHON, Mitmdump
from wire_writer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    PONG,
    TEXT,
    Deflater,
    close_frame,
    fragments,
    frame,
)


def test_fragment_sizes_stay_as_they_were(with_addon: Mitmdump) -> None:
    sizes = [1, 0, 3999, 4000, 4001, 70_000]
    contents = [b"x" * size for size in sizes]
    pair = Pair(with_addon.port)
    pair.server.send(b"".join(fragments(BINARY, contents)))
    assert payloads(pair.client.message()[1]) == contents
    finish(with_addon, pair)


def test_edit_of_the_same_length_keeps_fragment_sizes(with_addon: Mitmdump) -> None:
    pair = Pair(with_addon.port, rules=[{"when": "abc", "do": "edit", "to": "ABCDEFG"}])
    pair.client.send(*fragments(BINARY, [b"abc", b"", b"defg"], key=KEY))
    assert payloads(pair.server.message()[1]) == [b"ABC", b"", b"DEFG"]
    finish(with_addon, pair)


def test_edit_of_another_length_is_cut_after_4000_bytes(with_addon: Mitmdump) -> None:
    pair = Pair(with_addon.port, rules=[{"when": "abc", "do": "edit", "to": "z" * 9000}])
    pair.client.send(*fragments(BINARY, [b"abc", b"defg"], key=KEY))
    frames = pair.server.message()[1]
    assert [len(one.payload) for one in frames] == [4000, 4000, 1000]
    assert all(one.key is not None for one in frames)
    finish(with_addon, pair)


def test_untouched_compressed_message_goes_on_as_it_came(with_addon: Mitmdump) -> None:
    deflater = Deflater()
    contents = [b"once and again, once and again" * 3] * 3
    sent = [deflater.compress(one) for one in contents]
    pair = Pair(with_addon.port, "permessage-deflate")
    for one in sent:
        pair.client.send(frame(TEXT, one, rsv1=True, key=KEY))
    frames = pair.server.frames(3)
    assert payloads(frames) == sent
    assert [(one.rsv1, one.key) for one in frames] == [(True, KEY)] * 3
    flow = finish(with_addon, pair)
    assert [one[2] for one in flow["websocket"]["messages"]] == contents


def test_edited_compressed_message_stays_compressed(with_addon: Mitmdump) -> None:
    deflater = Deflater()
    contents = [b"once and again, once and again", b"edit me", b"once and again, and once more"]
    rules = [{"when": "edit me", "do": "text", "to": "once and again €"}]
    pair = Pair(with_addon.port, "permessage-deflate", rules=rules)
    for one in contents:
        pair.server.send(frame(TEXT, deflater.compress(one), rsv1=True))
    frames = pair.client.frames(3)
    assert all(one.rsv1 for one in frames)
    # One window for all: the forwarded messages must fit the receiver's window.
    inflater = zlib.decompressobj(-15)
    arrived = [inflater.decompress(one + b"\x00\x00\xff\xff") for one in payloads(frames)]
    assert arrived == [contents[0], "once and again €".encode(), contents[2]]
    finish(with_addon, pair)


def test_window_of_8_bits_is_kept_to(with_addon: Mitmdump) -> None:
    deflater = Deflater(window_bits=8)
    contents = [b"a" * 500, b"edit me", b"b" * 500]
    words = "".join(f"word {number % 61} " for number in range(300))
    rules = [{"when": "edit me", "do": "text", "to": words}]
    pair = Pair(with_addon.port, "permessage-deflate; server_max_window_bits=8", rules=rules)
    for one in contents:
        pair.server.send(frame(TEXT, deflater.compress(one), rsv1=True))
    # 9 bits is the smallest window that zlib reads with.
    inflater = zlib.decompressobj(-9)
    arrived = []
    for _ in contents:
        data = b"".join(payloads(pair.client.message()[1]))
        arrived.append(inflater.decompress(data + b"\x00\x00\xff\xff"))
    assert arrived == [contents[0], words.encode(), contents[2]]
    flow = finish(with_addon, pair)
    assert [one[2] for one in flow["websocket"]["messages"]] == arrived


def test_injected_message_is_whole_also_on_a_compressed_connection(with_addon: Mitmdump) -> None:
    deflater = Deflater()
    rules = [{"when": "now", "do": "inject", "to_client": True, "to": "injected"}]
    pair = Pair(with_addon.port, "permessage-deflate", rules=rules)
    words = [b"once and again, once and again", b"once and again, and once more"]
    pair.server.send(frame(TEXT, deflater.compress(words[0]), rsv1=True))
    first = pair.client.frame()
    pair.client.send(frame(TEXT, b"now", key=KEY))
    injected = pair.client.frame()
    pair.server.send(frame(TEXT, deflater.compress(words[1]), rsv1=True))
    inflater = zlib.decompressobj(-15)
    arrived = []
    for one in (first, injected, pair.client.frame()):
        data = bytes(one.payload)
        arrived.append(inflater.decompress(data + b"\x00\x00\xff\xff") if one.rsv1 else data)
    assert arrived == [words[0], b"injected", words[1]]
    finish(with_addon, pair)


def test_frames_that_come_with_the_handshake_are_relayed(with_addon: Mitmdump) -> None:
    pair = Pair(with_addon.port, first=frame(TEXT, b"at once") + frame(PING, b"p"))
    assert seen(pair.client.frames(2)) == [(TEXT, b"at once"), (PING, b"p")]
    pair.client.send(frame(PONG, b"p", key=KEY))
    assert seen(pair.server.frames(1)) == [(PONG, b"p")]
    assert finish(with_addon, pair)["websocket"]["messages"][0][2] == b"at once"


def test_ping_passes_a_message_that_is_held(with_addon: Mitmdump) -> None:
    # As in mitmproxy's own layer: hooks see whole messages, so fragments have to wait for the last.
    pair = Pair(with_addon.port)
    pair.client.send(frame(TEXT, b"one ", fin=False, key=KEY), frame(PING, b"!", key=KEY))
    assert seen([pair.server.frame()]) == [(PING, b"!")]
    pair.client.send(frame(CONTINUATION, b"two", key=KEY))
    assert seen(pair.server.message()[1]) == [(TEXT, b"one "), (CONTINUATION, b"two")]
    finish(with_addon, pair)


@pytest.mark.parametrize("from_client", [True, False])
def test_close_goes_on_and_is_answered(with_addon: Mitmdump, from_client: bool) -> None:
    pair = Pair(with_addon.port)
    sender, receiver = (pair.client, pair.server) if from_client else (pair.server, pair.client)
    sender.send(close_frame(4999, "tschüß".encode(), key=KEY if from_client else None))
    expected = [(CLOSE, b"\x13\x87" + "tschüß".encode())]
    assert seen(receiver.rest()) == seen(sender.rest()) == expected
    pair.close()
    kept = with_addon.flow(pair.path)["websocket"]
    assert (kept["close_code"], kept["close_reason"]) == (4999, "tschüß")
    assert kept["closed_by_client"] is from_client
    assert with_addon.flow(pair.path)["error"] is None


def test_close_without_a_code_stays_so(with_addon: Mitmdump) -> None:
    pair = Pair(with_addon.port)
    pair.client.send(frame(CLOSE, key=KEY))
    assert seen(pair.server.rest()) == seen(pair.client.rest()) == [(CLOSE, b"")]
    pair.close()
    assert with_addon.flow(pair.path)["websocket"]["close_code"] == 1005


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("from_client", [True, False])
def test_dropped_connection_reaches_the_other_side_as_such(
    with_addon: Mitmdump, from_client: bool, end: str
) -> None:
    pair = Pair(with_addon.port)
    sender, receiver = (pair.client, pair.server) if from_client else (pair.server, pair.client)
    sender.send(frame(TEXT, b"x", key=KEY if from_client else None))
    assert receiver.frame().payload == b"x"
    getattr(sender, end)()
    assert receiver.rest() == []
    pair.close()
    kept = with_addon.flow(pair.path)["websocket"]
    assert (kept["close_code"], kept["closed_by_client"]) == (1006, from_client)


def test_messages_that_are_cut_off_are_told_of_on_both_sides(with_addon: Mitmdump) -> None:
    since = len(with_addon.log)
    pair = Pair(with_addon.port)
    pair.server.send(frame(TEXT, b"whole") + frame(BINARY, b"from the server", fin=False))
    assert pair.client.frame().payload == b"whole"
    pair.client.send(frame(TEXT, b"from the client", key=KEY)[:-6])
    pair.client.shut()
    assert pair.server.rest() == []
    pair.close()
    flow = with_addon.flow(pair.path)
    noted = flow["metadata"]["wsdefrag_not_whole"]
    assert [(one["status"], one["before"], one["state"][:3]) for one in noted] == [
        ("incomplete", 1, [1, True, b"from the "]),
        ("incomplete", 1, [2, False, b"from the server"]),
    ]
    assert [one[2] for one in flow["websocket"]["messages"]] == [b"whole"]
    for said in ("from the client (9 bytes of TEXT)", "from the server (15 bytes of BINARY)"):
        assert with_addon.logged(said, since=since)


READ_AGAIN = """
import sys
from mitmproxy.io import FlowReader
with open(sys.argv[1], "rb") as file:
    for flow in FlowReader(file).stream():
        print(flow.request.path, flow.metadata.get("wsdefrag_not_whole"))
"""


def test_mitmproxy_reads_its_flow_file_again(with_addon: Mitmdump) -> None:
    pair = Pair(with_addon.port)
    pair.server.send(frame(BINARY, b"not all of it", fin=False))
    pair.server.close()
    assert pair.client.rest() == []
    pair.close()
    (noted,) = with_addon.flow(pair.path)["metadata"]["wsdefrag_not_whole"]
    command: list[Path | str] = [PYTHON, "-c", READ_AGAIN, with_addon.flow_file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS, check=True)
    assert f"{pair.path} {[noted]}" in done.stdout.splitlines()


BROKEN = {
    "reserved opcode": (frame(3, b""), 1002),
    "invalid UTF-8": (frame(TEXT, b"a\xff"), 1007),
    "text after a first fragment": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    "mask from a server": (frame(TEXT, b"a", key=KEY), 1002),
    "rsv1 without compression": (frame(TEXT, b"a", rsv1=True), 1002),
}


@pytest.mark.parametrize(("wire", "code"), BROKEN.values(), ids=BROKEN)
def test_broken_rule_ends_the_connection_after_the_good_messages(
    with_addon: Mitmdump, wire: bytes, code: int
) -> None:
    since = len(with_addon.log)
    pair = Pair(with_addon.port)
    pair.server.send(frame(TEXT, b"good") + wire)
    good, close = pair.client.rest()
    (other,) = pair.server.rest()
    pair.close()
    assert good.payload == b"good"
    for one in (close, other):
        assert (one.opcode, int.from_bytes(one.payload[:2], "big")) == (CLOSE, code)
    flow = with_addon.flow(pair.path)
    kept = flow["websocket"]
    assert (kept["close_code"], kept["closed_by_client"]) == (code, False)
    # This distinguishes it from a Close of the server.
    assert flow["error"]["msg"].startswith("WebSocket server: ")
    assert with_addon.logged(flow["error"]["msg"], since=since)
    assert inflated([good]) == b"good"


def test_unknown_extension_is_told_of(with_addon: Mitmdump) -> None:
    since = len(with_addon.log)
    pair = Pair(with_addon.port, "funky-bits; param=42, permessage-deflate")
    pair.server.send(frame(TEXT, Deflater().compress(b"hello"), rsv1=True))
    assert inflated([pair.client.frame()]) == b"hello"
    assert with_addon.logged("Ignoring unknown WebSocket extension 'funky-bits'.", since=since)
    finish(with_addon, pair)


def test_message_of_an_unknown_extension_goes_on_as_it_came(with_addon: Mitmdump) -> None:
    since = len(with_addon.log)
    pair = Pair(with_addon.port, "funky-bits; param=42")
    pair.server.send(frame(TEXT, b"\xff\xfe", rsv2=True) + frame(TEXT, b"hello"))
    first, second = pair.client.frame(), pair.client.frame()
    assert (first.first, first.payload) == (0x80 | 0x20 | TEXT, b"\xff\xfe")
    assert second.payload == b"hello"
    assert with_addon.logged(
        "Forwarding a message of WebSocket extension 'funky-bits'", since=since
    )
    finish(with_addon, pair)
