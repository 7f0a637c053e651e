"""A capture of TLS with its secrets: the clients log them; the certificate is made for the run."""

from __future__ import annotations

import ssl
from functools import partial
from pathlib import Path

from recorder import contents

from .network import cable
from .peers import aiohttp_client, aiohttp_server, websockets_client, websockets_server
from .scene import DONE, Scene, of_sizes, small
from .scenes_networks import CABLE
from .stage import Stage, Talk
from .tools import run

NAMES = "DNS:feed.example,DNS:other.example"
DAYS = "30"


def _certificate(directory: Path) -> tuple[Path, Path]:
    """Make a key and a self-signed certificate for `NAMES`."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subject = ("-subj", "/CN=feed.example", "-addext", f"subjectAltName={NAMES}")
    files = ("-keyout", key, "-out", certificate)
    run("openssl", "req", "-x509", *kind, *subject, "-days", DAYS, *files)
    return key, certificate


def _client(certificate: Path, key_log: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Trust this certificate only, log the secrets, and speak this version."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.minimum_version = context.maximum_version = version
    context.keylog_filename = str(key_log)
    context.check_hostname = False  # aiohttp knows the address only
    return context


async def tls(stage: Stage) -> None:
    """Three connections at once, of TLS 1.3 and 1.2, with and without deflate."""
    key, certificate = _certificate(stage.directory)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    key_log = stage.keep("tls.keys.log")
    stage.key_log = key_log.name
    new = _client(certificate, key_log, ssl.TLSVersion.TLSv1_3)
    old = _client(certificate, key_log, ssl.TLSVersion.TLSv1_2)
    feed = await stage.serve(websockets_server(server), 443)
    other = await stage.serve(aiohttp_server(tls=server), 8443)
    await stage.capture("-i", "client0", "-f", "tcp port 443 or 8443", link=CABLE)
    deflate, plain = websockets_client(), aiohttp_client()
    pieces = partial(contents.fragmented, count=20)
    both, large = small(60), of_sizes(1, 5000, 16_384, 40_000, 3, binary=True)
    a, b = "feed.example", "other.example:8443"
    await stage.at_once(
        Talk(deflate, feed, a, "/fragments", pieces, pieces, DONE, tls=new),
        Talk(plain, other, b, "/small?tls=1.2", both, both, DONE, glue=True, tls=old),
        Talk(plain, other, b, "/large?tls=1.3", large, large, DONE, tls=new),
    )


SCENES = (
    Scene(
        "tls",
        "wss: three connections at once, TLS 1.3 and 1.2, deflate with fragments and plain",
        cable,
        tls,
    ),
)
