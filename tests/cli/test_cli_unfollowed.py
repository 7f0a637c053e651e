"""The command's notes about packets that it does not follow, and captures without WebSockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture_conversation import (
    Conversation,
    capture_of,
    merged,
    request_head,
    text,
)
from capture_files import pcapng
from cli_captures import invoke_capture, plain
from wsdefrag.capture import PacketCounts
from wsdefrag.cli.output.unfollowed import held_instead, unfollowed

# A ClientHello, a ServerHello and application data as far as a reader without keys looks.
HELLO = b"\x16\x03\x01\x00\x20" + b"\x01" * 32
ANSWER = b"\x16\x03\x03\x00\x10" + b"\x02" * 16
DATA = b"\x17\x03\x03\x00\x40" + b"\xee" * 64

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

CLIENT_2 = ("192.0.2.11", 50_002)
TLS_SERVER = ("192.0.2.20", 443)


def tls(*, from_the_start: bool = True) -> Conversation:
    """A connection of 13 packets, or of the 6 with its data."""
    talk = Conversation(CLIENT_2, TLS_SERVER)
    if from_the_start:
        talk.open().says(True, HELLO)
        talk.says(False, ANSWER)
    talk.says(True, DATA)
    talk.says(False, DATA)
    talk.says(True, DATA)
    return talk


def http2() -> Conversation:
    talk = Conversation(CLIENT_2).open()
    talk.says(True, PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    talk.says(False, b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    return talk


def http() -> Conversation:
    talk = Conversation(CLIENT_2).open()
    talk.says(True, request_head().replace(b"Upgrade: websocket\r\n", b""))
    talk.says(False, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    return talk


def other() -> Conversation:
    talk = Conversation(("192.0.2.12", 50_003), ("192.0.2.20", 25)).open()
    talk.says(False, b"220 mail.example\r\n")
    talk.says(True, b"EHLO me\r\n")
    return talk


TLS_NOTE = "wsdefrag: <stdin>: {} TLS that was not decrypted; give --keylog\n"

OTHER_KEYS = b"CLIENT_RANDOM " + b"aa" * 32 + b" " + b"bb" * 48 + b"\n"
"""The keys of another connection."""


@pytest.mark.parametrize("command", ["messages", "connections", "jsonl", "har", "parquet"])
def test_tls_without_keys_is_said_and_is_no_failure(tmp_path: Path, command: str) -> None:
    arguments = [command, "-"]
    if command not in ("messages", "connections"):
        arguments = ["convert", "-", "-o", str(tmp_path / f"out.{command}")]
    result = invoke_capture(*arguments, stdin=capture_of(tls().segments))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "wsdefrag: <stdin>: no WebSocket in 13 packets: 13 TLS\n"
        + TLS_NOTE.format("13 of 13 packets are")
    )


def test_tls_whose_keys_are_not_in_the_log_ends_with_1(tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    keys.write_bytes(OTHER_KEYS)
    result = invoke_capture("messages", "-", "--keylog", keys, stdin=capture_of(tls().segments))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "13 of 13 packets are TLS that was not decrypted: 1 connection " in result.stderr
    assert "--keylog" not in result.stderr


def test_key_log_without_keys_is_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "keys.log").write_bytes(b"# nothing\n")
    options = ["--keylog", str(tmp_path / "keys.log")]
    result = invoke_capture("messages", "-", *options, stdin=capture_of(tls().segments))
    assert "13 of 13 packets are TLS that was not decrypted" in result.stderr
    assert "give --keylog" not in result.stderr


def test_tls_whose_start_was_not_captured_is_said() -> None:
    result = invoke_capture("messages", "-", stdin=capture_of(tls(from_the_start=False).segments))
    assert result.exit_code == 0
    assert TLS_NOTE.format("6 of 6 packets are") in result.stderr


def test_tls_beside_a_websocket_is_said() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "read"))
    result = invoke_capture("messages", "-", stdin=capture_of(merged(talk, tls())))
    assert result.stdout.endswith("  read\n")
    assert (result.exit_code, result.stderr) == (0, TLS_NOTE.format("13 of 22 packets are"))


def test_tls_through_a_proxy_is_said() -> None:
    talk = Conversation().open()
    talk.says(True, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n")
    talk.says(False, b"HTTP/1.1 200 OK\r\n\r\n")
    talk.says(True, HELLO)
    talk.says(False, ANSWER)
    talk.says(True, DATA)
    result = invoke_capture("messages", "-", stdin=capture_of(talk.end().segments))
    assert result.exit_code == 0
    assert TLS_NOTE.format("17 of 17 packets are") in result.stderr


@pytest.mark.parametrize(
    "options", [["--port", "80"], ["--address", "192.0.2.10"], ["--tolerate", "loss"]]
)
def test_tls_that_nobody_wants_is_no_failure(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "keys.log").write_bytes(OTHER_KEYS)
    data = capture_of(merged(Conversation().open().upgrade(), tls()))
    options = [*options, "--keylog", str(tmp_path / "keys.log")]
    result = invoke_capture("messages", "-", *options, stdin=data)
    assert result.exit_code == 0
    assert ("TLS" in result.stderr) == ("--tolerate" in options)


def test_http2_without_a_websocket_is_said_and_is_no_failure() -> None:
    result = invoke_capture("messages", "-", stdin=capture_of(http2().segments))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "wsdefrag: <stdin>: no WebSocket in 7 packets: 7 HTTP/2\n"


def test_what_was_held_instead_is_counted_by_kind() -> None:
    result = invoke_capture("messages", "-", stdin=capture_of(merged(http(), other())))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == ("wsdefrag: <stdin>: no WebSocket in 14 packets: 7 HTTP, 7 other TCP\n")


def test_link_type_is_said_and_ends_with_1() -> None:
    packets = [segment.captured() for segment in tls().segments]
    result = invoke_capture("messages", "-", stdin=pcapng(packets, 147))
    assert result.exit_code == 1
    assert result.stderr == (
        "wsdefrag: <stdin>: no WebSocket in 13 packets: 13 not followed\n"
        "wsdefrag: <stdin>: 13 packets of link type 147, which is not supported\n"
    )


def test_whole_websocket_alone_is_silent() -> None:
    result = invoke_capture("messages", "-", stdin=plain())
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("counts", "lines"),
    [
        (PacketCounts(packets=9, tcp=5, other=4, tcp_packets={"websocket": 5}), []),
        (
            PacketCounts(packets=1, tcp=1, tcp_packets={"http2": 1}),
            [],
        ),
        (
            PacketCounts(packets=3, unread=3, unread_kinds={"QUIC": 2, "ESP": 1}),
            ["1 packet not followed: ESP", "2 packets not followed: QUIC"],
        ),
        (
            PacketCounts(packets=4, fragments=1, malformed=3),
            [
                "1 IP fragment not followed: the rest of the packets was not captured",
                "3 packets with damaged or cut headers",
            ],
        ),
        (
            PacketCounts(packets=99, tcp=99, evicted_connections=2, evicted_packets=30),
            ["30 packets not read, of 2 connections evicted for others"],
        ),
        # Without keys it is a note, and no failure.
        (PacketCounts(packets=9, tls_packets={"no_keys": 9}), []),
        (
            PacketCounts(
                packets=90,
                keys=4,
                tls_packets={"ok": 50, "no_keys": 30, "unknown_cipher": 2},
                tls_connections={"ok": 5, "no_keys": 3, "unknown_cipher": 1},
                tls_servers=["a.example", "b.example", "c.example", "d.example"],
                bad_tags=1,
                bytes_before_keys=70,
                dropped_keys=2,
            ),
            [
                (
                    "32 of 90 packets are TLS that was not decrypted (a.example, b.example, "
                    "c.example, ...): 3 connections without keys, 1 connection with an unknown "
                    "cipher"
                ),
                "1 TLS record with a wrong tag",
                "70 bytes of TLS not decrypted: the keys came too late",
                "2 keys of TLS not kept: there are too many",
            ],
        ),
    ],
)
def test_reasons_have_a_line_each(counts: PacketCounts, lines: list[str]) -> None:
    assert unfollowed(counts) == lines


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (PacketCounts(), "no WebSocket in 0 packets"),
        (
            PacketCounts(
                packets=2023, tcp=2000, cut=7, other=20, malformed=3, tcp_packets={"tls": 1900}
            ),
            (
                "no WebSocket in 2,023 packets: 1,900 TLS, 100 other TCP, "
                "20 neither TCP nor a tunnel, 3 damaged; 7 of them cut by a snap length"
            ),
        ),
        (
            PacketCounts(packets=8, exported=2, unread=3, unknown_link=1, fragments=2),
            "no WebSocket in 8 packets: 2 other TCP, 6 not followed",
        ),
    ],
)
def test_capture_without_websockets_says_what_it_held(counts: PacketCounts, says: str) -> None:
    assert held_instead(counts) == says
