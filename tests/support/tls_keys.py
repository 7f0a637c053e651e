"""An independent writer and reader of TLS records under given secrets, on Python's `cryptography`.

Follows RFC 8446 sections 5 and 7 (TLS 1.3), RFC 5246 sections 5 and 6, RFC 5288, RFC 7905 and
RFC 7366 (TLS 1.2). A `Protection` has the keys of one direction for one period: it seals and opens
records of a sequence number.
"""

from __future__ import annotations

import hmac
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23

TLS12, TLS13 = 0x0303, 0x0304

Hash = Literal["sha1", "sha256", "sha384"]

HASH_SIZES: dict[Hash, int] = {"sha1": 20, "sha256": 32, "sha384": 48}


@dataclass(frozen=True)
class Suite:
    """A cipher suite: how records are sealed, and the hash of the key schedule.

    `mac` is the hash of the records' MAC, for CBC.
    """

    number: int
    name: str
    kind: Literal["gcm", "chacha20", "cbc"]
    key_size: int
    hash: Hash
    mac: Hash = "sha256"


SUITES = {
    suite.number: suite
    for suite in (
        Suite(0x1301, "TLS_AES_128_GCM_SHA256", "gcm", 16, "sha256"),
        Suite(0x1302, "TLS_AES_256_GCM_SHA384", "gcm", 32, "sha384"),
        Suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "chacha20", 32, "sha256"),
        Suite(0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "gcm", 16, "sha256"),
        Suite(0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "gcm", 32, "sha384"),
        Suite(0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "gcm", 16, "sha256"),
        Suite(0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "gcm", 32, "sha384"),
        Suite(0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "chacha20", 32, "sha256"),
        Suite(0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "chacha20", 32, "sha256"),
        Suite(0xC009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "cbc", 16, "sha256", "sha1"),
        Suite(0xC00A, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "cbc", 32, "sha256", "sha1"),
        Suite(0xC013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "cbc", 16, "sha256", "sha1"),
        Suite(0xC014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "cbc", 32, "sha256", "sha1"),
        Suite(0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "cbc", 16, "sha256"),
        Suite(0xC024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "cbc", 32, "sha384", "sha384"),
        Suite(0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "cbc", 16, "sha256"),
        Suite(0xC028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "cbc", 32, "sha384", "sha384"),
        Suite(0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256", "gcm", 16, "sha256"),
        Suite(0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384", "gcm", 32, "sha384"),
        Suite(0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", "cbc", 16, "sha256", "sha1"),
        Suite(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", "cbc", 32, "sha256", "sha1"),
        Suite(0x003C, "TLS_RSA_WITH_AES_128_CBC_SHA256", "cbc", 16, "sha256"),
        Suite(0x003D, "TLS_RSA_WITH_AES_256_CBC_SHA256", "cbc", 32, "sha256"),
    )
}
"""The suites that are read, by number (IANA's registry has number and name)."""


class NotOpenedError(Exception):
    """A record does not open under these keys."""


def record(kind: int, body: bytes, version: int = TLS12) -> bytes:
    """Write a record."""
    return bytes([kind]) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def expand_label(secret: bytes, label: str, size: int, name: Hash) -> bytes:
    """HKDF-Expand-Label of RFC 8446 section 7.1, without a context."""
    full = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    found, block, count = b"", b"", 0
    while len(found) < size:
        count += 1
        block = hmac.digest(secret, block + info + bytes([count]), name)
        found += block
    return found[:size]


def prf(secret: bytes, label: bytes, seed: bytes, size: int, name: Hash) -> bytes:
    """The function of RFC 5246 section 5."""
    seed = label + seed
    found, block = b"", seed
    while len(found) < size:
        block = hmac.digest(secret, block, name)
        found += hmac.digest(secret, block + seed, name)
    return found[:size]


class Protection(ABC):
    """The keys of one direction for one period.

    `overhead` is how much longer a record is than its content, header included; None where that
    depends on the content.
    """

    overhead: int | None

    @abstractmethod
    def seal(self, sequence: int, kind: int, content: bytes, padding: int = 0) -> bytes:
        """Write a whole record; `padding` counts zeros after the content (TLS 1.3 only)."""

    @abstractmethod
    def open(self, sequence: int, sealed: bytes) -> tuple[int, bytes, int]:
        """Return the type, the content and the padding of a whole record.

        Raises:
            NotOpenedError: it was not sealed so.
        """


def _aead(suite: Suite, key: bytes) -> AESGCM | ChaCha20Poly1305:
    return AESGCM(key) if suite.kind == "gcm" else ChaCha20Poly1305(key)


def _nonce(iv: bytes, sequence: int) -> bytes:
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(12, "big")


def _decrypted(open_it: Callable[[], bytes]) -> bytes:
    try:
        return open_it()
    except InvalidTag:
        raise NotOpenedError from None


class Protection13(Protection):
    """TLS 1.3, of a traffic secret."""

    overhead = 22

    def __init__(self, suite: Suite, secret: bytes) -> None:
        self.suite = suite
        self._secret = secret
        self._aead = _aead(suite, expand_label(secret, "key", suite.key_size, suite.hash))
        self._iv = expand_label(secret, "iv", 12, suite.hash)

    def updated(self) -> Protection13:
        """Return the protection after a KeyUpdate."""
        size = HASH_SIZES[self.suite.hash]
        return Protection13(
            self.suite, expand_label(self._secret, "traffic upd", size, self.suite.hash)
        )

    def seal(self, sequence: int, kind: int, content: bytes, padding: int = 0) -> bytes:
        inner = content + bytes([kind]) + bytes(padding)
        header = record(APPLICATION, bytes(len(inner) + 16))[:5]
        return header + self._aead.encrypt(_nonce(self._iv, sequence), inner, header)

    def open(self, sequence: int, sealed: bytes) -> tuple[int, bytes, int]:
        nonce = _nonce(self._iv, sequence)
        inner = _decrypted(lambda: self._aead.decrypt(nonce, sealed[5:], sealed[:5]))
        content = inner.rstrip(b"\0")
        return content[-1], content[:-1], len(inner) - len(content)


class Protection12(Protection):
    """TLS 1.2 with GCM or ChaCha20, of one direction's share of the key block."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self.overhead = 29 if suite.kind == "gcm" else 21
        self._explicit = 8 if suite.kind == "gcm" else 0
        self._aead = _aead(suite, key)
        self._iv = iv

    def _additional(self, sequence: int, kind: int, size: int) -> bytes:
        return sequence.to_bytes(8, "big") + record(kind, bytes(size))[:5]

    def seal(self, sequence: int, kind: int, content: bytes, padding: int = 0) -> bytes:
        explicit = sequence.to_bytes(8, "big")[: self._explicit]
        nonce = self._iv + explicit if explicit else _nonce(self._iv, sequence)
        additional = self._additional(sequence, kind, len(content))
        return record(kind, explicit + self._aead.encrypt(nonce, content, additional))

    def open(self, sequence: int, sealed: bytes) -> tuple[int, bytes, int]:
        explicit, body = sealed[5 : 5 + self._explicit], sealed[5 + self._explicit :]
        nonce = self._iv + explicit if explicit else _nonce(self._iv, sequence)
        additional = self._additional(sequence, sealed[0], len(body) - 16)
        content = _decrypted(lambda: self._aead.decrypt(nonce, body, additional))
        return sealed[0], content, 0


class ProtectionCbc(Protection):
    """TLS 1.2 with CBC; the MAC is over what is sealed with `mac_last`, else over the content."""

    overhead = None

    def __init__(self, suite: Suite, key: bytes, mac_key: bytes, *, mac_last: bool) -> None:
        self._suite = suite
        self._key, self._mac_key = key, mac_key
        self._mac_last = mac_last

    def _mac(self, sequence: int, kind: int, content: bytes) -> bytes:
        covered = sequence.to_bytes(8, "big") + record(kind, content)
        return hmac.digest(self._mac_key, covered, self._suite.mac)

    def seal(self, sequence: int, kind: int, content: bytes, padding: int = 0) -> bytes:
        plain = content if self._mac_last else content + self._mac(sequence, kind, content)
        last = 15 - len(plain) % 16
        plain += bytes([last]) * (last + 1)
        iv = os.urandom(16)
        sealing = Cipher(algorithms.AES(self._key), modes.CBC(iv)).encryptor()
        body = iv + sealing.update(plain) + sealing.finalize()
        return record(kind, body + self._mac(sequence, kind, body) if self._mac_last else body)

    def open(self, sequence: int, sealed: bytes) -> tuple[int, bytes, int]:
        kind, body, size = sealed[0], sealed[5:], HASH_SIZES[self._suite.mac]
        if self._mac_last:
            body, mac = body[:-size], body[-size:]
            if mac != self._mac(sequence, kind, body):
                raise NotOpenedError
        opening = Cipher(algorithms.AES(self._key), modes.CBC(body[:16])).decryptor()
        plain = opening.update(body[16:]) + opening.finalize()
        plain = plain[: -plain[-1] - 1]
        if self._mac_last:
            return kind, plain, 0
        content, mac = plain[:-size], plain[-size:]
        if mac != self._mac(sequence, kind, content):
            raise NotOpenedError
        return kind, content, 0


def protections12(
    suite: Suite, master: bytes, client_random: bytes, server_random: bytes, *, mac_last: bool
) -> dict[bool, Protection]:
    """Return those of a handshake of TLS 1.2: for the client (True) and for the server."""
    mac = HASH_SIZES[suite.mac] if suite.kind == "cbc" else 0
    iv = {"gcm": 4, "chacha20": 12, "cbc": 0}[suite.kind]
    size = 2 * (mac + suite.key_size + iv)
    block = prf(master, b"key expansion", server_random + client_random, size, suite.hash)
    parts = []
    for length in (mac, mac, suite.key_size, suite.key_size, iv, iv):
        parts.append(block[:length])
        block = block[length:]
    found: dict[bool, Protection] = {}
    for from_client, at in ((True, 0), (False, 1)):
        mac_key, key, start = parts[at], parts[2 + at], parts[4 + at]
        if suite.kind == "cbc":
            found[from_client] = ProtectionCbc(suite, key, mac_key, mac_last=mac_last)
        else:
            found[from_client] = Protection12(suite, key, start)
    return found
