"""Record TLS connections of OpenSSL in memory into `vectors/tls_records.jsonl`.

    python tests/recording/record_tls_records.py

For each cipher suite, and for CBC with both kinds of MAC, a client and a server of Python's ssl
module do the handshake and send each other the messages of `CONTENTS`. The openssl command makes
new certificates. Keys, and so all bytes, differ on every run; the messages do not.

`vectors/README.md` describes a line.
"""

from __future__ import annotations

import _ssl
import ctypes
import json
import ssl
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "tls_records.jsonl"
# What each side sends: one byte, less than a block, whole blocks, more than a record of padding.
CONTENTS = [b"\x00", b"from the %s", b"0123456789abcdef" * 2, bytes(range(256)) * 2]
TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
AEAD = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
]
CBC = [
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "AES128-SHA256",
    "AES256-SHA256",
]
# Python's ssl has no name for it.
OP_NO_ENCRYPT_THEN_MAC = 0x80000


def main() -> None:
    """Record every suite and write the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates = {kind: make_certificate(folder, kind) for kind in ("ec", "rsa")}
        lines = [
            record(suite, encrypt_then_mac=etm, certificates=certificates, folder=folder)
            for suites, choices in ((TLS13, [None]), (AEAD, [None]), (CBC, [True, False]))
            for suite in suites
            for etm in choices
        ]
    VECTORS.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{VECTORS}: {len(lines)} connections")


def make_certificate(folder: Path, kind: str) -> tuple[Path, Path]:
    """Make a certificate and its key."""
    certificate, key = folder / f"{kind}.pem", folder / f"{kind}.key"
    algorithm = {
        "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "rsa": ["rsa:2048"],
    }[kind]
    command = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=a", "-days", "1", "-newkey"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *algorithm, *files], check=True, capture_output=True)
    return certificate, key


def record(
    suite: str,
    *,
    encrypt_then_mac: bool | None,
    certificates: dict[str, tuple[Path, Path]],
    folder: Path,
) -> dict[str, object]:
    """Record one connection; returns its line."""
    keylog = folder / "keys.log"
    keylog.unlink(missing_ok=True)
    certificate, key = certificates["ec" if "ECDSA" in suite else "rsa"]
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.keylog_filename = str(keylog)
    for context in (server, client):
        context.set_alpn_protocols(["http/1.1"])
        if suite in TLS13:
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        else:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(f"{suite}:@SECLEVEL=0")
        if encrypt_then_mac is False:
            context.options |= OP_NO_ENCRYPT_THEN_MAC
    if suite in TLS13:
        choose_tls13_suite(client, suite)
    return {"suite": suite, "encrypt_then_mac": encrypt_then_mac} | converse(client, server, keylog)


def choose_tls13_suite(context: ssl.SSLContext, suite: str) -> None:
    """Leave one suite of TLS 1.3, for which Python's ssl has no switch."""
    library = ctypes.CDLL(_ssl.__file__)
    function = library.SSL_CTX_set_ciphersuites
    function.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    # The first field of the object after its header.
    address = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    if not function(address, suite.encode()):
        raise RuntimeError(suite)


def converse(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext, keylog: Path
) -> dict[str, object]:
    """Do the handshake, send the contents both ways, close."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    out = {"client": ssl.MemoryBIO(), "server": ssl.MemoryBIO()}
    client = client_context.wrap_bio(to_client, out["client"], server_hostname="localhost")
    server = server_context.wrap_bio(to_server, out["server"], server_side=True)
    wire = {"client": b"", "server": b""}

    def carry() -> None:
        for side, peer in (("client", to_server), ("server", to_client)):
            data = out[side].read()
            wire[side] += data
            peer.write(data)

    done = [False, False]
    while not all(done):
        for index, side in enumerate((client, server)):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
                done[index] = True
            carry()
    contents: dict[str, list[str]] = {"client": [], "server": []}
    for content in CONTENTS:
        for name, side, peer in (("client", client, server), ("server", server, client)):
            text = content.replace(b"%s", name.encode())
            side.write(text)
            carry()
            if peer.read(len(text)) != text:
                raise RuntimeError(text)
            contents[name].append(text.hex())
    chosen = client.cipher()
    return {
        "version": client.version(),
        "openssl": ssl.OPENSSL_VERSION,
        "chosen": chosen[0] if chosen else None,
        "keylog": [line for line in keylog.read_text().splitlines() if not line.startswith("#")],
        "client": wire["client"].hex(),
        "server": wire["server"].hex(),
        "client_contents": contents["client"],
        "server_contents": contents["server"],
    }


if __name__ == "__main__":
    main()
