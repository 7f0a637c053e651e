"""The addon's layer gives the same commands, hooks and logs as mitmproxy's, in the same order.

Both layers get the same events in the same process. The tests compare everything that another
layer, an addon or a peer can see, except for intended differences: masking keys, the number of
writes for the same frames, and the compressed bytes.
"""

from __future__ import annotations

import json
import subprocess
import zlib
from typing import Any

import pytest

from hang_guard import HANG_SECONDS
from mitmdump import HERE, PYTHON
from wire_writer import (
    BINARY,
    CLOSE,
    KEY,
    PING,
    PONG,
    TEXT,
    Deflater,
    close_frame,
    fragments,
    frame,
    read_frames,
)

DEFLATE = "permessage-deflate"


def client(*wire: bytes) -> list[str]:
    return ["client", b"".join(wire).hex()]


def server(*wire: bytes) -> list[str]:
    return ["server", b"".join(wire).hex()]


def text(content: str, *, key: bytes | None = None) -> bytes:
    return frame(TEXT, content.encode(), key=key)


def compressed(*contents: bytes) -> list[str]:
    deflater = Deflater()
    return server(*(frame(TEXT, deflater.compress(one), rsv1=True) for one in contents))


CLOSED = client(close_frame(1000, b"bye", key=KEY))
EDITS = {"longer": "much longer" * 500, "same": "SAME", "empty": "", "drop": None}

CONVERSATIONS: dict[str, dict[str, Any]] = {
    "text and binary": {
        "steps": [client(text("hello", key=KEY)), server(frame(BINARY, b"\x00\xff")), CLOSED]
    },
    "many in one read": {"steps": [server(*(text(str(n)) for n in range(20))), CLOSED]},
    "one in many reads": {
        "steps": [*(server(text("in pieces")[n : n + 1]) for n in range(11)), CLOSED]
    },
    "empty": {"steps": [client(text("", key=KEY)), server(frame(BINARY)), CLOSED]},
    "fragments": {
        "steps": [client(*fragments(TEXT, [b"one", b"", b"two"], key=KEY)), CLOSED],
    },
    "fragments with a ping": {
        "steps": [server(*fragments(BINARY, [b"one", b"two"], between=[frame(PING, b"!")])), CLOSED]
    },
    "ping and pong": {
        "steps": [client(frame(PING, b"a", key=KEY)), server(frame(PONG, b"a")), CLOSED]
    },
    "edits": {
        "edits": EDITS,
        "steps": [
            client(text("longer", key=KEY), text("same", key=KEY), text("empty", key=KEY)),
            server(text("drop"), text("untouched"), *fragments(TEXT, [b"sa", b"me"])),
            server(*fragments(TEXT, [b"lon", b"ger"])),
            CLOSED,
        ],
    },
    "injections": {
        "edits": EDITS,
        "steps": [
            ["inject", True, "hello"],
            ["inject", False, "hello"],
            ["inject", True, "x" * 9000],
            ["inject", True, "same"],
            ["inject", False, "drop"],
            ["inject", False, ""],
            CLOSED,
        ],
    },
    "compressed": {
        "extensions": DEFLATE,
        "edits": EDITS,
        "steps": [
            compressed(b"once and again", b"once and again", b"longer", b"drop", b"once again"),
            CLOSED,
        ],
    },
    "unknown extension": {"extensions": "x-funky; a=1", "steps": [server(text("a")), CLOSED]},
    "server closes": {"steps": [server(close_frame(4000, b"because"))]},
    "close without a code": {"steps": [client(frame(CLOSE, key=KEY))]},
    "messages in front of a close": {
        "steps": [server(text("a"), text("b"), close_frame(1001)), client(text("c", key=KEY))]
    },
    "after the end": {
        "steps": [CLOSED, ["inject", True, "late"], server(text("late")), ["end", "server"]]
    },
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, list[list[Any]]]:
    """The output of both layers for each conversation, mitmproxy's first."""
    done = subprocess.run(
        [PYTHON, HERE / "addon_layers.py"],
        input=json.dumps(list(CONVERSATIONS.values())),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(CONVERSATIONS, json.loads(done.stdout), strict=True))


class Receiver:
    """Reads what one side gets; what is compressed as whole messages, inflated."""

    def __init__(self, side: str) -> None:
        self._masked = side == "server"
        self._inflater = zlib.decompressobj(-15)
        self._compressed: list[bytes] | None = None

    def frames(self, data: bytes) -> list[tuple[Any, ...]]:
        found, rest = read_frames(data)
        assert not rest
        shown: list[tuple[Any, ...]] = []
        for one in found:
            assert (one.key is not None) == self._masked
            if one.rsv1:
                self._compressed = []
            if self._compressed is None or one.opcode >= CLOSE:
                shown.append((one.opcode, one.fin, one.payload))
                continue
            self._compressed.append(one.payload)
            if one.fin:
                content = b"".join(self._compressed) + b"\x00\x00\xff\xff"
                shown.append(("compressed", self._inflater.decompress(content)))
                self._compressed = None
        return shown


def visible(commands: list[list[Any]]) -> list[Any]:
    """Commands, with what was sent as frames: consecutive writes to one side as one."""
    receivers = {side: Receiver(side) for side in ("client", "server")}
    shown: list[Any] = []
    for command in commands:
        if command[0] != "send":
            shown.append(command)
            continue
        _, side, data = command
        frames = receivers[side].frames(bytes.fromhex(data))
        if shown and shown[-1][:2] == ["send", side]:
            shown[-1][2].extend(frames)
        else:
            shown.append(["send", side, frames])
    return shown


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_both_layers_do_the_same(outcomes: dict[str, list[list[Any]]], name: str) -> None:
    own, ours = (visible(commands) for commands in outcomes[name])
    assert ours == own
    assert any(command[0] == "hook" for command in own)
