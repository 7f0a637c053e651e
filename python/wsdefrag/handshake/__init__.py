r"""The opening handshake over HTTP/1.1, without I/O (RFC 6455 section 4).

- ``ServerHandshake`` reads a request and makes the answer.
- ``ClientHandshake`` makes a request and reads the answer.
- ``HandshakeTap`` reads both heads as they pass by.

Bytes after a head are kept: a frame that came with the request, or with the answer, is not lost.
``take_leftover`` gives them, for the connection or the relay.

Endpoints are strict, and say with which status a bad request is answered. A bystander reads what
the two sides understood, and counts what was wrong.

Example:
    >>> from wsdefrag.handshake import ClientHandshake, ServerHandshake
    >>> client = ClientHandshake("example.com", "/chat", subprotocols=["chat"])
    >>> server = ServerHandshake()
    >>> request = server.receive_data(client.data_to_send() + b"\x81\x80abcd")
    >>> request.target, request.subprotocols, server.take_leftover()
    ('/chat', ['chat'], b'\x81\x80abcd')
    >>> client.receive_data(server.accept(subprotocol="chat")).status
    101
    >>> client.is_accepted, client.subprotocol
    (True, 'chat')
"""

from wsdefrag.errors import HandshakeFailed
from wsdefrag.handshake.client import ClientHandshake
from wsdefrag.handshake.fields import Fields
from wsdefrag.handshake.heads import HandshakeRequest, HandshakeResponse
from wsdefrag.handshake.keys import accept_key
from wsdefrag.handshake.server import ServerHandshake
from wsdefrag.handshake.tap import HandshakeTap

__all__ = [
    "ClientHandshake",
    "Fields",
    "HandshakeFailed",
    "HandshakeRequest",
    "HandshakeResponse",
    "HandshakeTap",
    "ServerHandshake",
    "accept_key",
]
