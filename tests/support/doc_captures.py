"""The captures that the pages of the documentation use and that are no recordings."""

from __future__ import annotations

import io
from pathlib import Path

from capture_conversation import Conversation, capture_of, close, one_frame, ping, text
from capture_craft import Captured, ethernet, ipv4
from capture_files import pcapng
from capture_tunnels import framed, udp, vxlan
from cli_captures import damaged
from wsdefrag.capture import Capture, write_har, write_mitm

_RECORDINGS = Path(__file__).resolve().parents[2] / "vectors" / "captures"
_SECOND = 1_000_000_000


def gap() -> bytes:
    """A ping that is answered, a message with 100 of its 500 bytes not captured, a Close."""
    talk = Conversation().open().upgrade()
    talk.says(True, ping(True, b"are you there?"))
    talk.wait(_SECOND // 2)
    talk.says(False, one_frame(False, 10, b"are you there?"))
    parts = talk.say(True, text(True, "x" * 500), size=100)
    talk.wait(3 * _SECOND)
    talk.says(False, close(False, 1001, b"going away"))
    return capture_of(talk.end().without(parts[2]))


def mirror() -> bytes:
    """A conversation in VXLAN on UDP port 5555."""
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "hello"))
    talk.says(False, text(False, "hello to you"))
    packets = []
    for segment in talk.end().segments:
        tunnel = udp(5555, vxlan(framed(segment.packet()))[8:])
        outer = ethernet(ipv4(tunnel, "198.51.100.7", "198.51.100.8", protocol=17))
        packets.append(Captured(segment.time, outer))
    return pcapng(packets)


def flows() -> bytes:
    """The recording `demo` as mitmproxy's flows."""
    file = io.BytesIO()
    write_mitm(Capture(_RECORDINGS / "demo.pcapng"), file)
    return file.getvalue()


def archive() -> bytes:
    """One connection of the recording `demo` as an HTTP archive."""
    file = io.BytesIO()
    write_har(Capture(_RECORDINGS / "demo.pcapng", request_paths=["/chat"]), file)
    return file.getvalue()


def damage() -> bytes:
    """The recording `demo` with a block in its middle whose length cannot be."""
    return damaged((_RECORDINGS / "demo.pcapng").read_bytes())


def part(number: int, of: int) -> bytes:
    """A part of the recording `demo`, as a rotated capture has them: each with the file's head."""
    data = (_RECORDINGS / "demo.pcapng").read_bytes()
    blocks, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        blocks.append(data[at : at + length])
        at += length
    packets = [block for block in blocks if block[0] == 6]
    head = blocks[: blocks.index(packets[0])]
    size = -(-len(packets) // of)
    return b"".join(head + packets[number * size : (number + 1) * size])
