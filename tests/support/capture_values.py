"""The values of messages, events and connections as tuples, which can be compared."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from wsdefrag.capture import CapturedConnection, CapturedEvent, CapturedMessage

MESSAGE_FIELDS = (
    "seq",
    "from_client",
    "type",
    "content",
    "timestamp_ns",
    "first_timestamp_ns",
    "dropped",
    "injected",
    "frames",
    "wire_length",
    "payload_length",
    "compressed",
    "status",
    "missing_bytes",
    "resynced",
    "unauthenticated",
    "first_packet",
    "last_packet",
)

EVENT_FIELDS = (
    "from_client",
    "event",
    "seq",
    "kind",
    "offset",
    "length",
    "missing_bytes",
    "timestamp_ns",
    "first_timestamp_ns",
    "resynced",
    "first_packet",
    "last_packet",
    "payload",
    "close_code",
    "close_reason",
    "effect",
    "incomplete",
    "undecodable",
    "lost",
    "rule",
    "error",
)

CONNECTION_FIELDS = (
    "connection",
    "uid",
    "client_address",
    "server_address",
    "request",
    "response",
    "deflate",
    "accept_key_ok",
    "midstream",
    "opened_ns",
    "started_ns",
    "last_ns",
    "first_packet",
    "last_packet",
    "close",
    "from_client",
    "from_server",
    "ended",
    "problems",
    "original_client_address",
    "original_server_address",
    "encapsulation",
    "stream_id",
    "http_version",
)


_of_message = attrgetter("connection.connection", *MESSAGE_FIELDS)
_of_connection = attrgetter(*CONNECTION_FIELDS)
_of_event = attrgetter("connection.connection", *EVENT_FIELDS)


def message_values(message: CapturedMessage) -> tuple[Any, ...]:
    values: tuple[Any, ...] = _of_message(message)
    return values


def connection_values(connection: CapturedConnection) -> tuple[Any, ...]:
    values: tuple[Any, ...] = _of_connection(connection)
    return values


def event_values(event: CapturedEvent) -> tuple[Any, ...]:
    values: tuple[Any, ...] = _of_event(event)
    return values
