"""Bad inputs with TLS: each is counted and named, and the rest is read.

The inputs are a file that is no key log, a key of a wrong length, a truncated record, a wrong tag.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from capture_conversation import answer_head, capture_of, merged, request_head, text, upgraded
from capture_seen import Seen, read
from tls_craft import TlsTalk
from tls_keys import APPLICATION, SUITES, record

MESSAGES = [f"message {number}" for number in range(8)]

ALL = list(SUITES)
AEAD = [0x1301, 0x1302, 0x1303, 0xC02F, 0xCCA8]


def opened(suite: int = 0x1301, seed: str = "bad") -> TlsTalk:
    """A connection that has become a WebSocket."""
    talk = TlsTalk(SUITES[suite], seed=seed).open().handshake()
    talk.say(True, request_head())
    talk.say(False, answer_head())
    return talk


def said(talk: TlsTalk, contents: list[str] = MESSAGES) -> TlsTalk:
    """The server says these, a record each."""
    for content in contents:
        talk.say(False, text(False, content))
    return talk


def capture(talk: TlsTalk) -> bytes:
    return capture_of(talk.conversation.segments)


def texts(seen: Seen) -> list[str]:
    return [one.text for one in seen.messages if one.status == "ok"]


NO_KEY_LOGS = {
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
    "a capture": capture(opened()),
    "a certificate": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "a letter": "Liebe Grüße aus der Zitadelle,\nund bis bald!\n".encode("latin-1"),
    "zeros": bytes(4096),
    "nothing": b"",
}


@pytest.mark.parametrize("kind", NO_KEY_LOGS)
def test_key_log_that_is_none_is_named_and_the_rest_is_read(kind: str, tmp_path: Path) -> None:
    talk = said(opened()).end()
    clear = upgraded(client=("192.0.2.11", 40_001))
    clear.says(False, text(False, "in clear"))
    data = capture_of(merged(talk.conversation, clear.end()))
    wrong, right = tmp_path / "wrong.log", tmp_path / "right.log"
    wrong.write_bytes(NO_KEY_LOGS[kind])
    right.write_bytes(talk.key_log)
    alone = read(data, keylog=wrong)
    assert texts(alone) == ["in clear"]
    assert any(str(wrong) in warning for warning in alone.warnings)
    both = read(data, ordered=False, keylog=[wrong, right])
    assert sorted(texts(both)) == sorted([*MESSAGES, "in clear"])
    assert any(str(wrong) in warning for warning in both.warnings)
    assert not any(str(right) in warning for warning in both.warnings)


def changed_length(count: int) -> Callable[[bytes], bytes]:
    """Make each secret so many bytes longer, or shorter."""

    def changed(line: bytes) -> bytes:
        return line + b"5a" * count if count > 0 else line[: 2 * count]

    return changed


@pytest.mark.parametrize("count", [-1, 1, 16, -31])
@pytest.mark.parametrize("suite", [0x1301, 0x1302, 0xC02F])
def test_keys_of_a_wrong_length_are_counted_and_the_right_ones_count(
    suite: int, count: int
) -> None:
    talk = said(opened(suite)).end()
    lines = talk.key_log.splitlines()
    wrong = list(map(changed_length(count), lines))
    alone = read(capture(talk), keylog=b"\n".join(wrong))
    assert texts(alone) == []
    assert {one.tls.status for one in alone.connections if one.tls} <= {"no_keys", "undecryptable"}
    both = read(capture(talk), keylog=b"\n".join([*wrong, *lines]))
    if suite == 0x1301 and count == 16:
        # 48 bytes are what another suite has; the first line that can be right wins.
        return
    assert texts(both) == MESSAGES
    assert both.counts.malformed_keys == len(wrong)


@pytest.mark.parametrize("suite", ALL)
def test_wrong_tag_is_counted_and_named_and_the_rest_is_read(suite: int) -> None:
    talk = said(opened(suite), MESSAGES[:3])
    wrong = bytearray(talk.sealed(False, APPLICATION, text(False, "damaged")))
    wrong[-1] ^= 0x20
    talk.send(False, bytes(wrong))
    packet = len(talk.conversation.segments) - 1
    said(talk, MESSAGES[3:]).end()
    seen = read(capture(talk), keylog=talk.key_log, resync=True)
    assert texts(seen) == MESSAGES
    tls = seen.connection.tls
    assert tls is not None
    assert tls.bad_tags == 1
    assert any(str(packet) in problem for problem in seen.connection.problems)
    assert tls.from_server.undecryptable == len(wrong)
    assert seen.connection.has_losses


@pytest.mark.parametrize("suite", AEAD)
@pytest.mark.parametrize("kept", [1, 4, 5, 6, 20, 40])
def test_record_that_is_cut_by_the_end_is_counted(suite: int, kept: int) -> None:
    talk = said(opened(suite))
    cut = talk.sealed(False, APPLICATION, text(False, "never whole " * 9))[:kept]
    talk.send(False, cut)
    talk.conversation.end()
    seen = read(capture(talk), keylog=talk.key_log)
    assert texts(seen) == MESSAGES
    tls = seen.connection.tls
    assert tls is not None
    assert tls.bad_tags == 0
    assert tls.from_server.bytes == sum(
        len(one.payload) for one in talk.conversation.segments if not one.from_client
    )
    assert "never" not in "".join(texts(seen))


STRANGE = {
    "empty": record(APPLICATION, b""),
    "too short for a tag": record(APPLICATION, b"\x17" * 7),
    "longer than any may be": record(APPLICATION, bytes(16_384 + 2_048 + 1)),
    "in clear": record(APPLICATION, text(False, "not sealed at all")),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("suite", AEAD)
def test_record_that_was_not_sealed_gives_nothing(suite: int, kind: str) -> None:
    """No peer goes on after it (RFC 8446 section 5.2), so what follows may be read, or not."""
    talk = said(opened(suite), MESSAGES[:4])
    talk.send(False, STRANGE[kind])
    said(talk, MESSAGES[4:]).end()
    found = texts(read(capture(talk), keylog=talk.key_log, resync=True))
    assert found[:4] == MESSAGES[:4]
    assert [one for one in MESSAGES if one in found] == found


def test_key_of_another_connection_opens_nothing() -> None:
    talk, other = said(opened(seed="one")).end(), opened(seed="other")
    lines = other.key_log.replace(
        other.client_random.hex().encode(), talk.client_random.hex().encode()
    )
    seen = read(capture(talk), keylog=lines)
    assert seen.messages == []
    assert {one.tls.status for one in seen.connections if one.tls} <= {"undecryptable"}
