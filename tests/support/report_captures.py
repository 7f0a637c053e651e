"""Captures whose reports are looked at in a browser."""

from __future__ import annotations

import json

from capture_conversation import (
    START,
    Conversation,
    binary,
    capture_of,
    close,
    merged,
    one_frame,
    ping,
    text,
)
from wire_writer import PONG

DOCUMENT = (
    '{"user": "ann", "number": 12345678901234567890.10, "tags": [], "more": [1, {"deep": null}]}'
)
"""A number that a double cannot hold, and an empty array, which stays on its line."""

ATTACK = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
TURNED = "abc\u202edcba"
"""A text whose end is turned by an invisible character."""

BINARY_CONTENT = bytes(range(0x81, 0xC1))


def talks() -> bytes:
    """Connection 0 has 40 messages, a gap and control frames; connection 1 is hostile."""
    talk = Conversation(step=10_000_000).open().upgrade("/chat?room=1", "chat.example")
    for number in range(16):
        content = json.dumps({"id": number, "text": f"message {number}"})
        talk.says(number % 2 == 0, text(number % 2 == 0, content))
    talk.says(True, binary(True, BINARY_CONTENT))
    talk.says(False, text(False, DOCUMENT))
    talk.says(True, ping(True, b"are you there?"))
    talk.says(False, one_frame(False, PONG, b"are you there?"))
    parts = talk.say(True, text(True, "x" * 500), size=100)
    for number in range(21):
        talk.says(False, text(False, f"Zürich {number}"))
    talk.says(True, close(True, 1000, b"done"))
    talk.says(False, close(False))
    talk.end()
    hostile = Conversation(("192.0.2.66", 666), time=START + 5_000_000, step=10_000_000)
    hostile.open().upgrade(
        f"/{ATTACK.replace(' ', '+')}", f"evil.example{ATTACK.replace(' ', '+')}"
    )
    hostile.says(True, text(True, ATTACK))
    hostile.says(True, text(True, TURNED))
    hostile.says(True, text(True, b"caf\xe9"))
    hostile.says(True, close(True, 4000, ATTACK.encode()[:100]))
    hostile.says(False, b"\x83\x00")
    hostile.end()
    return capture_of([one for one in merged(talk, hostile) if one is not parts[2]])


def many(count: int) -> bytes:
    """One connection in which the client sends this many short texts."""
    talk = Conversation(step=1_000).open().upgrade("/many")
    talk.say(
        True, b"".join(text(True, f"m{number}") for number in range(count)), size=1400, acked=False
    )
    return capture_of(talk.end().segments)
