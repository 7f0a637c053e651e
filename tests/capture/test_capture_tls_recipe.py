"""Decrypted TLS that tshark exports is read, also of suites that the reader cannot decrypt."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from capture_conversation import Conversation, answer_head, capture_of, request_head
from capture_seen import read
from hang_guard import HANG_SECONDS
from wire_writer import BINARY, TEXT, frame

TSHARK = shutil.which("tshark")

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

EXPORT = [
    *("tshark", "-r", "tls.pcapng", "-o", "tls.keylog_file:keys.log"),
    *("-o", "tcp.reassemble_out_of_order:TRUE", "--disable-protocol", "websocket"),
    *("-U", "OSI layer 7", "-w", "plain.pcapng"),
]

KEY = b"\x01\x02\x03\x04"

# The third is longer than what tshark's dissector of WebSockets puts together.
CONTENTS = [b"short", b"x" * 70_000, bytes(range(256)) * 1200, b"after it", b"y" * 300_000, b"end"]


class Side:
    """One end of a TLS connection that lives in memory."""

    def __init__(self, context: ssl.SSLContext, *, is_server: bool) -> None:
        self.received, self.sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.sent, server_side=is_server)


def contexts(keys: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts for TLS 1.2 without certificates; the client writes the keys to a file."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    for context in (client, server):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers("AECDH-AES128-SHA:ADH-AES128-GCM-SHA256:@SECLEVEL=0")
        except ssl.SSLError:
            pytest.skip("this OpenSSL has no TLS without certificates")
    client.keylog_filename = str(keys)
    return client, server


def tls_capture(keys: Path) -> bytes:
    """A capture of a WebSocket in TLS, whose segments have at most 1,400 bytes."""
    talk = Conversation(server=("192.0.2.20", 443)).open()
    client_context, server_context = contexts(keys)
    sides = {
        True: Side(client_context, is_server=False),
        False: Side(server_context, is_server=True),
    }

    def pass_on() -> None:
        for from_client, side in sides.items():
            if data := side.sent.read():
                talk.say(from_client, data, size=1400)
                sides[not from_client].received.write(data)

    waiting = [True, False]
    while waiting:
        for from_client in waiting[:]:
            try:
                sides[from_client].tls.do_handshake()
                waiting.remove(from_client)
            except ssl.SSLWantReadError:
                pass
            pass_on()

    def says(from_client: bool, data: bytes) -> None:
        sides[from_client].tls.write(data)
        pass_on()

    says(True, request_head())
    says(False, answer_head())
    for number, content in enumerate(CONTENTS):
        opcode = BINARY if number == 2 else TEXT
        says(True, frame(opcode, content, key=KEY))
        says(False, frame(opcode, content))
    return capture_of(talk.end().segments)


def test_all_messages_come_out(tmp_path: Path) -> None:
    (tmp_path / "tls.pcapng").write_bytes(tls_capture(tmp_path / "keys.log"))
    # The directory is empty, so that nobody's settings change what tshark does.
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    subprocess.run(
        EXPORT,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
        timeout=HANG_SECONDS,
    )
    seen = read((tmp_path / "plain.pcapng").read_bytes())
    for from_client in (True, False):
        found = [one.content for one in seen.messages if one.from_client == from_client]
        assert found == CONTENTS
    assert {one.status for one in seen.messages} == {"ok"}
