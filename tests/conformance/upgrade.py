"""The HTTP upgrade before the frames, for a server and a client.

h11 reads and writes the heads; wsdefrag reads and writes the permessage-deflate parameters. Bytes
after a head belong to the frames and are returned.

Follows RFC 6455 section 4 (opening handshake) and RFC 7692 section 5 (negotiation).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass
from http import HTTPStatus

import h11

from wsdefrag import DeflateParams

# RFC 6455 section 1.3: proves that the server understands WebSocket.
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# This client can use any response to this offer.
CLIENT_OFFER = "permessage-deflate; client_max_window_bits"

CHUNK = 4096


class Refused(Exception):
    """The other side did not complete the handshake."""


@dataclass(frozen=True)
class Upgraded:
    """The result of the handshake.

    Attributes:
        deflate: What was agreed on; None without compression.
        data: The first bytes of the peer's frames, if any came with its head.
    """

    deflate: DeflateParams | None
    data: bytes


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Upgraded:
    """Read a client's request and answer it.

    Raises:
        Refused: If it asked for something else, and has been told so, or for nothing at all.
    """
    http = h11.Connection(h11.SERVER)
    try:
        request = await next_event(http, reader)
        whole = isinstance(http.next_event(), h11.EndOfMessage)
    except h11.RemoteProtocolError as error:
        raise refusal(http, writer, HTTPStatus.BAD_REQUEST, str(error)) from error
    if isinstance(request, h11.ConnectionClosed):
        raise Refused("the client asked for nothing")
    if not isinstance(request, h11.Request) or not whole:
        raise refusal(http, writer, HTTPStatus.BAD_REQUEST, "a request without a body is expected")
    key = header(request, b"sec-websocket-key")
    wanted = {
        "method": (request.method, b"GET"),
        "upgrade": (header(request, b"upgrade").lower(), b"websocket"),
        "version": (header(request, b"sec-websocket-version"), b"13"),
        "length of the key": (len(key), 24),
    }
    for name, (sent, expected) in wanted.items():
        if sent != expected:
            raise refusal(http, writer, HTTPStatus.UPGRADE_REQUIRED, f"wrong {name}: {sent!r}")
    try:
        accepted = DeflateParams.choose(header(request, b"sec-websocket-extensions"))
    except ValueError as error:
        raise refusal(http, writer, HTTPStatus.BAD_REQUEST, str(error)) from error
    answer = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_value(key).decode()),
    ]
    if accepted is not None:
        answer.append(("Sec-WebSocket-Extensions", accepted[1]))
    switch = h11.InformationalResponse(status_code=HTTPStatus.SWITCHING_PROTOCOLS, headers=answer)
    writer.write(http.send(switch) or b"")
    return Upgraded(accepted and accepted[0], http.trailing_data[0])


async def request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, target: str
) -> Upgraded:
    """Ask a server for the upgrade.

    Raises:
        Refused: If it does not agree, or not to what was asked for.
    """
    http = h11.Connection(h11.CLIENT)
    key = base64.b64encode(os.urandom(16))
    headers = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key.decode()),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Extensions", CLIENT_OFFER),
    ]
    for event in (h11.Request(method="GET", target=target, headers=headers), h11.EndOfMessage()):
        writer.write(http.send(event) or b"")
    try:
        answer = await next_event(http, reader)
        if not isinstance(answer, h11.InformationalResponse) or answer.status_code != 101:
            raise Refused(f"{target} was answered with {answer}")
        if header(answer, b"sec-websocket-accept") != accept_value(key):
            raise Refused("the server did not read the key")
        agreed = DeflateParams.from_header(header(answer, b"sec-websocket-extensions"))
    except (h11.RemoteProtocolError, ValueError) as error:
        raise Refused(str(error)) from error
    return Upgraded(agreed, http.trailing_data[0])


async def next_event(http: h11.Connection, reader: asyncio.StreamReader) -> object:
    """Feed the parser until it returns an event."""
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(CHUNK))
    return event


def header(head: h11.Request | h11.InformationalResponse, name: bytes) -> bytes:
    """A header's value; several of one name are joined (RFC 6455 section 11.3.2)."""
    return b", ".join(value for found, value in head.headers if found == name)


def accept_value(key: bytes) -> bytes:
    """The accept key, which proves that the server read the client's key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest())


def refusal(
    http: h11.Connection, writer: asyncio.StreamWriter, status: HTTPStatus, reason: str
) -> Refused:
    """Send a client the reason of a refusal."""
    body = reason.encode("ascii", "backslashreplace") + b"\n"
    headers = [("Content-Length", str(len(body))), ("Connection", "close")]
    if status is HTTPStatus.UPGRADE_REQUIRED:
        headers += [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    if http.our_state is not h11.ERROR:
        response = h11.Response(status_code=status, headers=headers)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(http.send(event) or b"")
    return Refused(reason)
