"""wsproto's HTTP/1.1 handshake with this package's rules.

This package's handshake reads the heads: it is strict, and it keeps the bytes after them. h11
writes the answers, as in wsproto, and reads the body of a refusal. The errors are wsproto's, with
its texts where it has one for the rule.

``server_extensions_handshake`` and ``client_extensions_handshake`` answer each extension once, and
compare names without regard to case.

RFC 6455 sections 4 and 9.1, RFC 7692 section 7.1.
"""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import wsproto.handshake as theirs
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.handshake import WEBSOCKET_UPGRADE, WEBSOCKET_VERSION
from wsproto.utilities import RemoteProtocolError

from wsdefrag.compat.wsproto.connection import Connection, ConnectionType, require_rules
from wsdefrag.compat.wsproto.utilities import split_comma_header
from wsdefrag.errors import HandshakeFailed
from wsdefrag.handshake.client import ClientHandshake
from wsdefrag.handshake.server import ServerHandshake
from wsdefrag.handshake.tap import HandshakeTap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import h11
    from wsproto.extensions import Extension

    from wsdefrag.handshake.heads import HandshakeResponse
    from wsdefrag.limits import Limits
    from wsdefrag.strictness import Strictness

_VERSIONS = [(b"Sec-WebSocket-Version", WEBSOCKET_VERSION)]

# wsproto's texts, by the kind of error.
_TEXTS = {
    "accept_key": "Bad accept token",
    "connection": "Missing header, 'Connection: Upgrade'",
    "host": "Missing header, 'Host'",
    "key": "Missing header, 'Sec-WebSocket-Key'",
    "method": "Request method must be GET",
    "unsupported_version": "Missing header, 'Sec-WebSocket-Version'",
    "upgrade": "Missing header, 'Upgrade: websocket'",
    "version": "Missing header, 'Sec-WebSocket-Version'",
}
_NOT_OFFERED = re.compile('(?:extension|invalid Sec-WebSocket-Protocol) "([^"]+)"(?! is)')
# wsproto's statuses where it has one: of its exceptions for a response, too.
_STATUSES = dict.fromkeys(
    ["accept_key", "connection", "extensions", "method", "subprotocol", "upgrade"],
    HTTPStatus.BAD_REQUEST,
)

# Fields that events have as attributes.
_OF_REQUEST = {b"host", b"sec-websocket-extensions", b"sec-websocket-protocol"}
_OF_RESPONSE = {
    "connection",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "upgrade",
}


class H11Handshake(theirs.H11Handshake):
    """wsproto's ``H11Handshake``; it creates this package's ``Connection``.

    Args:
        connection_type: Which side this is.
        limits: The limits of the ``Connection``; None for no limits.
        strictness: The rules of the ``Connection``; None for those of wsproto.

    Raises:
        TypeError: If ``limits`` or ``strictness`` has the wrong type.
        ValueError: If ``strictness.utf8`` is False.
    """

    def __init__(
        self,
        connection_type: ConnectionType,
        *,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
    ) -> None:
        require_rules(limits, strictness)
        super().__init__(connection_type)
        self._limits, self._strictness = limits, strictness
        self._reader: ServerHandshake | ClientHandshake | None = None
        if not self.client:
            self._reader = ServerHandshake()

    def receive_data(self, data: bytes | None) -> None:
        """Receive bytes from the peer; ``events`` yields what they complete.

        Args:
            data: The bytes; None or none if the network connection has ended.

        Raises:
            RemoteProtocolError: If a head breaks a rule; ``event_hint`` is the answer.
        """
        reader = self._reader
        if reader is None or self._state is not ConnectionState.CONNECTING:
            super().receive_data(data)
            return
        try:
            if not data:
                if reader.bytes_buffered and not self._events and self._initiating_request is None:
                    reader.receive_eof()
                super().receive_data(data)
            elif isinstance(reader, ClientHandshake):
                self._receive_response(reader, data)
            else:
                request = reader.receive_data(data)
                if request is not None and self._initiating_request is None:
                    super().receive_data(request.head)
        except HandshakeFailed as error:
            raise _refused(error) from error

    def _process_connection_request(self, event: h11.Request) -> Request:
        assert isinstance(self._reader, ServerHandshake)
        request = self._reader.request
        assert request is not None
        try:
            host = request.host.encode("ascii").decode("idna")
        except UnicodeError as error:
            raise RemoteProtocolError(
                f"invalid host {request.host!r}", event_hint=RejectConnection()
            ) from error
        headers = [(name.lower(), value) for name, value in event.headers]
        self._initiating_request = Request(
            extensions=_elements(request.extensions),
            extra_headers=[(name, value) for name, value in headers if name not in _OF_REQUEST],
            host=host,
            subprotocols=request.subprotocols,
            target=request.target,
        )
        return self._initiating_request

    def _accept(self, event: AcceptConnection) -> bytes:
        assert self._initiating_request is not None
        assert isinstance(self._reader, ServerHandshake)
        headers = list(event.extra_headers)
        if event.extensions:
            requested: Sequence[str] = self._initiating_request.extensions  # type: ignore[assignment]
            accepts = server_extensions_handshake(requested, event.extensions)
            if accepts:
                headers.insert(0, (b"Sec-WebSocket-Extensions", accepts))
        data = super()._accept(replace(event, extensions=[], extra_headers=headers))
        self._connection = Connection(
            ConnectionType.SERVER,
            event.extensions,
            self._reader.take_leftover(),
            limits=self._limits,
            strictness=self._strictness,
        )
        return data

    def _initiate_connection(self, request: Request) -> bytes:
        data = super()._initiate_connection(request)
        tap = HandshakeTap(max_head_size=len(data))
        tap.receive_from_client(data)
        assert tap.request is not None
        asked = {"sec-websocket-extensions", "sec-websocket-protocol"}
        self._reader = ClientHandshake(
            "wsproto",
            key=tap.request.key,
            fields=[(name, value) for name, value in tap.request.fields if name.lower() in asked],
        )
        return data

    def _receive_response(self, reader: ClientHandshake, data: bytes) -> None:
        response = reader.receive_data(data)
        if response is None:
            return
        if reader.is_accepted:
            self._events.append(self._established(reader, response))
        else:
            # The body of a refusal is h11's.
            super().receive_data(response.head + reader.take_leftover())

    def _established(
        self, reader: ClientHandshake, response: HandshakeResponse
    ) -> AcceptConnection:
        assert self._initiating_request is not None
        supported: Sequence[Extension] = self._initiating_request.extensions  # type: ignore[assignment]
        extensions = client_extensions_handshake(_elements(response.extensions), supported)
        self._connection = Connection(
            ConnectionType.CLIENT,
            extensions,
            reader.take_leftover(),
            limits=self._limits,
            strictness=self._strictness,
        )
        self._state = ConnectionState.OPEN
        headers = [
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in response.fields
            if name.lower() not in _OF_RESPONSE
        ]
        return AcceptConnection(
            extensions=extensions, extra_headers=headers, subprotocol=reader.subprotocol
        )


