"""Writes HTTP/2 connections with WebSockets in them, as packets for a capture.

`Talk` lets the client and the server of the `h2` package talk to each other, so the frames, the
header compression and the flow control are theirs. `frame` writes single frames by hand, also wrong
ones.

Follows RFC 9113 (HTTP/2) and RFC 8441 (WebSockets over it).
"""

from __future__ import annotations

from collections.abc import Sequence

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived

from capture_conversation import Conversation, Segment

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client begins with (RFC 9113 section 3.4)."""

DATA = 0
HEADERS = 1
PRIORITY = 2
RST_STREAM = 3
SETTINGS = 4
PUSH_PROMISE = 5
PING = 6
GOAWAY = 7
WINDOW_UPDATE = 8
CONTINUATION = 9

END_STREAM = 0x01
END_HEADERS = 0x04
PADDED = 0x08
PRIORITY_FLAG = 0x20

Headers = Sequence[tuple[str, str]]


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    """Write a frame (RFC 9113 section 4.1)."""
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags])
    return head + stream.to_bytes(4, "big") + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    """Write SETTINGS (RFC 9113 section 6.5)."""
    payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in pairs)
    return frame(SETTINGS, payload)


def padded(payload: bytes, padding: int) -> bytes:
    """The payload of a padded frame (RFC 9113 section 6.1)."""
    return bytes([padding]) + payload + bytes(padding)


def websocket_request(
    path: str = "/chat",
    authority: str = "example.com",
    *,
    offers: str | None = None,
    fields: Headers = (),
) -> list[tuple[str, str]]:
    """The fields of a request for a WebSocket (RFC 8441 section 5)."""
    return [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", path),
        (":authority", authority),
        ("sec-websocket-version", "13"),
        *([("sec-websocket-extensions", offers)] if offers else []),
        *fields,
    ]


def websocket_answer(
    extensions: str | None = None, *, fields: Headers = ()
) -> list[tuple[str, str]]:
    """The fields of the answer to it."""
    named = [("sec-websocket-extensions", extensions)] if extensions else []
    return [(":status", "200"), *named, *fields]


class Talk:
    """An HTTP/2 connection between a client and a server of `h2`, while it is written.

    Attributes:
        tcp: The connection that carries it.
        size: Bytes a segment; None sends what one side has to send in one.
    """

    def __init__(self, tcp: Conversation | None = None, *, size: int | None = None) -> None:
        self.tcp = Conversation().open() if tcp is None else tcp
        self.size = size
        self.sides = {client: _side(client) for client in (True, False)}

    def open(
        self, server: dict[int, int] | None = None, client: dict[int, int] | None = None
    ) -> Talk:
        """Exchange prefaces with these settings; the server allows WebSockets."""
        for from_client, changes in ((True, client), (False, server)):
            side = self.sides[from_client]
            side.local_settings.update(changes or {})
            if not from_client:
                side.local_settings.enable_connect_protocol = 1
            side.initiate_connection()
        return self.flush()

    def flush(self, *, first: bool = True) -> Talk:
        """Send what both sides have to send, the client first unless told otherwise."""
        while self.send(first) or self.send(not first):
            pass
        return self

    def send(self, from_client: bool) -> list[Segment]:
        """Send what one side has to send."""
        data = self.sides[from_client].data_to_send()
        if not data:
            return []
        sent = self.tcp.say(from_client, data, size=self.size)
        receiver = self.sides[not from_client]
        for event in receiver.receive_data(data):
            if isinstance(event, DataReceived) and event.flow_controlled_length:
                receiver.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        return sent

    def ask(self, headers: Headers | None = None, *, end_stream: bool = False) -> int:
        """Send a request, for a WebSocket unless told otherwise; returns its stream's number."""
        client = self.sides[True]
        stream = client.get_next_available_stream_id()
        client.send_headers(stream, list(headers or websocket_request()), end_stream=end_stream)
        self.flush()
        return stream

    def answer(
        self, stream: int, headers: Headers | None = None, *, end_stream: bool = False
    ) -> None:
        """Send the answer to a request, the acceptance of a WebSocket unless told otherwise."""
        answer = list(headers or websocket_answer())
        self.sides[False].send_headers(stream, answer, end_stream=end_stream)
        self.flush()

    def websocket(
        self, path: str = "/chat", *, extensions: str | None = None, fields: Headers = ()
    ) -> int:
        """Ask for a WebSocket and get it; returns the number of its stream."""
        stream = self.ask(websocket_request(path, offers=extensions, fields=fields))
        self.answer(stream, websocket_answer(extensions))
        return stream

    def page(self, path: str = "/", body: bytes = b"page", *, fields: Headers = ()) -> int:
        """Ask for an ordinary page and get it; returns the number of its stream."""
        request = [(":method", "GET"), (":scheme", "http"), (":path", path)]
        authority = (":authority", "example.com")
        stream = self.ask([*request, authority, *fields], end_stream=True)
        self.answer(stream, [(":status", "200"), ("content-type", "text/html")])
        self.say(stream, False, body, end_stream=True)
        return stream

    def say(
        self,
        stream: int,
        from_client: bool,
        data: bytes,
        *,
        padding: int | None = None,
        end_stream: bool = False,
    ) -> list[Segment]:
        """Send bytes on a stream, in as many DATA frames as are allowed."""
        side = self.sides[from_client]
        sent = []
        most = side.max_outbound_frame_size - 256
        starts = range(0, len(data), most)
        for start in starts:
            part = data[start : start + most]
            last = end_stream and start == starts[-1]
            side.send_data(stream, part, end_stream=last, pad_length=padding)
            sent += self.send(from_client)
            self.flush()
        return sent

    def end(self, stream: int, *from_client: bool) -> None:
        """End a stream from these sides, or from both."""
        for side in from_client or (True, False):
            self.sides[side].end_stream(stream)
            self.flush()

    def reset(self, stream: int, from_client: bool) -> None:
        """Reset a stream (RFC 9113 section 6.4)."""
        self.sides[from_client].reset_stream(stream, ErrorCodes.CANCEL)
        self.flush()


def _side(client: bool) -> H2Connection:
    config = H2Configuration(client_side=client, header_encoding="utf-8")
    return H2Connection(config)
