"""Writes TLS connections with known secrets, record by record, as packets for a capture.

A reader of captures cannot check signatures and Finished messages, so these are zeros. What a
reader with a key log needs is right: the hellos, the key schedule and the records. The module can
write what no library writes: several handshake messages in one record, records in any order of
lengths, wrong tags, truncated records.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from capture_conversation import Conversation
from capture_craft import Endpoint
from tls_keys import (
    ALERT,
    APPLICATION,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HASH_SIZES,
    TLS12,
    Protection,
    Protection13,
    Suite,
    protections12,
    record,
)
from tls_streams import (
    CLIENT_HELLO,
    EARLY_DATA,
    ENCRYPT_THEN_MAC,
    ENCRYPTED_EXTENSIONS,
    END_OF_EARLY_DATA,
    FINISHED,
    KEY_UPDATE,
    NEW_SESSION_TICKET,
    RETRY,
    SERVER_HELLO,
    SUPPORTED_VERSIONS,
)

SERVER_NAME, ALPN, KEY_SHARE = 0, 16, 51
CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE = 11, 12, 14
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE = 15, 16

CLIENT: Endpoint = ("192.0.2.10", 50_000)
SERVER: Endpoint = ("192.0.2.80", 443)

SEGMENT = 1_448
"""Bytes of a TCP segment on Ethernet, with timestamps."""

LABELS = (
    *("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    *("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"),
)


def vector(content: bytes, width: int) -> bytes:
    return len(content).to_bytes(width, "big") + content


def extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(content, 2)


def message(kind: int, body: bytes) -> bytes:
    """Write a handshake message."""
    return bytes([kind]) + vector(body, 3)


def key_log_line(label: str, client_random: bytes, secret: bytes) -> str:
    return f"{label} {client_random.hex()} {secret.hex()}"


class TlsTalk:
    """A TLS connection that is being written; `conversation` has its segments."""

    def __init__(
        self,
        suite: Suite,
        *,
        seed: object = "",
        mac_last: bool = False,
        client: Endpoint = CLIENT,
        server: Endpoint = SERVER,
        server_name: str = "feed.example",
        alpn: str = "http/1.1",
        time: int | None = None,
    ) -> None:
        chance = random.Random(f"tls {seed}")
        self.suite = suite
        self.is_13 = suite.number >> 8 == 0x13
        self.mac_last = mac_last
        self.server_name, self.alpn = server_name, alpn
        self.conversation = Conversation(client, server, **({} if time is None else {"time": time}))
        self.client_random, self.server_random = chance.randbytes(32), chance.randbytes(32)
        self.session_id = chance.randbytes(32)
        self.secrets = {
            label: chance.randbytes(HASH_SIZES[suite.hash] if self.is_13 else 48)
            for label in (
                ("CLIENT_EARLY_TRAFFIC_SECRET", *LABELS) if self.is_13 else ("CLIENT_RANDOM",)
            )
        }
        self.protections: dict[bool, Protection | None] = {True: None, False: None}
        self.sequences = {True: 0, False: 0}
        self.offers_early = False

    @property
    def key_log(self) -> bytes:
        lines = [
            key_log_line(label, self.client_random, secret)
            for label, secret in self.secrets.items()
            if label != "CLIENT_EARLY_TRAFFIC_SECRET" or self.offers_early
        ]
        return "".join(f"{line}\n" for line in lines).encode()

    # Records.

    def sealed(self, from_client: bool, kind: int, content: bytes, padding: int = 0) -> bytes:
        """Write the next record of a direction under its current keys."""
        protection = self.protections[from_client]
        if protection is None:
            return record(kind, content)
        written = protection.seal(self.sequences[from_client], kind, content, padding)
        self.sequences[from_client] += 1
        return written

    def send(self, from_client: bool, data: bytes) -> None:
        """Send bytes of TCP."""
        self.conversation.say(from_client, data, size=SEGMENT)

    def say(
        self, from_client: bool, data: bytes, *, limit: int = 16_384, padding: int = 0
    ) -> list[bytes]:
        """Send bytes of the application, in records of at most `limit` of them; return these."""
        starts = range(0, max(len(data), 1), limit)
        parts = [
            self.sealed(from_client, APPLICATION, data[start : start + limit], padding)
            for start in starts
        ]
        self.send(from_client, b"".join(parts))
        return parts

    def switch(self, from_client: bool, protection: Protection) -> None:
        self.protections[from_client], self.sequences[from_client] = protection, 0

    def _traffic(self, label: str) -> Protection13:
        return Protection13(self.suite, self.secrets[label])

    # Handshakes.

    def client_hello(self, *, early: bool = False) -> bytes:
        name = vector(b"\0" + vector(self.server_name.encode(), 2), 2)
        extensions = extension(SERVER_NAME, name)
        extensions += extension(ALPN, vector(vector(self.alpn.encode(), 1), 2))
        if self.is_13:
            extensions += extension(SUPPORTED_VERSIONS, b"\x02\x03\x04")
            extensions += extension(KEY_SHARE, vector(b"\0\x1d" + vector(bytes(32), 2), 2))
        if self.mac_last:
            extensions += extension(ENCRYPT_THEN_MAC, b"")
        if early:
            extensions += extension(EARLY_DATA, b"")
        numbers = self.suite.number.to_bytes(2, "big") + b"\x00\xff"
        body = TLS12.to_bytes(2, "big") + self.client_random + vector(self.session_id, 1)
        body += vector(numbers, 2) + b"\x01\0" + vector(extensions, 2)
        return message(CLIENT_HELLO, body)

    def server_hello(self, *, retry: bool = False) -> bytes:
        extensions = b""
        if self.is_13:
            extensions += extension(SUPPORTED_VERSIONS, b"\x03\x04")
            share = b"\0\x1d" if retry else b"\0\x1d" + vector(bytes(32), 2)
            extensions += extension(KEY_SHARE, share)
        else:
            extensions += extension(ALPN, vector(vector(self.alpn.encode(), 1), 2))
        if self.mac_last:
            extensions += extension(ENCRYPT_THEN_MAC, b"")
        body = TLS12.to_bytes(2, "big") + (RETRY if retry else self.server_random)
        body += vector(self.session_id, 1) + self.suite.number.to_bytes(2, "big") + b"\0"
        return message(SERVER_HELLO, body + vector(extensions, 2))

    def open(self) -> TlsTalk:
        """Open the TCP connection."""
        self.conversation.open()
        return self

    def handshake(self, *, certificate: int = 900, together: bool = True) -> TlsTalk:
        """Shake hands.

        Args:
            certificate: bytes of the server's certificates.
            together: whether the server's messages share records as far as they fit.
        """
        self.send(True, record(HANDSHAKE, self.client_hello(), 0x0301))
        if self.is_13:
            self._rest_of_13(certificate, together, early=None)
        else:
            self._rest_of_12(certificate, together)
        return self

    def handshake_with_early(self, data: Iterable[bytes], *, accepted: bool) -> TlsTalk:
        """Do the handshake with early data, one record each."""
        self.offers_early = True
        hello = record(HANDSHAKE, self.client_hello(early=True), 0x0301)
        self.switch(True, self._traffic("CLIENT_EARLY_TRAFFIC_SECRET"))
        early = [self.sealed(True, APPLICATION, one) for one in data]
        self.send(True, hello + record(CHANGE_CIPHER_SPEC, b"\x01") + b"".join(early))
        self._rest_of_13(900, True, early=accepted)
        return self

    def handshake_with_retry(self) -> TlsTalk:
        """Do the handshake with a HelloRetryRequest."""
        self.send(True, record(HANDSHAKE, self.client_hello(), 0x0301))
        retry = record(HANDSHAKE, self.server_hello(retry=True))
        self.send(False, retry + record(CHANGE_CIPHER_SPEC, b"\x01"))
        hello = record(HANDSHAKE, self.client_hello())
        self.send(True, record(CHANGE_CIPHER_SPEC, b"\x01") + hello)
        self._rest_of_13(900, True, early=None)
        return self

    def _messages(self, from_client: bool, messages: list[bytes], together: bool) -> bytes:
        if not together:
            return b"".join(self.sealed(from_client, HANDSHAKE, one) for one in messages)
        data = b"".join(messages)
        parts = [data[start : start + 16_384] for start in range(0, len(data), 16_384)]
        return b"".join(self.sealed(from_client, HANDSHAKE, one) for one in parts)

    def _rest_of_13(self, certificate: int, together: bool, *, early: bool | None) -> None:
        hash_size = HASH_SIZES[self.suite.hash]
        flight = record(HANDSHAKE, self.server_hello()) + record(CHANGE_CIPHER_SPEC, b"\x01")
        self.switch(False, self._traffic("SERVER_HANDSHAKE_TRAFFIC_SECRET"))
        agreed = extension(ALPN, vector(vector(self.alpn.encode(), 1), 2))
        agreed += extension(EARLY_DATA, b"") if early else b""
        messages = [message(ENCRYPTED_EXTENSIONS, vector(agreed, 2))]
        if early is None:
            messages.append(message(CERTIFICATE, bytes(certificate)))
            messages.append(message(CERTIFICATE_VERIFY, bytes(76)))
        messages.append(message(FINISHED, bytes(hash_size)))
        self.send(False, flight + self._messages(False, messages, together))
        self.switch(False, self._traffic("SERVER_TRAFFIC_SECRET_0"))
        written = b"" if early is not None else record(CHANGE_CIPHER_SPEC, b"\x01")
        if early:
            written += self.sealed(True, HANDSHAKE, message(END_OF_EARLY_DATA, b""))
        self.switch(True, self._traffic("CLIENT_HANDSHAKE_TRAFFIC_SECRET"))
        written += self.sealed(True, HANDSHAKE, message(FINISHED, bytes(hash_size)))
        self.send(True, written)
        self.switch(True, self._traffic("CLIENT_TRAFFIC_SECRET_0"))

    def _rest_of_12(self, certificate: int, together: bool) -> None:
        messages = [self.server_hello(), message(CERTIFICATE, bytes(certificate))]
        messages.append(message(SERVER_KEY_EXCHANGE, bytes(144)))
        messages.append(message(SERVER_HELLO_DONE, b""))
        self.send(False, self._messages(False, messages, together))
        new = protections12(
            self.suite,
            self.secrets["CLIENT_RANDOM"],
            self.client_random,
            self.server_random,
            mac_last=self.mac_last,
        )
        for from_client in (True, False):
            start = b""
            if from_client:
                start = record(HANDSHAKE, message(CLIENT_KEY_EXCHANGE, bytes(66)))
            start += record(CHANGE_CIPHER_SPEC, b"\x01")
            self.switch(from_client, new[from_client])
            finished = self.sealed(from_client, HANDSHAKE, message(FINISHED, bytes(12)))
            self.send(from_client, start + finished)

    # After it.

    def update_keys(self, from_client: bool, *, asks: bool = False) -> None:
        """Change the keys of a direction (TLS 1.3)."""
        self.send(from_client, self.sealed_key_update(from_client, asks=asks))

    def sealed_key_update(self, from_client: bool, *, asks: bool = False) -> bytes:
        """Write a KeyUpdate, and change the keys."""
        written = self.sealed(from_client, HANDSHAKE, message(KEY_UPDATE, bytes([asks])))
        protection = self.protections[from_client]
        assert isinstance(protection, Protection13)
        self.switch(from_client, protection.updated())
        return written

    def sealed_ticket(self, size: int = 200) -> bytes:
        """Write a ticket of TLS 1.3."""
        body = bytes(8) + vector(bytes(8), 1) + vector(bytes(size), 2) + vector(b"", 2)
        return self.sealed(False, HANDSHAKE, message(NEW_SESSION_TICKET, body))

    def end(self) -> TlsTalk:
        """Send the alert that ends the direction, and end the TCP connection."""
        for from_client in (True, False):
            self.send(from_client, self.sealed(from_client, ALERT, b"\x01\0"))
        self.conversation.end()
        return self