def _refused(error: HandshakeFailed) -> RemoteProtocolError:
    """Give wsproto's exception for an error, with the answer that it suggests."""
    status = _STATUSES.get(error.kind, error.status)
    headers = _VERSIONS if error.kind in {"version", "unsupported_version"} else []
    text = _TEXTS.get(error.kind, "Bad HTTP message")
    if not_offered := _NOT_OFFERED.match(str(error)):
        text = f"unrecognized {error.kind.removesuffix('s')} {not_offered[1]}"
    return RemoteProtocolError(text, RejectConnection(headers=headers, status_code=status))


def _elements(values: Iterable[str]) -> list[str]:
    return [element for value in values for element in split_comma_header(value.encode("latin-1"))]


def server_extensions_handshake(
    requested: Iterable[str], supported: list[Extension]
) -> bytes | None:
    """Choose a server's extensions: of each that it supports, the first offer that it accepts.

    Args:
        requested: The client's offers, in its order of preference.
        supported: The extensions of the server.

    Returns:
        The value of ``Sec-WebSocket-Extensions``; None if no offer is accepted.
    """
    accepts: dict[str, str] = {}
    for offer in requested:
        name = _name(offer)
        for extension in supported:
            if extension.name.lower() != name or name in accepts:
                continue
            accept = extension.accept(offer)
            if accept is not None and accept is not False:
                parameters = "" if accept is True else accept
                accepts[name] = "; ".join([extension.name, *([parameters] if parameters else [])])
    return ", ".join(accepts.values()).encode("ascii") or None


def client_extensions_handshake(
    accepted: Iterable[str], supported: Sequence[Extension]
) -> list[Extension]:
    """Apply a server's choice of extensions.

    Args:
        accepted: The elements of ``Sec-WebSocket-Extensions`` in the response.
        supported: The extensions that the client offered.

    Returns:
        The extensions that were accepted.

    Raises:
        RemoteProtocolError: If one was not offered, was accepted twice, or has invalid parameters.
    """
    extensions: list[Extension] = []
    for accept in accepted:
        name = _name(accept)
        for extension in supported:
            if extension.name.lower() == name and extension not in extensions:
                extension.finalize(accept)
                extensions.append(extension)
                break
        else:
            raise RemoteProtocolError(
                f"unrecognized extension {name}", event_hint=RejectConnection()
            )
    return extensions


def _name(element: str) -> str:
    return element.partition(";")[0].strip().lower()


__all__ = [
    "WEBSOCKET_UPGRADE",
    "WEBSOCKET_VERSION",
    "H11Handshake",
    "client_extensions_handshake",
    "server_extensions_handshake",
]
